# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""storage_pools with recorded answers of findmnt, blkid and zfs, and a folder for mount points."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.testing import patch_module_args

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._pools import apply as apply_pools
from ansible_collections.fletcherlabs.homelab.plugins.modules import storage_pools

UUID = "5c9f3d5e-0d0f-4a7e-9d5f-2f6c7d1e8b3a"


class Machine:
    """Answers commands; `mount` mounts."""

    def __init__(self, folder: Path) -> None:
        self.mounts: list[dict[str, Any]] = [{"target": "/", "source": "/dev/sda1", "fstype": "ext4", "uuid": None}]
        self.devices: dict[str, str] = {UUID: "/dev/md127"}
        self.calls: list[Sequence[str]] = []
        self.fstab = folder / "fstab"
        self.fstab.write_text("# mine\nLABEL=root / ext4 defaults 0 1")
        self.sharenfs = "off"

    def __call__(self, argv: Sequence[str], **_: Any) -> tuple[int, str, str]:
        self.calls.append(argv)
        if argv[0] == "findmnt":
            return 0, json.dumps({"filesystems": self.mounts}), ""
        if argv[0] == "blkid" and "--match-token" in argv:
            uuid = argv[argv.index("--match-token") + 1].removeprefix("UUID=")
            return (0, f"{self.devices[uuid]}\n", "") if uuid in self.devices else (2, "", "")
        if argv[0] == "blkid":
            return 0, "xfs\n", ""
        if argv[0] == "zfs":
            return 0, f"{self.sharenfs}\n", ""
        if argv[0] == "mount":
            self.mounts.append({"target": argv[-1], "source": argv[-2], "fstype": "xfs", "uuid": UUID, "options": "rw"})
        return 0, "", ""

    def programs(self) -> list[str]:
        return [argv[0] for argv in self.calls]


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    machine = Machine(tmp_path)
    monkeypatch.setattr(storage_pools, "FSTAB", machine.fstab)
    monkeypatch.setattr(storage_pools, "run_program", machine)
    # immutable folders would outlive the test
    monkeypatch.setattr(apply_pools, "make_immutable", lambda _path: "")
    return machine


def call(capsys: pytest.CaptureFixture[str], *pools: dict[str, Any], **more: Any) -> dict[str, Any]:
    with patch_module_args({"pools": list(pools)} | more), pytest.raises(SystemExit):
        storage_pools.main()
    result: dict[str, Any] = json.loads(capsys.readouterr().out)
    return result


def test_a_pool_is_mounted_by_its_uuid_once(
    machine: Machine, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pool = {"path": str(tmp_path / "rust"), "uuid": UUID}
    rehearsal = call(capsys, pool, _ansible_check_mode=True)
    assert not (tmp_path / "rust").exists()
    assert "mount" not in machine.programs()
    done = call(capsys, pool)
    assert (done["actions"], done["diff"]) == (rehearsal["actions"], rehearsal["diff"])
    assert [action["kind"] for action in done["actions"]] == ["directory", "fstab", "mount"]
    line = f"UUID={UUID} {tmp_path}/rust xfs defaults,nofail,x-systemd.device-timeout=120s 0 0"
    assert machine.fstab.read_text() == f"# mine\nLABEL=root / ext4 defaults 0 1\n{line}\n"
    assert done["pools"][0] | {"unit": ""} == {
        "path": str(tmp_path / "rust"), "source": "/dev/md127", "filesystem": "xfs", "uuid": UUID, "unit": ""
    }  # fmt: skip
    assert not call(capsys, pool)["changed"]
    # nothing that could write to a device was ever asked for
    assert set(machine.programs()) <= {"findmnt", "blkid", "mount", "systemctl"}


def test_a_pool_that_is_absent_is_refused_and_nothing_is_touched(
    machine: Machine, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    machine.devices = {}
    before = machine.fstab.read_text()
    result = call(capsys, {"path": str(tmp_path / "rust"), "uuid": UUID}, {"path": str(tmp_path / "other")})
    assert len(result["problems"]) == 2
    assert result["msg"].startswith("nothing was touched, since no device has the file system")
    assert machine.fstab.read_text() == before
    assert not (tmp_path / "rust").exists()


def test_two_devices_with_one_uuid(machine: Machine, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    machine.devices = {UUID: "/dev/sdb1\n/dev/sdc1"}
    result = call(capsys, {"path": str(tmp_path / "rust"), "uuid": UUID})
    assert f"/dev/sdb1 and /dev/sdc1 both have the UUID {UUID}, expected one" in result["msg"]


def test_pools_of_zfs_are_taken_as_they_are(machine: Machine, capsys: pytest.CaptureFixture[str]) -> None:
    machine.mounts.append({"target": "/mnt/rust", "source": "rust", "fstype": "zfs", "uuid": None, "options": "rw"})
    done = call(capsys, {"path": "/mnt/rust", "filesystem": "zfs"})
    assert (done["changed"], done["pools"][0]["unit"]) == (False, "mnt-rust.mount")
    machine.sharenfs = "rw=@192.0.2.0/24"
    assert "run: zfs set sharenfs=off rust" in call(capsys, {"path": "/mnt/rust"})["msg"]


def test_a_mount_that_does_not_hold(machine: Machine, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    real = machine.mounts
    machine.mounts = type("Deaf", (list,), {"append": lambda *_: None})(real)
    result = call(capsys, {"path": str(tmp_path / "rust"), "uuid": UUID})
    assert result["msg"].startswith("this is left after everything was done, expected nothing: ")
    assert "mount /dev/md127 (xfs)" in result["msg"]
