# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""node_reset through its main, on a host in a directory."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.testing import patch_module_args

from ansible_collections.fletcherlabs.homelab.plugins.modules import node_reset
from tests.unit.plugins.module_utils._reset.fake_host import OTHERS, FakeHost

Call = Callable[..., dict[str, Any]]


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeHost:
    built = FakeHost(tmp_path).build()
    # the processes of this host are no processes of this machine
    built.kill(70), built.kill(71)

    def run_command(_module: Any, argv: list[str], data: str = "", **_options: Any) -> tuple[int, str, str]:
        return built.feed(argv, data) if data else built.run(argv)

    monkeypatch.setattr(AnsibleModule, "run_command", run_command)
    monkeypatch.setattr(node_reset, "ROOT", str(tmp_path))
    return built


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str]) -> Call:
    def run(check: bool = False, **options: Any) -> dict[str, Any]:
        arguments = {"host": "k3s1", "confirm": "k3s1", "_ansible_check_mode": check, "_ansible_diff": True} | options
        with patch_module_args(arguments), pytest.raises(SystemExit):
            node_reset.main()
        result: dict[str, Any] = json.loads(capsys.readouterr().out)
        return result

    return run


def test_check_mode_touches_nothing_and_tells_what_the_real_run_does(fake: FakeHost, call: Call) -> None:
    before = {path: path.lstat().st_mtime_ns for path in fake.root.rglob("*")}
    rehearsed = call(check=True)
    assert {path: path.lstat().st_mtime_ns for path in fake.root.rglob("*")} == before
    real = call()
    assert {key: rehearsed[key] for key in ("changed", "actions", "diff", "reboot_required")} == {
        key: real[key] for key in ("changed", "actions", "diff", "reboot_required")
    }
    assert real["changed"] and real["reboot_required"]
    assert real["diff"]["before"].splitlines()[:2] == ["cilium_host", "cilium_net"]
    assert all(fake.at(path).exists() or fake.at(path).is_symlink() for path in OTHERS)


def test_second_run_changes_nothing_and_remembers_the_boot(fake: FakeHost, call: Call) -> None:
    call()
    again = call()
    assert not again["changed"] and again["actions"] == []
    assert again["reboot_required"] and "not booted since" in again["reboot_reason"]
    assert again["kept"] == ["/var/lib/rancher/k3s/storage", "/var/lib/longhorn"]


def test_refusal_names_the_host_and_lists_its_reasons(fake: FakeHost, call: Call) -> None:
    fake.write("/etc/fstab", "/mnt/ssd-1/kubelet /var/lib/kubelet none bind 0 0\n")
    result = call(confirm="k3s-1")
    assert result["failed"] and len(result["reasons"]) == 2
    assert result["msg"].startswith("k3s1: 'k3s-1' was confirmed, expected 'k3s1'")
    assert result["reasons"][1] == (
        "line 1 of /etc/fstab mounts /mnt/ssd-1/kubelet at /var/lib/kubelet, expected no line about /var/lib/kubelet; "
        "take the line out, or it will mount that again at the next boot"
    )
    assert fake.at("/sys/class/net/cilium_host").exists()


def test_failing_command_is_told_with_what_was_tried(
    fake: FakeHost, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fake, "_umount", lambda point: (32, "", "umount: target is busy."))
    assert "could not unmount /run/cilium/cgroupv2 (cgroup2 none): 'timeout" in call()["msg"]
