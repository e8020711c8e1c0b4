# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: what a virtual machine needs to be as wanted, in which order; pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._proxmox.model import (
    FRESH,
    GIB,
    OURS,
    Action,
    Found,
    Machine,
    Plan,
    Wanted,
)
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._proxmox.refuse import problems_of, warnings_of
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._proxmox.settings import (
    AT_START,
    cloud_init,
    creation,
    described,
    has_cloud_init,
    is_fresh,
    is_ours,
    kept,
    same,
    settled_tags,
    size_of,
    system_disk,
    tags_of,
)

SETTING_WORDS = {
    "name": "name", "sockets": "sockets", "cores": "cores", "memory": "memory in MiB", "agent": "guest agent",
    "serial0": "serial console", "onboot": "start with the node", "startup": "start order", "ciuser": "user",
    "sshkeys": "SSH keys", "ipconfig0": "address", "nameserver": "DNS", "searchdomain": "search domain",
    "boot": "boot order", "tags": "tags", "ide2": "cloud-init drive",
}  # fmt: skip


def target_of(wanted: Wanted, found: Found) -> Machine | None:
    """The machine that is meant: by its name, which the cluster has once."""
    return next((machine for machine in found.machines if machine.name == wanted.name), None)


def plan(wanted: Wanted, found: Found) -> Plan:
    """Actions in the order in which they can be done: image, machine, disk, settings, power, first boot."""
    target = target_of(wanted, found)
    vmid = target.vmid if target else wanted.vmid or found.next_id
    disk = system_disk(found.config) or "scsi0"
    settings = dict(changes(wanted, found, target is not None, disk))
    needs_image = system_disk(found.config) is None
    steps = [
        *_image(wanted, found, needs_image),
        *_machine(wanted, target, vmid),
        *_disk(wanted, found, disk, needs_image),
        *_settings(found, settings, target is not None),
        *_power(wanted, found, target, settings),
        *_first_boot(wanted, found, target is not None),
    ]
    problems = tuple(problems_of(wanted, found, target, vmid, disk, needs_image))
    after = dict(found.config) | (creation(wanted) if target is None else {}) | settings
    if needs_image or size_of(found.config.get(disk, "")) < wanted.disk_gib * GIB:
        after[disk] = f"{wanted.storage}:disk,size={wanted.disk_gib}G"
    return Plan(
        vmid=vmid, actions=tuple(steps), problems=problems, settings=settings, disk=disk,
        warnings=tuple(warnings_of(wanted, found, settings)),
        before=described(found.config, target is not None and target.running),
        after=described(_settled(after), True),
    )  # fmt: skip


def _settled(config: Mapping[str, str]) -> dict[str, str]:
    return {**config, "tags": ";".join(settled_tags(config))}


def changes(wanted: Wanted, found: Found, there: bool, disk: str) -> Iterator[tuple[str, str]]:
    """Settings that differ; those that a new machine gets when it is made are no difference."""
    config = found.config if there else {**creation(wanted), "tags": f"{OURS};{FRESH}"}
    values = kept(wanted)
    # somebody else's machine without cloud-init has its name, user and address from elsewhere
    if is_ours(config) or has_cloud_init(config):
        values |= cloud_init(wanted)
    if is_ours(config) and not has_cloud_init(config) and there:
        values["ide2"] = f"{wanted.storage}:cloudinit"
    for key, value in values.items():
        if not same(key, config.get(key), value):
            yield key, value
    if f"order={disk}" not in config.get("boot", "") and (is_ours(config) or not there):
        yield "boot", f"order={disk}"
    if not is_ours(config):
        yield "tags", ";".join([*tags_of(config), OURS])


def _image(wanted: Wanted, found: Found, needed: bool) -> Iterator[Action]:
    image = wanted.image
    if needed and image.volume not in found.volumes:
        yield Action("download_image", f"{wanted.node}: download {image.url} to {image.volume}")


def _machine(wanted: Wanted, target: Machine | None, vmid: int) -> Iterator[Action]:
    if target is None:
        size = f"{wanted.cores} cores, {wanted.memory_mib} MiB of memory"
        yield Action("create_vm", f"{wanted.name}: make VM {vmid} on {wanted.node} with {size}, at {wanted.address}")


def _disk(wanted: Wanted, found: Found, disk: str, needs_image: bool) -> Iterator[Action]:
    if needs_image:
        yield Action("import_disk", f"{wanted.name}: make {disk} on {wanted.storage} from {wanted.image.volume}")
    size = size_of(found.config.get(disk, ""))
    if size < wanted.disk_gib * GIB:
        now = "" if needs_image else f" from {size // GIB}"
        yield Action("grow_disk", f"{wanted.name}: let {disk} grow{now} to {wanted.disk_gib} GiB")


def _settings(found: Found, settings: Mapping[str, str], there: bool) -> Iterator[Action]:
    if settings:
        words = ", ".join(
            f"{SETTING_WORDS.get(key, key)} from {found.config.get(key, 'nothing')} to {value}"
            if key not in ("sshkeys", "tags")
            else SETTING_WORDS[key]
            for key, value in sorted(settings.items())
        )
        kind = "configure" if is_ours(found.config) or not there else "adopt"
        yield Action(kind, f"{'set' if kind == 'configure' else 'adopt it and set'} {words}")


def _power(wanted: Wanted, found: Found, target: Machine | None, settings: Mapping[str, str]) -> Iterator[Action]:
    if target is None or not target.running:
        yield Action("start", f"{wanted.name}: start it")
    elif wanted.restart and (found.pending or any(key in AT_START for key in settings)):
        yield Action("restart", f"{wanted.name}: shut it down and start it, so that it gets what was set")


def _first_boot(wanted: Wanted, found: Found, there: bool) -> Iterator[Action]:
    if not there or is_fresh(found.config):
        yield Action("first_boot", f"{wanted.name}: wait for SSH and cloud-init, and know its SSH host key")


def in_words(todo: Plan) -> Plan:
    """The plan with the number of its machine in front of sentences that do not name it."""
    named = [
        replace(action, sentence=f"VM {todo.vmid}: {action.sentence}")
        if action.kind in ("configure", "adopt")
        else action
        for action in todo.actions
    ]
    return replace(todo, actions=tuple(named))
