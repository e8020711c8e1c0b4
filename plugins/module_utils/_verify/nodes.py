# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: rows about the nodes as the API has them; pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

from .._cilium.status import condition_of
from .model import BAD, BLIND, OK, Object, Row, World, found, some, verdict

CONTROL_PLANE = "node-role.kubernetes.io/control-plane"
# taints that the cluster itself sets while a node is not well, or is cordoned
OWN_TAINTS = ("node.kubernetes.io/", "node.cloudprovider.kubernetes.io/")
PRESSURES = ("MemoryPressure", "DiskPressure", "PIDPressure", "NetworkUnavailable")
OURS = "homelab.fletcherlabs.net/cordoned"


def rows(world: World) -> Iterator[Row]:
    """All rows about nodes."""
    nodes = world.named("nodes")
    for machine in world.members():
        node = nodes.get(world.node_name(machine))
        if node is None:
            said = f"is no node of the cluster; build it: ansible-playbook playbooks/cluster.yml -e node={machine}"
            yield Row("nodes", machine, "ready", BAD, said)
            continue
        yield _ready(world, machine, node)
        yield _schedulable(machine, node)
        yield verdict("nodes", machine, "version", _version(world, machine, node), _kubelet(node))
        yield verdict("nodes", machine, "role", _role(world, machine, node), "is what the inventory says")
        yield verdict("nodes", machine, "labels", _labels(world, machine, node), "has all labels of the inventory")
        yield verdict(
            "nodes", machine, "taints", _taints(world, machine, node), "has the taints of the inventory alone"
        )
        yield verdict("nodes", machine, "address", _address(world, machine, node), "registered with its address")
    yield _foreign(world, nodes)


def _ready(world: World, machine: str, node: Object) -> Row:
    ready = condition_of(node, "Ready")
    if ready.get("status") != "True" and is_down(world, machine):
        return Row("nodes", machine, "ready", BLIND, "is not Ready, since K3s does not run there")
    if ready.get("status") != "True":
        why = ready.get("message") or "it reported nothing"
        said = f"is not Ready ({why}); look at journalctl -u 'k3s*' on {machine}"
        return Row("nodes", machine, "ready", BAD, said)
    pressed = [kind for kind in PRESSURES if condition_of(node, kind).get("status") == "True"]
    problems = [
        f"is Ready with {kind} ({condition_of(node, kind).get('message')}); free some of it" for kind in pressed
    ]
    return verdict("nodes", machine, "ready", problems, "is Ready")


def _schedulable(machine: str, node: Object) -> Row:
    if not (node.get("spec") or {}).get("unschedulable"):
        return Row("nodes", machine, "takes-pods", OK, "takes pods")
    ours = OURS in (node["metadata"].get("annotations") or {})
    why = (
        "a playbook that did not end; run it again"
        if ours
        else f"somebody; kubectl uncordon {node['metadata']['name']}"
    )
    return Row("nodes", machine, "takes-pods", BAD, f"is cordoned by {why}")


def _kubelet(node: Object) -> str:
    return str(((node.get("status") or {}).get("nodeInfo") or {}).get("kubeletVersion") or "no version")


def _version(world: World, machine: str, node: Object) -> Iterator[str]:
    wanted = world.site.get("homelab_k3s_version")
    running = _kubelet(node)
    if wanted and running != wanted:
        yield f"runs {running}, expected {wanted}; ansible-playbook playbooks/upgrade_cluster.yml"
    installed = (found(world, machine, "k3s") or {}).get("version")
    if installed and wanted and installed != wanted and installed != running:
        yield f"has {installed} installed, expected {wanted}; ansible-playbook playbooks/cluster.yml -e node={machine}"


def _role(world: World, machine: str, node: Object) -> Iterator[str]:
    is_server = CONTROL_PLANE in (node["metadata"].get("labels") or {})
    wanted = machine in world.members("k3s_server")
    if is_server and not wanted:
        yield f"is a server, expected an agent; ansible-playbook playbooks/rebuild_node.yml -e node={machine}"
    if wanted and not is_server:
        yield f"is no server, expected one; ansible-playbook playbooks/rebuild_node.yml -e node={machine}"


def _labels(world: World, machine: str, node: Object) -> Iterator[str]:
    labels = node["metadata"].get("labels") or {}
    for key, value in sorted((world.wish(machine).get("labels") or {}).items()):
        if labels.get(key) != value:
            has = f"has {key}={labels[key]}" if key in labels else f"lacks {key}"
            yield f"{has}, expected {key}={value}; ansible-playbook playbooks/cluster.yml -e node={machine}"


def _taints(world: World, machine: str, node: Object) -> Iterator[str]:
    wanted = {_taint(item) for item in world.wish(machine).get("taints") or ()}
    has = {_taint(item) for item in (node.get("spec") or {}).get("taints") or ()}
    for taint in sorted(wanted - has):
        yield f"lacks the taint {taint}; ansible-playbook playbooks/cluster.yml -e node={machine}"
    for taint in sorted(has - wanted):
        if not taint.startswith(OWN_TAINTS):
            yield f"has the taint {taint}, which no inventory names; write it there, or take it off with kubectl taint"


def _taint(item: Object) -> str:
    value = f"={item['value']}" if item.get("value") else ""
    return f"{item['key']}{value}:{item['effect']}"


def _address(world: World, machine: str, node: Object) -> Iterator[str]:
    wanted = (world.machines[machine].get("homelab_machine") or {}).get("address")
    entries = (node.get("status") or {}).get("addresses") or ()
    has = [entry.get("address") for entry in entries if entry.get("type") == "InternalIP"]
    if wanted and wanted not in has:
        had = some(map(str, has)) or "no address"
        yield f"registered with {had}, expected {wanted}; set node-ip, or correct its network"


def _foreign(world: World, nodes: dict[str, Object]) -> Row:
    known = {world.node_name(machine) for machine in world.members()}
    strangers = [
        f"{name} is {_kind(nodes[name])} that the inventory does not name; describe it, or take it out: "
        f"kubectl delete node {name}"
        for name in sorted(set(nodes) - known)
    ]
    return verdict("nodes", "cluster", "members", strangers, f"has exactly the {len(known)} nodes of the inventory")


def _kind(node: Object) -> str:
    return "a server" if CONTROL_PLANE in (node["metadata"].get("labels") or {}) else "a node"


def is_down(world: World, machine: str) -> bool:
    """Whether a row about the machine itself already tells that its node cannot be well."""
    if machine not in world.evidence:
        return False
    look = found(world, machine, "k3s")
    return world.hidden(machine) or (look is not None and not look.get("active"))


def _brief(silence: str) -> str:
    """The operating system's own words, which the client wraps in many others."""
    words = re.search(r"\[Errno -?\d+\] ([^'\")]+)", silence)
    return words[1] if words else silence


def blind(world: World) -> Iterator[Row]:
    """In the place of everything that only the API could tell."""
    servers = world.members("k3s_server")
    said = f"does not answer ({_brief(world.silence)}); look at k3s.service on {some(servers)}"
    known = bool(servers) and all(is_down(world, name) for name in servers)
    yield Row("nodes", "cluster", "api", BLIND if known else BAD, said)
    for machine in world.members():
        yield Row("nodes", machine, "ready", BLIND, "only the API could tell")
