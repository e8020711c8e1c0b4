# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is missing until Cilium works."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._cilium.status import (
    Expected,
    Seen,
    conflicts,
    established,
    missing,
    notices,
)

GATEWAY = ("networking", "main-gateway", "192.168.10.224")


def conditions(**states: str) -> dict[str, Any]:
    return {
        "status": {"conditions": [{"type": kind, "status": state, "message": "why"} for kind, state in states.items()]}
    }


def gateway(address: str = "192.168.10.224", programmed: str = "True", **listeners: str) -> dict[str, Any]:
    item = conditions(Accepted="True", Programmed=programmed)
    item["status"]["addresses"] = [{"value": address}] if address else []
    item["status"]["listeners"] = [
        {"name": name, **conditions(Programmed=state, ResolvedRefs=state)["status"]}
        for name, state in listeners.items()
    ]
    return item


def workload(kind: str, ready: int, wanted: int, fresh: int | None = None, seen: int = 3) -> dict[str, Any]:
    fresh = ready if fresh is None else fresh
    if kind == "DaemonSet":
        status = {"numberReady": ready, "desiredNumberScheduled": wanted, "updatedNumberScheduled": fresh}
    else:
        status = {"readyReplicas": ready, "updatedReplicas": fresh}
    metadata = {"name": "cilium", "generation": 3}
    return {
        "kind": kind,
        "metadata": metadata,
        "spec": {"replicas": wanted},
        "status": {**status, "observedGeneration": seen},
    }


ACCEPTED = conditions(Accepted="True")
CASES: list[tuple[str, Expected, Seen, list[str]]] = [
    ("nothing expected", Expected(), Seen(), []),
    (
        "kind not defined",
        Expected(definitions=("a.cilium.io",)),
        Seen(),
        ["the operator has not defined a.cilium.io yet"],
    ),
    (
        "kind not established",
        Expected(definitions=("a.cilium.io",)),
        Seen(definitions={"a.cilium.io": conditions(Established="False")}),
        ["a.cilium.io is defined and not established yet"],
    ),
    ("agents ready", Expected(), Seen(workloads=(workload("DaemonSet", 2, 2),)), []),
    (
        "agents not ready",
        Expected(),
        Seen(workloads=(workload("DaemonSet", 1, 2),)),
        ["DaemonSet cilium has 1 of 2 pods ready"],
    ),
    (
        "old agents",
        Expected(),
        Seen(workloads=(workload("DaemonSet", 2, 2, 1),)),
        ["DaemonSet cilium has 1 of 2 pods ready"],
    ),
    (
        "no agents at all",
        Expected(),
        Seen(workloads=(workload("DaemonSet", 0, 0),)),
        ["DaemonSet cilium has 0 of 0 pods ready"],
    ),
    (
        "operator just changed",
        Expected(),
        Seen(workloads=(workload("Deployment", 2, 2, seen=2),)),
        ["Deployment cilium has not been looked at since it was changed"],
    ),
    ("node gone", Expected(nodes=("k3s1",)), Seen(), ["the node k3s1 is not Ready (no condition reported)"]),
    (
        "node not ready",
        Expected(nodes=("k3s1",)),
        Seen(nodes={"k3s1": conditions(Ready="False")}),
        ["the node k3s1 is not Ready (why)"],
    ),
    ("node ready", Expected(nodes=("k3s1",)), Seen(nodes={"k3s1": conditions(Ready="True")}), []),
    (
        "no address",
        Expected(gateway=GATEWAY),
        Seen(gateway_class=ACCEPTED, gateway=gateway("", "False")),
        [
            "Gateway networking/main-gateway has no address, expected 192.168.10.224",
            "Gateway networking/main-gateway is not Programmed (why)",
        ],
    ),
    (
        "another address",
        Expected(gateway=GATEWAY),
        Seen(gateway_class=ACCEPTED, gateway=gateway("192.168.10.225")),
        ["Gateway networking/main-gateway has 192.168.10.225, expected 192.168.10.224"],
    ),
    ("programmed", Expected(gateway=GATEWAY), Seen(gateway_class=ACCEPTED, gateway=gateway()), []),
    (
        "one listener waits for its certificate",
        Expected(gateway=GATEWAY),
        Seen(gateway_class=ACCEPTED, gateway=gateway(programmed="False", http="True", https="False")),
        [],
    ),
]


@pytest.mark.parametrize(("expected", "seen", "said"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_what_is_missing(expected: Expected, seen: Seen, said: list[str]) -> None:
    assert missing(expected, seen) == said


def test_a_class_that_is_not_accepted_says_where_to_look() -> None:
    (said,) = missing(Expected(gateway=GATEWAY), Seen(gateway=gateway()))
    assert said.startswith("GatewayClass cilium is not Accepted (no condition reported); look for the kinds")


def test_a_certificate_that_is_missing_is_a_notice() -> None:
    assert notices(Seen(gateway=gateway(http="True", https="False"))) == ["the listener https is not served yet: why"]
    assert notices(Seen()) == []


def test_pools_that_quarrel_are_named() -> None:
    pool = {"metadata": {"name": "homelab"}, **conditions(**{"cilium.io/PoolConflict": "True"})}
    fine = {"metadata": {"name": "other"}, **conditions(**{"cilium.io/PoolConflict": "False"})}
    (said,) = conflicts(Seen(pools=(pool, fine)))
    assert said.startswith(
        "CiliumLoadBalancerIPPool homelab hands out nothing, for its addresses are another pool's too (why)"
    )


def test_sessions() -> None:
    def config(name: str, *states: str) -> dict[str, Any]:
        peers = [{"peeringState": state} for state in states]
        return {"metadata": {"name": name}, "status": {"bgpInstances": [{"peers": peers}]}}

    sessions = (config("k3s1", "established"), config("k3s2", "established", "active"), {"metadata": {"name": "k3s3"}})
    assert established(sessions) == {"k3s1": "established", "k3s2": "active", "k3s3": "not reported"}
    expected = Expected(sessions=("k3s1", "k3s2", "k3s3", "k3s4"))
    assert missing(expected, Seen(sessions=sessions)) == [
        "the BGP session of k3s2 is active, expected established",
        "the BGP session of k3s3 is not reported, expected established",
        "the BGP session of k3s4 is not reported, expected established",
    ]
    assert missing(Expected(sessions=None), Seen(sessions=sessions)) == []
