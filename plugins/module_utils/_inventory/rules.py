# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: what machines and site may not say together."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import combinations

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._inventory.labels import (
    DNS_LABEL,
    check_labels,
    check_taints,
)
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._inventory.model import (
    SERVERS,
    WORKERS,
    Inventory,
    Machine,
    Unknown,
)
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._inventory.rules_gateway import (
    advise_gateway,
    check_gateway,
)
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._inventory.rules_gitops import (
    advise_gitops,
    check_gitops,
)
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._inventory.rules_gpu import check_gpus
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._inventory.rules_network import (
    check_nics,
    check_uplinks,
)
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._inventory.rules_proxmox import (
    advise_vms,
    check_hypervisors,
    check_vms,
)
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._inventory.rules_releases import (
    advise_releases,
    check_releases,
)
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._inventory.rules_storage import (
    check_classes,
    check_exports,
    check_tiers,
)


def check(inventory: Inventory) -> list[str]:
    """Every sentence of every rule."""
    rules = (
        check_names,
        check_addresses,
        check_macs,
        check_roles,
        check_networks,
        check_api,
        check_tiers,
        check_classes,
        check_exports,
        check_gpus,
        check_hosts_of_vms,
        check_hypervisors,
        check_vms,
        check_releases,
        check_gateway,
        check_gitops,
        check_nics,
        check_uplinks,
    )
    found = [sentence for rule in rules for sentence in rule(inventory)]
    for machine in inventory.machines:
        found += [*check_labels(machine), *check_taints(machine)]
    return found


def _shared(machines: Iterable[Machine], keys: Callable[[Machine], Iterable[str]]) -> Iterator[tuple[str, str]]:
    """Each key that more than one machine has, with the machines' names."""
    owners: dict[str, list[str]] = {}
    for machine in machines:
        for key in keys(machine):
            owners.setdefault(key, []).append(machine.name)
    for key, names in owners.items():
        if len(names) > 1:
            yield key, f"{', '.join(names[:-1])} and {names[-1]}"


def check_names(inventory: Inventory) -> Iterator[str]:
    """Names are host names and node names at once."""
    for machine in inventory.machines:
        for name in sorted({machine.name, machine.node_name}):
            if not DNS_LABEL.fullmatch(name):
                yield f"{machine.name}: '{name}' is not a host name (RFC 1123); use up to 63 of a to z, 0 to 9 and '-'"
    # Kubernetes sees names of machines outside the cluster too: in certificates and on the network.
    for name, owners in _shared(inventory.machines, lambda machine: [machine.node_name.lower()]):
        yield f"{owners} have one node name, '{name}'; rename one (homelab_node.name, or its file)"


def check_addresses(inventory: Inventory) -> Iterator[str]:
    """Each machine has an address of its own, inside the node network, that nothing else uses."""
    site = inventory.site
    for shared, owners in _shared(
        inventory.machines, lambda machine: [str(machine.address)] if machine.address else []
    ):
        yield f"{owners} have one address, {shared}; correct homelab_machine.address of one"
    for machine in inventory.machines:
        address, where = machine.address, f"{machine.name}: homelab_machine.address: {machine.address}"
        if address is None:
            continue
        if site.network and address not in site.network:
            yield f"{where} lies outside the node network {site.network}; use an address inside it"
        elif site.network and address in (site.network.network_address, site.network.broadcast_address):
            yield f"{where} is the first or last address of the node network {site.network}; use one between"
        if address == site.gateway:
            yield f"{where} is the gateway's; use another"
        if address == site.api_virtual:
            yield f"{where} is homelab_api_virtual_address, which belongs to no machine; use another"
        if site.load_balancer and address in site.load_balancer:
            yield f"{where} lies in homelab_load_balancer_cidr {site.load_balancer}, which is for services; use another"


def check_macs(inventory: Inventory) -> Iterator[str]:
    """No two interfaces share a MAC address."""
    for mac, owners in _shared(inventory.machines, lambda machine: [nic.mac for nic in machine.nics if nic.mac]):
        yield f"{owners} have one MAC address, {mac}; read them again with 'ip -br link'"


