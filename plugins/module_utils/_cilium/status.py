# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: whether Cilium is up, and what is missing, in sentences; pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Object = Mapping[str, Any]
CONFLICT = "cilium.io/PoolConflict"


@dataclass(frozen=True)
class Expected:
    """What to wait for."""

    nodes: tuple[str, ...] = ()
    definitions: tuple[str, ...] = ()
    gateway: tuple[str, str, str] | None = None  # namespace, name, address
    pools: bool = False
    # nodes whose session has to be established; None where Cilium does not tell
    sessions: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Seen:
    """What the API shows."""

    nodes: Mapping[str, Object] = field(default_factory=dict)
    definitions: Mapping[str, Object] = field(default_factory=dict)
    workloads: tuple[Object, ...] = ()
    gateway_class: Object | None = None
    gateway: Object | None = None
    pools: tuple[Object, ...] = ()
    sessions: tuple[Object, ...] = ()


def missing(expected: Expected, seen: Seen) -> list[str]:
    """One part of a sentence for each thing that is not there yet; pools that quarrel never will be."""
    return [
        *_definitions(expected, seen),
        *(said for workload in seen.workloads for said in _workload(workload)),
        *_nodes(expected.nodes, seen),
        *(_gateway(expected.gateway, seen) if expected.gateway else ()),
        *(_sessions(expected.sessions, seen) if expected.sessions else ()),
    ]


def conflicts(seen: Seen) -> list[str]:
    """Pools that quarrel about addresses, which no waiting mends."""
    found = []
    for pool in seen.pools:
        condition = condition_of(pool, CONFLICT)
        if condition.get("status") == "True":
            name = pool["metadata"]["name"]
            found.append(
                f"CiliumLoadBalancerIPPool {name} hands out nothing, for its addresses are another pool's too "
                f"({condition.get('message', 'no message')}); remove one of the two"
            )
    return found


def notices(seen: Seen) -> list[str]:
    """What works in part: listeners that wait for their certificate."""
    listeners = ((seen.gateway or {}).get("status") or {}).get("listeners") or ()
    found = []
    for listener in listeners:
        refs = condition_of({"status": listener}, "ResolvedRefs")
        if refs.get("status") == "False":
            found.append(
                f"the listener {listener['name']} is not served yet: {refs.get('message') or refs.get('reason')}"
            )
    return found


def condition_of(item: Object, kind: str) -> Object:
    """A condition by its type; empty where nobody reported it."""
    conditions = (item.get("status") or {}).get("conditions") or ()
    return next((entry for entry in conditions if entry.get("type") == kind), {})


def established(sessions: Iterable[Object]) -> dict[str, str]:
    """Each node's state of its session as CiliumBGPNodeConfig tells it: the worst where there are several."""
    states: dict[str, str] = {}
    for config in sessions:
        instances = (config.get("status") or {}).get("bgpInstances") or ()
        peers = [peer.get("peeringState", "unknown") for item in instances for peer in item.get("peers") or ()]
        worst = next((state for state in peers if state != "established"), None)
        states[config["metadata"]["name"]] = worst or ("established" if peers else "not reported")
    return states


def _definitions(expected: Expected, seen: Seen) -> Iterator[str]:
    for name in expected.definitions:
        item = seen.definitions.get(name)
        if item is None:
            yield f"the operator has not defined {name} yet"
        elif condition_of(item, "Established").get("status") != "True":
            yield f"{name} is defined and not established yet"


def _workload(item: Object) -> Iterator[str]:
    status, metadata = item.get("status") or {}, item["metadata"]
    where = f"{item['kind']} {metadata['name']}"
    if item["kind"] == "DaemonSet":
        ready, wanted = status.get("numberReady", 0), status.get("desiredNumberScheduled", 0)
        fresh = status.get("updatedNumberScheduled", 0)
    else:
        ready, wanted = status.get("readyReplicas", 0), (item.get("spec") or {}).get("replicas", 1)
        fresh = status.get("updatedReplicas", 0)
    if status.get("observedGeneration", 0) < metadata.get("generation", 0):
        yield f"{where} has not been looked at since it was changed"
    elif min(ready, fresh) < wanted or wanted == 0:
        yield f"{where} has {min(ready, fresh)} of {wanted} pods ready"


def _nodes(names: Sequence[str], seen: Seen) -> Iterator[str]:
    for name in names:
        ready = condition_of(seen.nodes.get(name, {}), "Ready")
        if ready.get("status") != "True":
            yield f"the node {name} is not Ready ({ready.get('message') or 'no condition reported'})"


def _gateway(expected: tuple[str, str, str], seen: Seen) -> Iterator[str]:
    accepted = condition_of(seen.gateway_class or {}, "Accepted")
    if accepted.get("status") != "True":
        yield (
            f"GatewayClass cilium is not Accepted ({accepted.get('message') or 'no condition reported'}); "
            "look for the kinds that its operator misses: kubectl -n kube-system logs deploy/cilium-operator"
        )
        return
    namespace, name, address = expected
    gateway = seen.gateway or {}
    programmed = condition_of(gateway, "Programmed")
    addresses = [entry.get("value") for entry in (gateway.get("status") or {}).get("addresses") or ()]
    if address not in addresses:
        yield f"Gateway {namespace}/{name} has {', '.join(map(str, addresses)) or 'no address'}, expected {address}"
    if programmed.get("status") != "True" and not _serves(gateway):
        yield f"Gateway {namespace}/{name} is not Programmed ({programmed.get('message') or 'no condition reported'})"


def _serves(gateway: Object) -> bool:
    """Whether one listener is programmed: another may wait for its certificate, which is no fault of the network."""
    listeners = (gateway.get("status") or {}).get("listeners") or ()
    return any(condition_of({"status": item}, "Programmed").get("status") == "True" for item in listeners)


def _sessions(names: Sequence[str], seen: Seen) -> Iterator[str]:
    states = established(seen.sessions)
    for name in names:
        if states.get(name) != "established":
            yield f"the BGP session of {name} is {states.get(name, 'not reported')}, expected established"
