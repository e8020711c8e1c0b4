# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a machine on Proxmox VE needs, as tables: found, wanted, actions or refusals."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._proxmox.model import (
    GIB,
    Found,
    Image,
    Machine,
    Storage,
    Wanted,
)
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._proxmox.plan import in_words, plan
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._proxmox.refuse import needed
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._proxmox.settings import creation, described
from lab.command import ROOT
from lab.pve.access import PRIVILEGES

SHA = "ab" * 32
WANTED = Wanted(
    name="k3s-master1", node="pve", vmid=130, cores=4, memory_mib=8192, disk_gib=64,
    storage="local-lvm", bridge="vmbr0", image=Image("local", "https://example.net/noble.img", SHA),
    address="192.168.10.30/24",
    gateway="192.168.10.1", user="josh", ssh_keys=("ssh-ed25519 AAAA josh",), dns=("192.168.1.1",), start_order=1,
)  # fmt: skip
LVM, DIRECTORY = Storage("lvmthin", ("images",), 400 * GIB), Storage("dir", ("iso", "import"), 80 * GIB)
RIGHTS = {path: frozenset(names) for path, names in needed(WANTED, 130).items()}
EMPTY = Found("8.4.1", ("pve",), (), 100, {"local-lvm": LVM, "local": DIRECTORY}, privileges=RIGHTS)
MACHINE = Machine(130, "k3s-master1", "pve", running=True)
CONFIG = {
    **{key: value for key, value in creation(WANTED).items() if key != "ide2"},
    "ide2": "local-lvm:vm-130-cloudinit,media=cdrom",
    "scsi0": "local-lvm:vm-130-disk-0,iothread=1,size=64G",
    "boot": "order=scsi0",
    "tags": "homelab",
}
BUILT = replace(EMPTY, machines=(MACHINE,), config=CONFIG, volumes=frozenset({WANTED.image.volume}))
FOREIGN = {
    "name": "k3s-master1", "cores": "2", "sockets": "2", "memory": "4096", "virtio0": "old:vm-130-disk-0,size=64G",
    "net0": "virtio=BC:24:11:00:00:01,bridge=vmbr1", "tags": "lab",
}  # fmt: skip


def config(**changes: str) -> Found:
    return replace(BUILT, config={**CONFIG, **changes})


def kinds(wanted: Wanted, found: Found) -> list[str]:
    return [action.kind for action in plan(wanted, found).actions]


WHOLE = ["download_image", "create_vm", "import_disk", "grow_disk", "configure", "start", "first_boot"]
STOPPED = replace(BUILT, machines=(replace(MACHINE, running=False),))
TABLE: list[tuple[str, Wanted, Found, list[str]]] = [
    ("an empty node gets everything, in this order", WANTED, EMPTY, WHOLE),
    ("an image that is there is not downloaded again", WANTED, replace(EMPTY, volumes=BUILT.volumes), WHOLE[1:]),
    ("a machine as wanted needs nothing", WANTED, BUILT, []),
    ("one that is off is started", WANTED, STOPPED, ["start"]),
    ("a run cut off before the disk is finished", WANTED, replace(STOPPED, config={
        key: value for key, value in CONFIG.items() if key not in ("scsi0", "boot")} | {"tags": "homelab;homelab-new"}),
        ["import_disk", "grow_disk", "configure", "start", "first_boot"]),
    ("a disk as small as its image grows", WANTED, config(scsi0="local-lvm:vm-130-disk-0,size=3G"), ["grow_disk"]),
    ("a first boot that nobody saw is waited for", WANTED, config(tags="homelab;homelab-new"), ["first_boot"]),
    ("more memory is set", replace(WANTED, memory_mib=16384), BUILT, ["configure"]),
    ("more cores with the owner's word for a restart", replace(WANTED, cores=6, restart=True), BUILT,
        ["configure", "restart"]),
    ("what is pending is taken up by a restart", replace(WANTED, restart=True),
        replace(BUILT, pending={"memory": "8192"}), ["restart"]),
    ("a restart is not made for nothing", replace(WANTED, restart=True), BUILT, []),
    ("the inventory's wish for a disk is met", replace(WANTED, disk_gib=96), BUILT, ["grow_disk"]),
    ("somebody else's machine is adopted by name", replace(WANTED, adopt=True), replace(BUILT, config=FOREIGN),
        ["adopt"]),
    ("a key with another comment at its end is another key", replace(WANTED, ssh_keys=("ssh-ed25519 AAAA me",)), BUILT,
        ["configure"]),
    ("what the API adds is no difference", WANTED, config(agent="1", startup="order=1,up=30",
        ipconfig0="ip=192.168.10.30/24,gw=192.168.10.1,ip6=auto"), []),
]  # fmt: skip