def check_roles(inventory: Inventory) -> Iterator[str]:
    """Who is a server, who is a worker."""
    servers, workers = inventory.in_group(SERVERS), inventory.in_group(WORKERS)
    for machine in inventory.machines:
        if machine in servers and machine in workers:
            yield f"{machine.name}: homelab_groups names {SERVERS} and {WORKERS}; keep one, a server runs workloads too"
        if machine.is_member and machine.wish is None:
            yield f"{machine.name}: homelab_node is missing; write its labels, taints and tiers, or homelab_node: {{}}"
        if machine.wish and not machine.is_member:
            yield (
                f"{machine.name}: homelab_node is there, but homelab_groups names no group of the cluster; "
                f"add {SERVERS} or {WORKERS} there, or remove homelab_node"
            )
    if not servers:
        waiting = f", but {len(workers)} machines in {WORKERS} need one" if workers else ""
        yield f"the group {SERVERS} has no machine{waiting}; name it in homelab_groups of the first server"
    elif len(servers) > 2 and len(servers) % 2 == 0:
        yield f"the group {SERVERS} has {len(servers)} machines, expected an odd number for etcd; add or remove one"


def check_networks(inventory: Inventory) -> Iterator[str]:
    """Networks that must not overlap, and addresses that must lie inside one."""
    site = inventory.site
    networks = (
        ("homelab_pod_cidr", site.pods),
        ("homelab_service_cidr", site.services),
        ("homelab_node_network.cidr", site.network),
    )
    for (name, network), (other_name, other) in combinations(networks, 2):
        if network and other and network.overlaps(other):
            yield f"{name}: {network} overlaps {other_name} {other}; choose networks that share no address"
    for name, network in networks[:2]:
        if network and site.load_balancer and network.overlaps(site.load_balancer):
            yield f"{name}: {network} overlaps homelab_load_balancer_cidr {site.load_balancer}; choose another"
    if site.network and site.gateway and site.gateway not in site.network:
        yield f"homelab_node_network.gateway: {site.gateway} lies outside {site.network}; use an address inside it"
    if site.services and site.cluster_dns and site.cluster_dns not in site.services:
        yield f"homelab_cluster_dns: {site.cluster_dns} is not in homelab_service_cidr {site.services}; use one inside"
    elif site.services and site.cluster_dns == site.services.network_address + 1:
        yield f"homelab_cluster_dns: {site.cluster_dns} is the address of the service 'kubernetes'; use another"


def check_api(inventory: Inventory) -> Iterator[str]:
    """Clients reach the API at a server, or at the declared virtual address."""
    servers = {machine.address for machine in inventory.in_group(SERVERS)}
    site = inventory.site
    if site.api_address and servers and site.api_address not in servers | {site.api_virtual}:
        known = ", ".join(sorted(str(address) for address in servers if address)) or "not known"
        yield (
            f"homelab_api_address: {site.api_address} belongs to no server (their addresses: {known}); "
            "use one of them, or set homelab_api_virtual_address to it as well"
        )


def check_hosts_of_vms(inventory: Inventory) -> Iterator[str]:
    """A virtual machine runs on a hypervisor of this inventory."""
    hypervisors = [machine.name for machine in inventory.in_group("hypervisor")]
    for machine in inventory.machines:
        if machine.kind == "vm" and machine.host and machine.host not in hypervisors:
            known = ", ".join(hypervisors) or "none"
            place = f"{machine.name}: homelab_machine.host"
            yield f"{place}: '{machine.host}' is not in the group hypervisor (there: {known}); name one that is"


def advice(inventory: Inventory) -> list[str]:
    """What is allowed, for a while or at the owner's risk."""
    found = [*advise_releases(inventory), *advise_gateway(inventory), *advise_vms(inventory), *advise_gitops(inventory)]
    if len(inventory.in_group(SERVERS)) == 2:
        found.append(f"the group {SERVERS} has 2 machines: etcd stops when either is lost; add a third one")
    return found


def open_questions(inventory: Inventory) -> list[Unknown]:
    """Every fact nobody recorded, the site's first."""
    return [*inventory.site.unknowns, *(unknown for machine in inventory.machines for unknown in machine.unknowns)]


def blocking(unknowns: Iterable[Unknown], layers: Iterable[str]) -> list[str]:
    """Sentences for the questions that the layers cannot be built without."""
    wanted = set(layers)
    return [
        f"{unknown.machine}: {unknown.fact} is unknown and the layer {unknown.needed_by} needs it; "
        f"answer '{unknown.question}' in the inventory and remove the question from {_list_of(unknown)}"
        for unknown in unknowns
        if unknown.needed_by in wanted
    ]


def _list_of(unknown: Unknown) -> str:
    return "homelab_site_unknown" if unknown.machine == "site" else "homelab_unknown"
