# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: rows about the cluster's network, in the words of the Cilium layer; pure."""

from __future__ import annotations

from collections.abc import Iterator

from .._cilium.status import Expected, Seen, condition_of, conflicts, missing, notices
from .model import BAD, BLIND, NOTE, OK, UNKNOWN, Object, Row, World, failure, found, some, verdict

AGENTS = (("daemonsets", "cilium", "DaemonSet"), ("deployments", "cilium-operator", "Deployment"))


def rows(world: World) -> Iterator[Row]:
    """Agents, Gateway, pools and sessions."""
    yield _agents(world)
    yield from _gateway(world)
    yield verdict(
        "network",
        "cilium",
        "pools",
        conflicts(Seen(pools=tuple(world.items("ciliumloadbalancerippools")))),
        "no address belongs to two pools",
    )
    yield from _sessions(world)


def _find(world: World, plural: str, namespace: str, name: str) -> Object | None:
    for item in world.items(plural):
        if item["metadata"]["name"] == name and item["metadata"].get("namespace") == namespace:
            return item
    return None


def _agents(world: World) -> Row:
    workloads, problems = [], []
    for plural, name, kind in AGENTS:
        item = _find(world, plural, "kube-system", name)
        if item is None:
            problems.append(f"{kind} kube-system/{name} is not there; ansible-playbook playbooks/network.yml")
        else:
            workloads.append({**item, "kind": kind})
    said = missing(Expected(), Seen(workloads=tuple(workloads)))
    problems += [f"{sentence}; look at its pods in kube-system" for sentence in said]
    return verdict("network", "cilium", "agents", problems, "all agents and the operator are ready")


def _gateway(world: World) -> Iterator[Row]:
    wish = world.site.get("homelab_gateway")
    if not wish:
        return
    gateway = _find(world, "gateways", wish["namespace"], wish["name"])
    seen = Seen(gateway_class=world.named("gatewayclasses").get("cilium"), gateway=gateway)
    expected = Expected(gateway=(wish["namespace"], wish["name"], str(wish["address"])))
    well = f"is programmed at {wish['address']}"
    yield verdict("network", "gateway", "programmed", missing(expected, seen), well)
    for sentence in notices(seen):
        yield Row("network", "gateway", "listeners", NOTE, sentence)
    secret = wish.get("tls_secret")
    for item in world.items("certificates"):
        if secret and (item.get("spec") or {}).get("secretName") == secret:
            yield _certificate(item)


def _certificate(item: Object) -> Row:
    ready = condition_of(item, "Ready")
    if ready.get("status") == "True":
        return Row(
            "network", "gateway", "certificate", OK, f"is good until {(item.get('status') or {}).get('notAfter')}"
        )
    said = f"is not Ready ({ready.get('message') or 'nobody reported'}); kubectl describe its CertificateRequest"
    return Row("network", "gateway", "certificate", BAD, said)


def _sessions(world: World) -> Iterator[Row]:
    bgp = world.site.get("homelab_bgp")
    if not bgp:
        return
    key, _equals, value = str(bgp.get("label") or "bgp=enabled").partition("=")
    machines = [name for name in world.members() if (world.wish(name).get("labels") or {}).get(key) == value]
    sessions = tuple(world.items("ciliumbgpnodeconfigs"))
    if sessions or not machines:
        nodes = tuple(world.node_name(machine) for machine in machines)
        lacking = missing(Expected(sessions=nodes), Seen(sessions=sessions))
        problems = [f"{part}; look at the router (docs/router.md)" for part in lacking]
        well = f"{len(nodes)} nodes speak with {bgp.get('peer_address')}"
        yield verdict("network", "bgp", "sessions", problems, well)
    elif world.items("ciliumbgppeeringpolicies"):
        yield from _connections(world, machines, str(bgp.get("peer_address")))
    else:
        said = "nothing tells Cilium to speak BGP; ansible-playbook playbooks/network.yml"
        yield Row("network", "bgp", "sessions", BAD, said)


def _connections(world: World, machines: list[str], router: str) -> Iterator[Row]:
    """Cilium before 1.16 tells its sessions only inside its agents; the connection is seen on the node all the same."""
    looks = {machine: found(world, machine, "machine") for machine in machines if not world.hidden(machine)}
    blind = sorted(machine for machine, look in looks.items() if not look or look.get("router_connected") is None)
    silent = sorted(machine for machine in machines if machine not in looks)
    problems = [
        f"{machine} has no connection to {router} port 179, expected a BGP session; look at the router "
        "(docs/router.md) and at kubectl -n kube-system exec ds/cilium -- cilium-dbg bgp peers"
        for machine, look in sorted(looks.items())
        if look and look.get("router_connected") is False
    ]
    if problems or not (blind or silent):
        well = f"connected with {router}: {some(machines)}; what is said there only Cilium's agents know"
        yield verdict("network", "bgp", "sessions", problems, well)
    elif blind:
        said = f"could not be looked at on {some(blind)}: {failure(world, blind[0], 'machine')}"
        yield Row("network", "bgp", "sessions", UNKNOWN, said)
    else:
        yield Row("network", "bgp", "sessions", BLIND, f"{some(silent)} did not answer")
