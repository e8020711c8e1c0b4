# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: the whole table from the whole evidence; pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from . import datastore, flux, gpus, machines, network, nodes, storage, volumes, workloads
from .model import Row, World

AREAS = ("machines", "nodes", "datastore", "network", "storage", "nfs", "gpu", "gitops", "workloads")


def judge(world: World, more: Sequence[Row] = ()) -> list[Row]:
    """All rows, area by area, with those that others found."""
    return sorted((*_rows(world), *more), key=lambda row: AREAS.index(row.area))


def _rows(world: World) -> Iterator[Row]:
    yield from machines.rows(world)
    yield from datastore.rows(world)
    yield from machines.layers(world)
    if "storage" in world.layers:
        yield from storage.rows(world)
    if "gpu" in world.layers:
        yield from gpus.rows(world)
    if world.silence:
        yield from nodes.blind(world)
        return
    yield from nodes.rows(world)
    yield workloads.row(world)
    if "network" in world.layers:
        yield from network.rows(world)
    if "storage" in world.layers:
        yield from volumes.rows(world)
    if "gitops" in world.layers:
        yield from flux.rows(world)
