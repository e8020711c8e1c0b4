# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A controller killed at any moment of the first build leaves nothing that the next run does not finish."""

from __future__ import annotations

import os
import random
import re
import time

import pytest

from tests.twin import Twin, kill_controller

KILLS = int(os.environ.get("ACCEPTANCE_KILLS", "10"))
SEED = int(os.environ.get("ACCEPTANCE_SEED", str(random.SystemRandom().randrange(10**6))))
MACHINES = ("r730", "k3s-master1", "k3s1", "k3s2", "k3s3")

# what an interrupted atomic write may leave beside its target
HALF_WRITTEN = (
    "find /etc /usr/local /var/lib/rancher -xdev "
    r"\( -name '.ansible_tmp*' -o -name '*.part' -o -name '.homelab-*' \) -print 2>/dev/null || true"
)


@pytest.fixture(scope="module")
def build_seconds(twin: Twin) -> float:
    """How long an undisturbed first build takes here; kills are spread over it."""
    twin.fresh()
    started = time.monotonic()
    run = twin.play()
    assert run.status == 0, run.output[-4000:]
    return time.monotonic() - started


@pytest.mark.parametrize("attempt", range(KILLS))
def test_next_run_converges_after_sigkill(twin: Twin, build_seconds: float, attempt: int) -> None:
    moment = random.Random(SEED + attempt).uniform(0.02, 0.98) * build_seconds
    twin.fresh()
    process = twin.start()
    time.sleep(moment)
    kill_controller(process)
    print(f"seed {SEED}, attempt {attempt}: killed after {moment:.1f} s of {build_seconds:.1f} s")

    run = twin.play()
    assert run.status == 0, f"killed after {moment:.1f} s\n{run.output[-4000:]}"
    again = twin.play()
    assert again.status == 0, again.output[-4000:]
    assert not re.findall(r"changed=[1-9]", again.output), again.output[-4000:]
    for machine in MACHINES:
        assert twin.on(machine, HALF_WRITTEN) == ""
