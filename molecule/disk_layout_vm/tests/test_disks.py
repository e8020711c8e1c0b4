# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a disk layout is worth shows when disks move: the tests run in this order, on one machine."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from tests.twin import Twin

SCENARIO = Path(__file__).resolve().parents[1]
LAYOUT = str(SCENARIO / "converge.yml")
NODE = "k3s3"
SLOTS = {f"/mnt/{kind}-{n}" for kind, count in (("optane", 2), ("nvme", 2), ("ssd", 7)) for n in range(1, count + 1)}


@pytest.fixture(scope="module")
def twin() -> Twin:
    return Twin(SCENARIO / "inventory")


def disks(twin: Twin) -> dict[str, dict[str, Any]]:
    """What lsblk says of each whole disk, by serial."""
    text = twin.host(NODE).check_output("lsblk --json --output NAME,SERIAL,TRAN,MODEL,ROTA,MOUNTPOINT,FSTYPE,UUID")
    return {row["serial"]: row for row in json.loads(text)["blockdevices"]}


def mounts(twin: Twin) -> dict[str, str]:
    """Mount point -> serial of the disk that is mounted there."""
    return {str(row["mountpoint"]): serial for serial, row in disks(twin).items() if row["mountpoint"] in SLOTS}


def move(twin: Twin, *action: str) -> None:
    """Shut the machine down, do something to its disks, and start it."""
    twin.lab("power", "off", NODE)
    twin.lab("disk", *action)
    twin.lab("power", "on", NODE)


def test_the_machine_is_the_one_the_inventory_describes(twin: Twin) -> None:
    host = twin.host(NODE)
    assert host.check_output("cat /sys/class/dmi/id/sys_vendor /sys/class/dmi/id/product_name").splitlines() == [
        "Dell Inc.",
        "PowerEdge R630",
    ]
    kinds = sorted((row["tran"], row["model"].strip(), row["rota"]) for row in disks(twin).values())
    assert kinds == sorted(
        [("sata", "OS drive", False)]
        + 2 * [("nvme", "INTEL SSDPEK1A118GA", False)]
        + 2 * [("nvme", "Samsung SSD 980 PRO 1TB", False)]
        + 7 * [("sas", "SAS SSD", False)]
    )
    assert host.interface("enp2s0").addresses == ["198.18.41.31"]


def test_every_slot_is_mounted_by_uuid_and_shut_beneath(twin: Twin) -> None:
    assert set(mounts(twin)) == SLOTS
    host = twin.host(NODE)
    fstab = {line.split()[1]: line.split()[0] for line in host.file("/etc/fstab").content_string.splitlines() if line}
    for row in disks(twin).values():
        if row["mountpoint"] in SLOTS:
            assert fstab[row["mountpoint"]] == f"UUID={row['uuid']}"
    host.check_output("umount /mnt/ssd-7")
    try:
        assert host.run("touch /mnt/ssd-7/behind-the-mount").rc != 0
    finally:
        host.check_output("mount /mnt/ssd-7")


def test_after_disks_changed_their_bays_every_mount_holds_the_same_disk(twin: Twin) -> None:
    before, names = mounts(twin), {serial: row["name"] for serial, row in disks(twin).items()}
    for slot, serial in before.items():
        twin.host(NODE).check_output(f"echo {serial} > {slot}/whose")
    move(twin, "shuffle", NODE)
    moved = [serial for serial, row in disks(twin).items() if row["name"] != names[serial]]
    assert len(moved) >= 9, "the kernel has to find the disks under other names, or this shows nothing"
    assert mounts(twin) == before
    for slot, serial in before.items():
        assert twin.host(NODE).file(f"{slot}/whose").content_string.strip() == serial
    run = twin.play(LAYOUT)
    assert run.status == 0 and not run.changed, run.output


def test_a_blank_disk_takes_the_slot_of_the_one_it_replaces(twin: Twin) -> None:
    before = mounts(twin)
    move(twin, "replace", NODE, before["/mnt/ssd-3"])
    assert set(mounts(twin)) == SLOTS - {"/mnt/ssd-3"}, "a missing disk stops no boot"
    run = twin.play(LAYOUT)
    assert run.status == 0 and run.changed, run.output
    after = mounts(twin)
    assert {slot for slot in SLOTS if after[slot] != before[slot]} == {"/mnt/ssd-3"}
    assert not twin.play(LAYOUT).changed


def test_a_disk_with_data_is_refused_and_kept(twin: Twin, tmp_path: Path) -> None:
    content = b"somebody's photographs\n" * 40000
    (tmp_path / "photographs").write_bytes(content)
    before = mounts(twin)
    move(twin, "replace", NODE, before["/mnt/nvme-2"], "--data", str(tmp_path))
    serial = next(serial for serial, row in disks(twin).items() if row["fstype"] and row["mountpoint"] is None
                  and row["tran"] == "nvme")  # fmt: skip
    device = f"/dev/{disks(twin)[serial]['name']}"
    host = twin.host(NODE)
    edge = f"head --bytes=64M {device} | sha256sum"
    first = host.check_output(edge)
    run = twin.play(LAYOUT)
    assert run.status != 0
    assert serial in run.text and "under wipe" in run.text, run.output
    assert mounts(twin) == {slot: serial for slot, serial in before.items() if slot != "/mnt/nvme-2"}
    assert host.check_output(edge) == first
    found = host.check_output(f"mount -o ro {device} /media && sha256sum < /media/photographs; umount /media")
    assert found.split()[0] == hashlib.sha256(content).hexdigest()
