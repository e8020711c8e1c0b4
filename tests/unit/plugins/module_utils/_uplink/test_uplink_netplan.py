# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""netplan's files of an installer, and what becomes of them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import yaml

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._uplink.model import (
    Bond,
    File,
    Found,
    Link,
    Nic,
    Plan,
    Static,
    Wanted,
)
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._uplink.netplan import OURS, netplan_documents
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._uplink.plan import plan

MAC = "6c:1f:f7:1b:e8:c8"
STATIC = Static("192.168.10.21/24", "192.168.10.1", ("192.168.10.1",))
WANTED = Wanted(Nic("enx0", MAC), STATIC)
INSTALLER = "/etc/netplan/00-installer-config.yaml"
KEEP = "/etc/systemd/network/10-netplan-lan.network.d/homelab-uplink.conf"
# the installer's name for it is another one than the kernel's
DEFINITION = {
    "match": {"macaddress": MAC}, "set-name": "enx0", "optional": True, "dhcp4": True, "gateway4": "192.168.10.254",
    "addresses": ["192.168.10.99/24", "fd00::5/64"],
    "routes": [{"to": "default", "via": "192.168.10.254"}, {"to": "10.8.0.0/16", "via": "192.168.10.9"}],
    "nameservers": {"addresses": ["9.9.9.9", "2620:fe::fe"], "search": ["home.arpa"]},
}  # fmt: skip
OTHERS = {"eno9": {"dhcp4": True}}


def found(**documents: dict[str, Any]) -> Found:
    paths = {f"/etc/netplan/{name.replace('_', '-')}.yaml": document for name, document in documents.items()}
    return Found(
        {"enx0": Link(MAC, ("192.168.10.99/24",), "/run/systemd/network/10-netplan-lan.network"), "eno1": Link("aa")},
        ("enx0", "192.168.10.254"), True, {path: File(dump(text), 0o600) for path, text in paths.items()}, paths,
    )  # fmt: skip


def dump(document: dict[str, Any]) -> str:
    return yaml.safe_dump(document)


def network(**sections: Any) -> dict[str, Any]:
    return {"network": {"version": 2, **sections}}


def test_what_is_about_the_address_is_replaced_and_the_rest_moves_with_it() -> None:
    documents = netplan_documents(
        WANTED, found(**{"00_installer_config": network(ethernets={"lan": DEFINITION, **OTHERS})}), MAC
    )
    assert documents[INSTALLER] == network(ethernets=OTHERS)
    assert documents[OURS] == network(
        ethernets={
            "lan": {
                "match": {"macaddress": MAC}, "set-name": "enx0", "optional": True, "dhcp4": False,
                "addresses": ["192.168.10.21/24", "fd00::5/64"],
                "routes": [{"to": "0.0.0.0/0", "via": "192.168.10.1"}, {"to": "10.8.0.0/16", "via": "192.168.10.9"}],
                "nameservers": {"addresses": ["192.168.10.1", "2620:fe::fe"], "search": ["home.arpa"]},
            }
        }
    )  # fmt: skip


def test_definitions_of_several_files_are_joined_as_netplan_joins_them() -> None:
    documents = netplan_documents(
        WANTED,
        found(
            **{
                "00_installer_config": network(ethernets={"lan": {"mtu": 1500, "addresses": ["fd00::5/64"]}}),
                "50_mine": network(ethernets={"lan": {"mtu": 9000, "addresses": ["fd00::6/64"]}}),
                "70_other": network(ethernets=OTHERS),
            }
        ),
        MAC,
    )
    ours = documents[OURS]["network"]["ethernets"]["lan"]
    assert (ours["mtu"], ours["addresses"]) == (9000, ["192.168.10.21/24", "fd00::5/64", "fd00::6/64"])
    # a file without an interface is one without effect; one that is about others stays as it is
    assert documents[INSTALLER] == documents["/etc/netplan/50-mine.yaml"] == network()
    assert "/etc/netplan/70-other.yaml" not in documents


def test_a_bond_takes_the_addresses_over() -> None:
    wanted = replace(WANTED, bond=Bond("bond0", Nic("eno1")))
    here = found(**{"00_installer_config": network(ethernets={"lan": DEFINITION, "eno1": {"dhcp4": True}})})
    ours = netplan_documents(wanted, here, MAC)[OURS]["network"]
    assert ours["ethernets"] == {
        "lan": {"match": {"macaddress": MAC}, "set-name": "enx0", "optional": True},
        "eno1": {},
    }
    bond = ours["bonds"]["bond0"]
    assert (bond["interfaces"], bond["macaddress"], bond["parameters"]["primary"]) == (["lan", "eno1"], MAC, "lan")
    assert bond["addresses"] == ["192.168.10.21/24", "fd00::5/64"]
    assert bond["parameters"]["primary-reselect-policy"] == "always"


def test_a_second_run_changes_nothing() -> None:
    here = found(**{"00_installer_config": network(ethernets={"lan": DEFINITION, **OTHERS})})
    first = plan(WANTED, here, dump)
    assert first.netplan
    assert [action.kind for action in first.actions] == ["keep", "write", "write", "switch"]
    assert "take the interface out of" in first.actions[1].sentence
    files = {**here.files, **{path: file for path, file in first.guarded.items() if file is not None}}
    documents = {path: yaml.safe_load(file.content) for path, file in files.items()}
    again = replace(
        here,
        files={**files, KEEP: File(first.quiet[KEEP])},
        netplan=documents,
        links={**here.links, "enx0": replace(here.links["enx0"], addresses=(STATIC.address,))},
        default=("enx0", "192.168.10.1"),
    )
    assert plan(WANTED, again, dump) == Plan(netplan=True)
