# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: from the inventory's variables to the typed model, with every fault of their shape."""

from __future__ import annotations

import re
from collections.abc import Mapping

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._inventory.model import (
    GROUPS,
    KINDS,
    LAYERS,
    SYSTEMS,
    Inventory,
    Machine,
    Nic,
    NodeWish,
    Site,
    Taint,
    Unknown,
)
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._inventory.parse_gateway import DOMAIN, parse_gateway
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._inventory.parse_gitops import parse_gitops
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._inventory.parse_gpu import gpu_cards, gpu_wish
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._inventory.parse_network import network_wish
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._inventory.parse_proxmox import (
    admin_keys,
    hypervisor,
    vm_wish,
)
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._inventory.parse_releases import parse_releases
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._inventory.parse_storage import (
    CLASS,
    catalogue,
    exports,
    pools,
    serials,
    tier_wishes,
)
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._inventory.reader import (
    MAC,
    USB_ID,
    Form,
    Problem,
    Reader,
)

URL = Form(
    "an address of releases",
    re.compile(r"https?://[^\s/]+(/\S*)?|file:///\S*"),
    "write it with https:// or http://, or file:/// for a folder",
)
FOLDER = Form("a folder", re.compile(r"(~?/.*)?"), "write it from / or ~/")
CRON = Form("a schedule", re.compile(r"(\S+ ){4}\S+|@[a-z]+"), "write five fields as cron reads them, e.g. 0 */6 * * *")
FLAGS = ("airgap_images", "embedded_registry", "hardening", "secrets_encryption")
ZONE = Form(
    "a time zone", re.compile(r"[A-Za-z]+(/[A-Za-z0-9_+-]+)*"), "write it as in /usr/share/zoneinfo, e.g. Etc/UTC"
)
OWNED = ("storage", "gpu")
USER = Form("a user name", re.compile(r"[a-z_][a-z0-9_-]{0,31}"), "write lower-case letters, digits, - and _")
SITE_NAME = Form("a name", re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"), "write lower-case letters, digits and -")

MACHINE_KEYS = (
    "kind", "vendor", "product", "host", "address", "os", "cpu", "memory_gib", "nics", "disks", "gpus", "pools",
    "storage_controller",
)  # fmt: skip
BUSES = ("usb", "pci", "virtio")
TRANSPORTS = ("nvme", "sas", "sata", "usb", "virtio")
EFFECTS = ("NoSchedule", "PreferNoSchedule", "NoExecute")


def parse(machines: Mapping[str, object], site: Mapping[str, object]) -> tuple[Inventory, list[Problem]]:
    """The model of the whole inventory, and what is wrong with the shape of its parts."""
    problems: list[Problem] = []
    typed_site = parse_site(site, problems)
    found = [parse_machine(name, Reader(value, name, problems), problems) for name, value in sorted(machines.items())]
    asked = [f"{unknown.machine}: {unknown.fact}" for machine in found for unknown in machine.unknowns]
    open_problems = [problem for problem in problems if not (problem.missing and _is_asked(problem.path, asked))]
    return Inventory(typed_site, tuple(found)), open_problems


def _is_asked(path: str, asked: list[str]) -> bool:
    return any(path == fact or path.startswith((f"{fact}.", f"{fact}[")) for fact in asked)


def parse_machine(name: str, description: Reader, problems: list[Problem]) -> Machine:
    """One machine from its variables."""

    def place(key: str) -> Reader:
        return Reader(description[key].value, f"{name}: {key}", problems)

    found = place("homelab_machine").mapping(MACHINE_KEYS)
    wish = place("homelab_node")
    kind = found["kind"].choice(KINDS) if found.is_mapping else None
    machine = Machine(
        name=name,
        kind=kind,
        host=found["host"].text(required=kind == "vm"),
        address=found["address"].address() if found.is_mapping else None,
        nics=_nics(found["nics"]) if found.is_mapping else (),
        groups=_groups(place("homelab_groups"), description["group_names"]),
        wish=None if wish.absent else _wish(name, wish),
        unknowns=_unknowns(name, place("homelab_unknown")),
        pools=pools(found["pools"]),
        exports=exports(place("homelab_exports")),
        gpus=gpu_cards(found["gpus"]),
        hypervisor=hypervisor(place("homelab_hypervisor"), place("homelab_proxmox")),
        vm=vm_wish(place("homelab_vm"), _system_disk(found)),
    )
    if found.is_mapping:
        _hardware(found)
    return machine


def _system_disk(found: Reader) -> int | None:
    """Size of the disk that is described as the system's."""
    disks = found["disks"].value if found.is_mapping else None
    for disk in disks if isinstance(disks, list) else ():
        size = disk.get("size_gb") if isinstance(disk, dict) and disk.get("slot") == "system" else None
        if isinstance(size, int):
            return size
    return None


def _groups(declared: Reader, actual: Reader) -> tuple[str, ...]:
    if declared.absent or declared.value == []:
        declared.require(f"write a list with one or more of {', '.join(GROUPS)}")
    names = [group.choice(GROUPS) for group in declared.items()]
    others = actual.value if isinstance(actual.value, list) else []
    return tuple(sorted({name for name in names if name} | {group for group in others if group in GROUPS}))


def _nics(nics: Reader) -> tuple[Nic, ...]:
    found = []
    for nic in nics.items():
        nic.mapping(("name", "mac", "speed_mbps", "bus", "driver", "primary", "usb_id"))
        mac = nic["mac"].text(MAC)
        nic["speed_mbps"].number()
        bus = nic["bus"].choice(BUSES, required=False)
        usb_id = nic["usb_id"].text(USB_ID, required=False)
        nic["driver"].text(required=False)
        address = mac.lower().replace("-", ":") if mac else None
        found.append(Nic(nic["name"].text(), address, nic["primary"].flag(), bus, usb_id))
    if nics.absent or nics.value == []:
        nics.require("describe at least the interface that carries the address")
    elif isinstance(nics.value, list) and sum(nic.primary for nic in found) != 1:
        count = sum(nic.primary for nic in found)
        nics.complain(
            f": {count} interfaces are primary, expected one", "write primary: true on the one that carries the address"
        )
    return tuple(found)


def _hardware(found: Reader) -> None:
    """Complain about the parts that no rule looks at yet."""
    found["os"].choice(SYSTEMS)
    found["memory_gib"].number()
    for key in ("vendor", "product", "storage_controller"):
        found[key].text(required=False)
    cpu = found["cpu"].mapping(("model", "sockets", "cores", "threads"), required=False)
    cpu["model"].text(required=False)
    for key in ("sockets", "cores", "threads"):
        cpu[key].number()
    for disk in found["disks"].items():
        disk.mapping(("model", "serial_pattern", "size_gb", "transport", "count", "slot"))
        disk["model"].text()
        disk["slot"].text(required=False)
        _pattern(disk["serial_pattern"])
        disk["size_gb"].number(required=True)
        disk["transport"].choice(TRANSPORTS, required=False)
        disk["count"].number()


def _pattern(place: Reader) -> None:
    text = place.text(required=False)
    try:
        re.compile(text or "")
    except re.error as error:
        place.complain(
            f": '{text}' is not a regular expression ({error})", "write the serial number, or the part all disks share"
        )


def _wish(name: str, wish: Reader) -> NodeWish:
    wish.mapping(("name", "labels", "taints", "tiers", "wipe", "gpu", "network"))
    labels = {}
    for key, value in wish["labels"].entries():
        if not isinstance(value.value, str):
            value.refuse("a text", 'put it in quotes, e.g. "true"')
        else:
            labels[key] = value.value
    taints = []
    for place in wish["taints"].items():
        place.mapping(("key", "value", "effect"))
        taint_key, effect = place["key"].text(), place["effect"].choice(EFFECTS)
        taint_value = "" if place["value"].value == "" else place["value"].text(required=False)
        if taint_key and effect:
            taints.append(Taint(taint_key, taint_value or "", effect))
    return NodeWish(
        wish["name"].text(required=False) or name,
        labels,
        tuple(taints),
        tier_wishes(wish["tiers"]),
        serials(wish["wipe"]),
        gpu_wish(wish["gpu"]),
        network_wish(wish["network"]),
    )


def _unknowns(owner: str, unknowns: Reader) -> tuple[Unknown, ...]:
    found = []
    for entry in unknowns.items():
        entry.mapping(("fact", "needed_by", "question"))
        fact, needed_by, question = entry["fact"].text(), entry["needed_by"].choice(LAYERS), entry["question"].text()
        if fact and question:
            found.append(Unknown(owner, fact, needed_by, question))
    return tuple(found)


def _network(network: Reader) -> Reader:
    """The nodes' network, with its servers checked."""
    network.mapping(("cidr", "gateway", "dns", "ntp"))
    for resolver in network["dns"].items():
        resolver.address()
    for server in network["ntp"].items():
        server.text()
    return network


def parse_site(site: Mapping[str, object], problems: list[Problem]) -> Site:
    """What all machines share, from homelab_* variables."""

    def place(key: str) -> Reader:
        return Reader(site.get(f"homelab_{key}"), f"homelab_{key}", problems)

    place("name").text(SITE_NAME)
    place("domain").text(DOMAIN)
    place("admin_user").text(USER)
    admin_keys(place("admin_keys"))
    place("k3s_release_url").text(URL)
    place("wait_for").choice(("registered", "ready"))
    place("airgap_folder").text(FOLDER, required=False)
    place("snapshot_schedule").text(CRON, required=False)
    place("snapshot_retention").number()
    for name in FLAGS:
        place(name).flag()
    for name in OWNED:
        place(f"{name}_owner").choice(("ansible", "flux"), required=False)
    place("timezone").text(ZONE)
    network = _network(place("node_network"))
    return Site(
        network=network["cidr"].network() if network.is_mapping else None,
        gateway=network["gateway"].address() if network.is_mapping else None,
        load_balancer=place("load_balancer_cidr").network(required=False),
        pods=place("pod_cidr").network(),
        services=place("service_cidr").network(),
        cluster_dns=place("cluster_dns").address(),
        api_address=place("api_address").address(),
        api_virtual=place("api_virtual_address").address(required=False),
        tiers=catalogue(place("tiers")),
        unknowns=_unknowns("site", place("site_unknown")),
        default_class=place("default_storage_class").text(CLASS, required=False),
        releases=parse_releases(*map(place, ("releases", "k3s_version", "release_set", "release_overrides"))),
        gateway_wish=parse_gateway(place("gateway"), place("bgp")),
        gitops_wish=parse_gitops(lambda name: place(f"gitops_{name}")),
        encrypts_secrets=site.get("homelab_secrets_encryption") is True or site.get("homelab_hardening") is True,
        has_dns=not network["dns"].absent and network["dns"].value != [],
    )
