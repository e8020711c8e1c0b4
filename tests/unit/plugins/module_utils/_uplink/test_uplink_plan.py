# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is written for an uplink, what is left alone, and what is refused."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

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
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._uplink.plan import difference, lacks, plan

USB, ONBOARD = "enx6c1ff71be8c8", "eno1"
MAC, OTHER = "6c:1f:f7:1b:e8:c8", "6c:1f:f7:1b:e8:c9"
STATIC = Static("192.168.10.21/24", "192.168.10.1", ("192.168.10.1",))
WANTED = Wanted(Nic(USB, MAC), STATIC)
BONDED = replace(WANTED, bond=Bond("bond0", Nic(ONBOARD, OTHER)))
INSTALLER = "/etc/systemd/network/50-installer.network"
OWN = f"/etc/systemd/network/05-homelab-{USB}.network"
KEEP = "/etc/systemd/network/50-installer.network.d/homelab-uplink.conf"
# by DHCP, with the address that the reservation gives
FOUND = Found(
    {USB: Link(MAC, ("192.168.10.21/24",), INSTALLER), ONBOARD: Link(OTHER)}, (USB, "192.168.10.1"), True,
    {INSTALLER: File("[Match]\nName=en*\n[Network]\nDHCP=yes\n")},
)  # fmt: skip


def run(wanted: Wanted, found: Found) -> Plan:
    return plan(wanted, found, lambda document: json.dumps(document, indent=1))


def with_link(found: Found, name: str, link: Link | None) -> Found:
    links = {each: entry for each, entry in found.links.items() if each != name}
    return replace(found, links=links if link is None else {**links, name: link})


def after(found: Found, done: Plan, **links: Link) -> Found:
    """The host as the guard leaves it."""
    files = {**found.files, **done.guarded, **{path: File(content) for path, content in done.quiet.items()}}
    present = {path: file for path, file in files.items() if file is not None}
    return replace(found, files=present, links={**found.links, **links})


def test_an_address_is_written_down_once() -> None:
    done = run(WANTED, FOUND)
    assert [action.kind for action in done.actions] == ["write", "switch"]
    assert not done.problems
    assert done.guarded[OWN] == File(
        "# Kept by fletcherlabs.homelab.node_network.\n[Match]\nName=enx6c1ff71be8c8\n\n[Network]\n"
        "Address=192.168.10.21/24\nGateway=192.168.10.1\nDNS=192.168.10.1\nKeepConfiguration=static\n"
    )
    shown = difference(WANTED, FOUND, done)
    assert [(entry["before_header"], entry["before"]) for entry in shown] == [
        (OWN, ""), ("addresses", f"{USB}: 192.168.10.21/24, gateway 192.168.10.1\n"),
    ]  # fmt: skip
    again = after(FOUND, done, **{USB: Link(MAC, ("192.168.10.21/24",), OWN)})
    assert run(WANTED, again) == Plan()


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"addresses": ("192.168.10.99/24",)}, "192.168.10.21/24 is not on it"),
        ({"addresses": ()}, "192.168.10.21/24 is not on it"),
    ],
)
def test_files_alone_are_not_enough(change: dict[str, Any], sentence: str) -> None:
    done = run(WANTED, FOUND)
    link = replace(Link(MAC, ("192.168.10.21/24",), OWN), **change)
    todo = run(WANTED, after(FOUND, done, **{USB: link}))
    assert [action.kind for action in todo.actions] == ["switch"]
    assert sentence in todo.actions[0].sentence
    # written again, since networkd looks at a file's time
    assert set(todo.guarded) == {OWN}


def test_the_default_route_is_looked_at_too() -> None:
    done = run(WANTED, FOUND)
    wrong = replace(after(FOUND, done), default=(USB, "203.0.113.1"))
    assert list(lacks(WANTED, STATIC, wrong)) == [
        f"the default route goes to 203.0.113.1 by {USB}, expected 192.168.10.1 by {USB}"
    ]
    none = replace(wrong, default=None)
    assert list(lacks(WANTED, STATIC, none)) == [f"the default route goes to nowhere, expected 192.168.10.1 by {USB}"]


def test_without_an_address_only_the_routes_of_others_are_looked_after() -> None:
    done = run(replace(WANTED, static=None), FOUND)
    assert ([action.kind for action in done.actions], list(done.quiet), done.guarded) == (["keep"], [KEEP], {})
    assert "\nKeepConfiguration=static\n" in done.quiet[KEEP]
    assert run(replace(WANTED, static=None), after(FOUND, done)) == Plan()


@pytest.mark.parametrize(
    "found",
    [
        replace(FOUND, networkd=False),
        with_link(FOUND, USB, None),
        with_link(FOUND, USB, Link(MAC, ("192.168.10.21/24",), "")),
        # ours says so itself
        with_link(FOUND, USB, Link(MAC, ("192.168.10.21/24",), OWN)),
    ],
)
def test_without_an_address_nothing_is_done_where_networkd_does_nothing(found: Found) -> None:
    assert run(replace(WANTED, static=None), found) == Plan()


