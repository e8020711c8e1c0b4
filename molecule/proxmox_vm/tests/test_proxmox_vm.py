# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The master VM from nothing through the API; each failure is one sentence, and the next run converges."""

from __future__ import annotations

import json

from tests.hypervisor import MASTER, Hypervisor
from tests.twin import Run, Twin


def failed(run: Run, sentence: str) -> None:
    assert run.status != 0, run.output[-3000:]
    assert sentence in run.text, run.output[-3000:]
    assert run.text.count("FAILED! =>") <= 2, "one sentence, after what community.proxmox said"


def test_an_empty_node_shows_the_machine_that_would_be_made(pve: Hypervisor) -> None:
    run = pve.vm(check=True)
    assert run.status == 0 and run.changed, run.output[-3000:]
    for line in ('+ "cores": 4,', '+ "disk": "scsi0 64 GiB",', '+ "address": "198.18.44.30/24",', '+ "user": "josh"'):
        assert line in run.text
    assert "k3s-master1: make VM 130 on pve with 4 cores, 8192 MiB of memory, at 198.18.44.30/24" in run.text
    assert pve.state["vms"] == {} and pve.state["tasks"] == {}


def test_a_token_without_rights_is_refused_before_anything_is_begun(pve: Hypervisor) -> None:
    options = pve.folder / "powerless.yml"
    secret = (pve.folder / "token-powerless").read_text()
    options.write_text(f"proxmox_vm_api_token_secret: {secret}\nproxmox_vm_api_token_id: powerless\n")
    run = pve.vm("-e", f"@{options}")
    failed(run, "the API token may not do what the build takes (VM.Allocate, VM.Audit, ")
    assert pve.state["tasks"] == {} and secret not in run.output


def test_a_node_that_cannot_be_worked_with_is_refused_before_anything_is_begun(pve: Hypervisor) -> None:
    pve.fault(certificate="expired")
    failed(pve.vm(), "the API's certificate has expired; renew it on the node with 'pvecm updatecerts --force'")
    pve.fault(version="8.2.4")
    failed(pve.vm(), "imports disks through its API since 8.4")
    pve.fault(delay={"GET": 30})
    failed(pve.vm(), "expected at most 5, which is as long as community.proxmox waits")
    assert pve.state["tasks"] == {} and pve.state["vms"] == {}


def test_an_address_that_another_machine_has_is_refused(pve: Hypervisor) -> None:
    run = pve.vm("-e", "proxmox_vm_address=198.18.44.100/24")
    failed(run, "k3s-master1 is not on pve, but 198.18.44.100 answers SSH, so another machine has its address")
    assert pve.state["tasks"] == {}


def test_a_wrong_checksum_leaves_nothing(pve: Hypervisor) -> None:
    image = {"url": "http://198.18.44.2/images/cloud.qcow2", "sha256": "0" * 64}
    failed(
        pve.vm("-e", json.dumps({"proxmox_vm_image": image})),
        "k3s-master1: the image has the checksum e289559fe954",
    )
    assert pve.state["storages"]["local"]["volumes"] == {}


def test_an_api_that_dies_in_the_middle_of_a_task(pve: Hypervisor) -> None:
    pve.fault(die_in_task={"qmcreate": True})
    failed(pve.vm(), "k3s-master1: the API does not answer at its address; start the node or its pveproxy")
    assert pve.state["vms"] == {}
    pve.fault()
    pve.start()
    ended = [task["exitstatus"] for task in pve.state["tasks"].values() if task["type"] == "qmcreate"]
    assert ended == ["unexpected status"]


def test_answers_that_are_slow_tasks_that_fail_and_storages_that_are_full(pve: Hypervisor) -> None:
    pve.fault(delay={"writes": 7})
    failed(pve.vm(), "k3s-master1: the API did not answer within 5 s, which is as long as community.proxmox waits")
    pve.fault(fail_task={"qmconfig": "qemu-img: cannot read"})
    failed(pve.vm(), "k3s-master1: a task on the node failed ('qemu-img: cannot read'); mend that, then run again")
    pve.fault(full=["local-lvm"])
    failed(pve.vm(), "k3s-master1: a storage of the node is full; make room there or choose another")
    assert "scsi0" not in pve.config and pve.config["tags"] == "homelab,homelab-new"


def test_the_next_run_converges_and_the_one_after_changes_nothing(pve: Hypervisor, twin: Twin) -> None:
    run = pve.vm()
    assert run.status == 0, run.output[-3000:]
    assert "make VM 130" not in run.text and "make scsi0 on local-lvm" in run.text, "it carried on"
    config = pve.config
    assert config["scsi0"].endswith("size=64G") and config["boot"] == "order=scsi0" and config["tags"] == "homelab"
    assert (config["scsihw"], config["agent"], config["serial0"]) == ("virtio-scsi-single", "enabled=1", "socket")
    host = twin.host(MASTER)
    assert host.check_output("hostname") == MASTER and host.package("qemu-guest-agent").is_installed
    again = pve.vm()
    assert again.status == 0 and not again.changed, again.output[-3000:]


def test_it_grows_and_never_shrinks(pve: Hypervisor) -> None:
    grown = json.dumps({"proxmox_vm_disk_gib": 96, "proxmox_vm_cores": 6, "proxmox_vm_memory_mib": 12288})
    run = pve.vm("-e", grown, "-e", f"restart_vm={MASTER}")
    assert run.status == 0 and "let scsi0 grow from 64 to 96 GiB" in run.text, run.output[-3000:]
    assert pve.config["scsi0"].endswith("size=96G") and pve.config["cores"] == "6"
    assert pve.state["vms"]["130"]["active"]["memory"] == "12288", "it was shut down and started"
    failed(pve.vm(), "scsi0 has 96 GiB and 64 are wanted, but a disk is never made smaller")
    assert pve.config["cores"] == "6", "nothing was changed"


def test_somebody_elses_machine_is_shown_and_then_adopted(pve: Hypervisor) -> None:
    pve.change(tags="", cores="2", scsi0="local-lvm:vm-130-disk-0,size=64G")
    run = pve.vm(check=True)
    failed(run, "which this collection has not made; look at the difference (--check --diff), then let it be adopted")
    pve.fault(lock={"130": "backup"})
    failed(pve.vm("-e", f"adopt_vm={MASTER}"), "VM 130 is locked (backup), so a task works on it or was cut off")
    pve.fault()
    run = pve.vm("-e", f"adopt_vm={MASTER}")
    assert run.status == 0 and "VM 130: adopt it and set cores from 2 to 4" in run.text, run.output[-3000:]
    assert pve.config["tags"] == "homelab"
    failed(pve.vm("-e", "proxmox_vm_id=131"), "k3s-master1 is there as VM 130, expected VM 131")


def test_snapshots_are_made_and_the_oldest_of_ours_go(pve: Hypervisor, twin: Twin) -> None:
    make = ("playbooks/snapshot_vm.yml", "-e", f"node={MASTER}", "-e", "keep=1")
    planned = twin.play(*make, "--check", "--diff")
    assert planned.status == 0 and planned.changed, planned.output
    assert "k3s-master1: make the snapshot homelab-manual-" in planned.text
    assert pve.state["vms"]["130"]["snapshots"] == {}
    for reason in ("one", "two"):
        run = twin.play(*make, "-e", f"reason={reason}")
        assert run.status == 0, run.output[-3000:]
    assert [name.rpartition("-")[0] for name in pve.state["vms"]["130"]["snapshots"]] == ["homelab-two"]
