# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: which files describe machines, and copies of a description under other names."""

from __future__ import annotations

import copy
import ipaddress
from collections.abc import Iterable, Mapping
from pathlib import Path

EXTENSIONS = (".yml", ".yaml", ".json", "")


class DescriptionError(ValueError):
    """The descriptions contradict each other; the message is one sentence for the user."""


def machine_files(host_vars: Path) -> dict[str, list[Path]]:
    """Machine name -> its files, from host_vars/NAME.yml or host_vars/NAME/*.yml; raise DescriptionError on doubles."""
    owners: dict[str, Path] = {}
    files: dict[str, list[Path]] = {}
    for entry in sorted(host_vars.iterdir()):
        name = entry.name if entry.is_dir() else entry.stem
        if entry.name.startswith(".") or entry.name.endswith("~") or (entry.is_file() and entry.suffix not in EXTENSIONS):
            continue
        other = owners.setdefault(name.lower(), entry)
        if other != entry:
            raise DescriptionError(
                f"two machines with one name: '{other.name}' and '{entry.name}' in {host_vars} both describe "
                f"'{name.lower()}'; keep one of them"
            )
        files[name] = [entry] if entry.is_file() else variable_files(entry)
    return files


def variable_files(directory: Path) -> list[Path]:
    """The variable files below a directory, in the order Ansible loads them."""
    return sorted(path for path in directory.rglob("*") if path.is_file() and path.suffix in EXTENSIONS[:3])


def clone(name: str, description: Mapping[str, object], count: int, taken: Iterable[str]) -> dict[str, dict[str, object]]:
    """COUNT more machines like NAME, called NAME-001 and so on, with free addresses and locally administered MACs."""
    machine = description["homelab_machine"]
    if not isinstance(machine, Mapping):
        raise DescriptionError(f"{name}: homelab_machine is not a mapping; describe the machine before cloning it")
    used = {int(ipaddress.IPv4Address(address)) for address in taken}
    address = int(ipaddress.IPv4Address(str(machine["address"])))
    clones: dict[str, dict[str, object]] = {}
    for number in range(1, count + 1):
        while address in used:
            address += 1
        used.add(address)
        twin = copy.deepcopy(dict(description))
        found = dict(machine)
        found["address"] = str(ipaddress.IPv4Address(address))
        nics = found.get("nics")
        found["nics"] = [
            {**nic, "mac": f"02:{index:02x}:{address >> 24 & 255:02x}:{address >> 16 & 255:02x}:{address >> 8 & 255:02x}:{address & 255:02x}"}
            for index, nic in enumerate(nics if isinstance(nics, list) else [])
        ]
        twin["homelab_machine"] = found
        clones[f"{name}-{number:03d}"] = twin
    return clones
