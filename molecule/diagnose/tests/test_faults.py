# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Several faults at a time, each on a machine of its own: every one gets its verdict, and nobody else does."""

from __future__ import annotations

import time
from contextlib import ExitStack
from typing import Any

from tests.town import HOUSE_ADDRESS, NETWORK, Town

GATEWAY = f"{NETWORK}.1"
ADDRESSES = {"k3s1": f"{NETWORK}.21", "k3s2": f"{NETWORK}.23", "k3s3": f"{NETWORK}.31"}
# the connection of the tests stays
FILTER = "iptables -I INPUT ! -s {gateway} {rule}".format
UNFILTER = "iptables -F INPUT; iptables -F OUTPUT"
ROUTE = f"ip route replace default via {GATEWAY}"
UP = f"ip link set eth0 up; {ROUTE}"
SPEED = "echo 100 > /run/speed; mount --bind /run/speed /sys/class/net/eth0/speed"
# Python on that machine believes in another time.
CLOCK = "/usr/local/lib/python3.11/dist-packages/clock"
SHIFT = "import time\\n_now = time.time\\ntime.time = lambda: _now() - 300\\n"
LATE = f"printf '{SHIFT}' > {CLOCK}.py; echo import clock > {CLOCK}.pth"


def inward(rule: str) -> str:
    return FILTER(gateway=GATEWAY, rule=rule)


def kinds(verdicts: list[dict[str, Any]]) -> dict[str, str]:
    return {verdict["node"]: verdict["kind"] for verdict in verdicts}


def line(verdicts: list[dict[str, Any]], node: str) -> str:
    return next(str(verdict["line"]) for verdict in verdicts if verdict["node"] == node)


def test_a_healthy_network_gets_no_verdict_within_twenty_seconds(town: Town) -> None:
    began = time.monotonic()
    run, verdicts = town.diagnose()
    assert verdicts == [] and "No fault was found" in run.text
    assert time.monotonic() - began < 20
    page = (town.twin.state / "report" / "network.html").read_text()
    assert "No fault was found" in page and "http" not in page.replace("http-equiv", "")


def test_cable_speed_names_the_api_time_and_the_registry(town: Town) -> None:
    with ExitStack() as faults:
        faults.enter_context(town.fault("k3s1", SPEED, "umount /sys/class/net/eth0/speed", inside=True))
        faults.enter_context(town.fault("k3s2", "iptables -I OUTPUT -p udp --dport 53 -j DROP", UNFILTER))
        faults.enter_context(town.fault("k3s3", "ip link set eth0 down", UP))
        faults.enter_context(town.without("k3s-master1", "tcp=10250,4240"))
        faults.enter_context(town.without("house", "tcp=179", "dns"))
        _run, verdicts = town.diagnose()
    assert kinds(verdicts) == {
        "k3s3": "dead",
        "k3s1": "speed",
        "k3s2": "dns",
        f"time server {HOUSE_ADDRESS}": "ntp",
        "k3s-master1": "api",
        f"registry {HOUSE_ADDRESS}": "registry",
    }
    assert line(verdicts, "k3s1") == "k3s1: link eth0 negotiated 100 Mb/s, expected 2500: check cable or port"
    assert "get no answer to ARP for" in line(verdicts, "k3s3") and "later failures follow" in line(verdicts, "k3s3")
    assert "nothing listens on port 6443 (api), k3s1, k3s2 and r730 found it refused" in line(verdicts, "k3s-master1")


def test_gateway_mtu_rules_and_nfs(town: Town) -> None:
    with ExitStack() as faults:
        faults.enter_context(town.fault("k3s1", f"ip route replace default via {HOUSE_ADDRESS}", ROUTE))
        faults.enter_context(town.fault("k3s2", "ip link set eth0 mtu 1400", "ip link set eth0 mtu 1500"))
        flush = "ip rule del priority 0"
        faults.enter_context(town.fault("k3s3", flush, "ip rule add priority 0 lookup local"))
        faults.enter_context(town.without("r730"))
        _run, verdicts = town.diagnose()
    assert kinds(verdicts) == {"k3s3": "dead", "k3s1": "gateway", "k3s2": "mtu", "r730": "nfs"}
    assert f"goes to {HOUSE_ADDRESS}, expected {GATEWAY}" in line(verdicts, "k3s1")


def test_loss_blocked_ports_and_no_names(town: Town) -> None:
    with ExitStack() as faults:
        lose = inward("-m statistic --mode random --probability 0.3 -j DROP")
        faults.enter_context(town.fault("k3s1", lose, UNFILTER))
        faults.enter_context(town.fault("k3s2", inward("-p tcp --dport 10250 -j DROP"), UNFILTER))
        faults.enter_context(town.fault("k3s3", inward("-p udp --dport 8472 -j DROP"), UNFILTER))
        faults.enter_context(town.without("house", "tcp=179,5000", "ntp=0"))
        _run, verdicts = town.diagnose()
    expected = {"k3s1": "loss", "k3s2": "kubelet", "k3s3": "vxlan", f"name server {HOUSE_ADDRESS}": "dns"}
    assert kinds(verdicts) == expected


def test_taken_address_clock_cilium_bgp_and_a_machine_that_sends_no_vxlan(town: Town) -> None:
    with ExitStack() as faults:
        take = f"ip address add {ADDRESSES['k3s2']}/32 dev eth0"
        faults.enter_context(town.fault("r730", take, take.replace(" add ", " del ")))
        faults.enter_context(town.fault("k3s-master1", LATE, f"rm {CLOCK}.py {CLOCK}.pth", inside=True))
        faults.enter_context(town.fault("k3s1", inward("-p tcp --dport 4240 -j REJECT"), UNFILTER))
        faults.enter_context(town.fault("k3s3", "iptables -I OUTPUT -p udp --dport 8472 -j DROP", UNFILTER))
        faults.enter_context(town.without("house", "tcp=5000", "dns", "ntp=0"))
        _run, verdicts = town.diagnose()
    assert kinds(verdicts) == {
        "r730": "duplicate ip",
        "k3s-master1": "clock",
        "k3s1": "cilium-health",
        "k3s3": "vxlan",
        f"router {HOUSE_ADDRESS}": "bgp",
    }


def test_what_only_the_machine_itself_can_tell(town: Town) -> None:
    with ExitStack() as faults:
        gone = "ip link set eth0 down; ip link set eth0 name gone0; ip address flush dev gone0"
        back = f"ip link set gone0 name eth0; ip address add {ADDRESSES['k3s1']}/24 dev eth0; {UP}"
        faults.enter_context(town.fault("k3s1", gone, back))
        faults.enter_context(town.fault("k3s2", "ip link set eth0 down", UP))
        moved = "ip rule add priority 100 lookup local; ip rule del priority 0; ip rule del priority 100"
        faults.enter_context(town.fault("k3s3", moved, "ip rule add priority 0 lookup local"))
        _run, verdicts = town.diagnose(*town.by_console())
    assert kinds(verdicts) == {"k3s1": "link gone", "k3s2": "link off", "k3s3": "rules"}


def test_one_machine_alone_in_check_mode_writes_nothing(town: Town) -> None:
    report = town.twin.state / "report" / "network.json"
    before = report.read_text()
    run = town.twin.play("playbooks/diagnose.yml", "--limit", "k3s1", "--check")
    assert run.status == 0 and not run.changed, run.output[-3000:]
    assert "No fault was found" in run.text and "k3s2 :" not in run.output
    assert report.read_text() == before