def test_a_bond_has_the_first_interfaces_address_and_mac() -> None:
    done = run(BONDED, FOUND)
    assert not done.problems
    folder = "/etc/systemd/network/05-homelab-"
    assert set(done.guarded) == {
        f"{folder}{name}" for name in ("bond0.netdev", "bond0.network", f"{USB}.network", f"{ONBOARD}.network")
    }
    netdev = done.guarded[f"{folder}bond0.netdev"]
    assert netdev is not None
    for line in (
        f"MACAddress={MAC}", "Mode=active-backup", "MIIMonitorSec=100ms", "PrimaryReselectPolicy=always",
        "FailOverMACPolicy=none",
    ):  # fmt: skip
        assert f"\n{line}\n" in netdev.content
    parts = [done.guarded[f"{folder}{name}.network"] for name in (USB, ONBOARD)]
    assert [("PrimarySlave=yes" in file.content, "Bond=bond0" in file.content) for file in parts if file] == [
        (True, True), (False, True),
    ]  # fmt: skip
    links = {
        "bond0": Link(MAC, (STATIC.address,), f"{folder}bond0.network", mode="active-backup", primary=USB),
        USB: Link(MAC, (), f"{folder}{USB}.network", master="bond0"),
        ONBOARD: Link(OTHER, (), f"{folder}{ONBOARD}.network", master="bond0"),
    }
    bonded = replace(after(FOUND, done, **links), default=("bond0", "192.168.10.1"))
    assert run(BONDED, bonded) == Plan()
    broken = after(bonded, done, **{ONBOARD: Link(OTHER)})
    assert "eno1 is no part of it" in run(BONDED, broken).actions[-1].sentence


def test_a_bond_above_a_container_network_is_told() -> None:
    (sentence,) = run(BONDED, replace(FOUND, containers=True)).warnings
    assert sentence.startswith(f"the container network knows {USB} and not bond0; restart Cilium's agent")
    assert not run(WANTED, replace(FOUND, containers=True)).warnings


REFUSED: list[tuple[Wanted, Found, str]] = [
    (replace(WANTED, static=Static("192.168.11.21/24", "192.168.10.1")), FOUND,
     "the gateway 192.168.10.1 is outside 192.168.11.0/24, the network of 192.168.11.21; correct one of the two"),
    (replace(WANTED, static=Static("192.168.10.1/24", "192.168.10.1")), FOUND,
     "192.168.10.1 is the gateway's own address; give the machine another one"),
    (replace(WANTED, static=Static("192.168.10.255/24", "192.168.10.1")), FOUND,
     "192.168.10.255 is no address for a machine, since it is the first or last of 192.168.10.0/24; use another one"),
    (WANTED, replace(FOUND, answered=("00:00:5e:00:53:77",)),
     "192.168.10.21 is in use by another machine (MAC address 00:00:5e:00:53:77); give this one another address, or "
     "switch that one off"),
    (WANTED, with_link(FOUND, USB, None),
     f"interface {USB} is not there, and none has the MAC address {MAC}; the machine has eno1: correct "
     "homelab_machine.nics"),
    (WANTED, replace(FOUND, links={"eth5": FOUND.links[USB]}),
     f"interface {USB} is not there, and its MAC address {MAC} is that of eth5; the machine has eth5: correct "
     "homelab_machine.nics"),
    (Wanted(Nic(USB, "00:00:5e:00:53:01"), STATIC), FOUND,
     f"interface {USB} has the MAC address {MAC}, expected 00:00:5e:00:53:01, which no interface has; correct "
     "homelab_machine.nics"),
    (Wanted(Nic(USB, OTHER), STATIC), FOUND,
     f"interface {USB} has the MAC address {MAC}, expected {OTHER}, which is that of eno1; correct "
     "homelab_machine.nics"),
    *(
        (WANTED, with_link(FOUND, USB, replace(FOUND.links[USB], other_manager=manager)),
         f"{USB} is managed by {manager}, expected systemd-networkd or netplan with its renderer networkd; change that "
         "first, or switch homelab_node.network.static off")
        for manager in ("NetworkManager", "ifupdown")
    ),
    (WANTED, replace(FOUND, networkd=False),
     f"{USB} is managed by nobody that is known, expected systemd-networkd or netplan with its renderer networkd; "
     "change that first, or switch homelab_node.network.static off"),
    (WANTED, with_link(FOUND, USB, replace(FOUND.links[USB], master="bond7")),
     f"{USB} is part of bond7, so it carries no address itself; name that bond under homelab_node.network.bond, or "
     "take it apart"),
    (BONDED, with_link(FOUND, ONBOARD, Link(OTHER, ("192.168.20.5/24",))),
     "the backup eno1 has an address of its own (192.168.20.5/24), expected none; take that off, or leave the "
     "interface out of the bond"),
    (BONDED, with_link(FOUND, ONBOARD, None),
     f"interface eno1 is not there, and none has the MAC address {OTHER}; the machine has {USB}: correct "
     "homelab_machine.nics"),
    (BONDED, with_link(FOUND, ONBOARD, Link(OTHER, master="br0")),
     "the backup eno1 is part of br0; take it out of that first"),
    (BONDED, with_link(FOUND, "bond0", Link(MAC)), "bond0 is there already and no bond; give the bond another name"),
]  # fmt: skip


@pytest.mark.parametrize(("wanted", "found", "sentence"), REFUSED)
def test_what_cannot_be_is_refused_in_one_sentence(wanted: Wanted, found: Found, sentence: str) -> None:
    done = run(wanted, found)
    assert done == Plan(problems=(sentence,))


def test_all_reasons_are_told_at_once() -> None:
    wanted = replace(WANTED, static=Static("10.0.0.5/24", "192.168.10.1"))
    assert len(run(wanted, replace(with_link(FOUND, USB, None), answered=("00:00:5e:00:53:77",))).problems) == 3