@pytest.mark.parametrize(("wanted", "found", "expected"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE])
def test_actions_in_their_order(wanted: Wanted, found: Found, expected: list[str]) -> None:
    todo = plan(wanted, found)
    assert [action.kind for action in todo.actions] == expected
    assert todo.problems == ()
    assert (todo.before == todo.after) == (not expected or expected == ["restart"])


def test_carrying_it_out_leaves_nothing_to_do() -> None:
    grown = replace(WANTED, cores=8, memory_mib=16384)
    todo = plan(grown, BUILT)
    assert todo.settings == {"cores": "8", "memory": "16384"}
    assert kinds(grown, replace(BUILT, config={**CONFIG, **todo.settings})) == []
    adopting = replace(WANTED, adopt=True)
    adopted = {**FOREIGN, **plan(adopting, replace(BUILT, config=FOREIGN)).settings}
    assert adopted["tags"] == "lab;homelab" and adopted["sockets"] == "1" and adopted["cores"] == "4"
    assert "ipconfig0" not in adopted, "without a cloud-init drive its address is its own"


def test_sentences_are_in_the_inventorys_words() -> None:
    sentences = [action.sentence for action in in_words(plan(replace(WANTED, disk_gib=96, cores=6), BUILT)).actions]
    assert sentences == ["k3s-master1: let scsi0 grow from 64 to 96 GiB", "VM 130: set cores from 4 to 6"]


def test_the_difference_on_an_empty_node_is_the_whole_machine() -> None:
    todo = plan(WANTED, EMPTY)
    assert todo.before == {}
    shown = {key: todo.after[key] for key in ("cores", "memory_mib", "disk", "address", "running", "tags")}
    assert shown == {
        "cores": 4, "memory_mib": 8192, "disk": "scsi0 64 GiB", "address": "192.168.10.30/24",
        "running": True, "tags": ["homelab"],
    }  # fmt: skip


def refused(found: Found, **wanted: Any) -> str:
    problems = plan(replace(WANTED, **wanted), found).problems
    assert len(problems) == 1, problems
    return problems[0]


