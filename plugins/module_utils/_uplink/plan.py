# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: from the wanted and the found network of a host to the files that have to change."""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Callable, Iterator, Mapping

from .._action import Action
from .model import File, Found, Link, Nic, Plan, Static, Wanted
from .netplan import MARK, OURS, Definition, made_by_netplan, netplan_documents
from .render import keeping, keeping_beside, networkd_files

Dump = Callable[[Definition], str]


def plan(wanted: Wanted, found: Found, dump: Dump) -> Plan:
    """What is to be done; dump writes a document as netplan reads it."""
    if wanted.static is None:
        return _keep(found.links.get(_carrier_now(wanted, found)), found)
    problems = tuple(_refusals(wanted, wanted.static, found))
    if problems:
        return Plan(problems=problems)
    first = found.links[wanted.nic.name]
    netplan = made_by_netplan(first)
    files = _files(wanted, found, first, netplan, dump)
    quiet = keeping_beside(f"{MARK}{_netplan_name(wanted, first)}.network") if netplan else {}
    quiet_actions = _quiet_actions(quiet, found)
    changed = {path: file for path, file in files.items() if found.files.get(path) != file}
    actions = [Action("write", path, _sentence(path, found)) for path in sorted(changed)]
    missing = list(lacks(wanted, wanted.static, found))
    if changed or missing:
        why = "; ".join(missing) or "its files change"
        actions.append(Action("switch", wanted.carrier, f"have networkd take {wanted.carrier} up anew, since {why}"))
    return Plan(
        (*quiet_actions, *actions),
        warnings=tuple(_warnings(wanted, found)) if actions else (),
        quiet={action.target: quiet[action.target] for action in quiet_actions},
        # those that are as they should be too: only what is written again is read again
        guarded=files if actions else {},
        netplan=netplan,
    )


def _carrier_now(wanted: Wanted, found: Found) -> str:
    link = found.links.get(wanted.nic.name)
    return link.master if link is not None and link.master else wanted.nic.name


def _keep(link: Link | None, found: Found) -> Plan:
    quiet = keeping(link) if link is not None and found.networkd else {}
    actions = _quiet_actions(quiet, found)
    return Plan(tuple(actions), quiet={action.target: quiet[action.target] for action in actions})


def _quiet_actions(quiet: Mapping[str, str], found: Found) -> list[Action]:
    missing = [path for path in quiet if found.files.get(path) != File(quiet[path])]
    why = "so that a reload of networkd keeps the routes of others"
    return [Action("keep", path, f"write {path}, {why}") for path in missing]


def _netplan_name(wanted: Wanted, first: Link) -> str:
    return wanted.bond.name if wanted.bond else os.path.basename(first.file)[len(MARK) :].removesuffix(".network")


def _files(wanted: Wanted, found: Found, first: Link, netplan: bool, dump: Dump) -> dict[str, File]:
    if not netplan:
        return {path: File(content) for path, content in networkd_files(wanted, first.mac).items()}
    documents = netplan_documents(wanted, found, first.mac)
    return {
        path: found.files[path]
        if path in found.files and found.netplan.get(path) == document
        else File(dump(document), found.files[path].mode if path in found.files else 0o600)
        for path, document in documents.items()
    }


def _sentence(path: str, found: Found) -> str:
    if path not in found.files:
        return f"write {path}"
    return f"change the content of {path}" if path == OURS or "homelab" in path else f"take the interface out of {path}"


def lacks(wanted: Wanted, static: Static, found: Found) -> Iterator[str]:
    """What the host's network itself is not yet, whatever its files say."""
    carrier = found.links.get(wanted.carrier)
    if carrier is None or static.address not in carrier.addresses:
        yield f"{static.address} is not on it"
    if found.default != (wanted.carrier, static.gateway):
        there = f"{found.default[1]} by {found.default[0]}" if found.default else "nowhere"
        yield f"the default route goes to {there}, expected {static.gateway} by {wanted.carrier}"
    if wanted.bond is not None:
        for name in (wanted.nic.name, wanted.bond.backup.name):
            if found.links[name].master != wanted.bond.name:
                yield f"{name} is no part of it"
        if carrier is not None and (carrier.mode, carrier.primary) != ("active-backup", wanted.nic.name):
            yield f"it is not active-backup with {wanted.nic.name} first"


def _warnings(wanted: Wanted, found: Found) -> Iterator[str]:
    if found.containers and wanted.bond is not None and found.links[wanted.nic.name].master != wanted.bond.name:
        yield (
            f"the container network knows {wanted.nic.name} and not {wanted.bond.name}; restart Cilium's agent on this "
            "node afterwards (kubectl -n kube-system delete pod -l k8s-app=cilium --field-selector spec.nodeName=...)"
        )


