# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The documented configuration of the router peers with the nodes, learns addresses of services, and nothing else."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from testinfra.host import Host

DOCUMENTED = Path(__file__).resolve().parents[3] / "docs" / "router-frr.conf"
SERVICE, FIRST, SECOND, STRANGER = "192.168.10.224", "192.168.10.21", "192.168.10.23", "192.168.10.66"
SECONDS = 45


def shown(host: Host, command: str, party: str = "router") -> Any:
    return json.loads(host.check_output(f"vtysh -N {party} -c 'show {command} json'"))


def peers(host: Host) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = shown(host, "bgp ipv4 unicast summary").get("peers", {})
    return found


def until(true: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + SECONDS
    while not true():
        assert time.monotonic() < deadline, what
        time.sleep(1)


def hops(host: Host) -> set[str]:
    """Next hops of the service in the router's kernel."""
    (route,) = json.loads(host.check_output(f"ip -n router -json route show {SERVICE} proto bgp")) or [{}]
    return {hop["gateway"] for hop in route.get("nexthops", [route]) if "gateway" in hop}


def test_the_router_takes_the_documented_file_without_a_complaint(host: Host) -> None:
    assert host.file("/etc/frr/router/frr.conf").content_string == DOCUMENTED.read_text()
    said = host.file("/tmp/router-vtysh.log").content_string
    assert not [line for line in said.splitlines() if "%" in line or "rror" in line or "nknown" in line], said
    running = host.check_output("vtysh -N router -c 'show running-config'")
    for line in ("bgp listen range 192.168.10.0/24 peer-group NODES", "neighbor NODES route-map FROM-NODES in"):
        assert line in running


def test_sessions_are_established_with_the_nodes(host: Host) -> None:
    def up() -> bool:
        found = peers(host)
        return all(found.get(node, {}).get("state") == "Established" for node in (FIRST, SECOND))

    until(up, f"not established: {peers(host)}")
    found = peers(host)
    assert {found[node]["remoteAs"] for node in (FIRST, SECOND)} == {64512}
    assert shown(host, "bgp ipv4 unicast summary", "node1")["peers"]["192.168.10.1"]["remoteAs"] == 64513


def test_a_host_with_another_as_number_gets_no_session(host: Host) -> None:
    assert peers(host).get(STRANGER, {}).get("state") != "Established"
    assert shown(host, "bgp ipv4 unicast summary", "stranger")["peers"]["192.168.10.1"]["state"] != "Established"


def test_the_service_is_learnt_from_both_nodes(host: Host) -> None:
    until(lambda: hops(host) == {FIRST, SECOND}, f"next hops: {hops(host)}")


def test_nothing_but_addresses_of_the_pool_is_taken(host: Host) -> None:
    """Each node also announces an address outside the pool, the whole pool, a network of pods and a default route."""
    assert {peers(host)[node]["pfxRcd"] for node in (FIRST, SECOND)} == {1}
    learnt = json.loads(host.check_output("ip -n router -json route show proto bgp"))
    assert [route["dst"] for route in learnt] == [SERVICE]


def test_nothing_is_told_to_the_nodes(host: Host) -> None:
    assert host.check_output("ip -n node1 route show proto bgp") == ""


def test_a_client_of_another_network_reaches_the_service(host: Host) -> None:
    host.check_output(f"ip netns exec client ping -c 3 -W 2 {SERVICE}")


def restart_speaker(host: Host, party: str) -> None:
    host.check_output(f"kill -KILL $(cat /var/run/frr/{party}/bgpd.pid)")
    host.check_output(f"ip netns exec {party} /usr/lib/frr/bgpd -d -N {party} && vtysh -N {party} -b")


def test_a_speaker_that_restarts_loses_no_path(host: Host) -> None:
    """As Cilium's agents do at each upgrade, while their node goes on forwarding."""
    restart_speaker(host, "node1")
    for _second in range(5):
        assert hops(host) == {FIRST, SECOND}
        time.sleep(1)
    until(lambda: peers(host).get(FIRST, {}).get("state") == "Established", f"not established: {peers(host)}")


def test_a_node_that_dies_takes_its_path_with_it_and_comes_back(host: Host) -> None:
    host.check_output("ip -n node1 link set eth0 down")
    until(lambda: hops(host) == {SECOND}, f"next hops: {hops(host)}")
    host.check_output(f"ip netns exec client ping -c 3 -W 2 {SERVICE}")
    host.check_output("ip -n node1 link set eth0 up && ip -n node1 route replace default via 192.168.10.1")
    until(lambda: hops(host) == {FIRST, SECOND}, f"next hops: {hops(host)}")
