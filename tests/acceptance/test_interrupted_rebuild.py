# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A controller killed at any moment of a rebuild loses no node: the next run brings it back under its old identity."""

from __future__ import annotations

import os
import random
import time

import pytest

from tests.twin import Twin, kill_controller

KILLS = int(os.environ.get("ACCEPTANCE_KILLS", "10"))
SEED = int(os.environ.get("ACCEPTANCE_SEED", str(random.SystemRandom().randrange(10**6))))
REBUILD = ("playbooks/rebuild_node.yml", "-e", "node=k3s1")


def break_worker(twin: Twin) -> None:
    """No binary that runs, no configuration, no service."""
    twin.on("k3s1", "systemctl stop k3s-agent; echo > /etc/rancher/k3s/config.yaml; echo > /usr/local/bin/k3s")


def identity(twin: Twin) -> tuple[str, str]:
    """The Node object, and an object that tells whether the datastore is still the same."""
    return twin.get("node", "k3s1")["metadata"]["uid"], twin.get("namespace", "kube-system")["metadata"]["uid"]


@pytest.fixture(scope="module")
def rebuild_seconds(small: Twin) -> float:
    """How long an undisturbed rebuild takes here; kills are spread over it."""
    break_worker(small)
    started = time.monotonic()
    run = small.play(*REBUILD)
    assert run.status == 0, run.output[-4000:]
    return time.monotonic() - started


@pytest.mark.parametrize("attempt", range(KILLS))
def test_next_run_converges_after_sigkill(small: Twin, rebuild_seconds: float, attempt: int) -> None:
    moment = random.Random(SEED + attempt).uniform(0.02, 0.98) * rebuild_seconds
    before = identity(small)
    break_worker(small)
    process = small.start(*REBUILD)
    time.sleep(moment)
    kill_controller(process)
    print(f"seed {SEED}, attempt {attempt}: killed after {moment:.1f} s of {rebuild_seconds:.1f} s")

    run = small.play(*REBUILD)
    assert run.status == 0, f"killed after {moment:.1f} s\n{run.output[-4000:]}"
    again = small.play(*REBUILD)
    assert again.status == 0 and not again.changed and "nothing to do" in again.text, again.output[-4000:]
    assert identity(small) == before
    assert not small.get("node", "k3s1")["spec"].get("unschedulable")
