# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: what only nvidia-smi knows of a card, from its own table."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import replace

from .model import Ecc, Gpu

FIELDS = ("pci.bus_id", "name", "uuid", "memory.total", "ecc.mode.current", "ecc.mode.pending")
QUERY = ("nvidia-smi", f"--query-gpu={','.join(FIELDS)}", "--format=csv,noheader,nounits")
MODES = {"Enabled": True, "Disabled": False}


def with_answers(gpus: Sequence[Gpu], text: str) -> tuple[Gpu, ...]:
    """The GPUs with what nvidia-smi printed of them."""
    rows = {_address(row[0]): row for row in csv.reader(text.splitlines(), skipinitialspace=True) if len(row) == 6}
    return tuple(_with_row(gpu, rows[gpu.address]) if gpu.address in rows else gpu for gpu in gpus)


def _address(bus_id: str) -> str:
    """0000:3b:00.0 of 00000000:3B:00.0."""
    return bus_id.strip().lower()[-12:]


def _with_row(gpu: Gpu, row: Sequence[str]) -> Gpu:
    _bus, name, uuid, memory, current, pending = (cell.strip() for cell in row)
    return replace(
        gpu,
        model=name or gpu.model,
        uuid=uuid,
        memory_mib=int(memory) if memory.isdigit() else None,
        # [N/A] on cards without
        ecc=Ecc(MODES.get(current), MODES.get(pending)),
    )
