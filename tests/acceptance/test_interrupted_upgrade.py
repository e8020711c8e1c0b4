# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A controller killed at any moment of an upgrade: the next run finishes it. Each attempt goes one release further."""

from __future__ import annotations

import os
import random
import time

import pytest

from tests.releases import have_release
from tests.twin import Twin, kill_controller

KILLS = int(os.environ.get("ACCEPTANCE_KILLS", "10"))
SEED = int(os.environ.get("ACCEPTANCE_SEED", str(random.SystemRandom().randrange(10**6))))
FIRST = 6


def upgrade_to(twin: Twin, patch: int) -> tuple[str, ...]:
    """The playbook that takes the cluster to one more release, which the mirror then has."""
    version = f"v1.32.{patch}+k3s1"
    have_release(twin, version)
    return "playbooks/upgrade_cluster.yml", "-e", f"homelab_k3s_version={version}"


def versions(twin: Twin) -> set[str]:
    return {item["status"]["nodeInfo"]["kubeletVersion"] for item in twin.get("nodes")["items"]}


@pytest.fixture(scope="module")
def upgrade_seconds(small: Twin) -> float:
    """How long an undisturbed upgrade takes here; kills are spread over it."""
    started = time.monotonic()
    run = small.play(*upgrade_to(small, FIRST))
    assert run.status == 0, run.output[-4000:]
    return time.monotonic() - started


@pytest.mark.parametrize("attempt", range(KILLS))
def test_next_run_converges_after_sigkill(small: Twin, upgrade_seconds: float, attempt: int) -> None:
    moment = random.Random(SEED + attempt).uniform(0.02, 0.98) * upgrade_seconds
    cluster = small.get("namespace", "kube-system")["metadata"]["uid"]
    playbook = upgrade_to(small, FIRST + 1 + attempt)
    process = small.start(*playbook)
    time.sleep(moment)
    kill_controller(process)
    print(f"seed {SEED}, attempt {attempt}: killed after {moment:.1f} s of {upgrade_seconds:.1f} s")

    run = small.play(*playbook)
    assert run.status == 0, f"killed after {moment:.1f} s\n{run.output[-4000:]}"
    again = small.play(*playbook)
    assert again.status == 0 and not again.changed, again.output[-4000:]
    assert versions(small) == {f"v1.32.{FIRST + 1 + attempt}+k3s1"}
    assert small.get("namespace", "kube-system")["metadata"]["uid"] == cluster
    assert not any(item["spec"].get("unschedulable") for item in small.get("nodes")["items"])
