# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The stand-in of the Proxmox VE API, as the real proxmoxer sees it."""

from __future__ import annotations

import hashlib
import http.server
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from proxmoxer import ProxmoxAPI
from proxmoxer.core import AuthenticationError, ResourceException

from lab.pve.drives import cloud_image
from lab.pve.faults import Faults
from lab.pve.store import GIB, Store
from lab.pve.tasks import Tasks
from tests.pve import ADDRESS, SECRET, Pve, serving

SHA = hashlib.sha256(cloud_image()).hexdigest()


@pytest.fixture
def pve(tmp_path: Path) -> Iterator[Pve]:
    with serving(tmp_path) as found:
        yield found


@pytest.fixture
def api(pve: Pve) -> Any:
    return login(pve)


def login(pve: Pve, token: str = "homelab", **more: Any) -> Any:
    options = {"token_name": token, "token_value": SECRET} if "password" not in more else more
    return ProxmoxAPI(ADDRESS, port=pve.port, user="ansible@pve", verify_ssl=pve.ca, **options)


def ended(pve: Pve, api: Any, upid: str) -> str:
    """How a task ended."""
    pve.api.tasks.wait()
    status = api.nodes("pve").tasks(upid).status.get()
    assert status["status"] == "stopped"
    return str(status["exitstatus"])


@pytest.fixture
def image(tmp_path: Path) -> Iterator[str]:
    """Where a cloud image can be downloaded."""
    folder = tmp_path / "www"
    folder.mkdir()
    (folder / "a.img").write_bytes(cloud_image())

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *arguments: Any) -> None:
            super().__init__(*arguments, directory=str(folder))

        def log_message(self, format: str, *args: Any) -> None:
            return

    server = http.server.ThreadingHTTPServer((ADDRESS, 0), Quiet)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield f"http://{ADDRESS}:{server.server_address[1]}/a.img"
    server.shutdown()
    server.server_close()


def download(api: Any, url: str, **more: str) -> str:
    data = {"url": url, "content": "import", "filename": "a.qcow2", "checksum": SHA, "checksum-algorithm": "sha256"}
    return str(api.nodes("pve").storage("local")("download-url").post(**(data | more)))


def test_tickets_need_their_csrf_token(pve: Pve) -> None:
    api = login(pve, password="password")
    api.nodes("pve").qemu.post(vmid=100, name="a")
    api._backend.auth.csrf_prevention_token = "wrong"
    with pytest.raises(ResourceException, match=r"401 .*invalid csrf token"):
        api.nodes("pve").qemu.post(vmid=101, name="b")
    assert api.nodes.get()[0]["node"] == "pve", "reading needs none"
    with pytest.raises(AuthenticationError):
        login(pve, password="wrong")


def test_a_token_without_rights_sees_nothing_and_gets_upstreams_sentence(pve: Pve) -> None:
    pve.put(100, name="a")
    api = login(pve, "powerless")
    assert api.cluster.resources.get(type="vm") == [] and api.nodes("pve").qemu.get() == []
    with pytest.raises(ResourceException, match=r"403 Forbidden: Permission check failed \(/vms/101, VM.Allocate\)"):
        api.nodes("pve").qemu.post(vmid=101, name="b")


def test_rights_are_those_of_the_nearest_path(pve: Pve) -> None:
    pve.api.access.account("ansible@pve!narrow", SECRET, {"/vms/100": ["VM.Audit"], "/": []})
    pve.put(100, name="a")
    pve.put(101, name="b")
    api = login(pve, "narrow")
    assert [vm["vmid"] for vm in api.nodes("pve").qemu.get()] == [100]
    assert api.access.permissions.get(path="/vms/100") == {"/vms/100": {"VM.Audit": 1}}


def test_an_image_becomes_a_disk_that_grows_and_never_shrinks(pve: Pve, api: Any, image: str) -> None:
    assert ended(pve, api, download(api, image)) == "OK"
    node = api.nodes("pve")
    ended(pve, api, node.qemu.post(vmid=100, name="a", net0="virtio,bridge=vmbr0", ide2="local-lvm:cloudinit"))
    assert ended(pve, api, node.qemu(100).config.post(scsi0="local-lvm:0,import-from=local:import/a.qcow2")) == "OK"
    config = node.qemu(100).config.get()
    assert config["scsi0"] == "local-lvm:vm-100-disk-0,size=3G", "the size in the image's header"
    assert config["net0"].startswith("virtio=BC:24:11:") and "media=cdrom" in config["ide2"]
    assert ended(pve, api, node.qemu(100).resize.put(disk="scsi0", size="64G")) == "OK"
    assert ended(pve, api, node.qemu(100).resize.put(disk="scsi0", size="32G")) == "shrinking disks is not supported"
    assert pve.api.store.free("local-lvm") == 400 * GIB - 64 * GIB - 4 * 1024**2
    ended(pve, api, node.qemu(100).delete())
    assert pve.api.store.free("local-lvm") == 400 * GIB


def test_a_wrong_checksum_leaves_nothing(pve: Pve, api: Any, image: str) -> None:
    wrong = "00" * 32
    assert (
        ended(pve, api, download(api, image, checksum=wrong)) == f"checksum mismatch: got '{SHA}' != expect '{wrong}'"
    )
    assert api.nodes("pve").storage("local").content.get() == []


