# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""proxmox_vm_plan through the real proxmoxer and TLS, against the lab's stand-in of the API."""

from __future__ import annotations

import hashlib
import json
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.testing import patch_module_args

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._proxmox import client
from ansible_collections.fletcherlabs.homelab.plugins.modules import proxmox_vm_plan
from lab.pve.store import GIB
from tests.pve import ADDRESS, SECRET, Pve, serving

WANTED = {
    "name": "k3s-master1", "node": "pve", "vmid": 130, "cores": 4, "memory_mib": 8192, "disk_gib": 64,
    "storage": "local-lvm", "bridge": "vmbr0", "address": "192.168.10.30/24", "gateway": "192.168.10.1", "user": "josh",
    "ssh_keys": ["ssh-ed25519 AAAA josh"], "image": {"url": "https://example.net/a.img", "sha256": "ab" * 32},
}  # fmt: skip


@pytest.fixture
def pve(tmp_path: Path) -> Iterator[Pve]:
    with serving(tmp_path) as found:
        yield found


def call(pve: Pve, capsys: pytest.CaptureFixture[str], token: str = "homelab", **arguments: Any) -> dict[str, Any]:
    connection = {
        "api_host": ADDRESS, "api_port": pve.port, "api_user": "ansible@pve", "api_token_id": token,
        "api_token_secret": SECRET, "ca_path": pve.ca, "timeout": 8, "wanted": WANTED,
    }  # fmt: skip
    with patch_module_args(connection | arguments), pytest.raises(SystemExit):
        proxmox_vm_plan.main()
    output = capsys.readouterr().out
    assert SECRET not in output
    result: dict[str, Any] = json.loads(output)
    return result


def test_an_empty_node(pve: Pve, capsys: pytest.CaptureFixture[str]) -> None:
    result = call(pve, capsys)
    assert result["kinds"][:3] == ["download_image", "create_vm", "import_disk"] and result["changed"]
    assert (result["vmid"], result["disk"]) == (130, "scsi0")
    assert result["diff"]["before"] == {} and result["diff"]["after"]["disk"] == "scsi0 64 GiB"
    assert result["volume"] == "local:import/a-abababababab.qcow2"


def test_a_running_machine_with_something_pending(pve: Pve, capsys: pytest.CaptureFixture[str]) -> None:
    pve.put(
        130, running=True, name="k3s-master1", cores="4", memory="8192", sockets="1", agent="enabled=1", onboot="1",
        serial0="socket", ciuser="josh", sshkeys="ssh-ed25519%20AAAA%20josh", boot="order=scsi0", tags="homelab",
        ipconfig0="ip=192.168.10.30/24,gw=192.168.10.1", ide2="local-lvm:vm-130-cloudinit,media=cdrom",
        scsi0="local-lvm:vm-130-disk-0,size=64G",
    )  # fmt: skip
    assert call(pve, capsys)["actions"] == []
    pve.api.store.vms["130"]["active"]["memory"] = "4096"
    assert call(pve, capsys)["warnings_found"] == [
        "k3s-master1 gets its new memory when it is shut down and started; have that done now with "
        "-e restart_vm=k3s-master1"
    ]


def test_trust_by_fingerprint_brings_the_ca_along(pve: Pve, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shown = ssl.get_server_certificate((ADDRESS, pve.port))
    print_of = hashlib.sha256(ssl.PEM_cert_to_DER_cert(shown)).hexdigest().upper()
    pinned = ":".join(print_of[at : at + 2] for at in range(0, 64, 2))
    copy = tmp_path / "cache" / "ca.pem"
    assert call(pve, capsys, ca_path=None, api_fingerprint=pinned, ca_copy=str(copy))["changed"]
    assert copy.read_text() == Path(pve.ca).read_text()
    wrong = call(pve, capsys, ca_path=None, api_fingerprint=f"00{pinned[2:]}")
    assert "the API's certificate has another fingerprint than the inventory" in wrong["msg"]


def test_tls_that_cannot_be_trusted(pve: Pve, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "not signed by a known CA" in call(pve, capsys, ca_path=None)["msg"]
    assert "copy the node's /etc/pve/pve-root-ca.pem" in call(pve, capsys, ca_path=str(tmp_path / "none"))["msg"]
    pve.fault(certificate="expired")
    assert call(pve, capsys)["problems"] == [
        "the API's certificate has expired; renew it on the node with 'pvecm updatecerts --force', then run again"
    ]


def test_tokens(pve: Pve, capsys: pytest.CaptureFixture[str]) -> None:
    assert "the API token may not do what the build takes (VM.Allocate, " in call(pve, capsys, "powerless")["msg"]
    assert "refuses the token (no such token 'none' for user 'ansible@pve')" in call(pve, capsys, "none")["msg"]


def test_names_and_ids_of_other_machines(pve: Pve, capsys: pytest.CaptureFixture[str]) -> None:
    pve.put(131, name="k3s-master1", tags="homelab")
    assert "k3s-master1 is there as VM 131, expected VM 130; set homelab_vm.id to 131" in call(pve, capsys)["msg"]
    pve.put(130, name="k3s-master1", tags="homelab")
    assert "k3s-master1 is the name of 130 and 131, expected one machine" in call(pve, capsys)["msg"]
    del pve.api.store.vms["131"]
    pve.put(130, name="plex")
    assert call(pve, capsys)["problems"] == [
        "VM 130 is called 'plex', expected k3s-master1 or nothing; choose another homelab_vm.id, or leave it out for "
        "the next free one"
    ]
    assert call(pve, capsys, wanted=WANTED | {"vmid": 0})["vmid"] == 100
    del pve.api.store.vms["130"]
    assert call(pve, capsys)["vmid"] == 130


def test_a_lock_an_older_release_and_no_room(pve: Pve, capsys: pytest.CaptureFixture[str]) -> None:
    pve.put(130, name="k3s-master1", tags="homelab")
    pve.fault(lock={"130": "snapshot"}, version="8.3.5")
    pve.api.store.storages["local-lvm"] |= {"type": "lvm", "total": 20 * GIB}
    assert [sentence.partition(";")[0].partition(",")[0] for sentence in call(pve, capsys)["problems"]] == [
        "the storage local-lvm has 20 GiB free",
        "Proxmox VE is 8.3.5",
        "VM 130 is locked (snapshot)",
    ]
    pve.fault()
    pve.api.store.storages["local-lvm"]["total"] = 400 * GIB
    assert call(pve, capsys)["kinds"][:2] == ["download_image", "import_disk"], "the next run carries on"


def test_a_slow_api_is_given_up_before_anything_is_begun(
    pve: Pve, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "COMMUNITY_SECONDS", 0.2)
    pve.fault(delay={"GET": 0.5})
    assert "s to answer, expected at most 0.2, which is as long as community.proxmox waits" in call(pve, capsys)["msg"]


def test_an_api_that_is_gone(pve: Pve, capsys: pytest.CaptureFixture[str]) -> None:
    pve.stop()
    message = call(pve, capsys)["msg"]
    assert message.startswith(f"nothing was changed, since at {ADDRESS}:{pve.port} the API does not answer")