def _refusals(wanted: Wanted, static: Static, found: Found) -> Iterator[str]:
    yield from _refuse_nic(wanted.nic, found, first=True)
    if wanted.bond is not None:
        yield from _refuse_nic(wanted.bond.backup, found, first=False)
        yield from _refuse_bond(wanted, found)
    yield from _refuse_address(static)
    ours = {link.mac for link in found.links.values()}
    others = sorted(set(found.answered) - ours)
    if others:
        yield (
            f"{static.address.partition('/')[0]} is in use by another machine (MAC address {', '.join(others)}); "
            "give this one another address, or switch that one off"
        )
    link = found.links.get(wanted.nic.name)
    if link is not None and link.master and link.master != wanted.carrier:
        yield (
            f"{wanted.nic.name} is part of {link.master}, so it carries no address itself; name that bond under "
            "homelab_node.network.bond, or take it apart"
        )


def _refuse_nic(nic: Nic, found: Found, first: bool) -> Iterator[str]:
    link = found.links.get(nic.name)
    owners = [name for name, each in found.links.items() if nic.mac and each.mac == nic.mac and not each.mode]
    owner = owners[0] if owners else ""
    if link is None:
        known = ", ".join(sorted(name for name, each in found.links.items() if not each.mode)) or "none"
        place = f", and its MAC address {nic.mac} is that of {owner}" if owner else ""
        if nic.mac and not owner:
            place = f", and none has the MAC address {nic.mac}"
        yield f"interface {nic.name} is not there{place}; the machine has {known}: correct homelab_machine.nics"
        return
    if nic.mac and link.mac != nic.mac:
        place = f", which is that of {owner}" if owner else ", which no interface has"
        yield (
            f"interface {nic.name} has the MAC address {link.mac}, expected {nic.mac}{place}; correct "
            "homelab_machine.nics"
        )
    manager = link.other_manager or ("" if found.networkd and (link.file or not first) else "nobody that is known")
    if manager:
        yield (
            f"{nic.name} is managed by {manager}, expected systemd-networkd or netplan with its renderer networkd; "
            "change that first, or switch homelab_node.network.static off"
        )


def _refuse_bond(wanted: Wanted, found: Found) -> Iterator[str]:
    if wanted.bond is None:
        return
    name, backup = wanted.bond.name, wanted.bond.backup.name
    link = found.links.get(backup)
    if backup == wanted.nic.name:
        yield f"{backup} cannot be its own backup; name another interface under homelab_node.network.bond.backup"
    if link is not None and link.addresses:
        yield (
            f"the backup {backup} has an address of its own ({', '.join(link.addresses)}), expected none; "
            "take that off, or leave the interface out of the bond"
        )
    if link is not None and link.master not in ("", name):
        yield f"the backup {backup} is part of {link.master}; take it out of that first"
    there = found.links.get(name)
    if there is not None and not there.mode:
        yield f"{name} is there already and no bond; give the bond another name"


def _refuse_address(static: Static) -> Iterator[str]:
    own = ipaddress.ip_interface(static.address)
    gateway = ipaddress.ip_address(static.gateway)
    if gateway not in own.network:
        yield f"the gateway {gateway} is outside {own.network}, the network of {own.ip}; correct one of the two"
    elif gateway == own.ip:
        yield f"{own.ip} is the gateway's own address; give the machine another one"
    if own.network.prefixlen < 31 and own.ip in (own.network.network_address, own.network.broadcast_address):
        yield f"{own.ip} is no address for a machine, since it is the first or last of {own.network}; use another one"


def difference(wanted: Wanted, found: Found, todo: Plan) -> list[dict[str, str]]:
    """Before and after of each file, and of the host's address."""
    wished = {**{path: File(content) for path, content in todo.quiet.items()}, **todo.guarded}
    shown = [
        {"before_header": path, "after_header": path, "before": _text(found.files.get(path)), "after": _text(file)}
        for path, file in sorted(wished.items())
        if found.files.get(path) != file
    ]
    now = _carrier_now(wanted, found)
    if wanted.static is not None and todo.guarded:
        before = found.links[now].addresses
        gateway = found.default[1] if found.default else "none"
        shown.append(
            {
                "before_header": "addresses",
                "after_header": "addresses",
                "before": f"{now}: {', '.join(before) or 'none'}, gateway {gateway}\n",
                "after": f"{wanted.carrier}: {wanted.static.address}, gateway {wanted.static.gateway}\n",
            }
        )
    return shown


def _text(file: File | None) -> str:
    return file.content if file is not None else ""