def test_what_upstream_refuses_of_an_image(pve: Pve, api: Any, image: str) -> None:
    with pytest.raises(ResourceException, match="wrong file extension"):
        download(api, image, filename="a.img")
    pve.fault(version="8.2.4")
    with pytest.raises(ResourceException, match="does not have a value in the enumeration 'iso, vztmpl'"):
        download(api, image)


def test_ids_names_and_keys(pve: Pve, api: Any) -> None:
    node = api.nodes("pve")
    ended(pve, api, node.qemu.post(vmid=100, name="a"))
    assert api.cluster.nextid.get() == "101"
    with pytest.raises(ResourceException, match="VM 100 already exists on node 'pve'"):
        node.qemu.post(vmid=100, name="a")
    with pytest.raises(ResourceException, match=r"qemu-server/7.conf' does not exist"):
        node.qemu(7).config.get()
    with pytest.raises(ResourceException, match="not defined in schema"):
        node.qemu(100).config.put(colour="blue")
    with pytest.raises(ResourceException, match=r"595 .*hostname lookup 'other' failed"):
        api.nodes("other").qemu.get()


def test_a_running_machine_gets_memory_at_its_next_start(pve: Pve, api: Any) -> None:
    node = api.nodes("pve")
    ended(pve, api, node.qemu.post(vmid=100, name="a", memory=4096))
    ended(pve, api, node.qemu(100).status.start.post())
    node.qemu(100).config.put(memory=8192)
    assert {"key": "memory", "value": "4096", "pending": "8192"} in node.qemu(100).pending.get()
    ended(pve, api, node.qemu(100).status.reboot.post())
    assert all("pending" not in row for row in node.qemu(100).pending.get())
    with pytest.raises(ResourceException, match="VM 100 is running - destroy failed"):
        node.qemu(100).delete()


def test_snapshots(pve: Pve, api: Any) -> None:
    machine = api.nodes("pve").qemu(100)
    pve.put(100, running=True, name="a", memory="4096")
    ended(pve, api, machine.snapshot.post(snapname="before", description="why"))
    with pytest.raises(ResourceException, match="snapshot name 'before' already used"):
        machine.snapshot.post(snapname="before")
    machine.config.put(memory=8192)
    ended(pve, api, machine.snapshot("before").rollback.post())
    assert machine.config.get()["memory"] == "4096" and machine.status.current.get()["status"] == "stopped"
    assert [row["name"] for row in machine.snapshot.get()] == ["before", "current"]
    ended(pve, api, machine.snapshot("before").delete())
    with pytest.raises(ResourceException, match="snapshot 'before' does not exist"):
        machine.snapshot("before").rollback.post()


def test_a_clone_has_disks_of_its_own(pve: Pve, api: Any) -> None:
    pve.api.access.account("ansible@pve!homelab", SECRET, {"/": ["VM.Clone", "VM.Allocate", "VM.Audit"]})
    pve.put(100, name="a", scsi0="local-lvm:vm-100-disk-0,size=3G")
    assert ended(pve, api, api.nodes("pve").qemu(100).clone.post(newid=101, name="b")) == "OK"
    copied = api.nodes("pve").qemu(101).config.get()
    assert (copied["name"], copied["scsi0"]) == ("b", "local-lvm:vm-101-disk-0,size=3G")


def test_faults(pve: Pve, api: Any) -> None:
    node = api.nodes("pve")
    pve.put(100, name="a")
    pve.fault(lock={"100": "snapshot"})
    with pytest.raises(ResourceException, match=r"VM is locked \(snapshot\)"):
        node.qemu(100).config.put(memory=1)
    pve.fault(fail_task={"qmstart": "kvm said no"})
    upid = node.qemu(100).status.start.post()
    assert ended(pve, api, upid) == "kvm said no"
    assert node.tasks(upid).log.get()[-1]["t"] == "TASK ERROR: kvm said no"
    pve.fault(full=["local-lvm"])
    assert "insufficient free space" in ended(pve, api, node.qemu(100).config.post(scsi0="local-lvm:32"))
    assert "scsi0" not in node.qemu(100).config.get()


def test_a_restart_carries_on_and_loses_the_tasks_that_ran(pve: Pve, tmp_path: Path, api: Any) -> None:
    ended(pve, api, api.nodes("pve").qemu.post(vmid=100, name="a"))
    store = Store(tmp_path)
    task = next(iter(store.document["tasks"].values()))
    task.update(status="running")
    again = Tasks(store, Faults(tmp_path))
    assert again.status(task["upid"])["exitstatus"] == "unexpected status"
    assert Store(tmp_path).vms["100"]["config"]["name"] == "a"


def test_the_agent_answers_only_where_there_is_one(pve: Pve, api: Any) -> None:
    pve.api.access.account("ansible@pve!homelab", SECRET, {"/": ["VM.Monitor"]})
    pve.put(100, running=True, name="a")
    for config, sentence in (
        ({}, "No QEMU guest agent configured"),
        ({"agent": "1"}, "QEMU guest agent is not running"),
    ):
        pve.api.store.vms["100"]["config"].update(config)
        with pytest.raises(ResourceException, match=sentence):
            api.nodes("pve").qemu(100).agent.ping.post()