OTHER = Machine(130, "plex", "pve", running=True)
OLD = replace(EMPTY, version="8.2.4")
FULL = {"local-lvm": Storage("lvm", ("images",), 10 * GIB), "local": DIRECTORY}
NO_IMPORT = {"local-lvm": LVM, "local": Storage("dir", ("iso",), GIB)}
REFUSALS: list[tuple[str, Found, dict[str, Any], str]] = [
    ("a disk is not shrunk", BUILT, {"disk_gib": 32}, "scsi0 has 64 GiB and 32 are wanted, but a disk is never made"),
    ("the id is another's", replace(EMPTY, machines=(OTHER,)), {}, "VM 130 is called 'plex', expected k3s-master1"),
    ("the name has another id", BUILT, {"vmid": 131}, "is there as VM 130, expected VM 131; set homelab_vm.id"),
    ("the name is there twice", replace(BUILT, machines=(MACHINE, replace(MACHINE, vmid=140))), {},
        "k3s-master1 is the name of 130 and 140, expected one machine"),
    ("it is a container", replace(BUILT, machines=(replace(MACHINE, kind="lxc"),)), {}, "is a container, expected"),
    ("it is on another node", replace(BUILT, machines=(replace(MACHINE, node="pve2"),)), {}, "is on the node pve2"),
    ("it is somebody else's", replace(BUILT, config=FOREIGN), {}, "let it be adopted with -e adopt_vm=k3s-master1"),
    ("it is locked", config(lock="backup"), {}, "VM 130 is locked (backup), so a task works on it or was cut off"),
    ("the node is not there", EMPTY, {"node": "r730"}, "Proxmox VE has no node 'r730' (there: pve)"),
    ("the storage is not there", EMPTY, {"storage": "ssd"}, "has no storage 'ssd' (there: local, local-lvm)"),
    ("the storage takes no disks", EMPTY, {"storage": "local"}, "the storage local takes no disks (content iso"),
    ("the storage is full", replace(EMPTY, storages=FULL), {}, "local-lvm has 10 GiB free, expected 64 for k3s"),
    ("images cannot be imported", replace(EMPTY, storages=NO_IMPORT), {},
        "say 'pvesm set local --content iso,import' on pve"),
    ("the release is too old", OLD, {}, "Proxmox VE is 8.2.4, and it imports disks through its API since 8.4"),
    ("there is no image", EMPTY, {"image": Image("local")}, "has no disk and no image to make one from"),
    ("the disk is too small for a server", EMPTY, {"disk_gib": 20}, "a disk of 20 GiB is wanted, expected 24 or more"),
    ("the token may nothing", replace(EMPTY, privileges={}), {}, "VM.Allocate, VM.Audit, VM.Config.CDROM"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("found", "wanted", "expected"), [row[1:] for row in REFUSALS], ids=[row[0] for row in REFUSALS]
)
def test_refusals(found: Found, wanted: dict[str, Any], expected: str) -> None:
    if "node" in wanted or "storage" in wanted:
        found = replace(found, privileges={
            path: frozenset(names) for path, names in needed(replace(WANTED, **wanted), 130).items()
        })  # fmt: skip
    assert expected in refused(found, **wanted)


def test_a_release_before_imports_serves_for_a_machine_that_has_its_disk() -> None:
    assert plan(WANTED, replace(BUILT, version="8.2.4")).problems == ()


def test_missing_rights_are_named_with_their_path() -> None:
    some = {**RIGHTS, "/vms/130": RIGHTS["/vms/130"] - {"VM.Snapshot"}, "/nodes/pve": frozenset({"Sys.Audit"})}
    assert "(VM.Snapshot on /vms/130; Sys.AccessNetwork on /nodes/pve)" in refused(replace(BUILT, privileges=some))


def test_the_documented_role_is_what_the_build_takes_and_the_stand_in_gives() -> None:
    command = re.search(r'pveum role add \w+ --privs "([^"]+)"', (ROOT / "docs" / "proxmox.md").read_text())
    assert command and command[1].split(",") == sorted({name for names in RIGHTS.values() for name in names})
    assert sorted(PRIVILEGES) == command[1].split(",")


def test_warnings() -> None:
    assert "gets a disk of 32 GiB; journals and images have filled one of 24 before" in plan(
        replace(WANTED, disk_gib=32), EMPTY).warnings[0]  # fmt: skip
    late = plan(replace(WANTED, cores=6), BUILT).warnings
    assert late == (
        "k3s-master1 gets its new cores when it is shut down and started; have that done now with "
        "-e restart_vm=k3s-master1",
    )
    assert plan(replace(WANTED, cores=6, restart=True), BUILT).warnings == ()
    tight = replace(EMPTY, storages={"local-lvm": replace(LVM, free=20 * GIB), "local": DIRECTORY})
    assert "has 20 GiB free and promises 64" in plan(WANTED, tight).warnings[0]


def test_an_image_of_another_content_is_another_file() -> None:
    assert WANTED.image.volume == f"local:import/noble-{SHA[:12]}.qcow2"
    assert Image("local", "https://example.net/noble.qcow2?x=1", "cd" * 32).name == "noble-cdcdcdcdcdcd.qcow2"
    assert Image("local", file="mine.qcow2").volume == "local:import/mine.qcow2"


def test_a_machine_without_a_word_about_disks_is_described() -> None:
    assert described({"name": "x"}, running=False)["memory_mib"] == 512
