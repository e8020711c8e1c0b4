# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: rows about the machines themselves, from what was seen on them; pure."""

from __future__ import annotations

from collections.abc import Iterator

from .model import BAD, BLIND, NOTE, OFF, OK, UNKNOWN, Row, World, failure, found, some, verdict

UNITS = {"server": "k3s.service", "agent": "k3s-agent.service"}


def rows(world: World) -> Iterator[Row]:
    """All rows about machines, one machine after the other."""
    for machine in sorted(world.machines):
        if machine not in world.evidence:
            yield Row("machines", machine, "answers", OFF, "was left out of this run")
            continue
        if world.hidden(machine):
            yield _silent(world, machine)
            continue
        yield Row("machines", machine, "answers", OK, "answers over SSH")
        yield from _machine(world, machine)
        if machine in world.members():
            yield _unit(world, machine)
            yield _certificates(world, machine)
        yield from _nfs(world, machine)


def _silent(world: World, machine: str) -> Row:
    address = (world.machines[machine].get("homelab_machine") or {}).get("address") or "its address"
    why = str((world.evidence[machine].get("unreachable")) or "").strip().splitlines()[0].rpartition(": ")[2]
    said = f"does not answer over SSH at {address} ({why}); look at its console, power and cable, then verify again"
    return Row("machines", machine, "answers", BAD, said)


def _machine(world: World, machine: str) -> Iterator[Row]:
    look = found(world, machine, "machine")
    if look is None:
        yield Row("machines", machine, "fit", UNKNOWN, f"could not be looked at: {failure(world, machine, 'machine')}")
        return
    sentences = [sentence.removeprefix(f"{machine}: ") for sentence in look.get("problems") or ()]
    kubelet = [sentence for sentence in sentences if "kubelet" in sentence]
    others = [sentence for sentence in sentences if "kubelet" not in sentence]
    system = (look.get("machine") or {}).get("system") or "its system"
    yield verdict("machines", machine, "fit", others, f"{system}, clock, memory and space on / as they should be")
    if machine in world.members():
        yield verdict("machines", machine, "kubelet", kubelet, "/var/lib/kubelet is the kubelet's alone")
    network = look.get("network")
    if network is not None:
        told = [f"{said.removeprefix(f'{machine}: ')} (playbooks/diagnose.yml tells more)" for said in network]
        yield verdict("machines", machine, "network", told, "link, addresses and routes are as described")
    others = [sentence for sentence in look.get("notices") or () if sentence not in (network or ())]
    notices = [sentence.removeprefix(f"{machine}: ") for sentence in others]
    if notices:
        yield Row("machines", machine, "description", NOTE, "; ".join(notices))


def _unit(world: World, machine: str) -> Row:
    look = found(world, machine, "k3s")
    if look is None:
        return Row("machines", machine, "k3s", UNKNOWN, f"could not be looked at: {failure(world, machine, 'k3s')}")
    unit = UNITS["server" if machine in world.members("k3s_server") else "agent"]
    if unit in (look.get("active") or ()):
        return Row("machines", machine, "k3s", OK, f"{unit} runs, {look.get('version')} is installed")
    if unit in (look.get("units") or ()):
        return Row("machines", machine, "k3s", BAD, f"{unit} does not run; look at journalctl -u {unit} and start it")
    has = some(look.get("units") or ()) or "none"
    said = f"has no {unit} (units of K3s: {has}); build it: ansible-playbook playbooks/cluster.yml -e node={machine}"
    return Row("machines", machine, "k3s", BAD, said)


def _certificates(world: World, machine: str) -> Row:
    look = found(world, machine, "certificates")
    if look is None:
        why = failure(world, machine, "certificates")
        return Row("machines", machine, "certificates", UNKNOWN, f"could not be looked at: {why}")
    days = look.get("days_left")
    if days is None:
        return Row("machines", machine, "certificates", BAD, "has no certificate of K3s; build the node")
    ending = [sentence for sentence in look.get("problems") or () if "cannot be read" in sentence]
    near = [item for item in look.get("certificates") or () if not item["authority"]]
    near = [item for item in near if item["days_left"] <= world.limits.certificate_days]
    if near:
        first = min(near, key=lambda item: item["days_left"])
        ending.append(
            f"{len(near)} certificates end within {world.limits.certificate_days} days, {first['path']} first, in "
            f"{first['days_left']}; renew them: ansible-playbook playbooks/rotate_certificates.yml -e node={machine}"
        )
    return verdict("machines", machine, "certificates", ending, f"the first certificate ends in {days} days")


def _nfs(world: World, machine: str) -> Iterator[Row]:
    """One row for each storage host with exports, as this machine sees it."""
    for server, look in sorted(((world.evidence.get(machine) or {}).get("nfs") or {}).items()):
        problems = list(look.get("problems") or ())
        if look.get("failed") and not problems:
            yield Row("nfs", machine, server, UNKNOWN, f"could not be looked at: {look.get('msg')}")
            continue
        if world.hidden(server):
            yield Row("nfs", machine, server, BLIND, f"{server} itself does not answer")
            continue
        advice = [f"{sentence}; look at playbooks/storage.yml --limit {server}" for sentence in problems]
        exports = len(world.machines[server].get("homelab_exports") or ())
        yield verdict(
            "nfs", machine, server, advice, f"{exports} exports answer, {len(look.get('mounts') or ())} mounted"
        )


def layers(world: World) -> Iterator[Row]:
    """Layers that this inventory does not build, so that their absence from the table is explained."""
    for layer in ("network", "storage", "gpu", "gitops"):
        if layer not in world.layers:
            yield Row(layer, "layer", "built", OFF, "homelab_layers does not name it, so it was not looked at")
