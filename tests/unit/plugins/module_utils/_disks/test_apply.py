# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The handlers on files in the place of disks; test_loop_devices.py has them on block devices, with real mounts."""

from __future__ import annotations

import struct
import uuid
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._disks import apply as handlers
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._disks import judge
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._disks.apply import Machine, apply, make_filesystem
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._disks.contents import claim_offset
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._disks.errors import ApplyError
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._disks.model import (
    MIB,
    Action,
    Disk,
    Layout,
    Plan,
    Selector,
    Tier,
    Volume,
)
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._disks.plan import make_plan
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._disks.probe import probe, probe_one
from tests.unit.plugins.module_utils._disks.fake_machine import FakeMachine

SIZE = 64 * MIB
KIND = ("8086:2522", "OPTANE", SIZE)


def make_ext4(argv: Sequence[str]) -> tuple[int, str, str]:
    """As much of mke2fs as the probe looks at."""
    label, identity, device = argv[argv.index("-L") + 1], argv[argv.index("-U") + 1], argv[-2]
    block = bytearray(1024)
    struct.pack_into("<I", block, 0, 1000)
    struct.pack_into("<I", block, 16, 989)
    struct.pack_into("<2s", block, 56, b"\x53\xef")
    struct.pack_into("<III", block, 92, 4, 0x42, 0)
    block[104:120] = uuid.UUID(identity).bytes
    block[120 : 120 + len(label)] = label.encode()
    with open(device, "r+b") as stream:
        stream.seek(1024)
        stream.write(block)
    return 0, "", ""


class Tools:
    """The commands of a machine; wipefs and blkid know nothing unless told, so that our own reading is what counts."""

    def __init__(self, mkfs: Callable[[Sequence[str]], tuple[int, str, str]] = make_ext4, wipefs: str = "") -> None:
        self.mkfs = mkfs
        self.wipefs = wipefs
        self.made: list[Sequence[str]] = []

    def __call__(self, argv: Sequence[str]) -> tuple[int, str, str]:
        if argv[0] == "mke2fs":
            self.made.append(argv)
            return self.mkfs(argv)
        answers = {"lsblk": (0, '{"blockdevices": []}', ""), "wipefs": (0, self.wipefs, ""), "blkid": (2, "", "")}
        assert argv[0] in answers, f"unexpected {argv}"
        return answers[argv[0]]


@pytest.fixture
def fake(tmp_path: Path) -> FakeMachine:
    made = FakeMachine(tmp_path)
    made.nvme(0, "0000:82:00.0", KIND, "S1")
    return made


def planned(fake: FakeMachine, tools: Tools, wipe: str = "") -> Plan:
    tier = Tier("optane", 1, Selector(transport=("nvme",)), f"{fake.root}/mnt/optane-{{n}}")
    snapshot = probe(tools, fake.paths, [tier.mount_at(1)], health=False)
    made = make_plan(snapshot, Layout((tier,), frozenset(wipe.split())))
    assert made.refusals == ()
    return made


def only(made: Plan, *kinds: str) -> list[Action]:
    return [action for action in made.actions if action.kind in kinds]


def write_at(fake: FakeMachine, offset: int, data: bytes) -> None:
    with (fake.root / "dev/nvme0n1").open("r+b") as stream:
        stream.seek(offset)
        stream.write(data)


def now(fake: FakeMachine) -> Disk:
    return probe_one(Tools(), fake.paths, "nvme0n1")


