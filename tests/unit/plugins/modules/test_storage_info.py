# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""storage_info on a folder that stands for a machine."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.testing import patch_module_args

from ansible_collections.fletcherlabs.homelab.plugins.modules import storage_info

PLACE = {"path": "/var/lib/longhorn", "reserve": "40%"}


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("etc", "proc/self", "var/lib"):
        (tmp_path / name).mkdir(parents=True)
    monkeypatch.setattr(storage_info, "ROOT", tmp_path)
    return tmp_path


def call(capsys: pytest.CaptureFixture[str], **options: Any) -> dict[str, Any]:
    with patch_module_args(options), pytest.raises(SystemExit):
        storage_info.main()
    result: dict[str, Any] = json.loads(capsys.readouterr().out)
    return result


def test_a_fit_machine(machine: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (machine / "var/lib/kubelet").mkdir()
    (machine / "proc/self/mounts").write_text("tmpfs /var/lib/kubelet/pods/1/volumes/x tmpfs rw 0 0\n")
    result = call(capsys, directories=[PLACE])
    assert (result["changed"], result["problems"]) == (False, [])
    (directory,) = result["directories"]
    assert directory["reserved"] == directory["size"] * 40 // 100 // 2**20 * 2**20


def test_what_the_incidents_left(machine: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (machine / "var/lib/kubelet").symlink_to("/var/lib/rancher/k3s/agent/kubelet")
    (machine / "etc/fstab").write_text("/a /var/lib/kubelet/pods none bind,rshared 0 0\n")
    (machine / "proc/self/mounts").write_text("/dev/sda1 /var/lib/kubelet ext4 rw 0 0\n")
    problems = call(capsys, directories=[PLACE, PLACE | {"path": "/var/lib/longhorn/more"}])["problems"]
    assert [sentence.partition(",")[0] for sentence in problems] == [
        "/var/lib/kubelet is a link to /var/lib/rancher/k3s/agent/kubelet",
        "/etc/fstab mounts /var/lib/kubelet/pods",
        "something is mounted at /var/lib/kubelet",
        "/var/lib/longhorn/more lies inside /var/lib/longhorn",
    ]


@pytest.mark.usefixtures("machine")
def test_a_reserve_that_is_no_size(capsys: pytest.CaptureFixture[str]) -> None:
    assert (
        "the reserve of /var/lib/longhorn: 'x' is no size"
        in call(capsys, directories=[PLACE | {"reserve": "x"}])["msg"]
    )
