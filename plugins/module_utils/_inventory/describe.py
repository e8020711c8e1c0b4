# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: which files describe machines, and copies of a description under other names."""

from __future__ import annotations

import copy
import ipaddress
from collections.abc import Mapping, Sequence
from pathlib import Path

# Those Ansible reads variables from; a file without one may be anything.
EXTENSIONS = (".yml", ".yaml", ".json")

Variables = Mapping[str, object]


class DescriptionError(ValueError):
    """The descriptions contradict each other; the message is one sentence for the user."""


def is_variable_file(path: Path) -> bool:
    """Whether Ansible would read variables from the file."""
    return path.is_file() and path.suffix in EXTENSIONS and not path.name.startswith(".")


def variable_files(entry: Path) -> list[Path]:
    """The variable files that an entry of host_vars or group_vars stands for, in the order Ansible loads them."""
    if not entry.is_dir():
        return [entry] if is_variable_file(entry) else []
    return sorted(path for path in entry.rglob("*") if is_variable_file(path))


def described(folder: Path) -> dict[str, list[Path]]:
    """Name -> its files, from NAME.yml or NAME/*.yml; raise DescriptionError for a name that is there twice."""
    owners: dict[str, Path] = {}
    files: dict[str, list[Path]] = {}
    for entry in sorted(folder.iterdir()):
        name = entry.name if entry.is_dir() else entry.stem
        found = variable_files(entry)
        if not found or name.startswith("."):
            continue
        other = owners.setdefault(name.lower(), entry)
        if other != entry:
            raise DescriptionError(
                f"two machines with one name: '{other.name}' and '{entry.name}' in {folder} both describe "
                f"'{name.lower()}'; keep one of them"
            )
        files[name] = found
    return files


def group_files(folder: Path) -> dict[str, list[Path]]:
    """Group -> its files; without secrets, which belong to one site alone."""
    entries = sorted(folder.iterdir()) if folder.is_dir() else []
    groups: dict[str, list[Path]] = {}
    for entry in entries:
        name = entry.name if entry.is_dir() else entry.stem
        open_files = [file for file in variable_files(entry) if not _is_secret(file.relative_to(folder))]
        groups.setdefault(name, []).extend(open_files)
    return {name: files for name, files in groups.items() if files}


def _is_secret(path: Path) -> bool:
    return any(part.startswith("secrets") for part in path.parts)


def chosen(machines: dict[str, list[Path]], only: Sequence[str]) -> dict[str, list[Path]]:
    """The machines that an 'only' option names, all when it names none; raise DescriptionError for an unknown name."""
    unknown = [name for name in only if name not in machines]
    if unknown:
        raise DescriptionError(f"only: there is no machine '{unknown[0]}'; name some of {', '.join(machines)}")
    return {name: files for name, files in machines.items() if not only or name in only}


def clones_of(machines: Mapping[str, Variables], wanted: Mapping[str, object]) -> dict[str, dict[str, object]]:
    """All machines that a 'clones' option asks for; raise DescriptionError for what cannot be cloned."""
    taken = {address for machine in machines.values() if (address := _address(machine)) is not None}
    result: dict[str, dict[str, object]] = {}
    for name, count in wanted.items():
        if name not in machines:
            raise DescriptionError(f"clones: there is no machine '{name}'; name one of {', '.join(machines)}")
        if not isinstance(count, int) or count < 0:
            raise DescriptionError(f"clones: '{count}' of {name} is not a number; write how many more there should be")
        result.update(clone(name, machines[name], count, taken))
    return result


def clone(name: str, description: Variables, count: int, taken: set[int]) -> dict[str, dict[str, object]]:
    """COUNT more machines like NAME, called NAME-001 and so on, at addresses that are not taken; takes them."""
    address = _address(description)
    if address is None:
        raise DescriptionError(f"clones: {name} has no homelab_machine.address to count from; describe it first")
    clones: dict[str, dict[str, object]] = {}
    for number in range(1, count + 1):
        address = next(free for free in range(address, 2**32) if free not in taken)
        taken.add(address)
        clones[f"{name}-{number:03d}"] = _moved(description, ipaddress.IPv4Address(address))
    return clones


def _address(description: Variables) -> int | None:
    machine = description.get("homelab_machine")
    try:
        return int(ipaddress.IPv4Address(str(machine["address"]))) if isinstance(machine, Mapping) else None
    except (KeyError, ValueError):
        return None


def _moved(description: Variables, address: ipaddress.IPv4Address) -> dict[str, object]:
    twin = copy.deepcopy(dict(description))
    machine = dict(_mapping(twin["homelab_machine"]))
    nics = machine.get("nics")
    interfaces = enumerate(nics if isinstance(nics, list) else [])
    machine["nics"] = [{**nic, "mac": _mac(index, address)} for index, nic in interfaces]
    twin["homelab_machine"] = machine | {"address": str(address)}
    if "homelab_node" in twin:
        # The node is called as its machine; a name of its own would be there twice.
        twin["homelab_node"] = {key: item for key, item in _mapping(twin["homelab_node"]).items() if key != "name"}
    return twin


def _mapping(value: object) -> Mapping[str, object]:
    return value if isinstance(value, Mapping) else {}


def _mac(interface: int, address: ipaddress.IPv4Address) -> str:
    # 02: locally administered, so that no real interface has it.
    return ":".join(f"{byte:02x}" for byte in (2, interface, *address.packed))
