# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An address that is written down: kept where the host answers, undone by the host itself where it does not."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from tests.twin import Run, Twin, kill_controller

SCENARIO = Path(__file__).resolve().parents[1]
PLAYBOOK = str(SCENARIO / "uplink.yml")
ON = ("-e", "node_network_static=true")
# of a network that the controller has no way to
LOST = {"address": "203.0.113.5", "subnet": "203.0.113.0/24", "gateway": "203.0.113.1"}
OLD = {"k3s1": "198.18.36.21", "k3s2": "198.18.36.23"}
FOREIGN = ("10.96.0.0/24 via 198.18.36.1", "10.97.0.0/24 dev eth0")


@pytest.fixture(scope="module")
def twin() -> Twin:
    return Twin(SCENARIO / "inventory")


def play(twin: Twin, *arguments: str) -> Run:
    return twin.play(PLAYBOOK, *ON, *arguments)


def values(**of: dict[str, str]) -> tuple[str, str]:
    """Role variables of single machines; all others keep theirs."""
    places = {
        "address": "homelab_machine.address",
        "subnet": "homelab_node_network.cidr",
        "gateway": "homelab_node_network.gateway",
    }
    told = {}
    for name, place in places.items():
        single = json.dumps({machine: wish[name] for machine, wish in of.items() if name in wish})
        told[f"node_network_{name}"] = "{{ " + f"{single}.get(inventory_hostname, {place})" + " }}"
    return "-e", json.dumps(told)


def network(twin: Twin, machine: str) -> tuple[str, str]:
    """Addresses and default route."""
    return (
        twin.on(machine, "ip -4 -o address show dev eth0 | awk '{print $4}'"),
        twin.on(machine, "ip route show default | awk '{print $3}' | sort --unique"),
    )


def files(twin: Twin, machine: str) -> str:
    return twin.on(machine, "find /etc/systemd /etc/netplan /var/lib/fletcherlabs-homelab -type f -exec sha256sum {} +"
                            " 2>/dev/null | sort || :")  # fmt: skip


def has(twin: Twin, machine: str, address: str) -> bool:
    return network(twin, machine)[0] == f"{address}/24"


def until(condition: Callable[[], bool], seconds: float) -> float:
    began = time.monotonic()
    while not condition():
        assert time.monotonic() - began < seconds, f"not within {seconds} s"
        time.sleep(0.5)
    return time.monotonic() - began


def test_a_rehearsal_shows_the_files_and_touches_nothing(twin: Twin) -> None:
    before = [files(twin, machine) for machine in OLD]
    run = play(twin, "--check", "--diff")
    assert run.status == 0, run.output
    assert "+Address=198.18.36.21/24" in run.output
    # netplan's file, on the machine that has netplan
    assert "+      - 198.18.36.23/24" in run.output
    assert [files(twin, machine) for machine in OLD] == before


def test_a_change_that_keeps_the_hosts_reachable_stays_with_the_routes_of_others(twin: Twin) -> None:
    for machine in OLD:
        for route in FOREIGN:
            twin.on(machine, f"ip route replace {route}")
    run = play(twin)
    assert run.status == 0 and run.changed, run.output
    for machine, address in OLD.items():
        assert network(twin, machine) == (f"{address}/24", "198.18.36.1")
        assert all(route in twin.on(machine, "ip route") for route in FOREIGN)
        left = "ls -d /var/lib/fletcherlabs-homelab/uplink /etc/systemd/system/homelab-uplink* 2>/dev/null || :"
        assert not twin.on(machine, left)
        assert not twin.on(machine, "systemctl list-units --all --no-legend 'homelab-uplink*'")
    assert "05-homelab-eth0" in twin.on("k3s1", "networkctl status eth0")
    assert "10-netplan-eth0" in twin.on("k3s2", "networkctl status eth0")
    # what the installer's file had beside it is still there
    assert "other0" in twin.on("k3s2", "netplan get")


def test_a_second_run_changes_nothing(twin: Twin) -> None:
    run = play(twin)
    assert run.status == 0 and not run.changed, run.output


