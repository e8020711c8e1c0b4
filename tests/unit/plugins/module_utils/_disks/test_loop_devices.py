# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The modules on real block devices: loop devices 40 to 47, real mkfs, real mounts, real kills.

Skipped unless HOMELAB_LOOP_TESTS=1 says that these loop devices may be written.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.testing import patch_module_args

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._disks import judge
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._disks.apply import Machine, apply
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._disks.errors import ApplyError
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._disks.model import Action
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._disks.probe import probe_one
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._disks.probe_identity import Paths
from ansible_collections.fletcherlabs.homelab.plugins.modules import disk_info, disk_layout
from tests.unit.plugins.module_utils._disks import loop_disks
from tests.unit.plugins.module_utils._disks.loop_disks import GIB, MIB, SIGNATURES, Shelf, must, run

pytestmark = pytest.mark.skipif(bool(loop_disks.why_not()), reason=loop_disks.why_not() or "may run")


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shelf]:
    paths = Paths(fstab=tmp_path / "fstab")
    paths.fstab.write_text("# by hand\n")
    for module in (disk_layout, disk_info):
        monkeypatch.setattr(module, "Paths", lambda: paths)
    with loop_disks.shelf(tmp_path) as made:
        yield made


def tier(shelf: Shelf, count: int = 1, serial: str = "D*", **more: object) -> dict[str, object]:
    select = {"transport": ["loop"], "serial": [serial]}
    return {"name": "fast", "count": count, "select": select, "mount": f"{shelf.folder}/mnt/fast-{{n}}", **more}


def call(capsys: pytest.CaptureFixture[str], module: Any, check: bool = False, **options: object) -> dict[str, Any]:
    capsys.readouterr()
    with patch_module_args({**options, "_ansible_check_mode": check}), pytest.raises(SystemExit):
        module.main()
    return json.loads(capsys.readouterr().out)


def mounted(shelf: Shelf, slot: int) -> str:
    """The serial of what is mounted at a slot's mount point."""
    status, stdout, _stderr = run(["findmnt", "--noheadings", "--output=SOURCE", f"{shelf.folder}/mnt/fast-{slot}"])
    by_device = {device: serial for serial, device in shelf.plugged.items()}
    return by_device[stdout.strip()] if status == 0 else ""


@pytest.mark.parametrize("filesystem", ["ext4", "xfs"])
def test_check_then_real_then_again_then_check(
    shelf: Shelf, capsys: pytest.CaptureFixture[str], filesystem: str
) -> None:
    shelf.new("D1", 320 * MIB + 12345 * 512)
    options = {"tiers": [tier(shelf, filesystem=filesystem, owner="1000", mode="0750", options=["noatime"])]}
    before = shelf.digest("D1")
    predicted = call(capsys, disk_layout, check=True, **options)
    assert shelf.digest("D1") == before
    assert not (shelf.folder / "mnt").exists()
    real = call(capsys, disk_layout, **options)
    again = call(capsys, disk_layout, **options)
    checked = call(capsys, disk_layout, check=True, **options)
    assert [result["changed"] for result in (predicted, real, again, checked)] == [True, True, False, False]
    assert predicted["actions"] == real["actions"]
    assert predicted["diff"]["after"] == real["diff"]["after"] == again["diff"]["before"] == again["diff"]["after"]
    assert mounted(shelf, 1) == "D1"
    found = os.stat(shelf.folder / "mnt/fast-1")
    assert (found.st_uid, found.st_mode & 0o7777) == (1000, 0o750)
    must("findmnt", "--verify", "--tab-file", f"{shelf.folder}/fstab")
    must("umount", f"{shelf.folder}/mnt/fast-1")
    with pytest.raises(PermissionError):
        (shelf.folder / "mnt/fast-1/stray").write_text("would land on the root disk")


