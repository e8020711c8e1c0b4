# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which of a host's processes are K3s' containers."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._reset.processes import own_processes, send_kill
from tests.unit.plugins.module_utils._reset.fake_host import FakeHost

SHIM = "/var/lib/rancher/k3s/data/0a1b/bin/containerd-shim-runc-v2"


def found(fake: FakeHost) -> list[int]:
    return [process.number for process in own_processes(str(fake.root))]


def test_shims_their_descendants_and_what_lost_its_shim_are_ours(tmp_path: Path) -> None:
    fake = FakeHost(tmp_path)
    fake.process(1, 0, "/sbin/init")
    fake.process(10, 1, SHIM)
    fake.process(11, 10, "/pause")
    fake.process(12, 11, "nginx: worker")
    fake.process(20, 1, "/orphan", "4:memory:/kubepods/burstable/pod1\n0::/system.slice")
    fake.process(21, 1, "/orphan", "0::/kubepods.slice/kubepods-pod1.slice")
    assert found(fake) == [10, 11, 12, 20, 21]


def test_others_are_not(tmp_path: Path) -> None:
    fake = FakeHost(tmp_path)
    fake.process(1, 0, "/sbin/init")
    fake.process(10, 1, "/usr/bin/containerd-shim-runc-v2", "0::/system.slice/docker.service")
    fake.process(11, 10, "/inner", "0::/docker/ab/kubelet/kubepods/pod1")
    fake.process(12, 1, "/usr/local/bin/k3s")
    fake.process(13, 1, "/var/lib/rancher/k3s/data/0a1b/bin/kubectl")
    assert found(fake) == []


def test_whoever_asks_is_left_out_with_all_above_it(tmp_path: Path) -> None:
    fake = FakeHost(tmp_path)
    fake.process(1, 0, SHIM)
    fake.process(5, 1, "/shell")
    fake.process(os.getpid(), 5, "python3")
    fake.process(9, 1, "/pause")
    assert found(fake) == [9]


def test_kill_ends_a_process_and_takes_an_ended_one_for_done() -> None:
    with subprocess.Popen(["sleep", "60"]) as child:
        send_kill(child.pid)
        assert child.wait(10) == -signal.SIGKILL
    send_kill(child.pid)