def test_a_reload_of_networkd_keeps_the_routes_of_others(twin: Twin) -> None:
    twin.on("k3s1", "touch /etc/systemd/network/05-homelab-eth0.network && networkctl reload")
    # what `netplan apply` comes to
    twin.on("k3s2", "netplan generate && touch /run/systemd/network/10-netplan-eth0.network && networkctl reload")
    time.sleep(3)
    for machine in OLD:
        assert all(route in twin.on(machine, "ip route") for route in FOREIGN)


def test_hosts_that_are_lost_go_back_by_themselves_and_the_play_says_so(twin: Twin) -> None:
    before = [files(twin, machine) for machine in OLD]
    run = play(twin, *values(k3s1=LOST, k3s2={"gateway": "198.18.36.77"}))
    assert run.status == 2, run.output
    back = "the host went back to what it had and answers at"
    end = ": check address, gateway and port"
    assert (
        "k3s1: no new connection came to 203.0.113.5 within 20 s of the change of its network; "
        f"{back} 198.18.36.21{end}" in run.text
    )
    assert (
        "k3s2: the change of the network is not kept, since its gateway 198.18.36.77 answers no ARP; "
        f"{back} 198.18.36.23{end}" in run.text
    )
    for machine, address in OLD.items():
        assert network(twin, machine) == (f"{address}/24", "198.18.36.1")
        assert all(route in twin.on(machine, "ip route") for route in FOREIGN)
    assert [files(twin, machine) for machine in OLD] == before


def test_a_killed_controller_and_a_power_cut_leave_hosts_that_go_back(twin: Twin) -> None:
    before = [files(twin, machine) for machine in OLD]
    process = twin.start(PLAYBOOK, *ON, *values(k3s1=LOST, k3s2=LOST))
    for machine in OLD:
        until(partial(has, twin, machine, "203.0.113.5"), 60)
    kill_controller(process)
    # its timer is gone with the power; the unit of the boot is not
    twin.kill("k3s2")
    assert until(partial(has, twin, "k3s1", OLD["k3s1"]), 60) < 40
    twin.lab("machines", "up")
    until(lambda: [files(twin, machine) for machine in OLD] == before, 20)
    assert "198.18.36.23/24" in twin.on("k3s2", "cat /run/systemd/network/10-netplan-eth0.network")
    assert "Finished homelab-uplink-boot" in twin.on("k3s2", "journalctl --unit homelab-uplink-boot --output cat")
    run = play(twin)
    assert run.status == 0 and not run.changed, run.output


def test_what_cannot_be_is_refused_at_once_and_nothing_is_touched(twin: Twin) -> None:
    before = files(twin, "k3s1")
    mac = twin.on("k3s1", "cat /sys/class/net/eth0/address")
    nics = json.dumps({"node_network_nics": [{"name": "lan9", "mac": mac, "primary": True}]})
    run = play(twin, "--limit", "k3s1", "-e", nics, "-e", "node_network_address=198.18.36.23", "-e",
               "node_network_gateway=198.18.37.1")  # fmt: skip
    assert run.status == 2
    assert f"interface lan9 is not there, and its MAC address {mac} is that of eth0" in run.text
    assert "the gateway 198.18.37.1 is outside 198.18.36.0/24" in run.text
    run = play(twin, "--limit", "k3s1", "-e", "node_network_address=198.18.36.23")
    other = twin.on("k3s2", "cat /sys/class/net/eth0/address")
    assert f"198.18.36.23 is in use by another machine (MAC address {other})" in run.text
    assert files(twin, "k3s1") == before


def test_another_address_is_reached_confirmed_and_known(twin: Twin) -> None:
    moved = values(k3s1={"address": "198.18.36.31"})
    run = play(twin, *moved, "-e", "homelab_present_address=198.18.36.21", "--limit", "k3s1")
    assert run.status == 0 and run.changed, run.output
    assert network(twin, "k3s1") == ("198.18.36.31/24", "198.18.36.1")
    assert "198.18.36.31 ssh-ed25519 " in (twin.state / "known_hosts").read_text()
