# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
from pathlib import Path

import pytest

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._disks.errors import ProbeError
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._disks.model import Disk, Signature
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._disks.probe_contents import (
    health_of,
    marks_by_tools,
    reader,
)
from tests.unit.plugins.module_utils._disks.fake_machine import Script

CAPTURES = Path(__file__).parents[3] / "fixtures/loop_devices"
PLACES = [(f"/dev/loop{number}", "whole disk") for number in range(40, 47)]
WIPEFS = ["wipefs", "--json", "--output", "device,type,label,uuid"]
BLKID = ["blkid", "--probe", "--output", "export"]


def captured(name: str) -> str:
    return (CAPTURES / name).read_text()


def test_signatures_are_read_from_what_the_tools_really_print() -> None:
    devices = [path for path, _place in PLACES]
    run = Script(
        ([*WIPEFS, *devices], (0, captured("wipefs.json"), "")),
        ([*BLKID, *devices], (0, captured("blkid.txt"), "")),
    )
    found = marks_by_tools(run, PLACES)
    run.done()
    kinds = {path[len("/dev/") :]: sorted({mark.kind for mark in marks}) for path, marks in found.items()}
    assert kinds == {
        "loop40": ["ext4"],
        "loop41": ["xfs"],
        "loop42": ["LVM2_member"],
        "loop43": ["crypto_LUKS"],
        "loop44": ["PMBR", "gpt"],
        "loop45": ["dos", "linux_raid_member", "ntfs"],
        "loop46": [],
    }
    labels = {mark.label for mark in found["/dev/loop40"]}
    assert labels == {"my photos"}


def test_partitions_are_told_from_their_disk() -> None:
    answer = json.dumps({"signatures": [{"device": "sda1", "type": "vfat", "label": None, "uuid": "AB"}]})
    run = Script(
        ([*WIPEFS, "/dev/sda", "/dev/sda1"], (0, answer, "")), ([*BLKID, "/dev/sda", "/dev/sda1"], (2, "", ""))
    )
    found = marks_by_tools(run, [("/dev/sda", "whole disk"), ("/dev/sda1", "sda1")])
    assert found == {"/dev/sda": [], "/dev/sda1": [Signature("vfat", "sda1", "", "AB")]}


def test_no_command_is_run_for_no_disks() -> None:
    assert marks_by_tools(Script(), []) == {}


@pytest.mark.parametrize("broken", ["wipefs", "blkid"])
def test_a_tool_that_fails_is_no_proof_of_a_blank_disk(broken: str) -> None:
    answers = {"wipefs": (0, "", ""), "blkid": (2, "", ""), broken: (4, "", "I/O error")}
    run = Script(([*WIPEFS, "/dev/sda"], answers["wipefs"]), ([*BLKID, "/dev/sda"], answers["blkid"]))
    with pytest.raises(
        ProbeError, match=f"{broken} ended with status 4 \\(I/O error\\), so signatures cannot be ruled out"
    ):
        marks_by_tools(run, [("/dev/sda", "whole disk")])


def test_a_disk_that_ends_early_is_an_error_and_not_zeros(tmp_path: Path) -> None:
    image = tmp_path / "disk"
    image.write_bytes(bytes(1000))
    with reader(str(image), 4096) as read, pytest.raises(OSError, match="it ends at byte 1000 of 4096"):
        read(0, 4096)
    with reader(str(image), 1000) as read:
        assert (read(996, 100), read(1000, 1), read(-1, 1)) == (bytes(4), b"", b"")


NVME = Disk("nvme0n1", "/dev/nvme0n1", "259:0", 1, transport="nvme")
SAS = Disk("sda", "/dev/sda", "8:0", 1, transport="sas")


def smart(**report: object) -> tuple[int, str, str]:
    return 0, json.dumps(report), ""


HEALTH = [
    ("well", SAS, smart(smart_status={"passed": True}), None, ""),
    ("failed", SAS, (8, json.dumps({"smart_status": {"passed": False}}), ""), None, "SMART health check failed"),
    ("asleep or not supported", SAS, (2, "{}", ""), None, ""),
    ("no smartctl", SAS, (127, "", ""), None, ""),
    (
        "nvme warning",
        NVME,
        smart(smart_status={"passed": False}, nvme_smart_health_information_log={"critical_warning": 9}),
        None,
        "spare space is low, media is read-only",
    ),
    ("nvme-cli instead", NVME, (127, "", ""), (0, '{"critical_warning": 4}', ""), "reliability is degraded"),
    ("nvme-cli, well", NVME, (127, "", ""), (0, '{"critical_warning": 0}', ""), ""),
    ("neither", NVME, (127, "", ""), (127, "", ""), ""),
]


@pytest.mark.parametrize(("_name", "disk", "smartctl", "nvme", "failing"), HEALTH, ids=[row[0] for row in HEALTH])
def test_health_is_what_the_disk_says(
    _name: str, disk: Disk, smartctl: tuple[int, str, str], nvme: tuple[int, str, str] | None, failing: str
) -> None:
    calls = [(["smartctl", "--json", "--health", "--nocheck=standby", "--drivedb=/dev/null", disk.path], smartctl)]
    if nvme is not None:
        calls.append((["nvme", "smart-log", "--output-format=json", disk.path], nvme))
    run = Script(*calls)
    assert health_of(run, disk) == failing
    run.done()


def test_health_is_not_asked_of_disks_that_have_none() -> None:
    assert health_of(Script(), Disk("loop0", "/dev/loop0", "7:0", 1, transport="loop")) == ""
    assert health_of(None, SAS) == ""