@pytest.mark.parametrize("name", SIGNATURES)
def test_a_disk_of_somebody_is_refused_untouched_and_erased_only_by_name(
    shelf: Shelf, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    size, make = SIGNATURES[name]
    make(shelf.new("D1", size), size)
    shelf.new("D2")
    before = [shelf.digest(serial) for serial in ("D1", "D2")]
    [found] = [disk for disk in call(capsys, disk_info)["disks"] if disk["serial"] == "D1"]
    assert not found["usable"]
    refused = call(capsys, disk_layout, tiers=[tier(shelf, 2)])
    assert refused["failed"]
    assert {refusal["serial"] for refusal in refused["refusals"]} == {"D1"}
    assert "list its serial 'D1' under wipe" in refused["msg"]
    assert [shelf.digest(serial) for serial in ("D1", "D2")] == before
    assert not (shelf.folder / "mnt").exists()
    named = call(capsys, disk_layout, tiers=[tier(shelf, 2)], wipe=["D1"])
    assert [action["target"] for action in named["actions"] if action["kind"] == "erase"] == ["fast-1"]
    assert (mounted(shelf, 1), mounted(shelf, 2)) == ("D1", "D2")
    assert not call(capsys, disk_layout, tiers=[tier(shelf, 2)], wipe=["D1"])["changed"]


def test_a_disk_in_use_is_refused_even_when_it_is_named(shelf: Shelf, capsys: pytest.CaptureFixture[str]) -> None:
    must("mke2fs", "-q", "-t", "ext4", shelf.new("D1"))
    must("mkswap", shelf.new("D2"))
    held = shelf.new("D3")
    shelf.new("D4")
    shelf.unplug("D4")
    shelf.plug("D4", read_only=True)
    elsewhere = shelf.folder / "mnt/elsewhere"
    elsewhere.mkdir(parents=True)
    must("mount", shelf.plugged["D1"], str(elsewhere))
    must("swapon", shelf.plugged["D2"])
    holder = os.open(held, os.O_RDONLY | os.O_EXCL)
    try:
        refused = call(capsys, disk_layout, tiers=[tier(shelf, 4)], wipe=["D1", "D2", "D3", "D4"])
    finally:
        must("swapoff", shelf.plugged["D2"])
        os.close(holder)
    reasons = {refusal["serial"]: refusal["message"] for refusal in refused["refusals"]}
    assert f"is mounted at {elsewhere}" in reasons["D1"]
    assert "is used as swap" in reasons["D2"]
    assert "is opened exclusively by another program" in reasons["D3"]
    assert "is read-only" in reasons["D4"]


def test_two_disks_with_one_serial_are_refused(shelf: Shelf, capsys: pytest.CaptureFixture[str]) -> None:
    shelf.new("D1")
    (shelf.folder / "other").mkdir()
    (shelf.folder / "other/D1.img").write_bytes(bytes(64 * MIB))
    shelf.plug("D1", folder="other")
    refused = call(capsys, disk_layout, tiers=[tier(shelf, 2)])
    assert all(
        "has the serial of another disk (loop40, loop41)" in refusal["message"] for refusal in refused["refusals"]
    )


def test_slots_may_be_shuffled_and_a_disk_replaced(shelf: Shelf, capsys: pytest.CaptureFixture[str]) -> None:
    for serial in ("D1", "D2", "D3"):
        shelf.new(serial)
    tiers = [tier(shelf, 3)]
    call(capsys, disk_layout, tiers=tiers)
    for slot in (1, 2, 3):
        (shelf.folder / f"mnt/fast-{slot}/diary").write_text(f"of slot {slot}")
        must("umount", f"{shelf.folder}/mnt/fast-{slot}")
    for serial in ("D1", "D2", "D3"):
        shelf.unplug(serial)
    shelf.plug("D3", 40)
    shelf.plug("D1", 43)
    # D2 is dead: its slot is named, the others are mounted where they were.
    without = call(capsys, disk_layout, tiers=tiers)
    assert "missing" in without, without["msg"]
    assert [(missing["tier"], missing["slot"]) for missing in without["missing"]] == [("fast", 2)]
    assert [mounted(shelf, slot) for slot in (1, 2, 3)] == ["D1", "", "D3"]
    # A disk with somebody's data in its place: refused, and the data are still there.
    must("mke2fs", "-q", "-t", "ext4", "-L", "photos", shelf.new("D8"))
    photos = shelf.digest("D8")
    assert "where a blank disk for fast-2 is wanted" in call(capsys, disk_layout, tiers=tiers)["msg"]
    assert shelf.digest("D8") == photos
    shelf.unplug("D8")
    shelf.new("D9")
    assert call(capsys, disk_layout, tiers=tiers)["missing"] == []
    assert [mounted(shelf, slot) for slot in (1, 2, 3)] == ["D1", "D9", "D3"]
    for slot in (1, 3):
        assert (shelf.folder / f"mnt/fast-{slot}/diary").read_text() == f"of slot {slot}"
    lines = (shelf.folder / "fstab").read_text().splitlines()
    assert len(lines) == 4
    assert lines[0] == "# by hand"


@pytest.mark.parametrize("survive", range(9))
@pytest.mark.parametrize("filesystem", ["ext4", "xfs"])
def test_a_run_killed_at_any_boundary_is_continued(
    shelf: Shelf, capsys: pytest.CaptureFixture[str], filesystem: str, survive: int
) -> None:
    must("mke2fs", "-q", "-t", "ext4", "-L", "photos", shelf.new("D1", 320 * MIB))
    must("mke2fs", "-q", "-t", "ext4", "-L", "bystander", shelf.new("X1"))
    bystander = shelf.digest("X1")
    options = {"tiers": [tier(shelf, filesystem=filesystem, serial="D1", owner="1000")], "wipe": ["D1"]}
    kinds = [action["kind"] for action in call(capsys, disk_layout, check=True, **options)["actions"]]
    assert kinds == ["erase", "claim", "format", "release", "directory", "fstab", "mount", "owner"]
    apply_until_killed(options, survive)
    rest = call(capsys, disk_layout, **options)
    assert rest["changed"] == (survive < len(kinds))
    assert mounted(shelf, 1) == "D1"
    assert not call(capsys, disk_layout, **options)["changed"]
    assert shelf.digest("X1") == bystander


def apply_until_killed(options: dict[str, Any], survive: int) -> None:
    child = os.fork()
    if child == 0:
        seen: list[Action] = []

        def count(action: Action) -> None:
            seen.append(action)
            if len(seen) > survive:
                os.kill(os.getpid(), signal.SIGKILL)

        try:
            machine = Machine(run, disk_layout.Paths())
            with_defaults = {"wipe": [], **options}
            _layout, _snapshot, plan = disk_layout.decide(machine, with_defaults)
            apply(machine, plan.actions, count)
        finally:
            os.kill(os.getpid(), signal.SIGKILL)
    _pid, status = os.waitpid(child, 0)
    assert os.WTERMSIG(status) == signal.SIGKILL


@pytest.mark.parametrize("filesystem", ["ext4", "xfs"])
def test_a_killed_mkfs_leaves_a_disk_that_is_known_as_ours(
    shelf: Shelf, capsys: pytest.CaptureFixture[str], filesystem: str
) -> None:
    options = {"tiers": [tier(shelf, filesystem=filesystem)], "wipe": []}
    seen = set()
    # Ever later, until mkfs is done before the kill comes.
    for step in range(24):
        serial = f"D{step}"
        shelf.new(serial, 300 * GIB)
        apply_until_killed(options, survive=1)
        name = shelf.plugged[serial].rpartition("/")[2]
        machine = Machine(kill_mkfs_after(0.001 * 1.6**step), disk_layout.Paths())
        _layout, _snapshot, plan = disk_layout.decide(machine, options)
        assert [action.kind for action in plan.actions][:2] == ["format", "release"]
        killed = True
        with contextlib.suppress(ApplyError):
            apply(machine, plan.actions[:1])
            killed = False
        found = probe_one(run, disk_layout.Paths(), name)
        seen.add((found.contents.filesystem is not None, bool(found.contents.data_at)))
        assert judge.state(found) in (judge.UNFINISHED, judge.MADE), found.contents
        assert call(capsys, disk_layout, **options)["changed"]
        assert mounted(shelf, 1) == serial
        must("umount", f"{shelf.folder}/mnt/fast-1")
        shelf.unplug(serial)
        (shelf.folder / "fstab").write_text("")
        if not killed:
            break
    assert not killed
    assert len(seen) > 1, f"every kill came at the same point: {seen}"


def kill_mkfs_after(delay: float) -> Any:
    def killing(argv: list[str]) -> tuple[int, str, str]:
        if not argv[0].startswith(("mke2fs", "mkfs")):
            return run(argv)
        child = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(delay)
        child.kill()
        return child.wait(), "", "killed"

    return killing