def test_a_blank_disk_is_claimed_formatted_and_released(fake: FakeMachine) -> None:
    tools = Tools()
    made = planned(fake, tools)
    states = []
    apply(
        Machine(tools, fake.paths),
        only(made, "claim", "format", "release"),
        lambda _: states.append(judge.state(now(fake))),
    )
    states.append(judge.state(now(fake)))
    assert states == [judge.BLANK, judge.UNFINISHED, judge.UNFINISHED, judge.MADE]
    assert judge.label_of(now(fake)) == "optane-1"
    assert now(fake).contents.claim is None
    [command] = tools.made
    assert command[-1] == str(claim_offset(SIZE) // 4096)


def test_a_disk_that_got_data_after_the_plan_is_not_claimed(fake: FakeMachine) -> None:
    made = planned(fake, Tools())
    write_at(fake, SIZE // 2 + 32 * 1024, b"precious")
    before = (fake.root / "dev/nvme0n1").read_bytes()
    with pytest.raises(ApplyError, match="has changed since it was looked at"):
        apply(Machine(Tools(), fake.paths), only(made, "claim"))
    assert (fake.root / "dev/nvme0n1").read_bytes() == before


def test_a_disk_that_only_wipefs_knows_is_not_claimed(fake: FakeMachine) -> None:
    made = planned(fake, Tools())
    seen = Tools(wipefs='{"signatures": [{"device": "nvme0n1", "type": "VMFS", "label": null, "uuid": null}]}')
    with pytest.raises(ApplyError, match="and now holds VMFS; nothing was written to it in this step"):
        apply(Machine(seen, fake.paths), only(made, "claim"))
    assert judge.state(now(fake)) == judge.BLANK


def test_a_disk_that_was_exchanged_after_the_plan_is_not_touched(fake: FakeMachine) -> None:
    made = planned(fake, Tools())
    fake.write("sys/block/nvme0n1/device/serial", "S2")
    with pytest.raises(ApplyError, match=r"is now OPTANE \(serial S2, now nvme0n1\) and was OPTANE \(serial S1"):
        apply(Machine(Tools(), fake.paths), only(made, "claim"))
    assert judge.state(now(fake)) == judge.BLANK


@pytest.mark.parametrize("kind", ["erase", "claim", "format", "release"])
def test_a_disk_that_was_taken_into_use_after_the_plan_is_not_touched(fake: FakeMachine, kind: str) -> None:
    write_at(fake, 0, b"old")
    made = planned(fake, Tools(), wipe="S1")
    fake.mount("259:0", "/srv", "/dev/nvme0n1")
    with pytest.raises(ApplyError, match="is mounted at /srv"):
        apply(Machine(Tools(), fake.paths), only(made, kind))
    assert (fake.root / "dev/nvme0n1").read_bytes()[:4] == b"old\0"


def test_nothing_is_formatted_without_our_claim(fake: FakeMachine) -> None:
    made, tools = planned(fake, Tools()), Tools()
    with pytest.raises(ApplyError, match="nothing was written to it in this step"):
        apply(Machine(tools, fake.paths), only(made, "format"))
    assert tools.made == []


def test_nothing_is_formatted_under_the_claim_of_another_slot(fake: FakeMachine) -> None:
    made, tools = planned(fake, Tools()), Tools()
    apply(Machine(tools, fake.paths), only(made, "claim"))
    [action] = only(made, "format")
    other = replace(action, volume=replace(action.volume, slot=2))
    with pytest.raises(ApplyError, match="nothing was written to it in this step"):
        apply(Machine(tools, fake.paths), [other])
    assert tools.made == []


def test_mkfs_that_fails_is_told_with_its_words(fake: FakeMachine) -> None:
    tools = Tools(lambda _argv: (1, "", "mke2fs: Invalid argument\n"))
    with pytest.raises(ApplyError, match=r"'mke2fs .*' ended with status 1: mke2fs: Invalid argument"):
        apply(Machine(tools, fake.paths), only(planned(fake, tools), "claim", "format"))
    assert judge.state(now(fake)) == judge.UNFINISHED


def test_mkfs_that_made_something_else_is_noticed(fake: FakeMachine) -> None:
    def other_label(argv: Sequence[str]) -> tuple[int, str, str]:
        return make_ext4([*argv[: argv.index("-L") + 1], "else", *argv[argv.index("-L") + 2 :]])

    tools = Tools(other_label)
    with pytest.raises(ApplyError, match=r"its file system reads back as .*'else'"):
        apply(Machine(tools, fake.paths), only(planned(fake, tools), "claim", "format"))


def test_the_claim_is_not_removed_from_what_is_not_finished(fake: FakeMachine) -> None:
    made = planned(fake, Tools())
    apply(Machine(Tools(), fake.paths), only(made, "claim"))
    with pytest.raises(ApplyError, match="nothing was written to it in this step"):
        apply(Machine(Tools(), fake.paths), only(made, "release"))
    assert now(fake).contents.claim is not None


def test_a_named_disk_is_blank_after_erasing(fake: FakeMachine) -> None:
    for offset in (0, 4096, 5 * MIB, SIZE - 1):
        write_at(fake, offset, b"x")
    apply(Machine(Tools(), fake.paths), only(planned(fake, Tools(), wipe="S1"), "erase"))
    assert judge.state(now(fake)) == judge.BLANK


def test_fstab_gets_one_line_and_keeps_the_others(fake: FakeMachine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handlers, "_is_systemd", lambda: False)
    fake.paths.fstab.write_text("# by hand\nUUID=aaaa / ext4 defaults 0 1")
    fake.paths.fstab.chmod(0o640)
    for _run in range(2):
        apply(Machine(Tools(), fake.paths), only(planned(fake, Tools()), "fstab"))
    lines = fake.paths.fstab.read_text().splitlines()
    assert lines[:2] == ["# by hand", "UUID=aaaa / ext4 defaults 0 1"]
    assert len(lines) == 3
    assert fake.paths.fstab.stat().st_mode & 0o777 == 0o640
    assert [path.name for path in fake.root.glob(".fstab*")] == []


def test_a_mount_point_that_filled_after_the_plan_is_left_alone(fake: FakeMachine) -> None:
    made = planned(fake, Tools())
    (fake.root / "mnt/optane-1").mkdir(parents=True)
    (fake.root / "mnt/optane-1/file").write_text("of somebody")
    with pytest.raises(ApplyError, match="is not an empty plain directory"):
        apply(Machine(Tools(), fake.paths), only(made, "directory"))


def test_a_file_system_that_cannot_carry_the_mark_earns_a_warning(
    fake: FakeMachine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(handlers.write, "make_immutable", lambda _path: "Operation not supported")
    machine = Machine(Tools(), fake.paths)
    apply(machine, only(planned(fake, Tools()), "directory"))
    [warning] = machine.warnings
    assert "could not be made immutable (Operation not supported), so files could land on the root disk" in warning


def test_the_owner_is_never_set_on_the_directory_below(fake: FakeMachine) -> None:
    (fake.root / "mnt/optane-1").mkdir(parents=True)
    before = (fake.root / "mnt/optane-1").stat()
    with pytest.raises(ApplyError, match="is not mounted any more"):
        apply(Machine(Tools(), fake.paths), only(planned(fake, Tools()), "owner"))
    assert (fake.root / "mnt/optane-1").stat() == before


@pytest.mark.parametrize(("kind", "program"), [("ext4", "mke2fs"), ("xfs", "mkfs.xfs")])
def test_mkfs_is_never_told_to_force_or_to_discard(fake: FakeMachine, kind: str, program: str) -> None:
    volume = Volume(Tier("optane", 1, Selector(), "/mnt/{n}", kind), 1, "S1", str(uuid.uuid4()))
    command = make_filesystem(volume, now(fake))
    assert command[0] == program
    assert not {"-f", "-F", "--force"} & set(command)
    assert "nodiscard" in command if kind == "ext4" else "-K" in command


def test_an_error_of_the_disk_is_told_and_ends_the_run(fake: FakeMachine, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_arguments: object) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(handlers.write, "put_claim", fail)
    done: list[Action] = []
    with pytest.raises(ApplyError, match=r"optane-1: claim of OPTANE .* failed: .*Input/output error"):
        apply(Machine(Tools(), fake.paths), planned(fake, Tools()).actions, done.append)
    assert len(done) == 1
