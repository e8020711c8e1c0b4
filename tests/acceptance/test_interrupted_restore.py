# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A controller killed at any moment of a restore leaves a datastore that the next run restores whole."""

from __future__ import annotations

import os
import random
import time

import pytest

from tests.twin import Twin, kill_controller

KILLS = int(os.environ.get("ACCEPTANCE_KILLS", "10"))
SEED = int(os.environ.get("ACCEPTANCE_SEED", str(random.SystemRandom().randrange(10**6))))
RESTORE = ("playbooks/restore_cluster.yml", "-e", "backup=newest", "-e", "confirm=k3s-home")


def objects(twin: Twin) -> dict[str, str]:
    """Identity of what the backup holds."""
    kept = [("configmap/kept", "default"), ("namespace/kube-system", "default"), ("node/k3s1", "default")]
    return {name: twin.get(name, f"--namespace={space}")["metadata"]["uid"] for name, space in kept}


def damage(twin: Twin, attempt: int) -> None:
    """What a restore is for: something gone, and something that came after the backup."""
    twin.kubectl("delete", "configmap", "kept")
    twin.kubectl("create", "configmap", f"later-{attempt}", "--from-literal=a=b")


@pytest.fixture(scope="module")
def backed_up(small: Twin) -> Twin:
    """A cluster with a backup."""
    small.kubectl("create", "configmap", "kept", "--from-literal=a=b")
    run = small.play("playbooks/back_up_cluster.yml")
    assert run.status == 0, run.output[-4000:]
    return small


@pytest.fixture(scope="module")
def restore_seconds(backed_up: Twin) -> float:
    """How long an undisturbed restore takes here; kills are spread over it."""
    damage(backed_up, 0)
    started = time.monotonic()
    run = backed_up.play(*RESTORE)
    assert run.status == 0, run.output[-4000:]
    return time.monotonic() - started


@pytest.mark.parametrize("attempt", range(1, KILLS + 1))
def test_next_run_converges_after_sigkill(backed_up: Twin, restore_seconds: float, attempt: int) -> None:
    moment = random.Random(SEED + attempt).uniform(0.02, 0.98) * restore_seconds
    before = objects(backed_up)
    damage(backed_up, attempt)
    process = backed_up.start(*RESTORE)
    time.sleep(moment)
    kill_controller(process)
    print(f"seed {SEED}, attempt {attempt}: killed after {moment:.1f} s of {restore_seconds:.1f} s")

    run = backed_up.play(*RESTORE)
    assert run.status == 0, f"killed after {moment:.1f} s\n{run.output[-4000:]}"
    assert "the cluster has all" in run.text
    assert objects(backed_up) == before
    assert "later-" not in backed_up.kubectl("get", "configmaps", "--output=name")
    nodes = backed_up.get("nodes")["items"]
    ready = [item["status"] for node in nodes for item in node["status"]["conditions"] if item["type"] == "Ready"]
    assert ready == ["True"] * len(nodes)
