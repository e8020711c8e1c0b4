# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One host per description file; groups from the description itself."""

from __future__ import annotations

DOCUMENTATION = r"""
name: machines
short_description: One host per machine description in host_vars
version_added: 0.1.0
author: FletcherLabs (@fletcherlabs)
description:
  - Makes one host of each file or directory in the C(host_vars) folder beside the configuration file, and puts it into
    the groups which that description names in C(homelab_groups). Adding a machine is adding one file.
  - The groups C(k3s_server) and C(k3s_agent) are children of C(k3s_cluster).
  - Sets C(ansible_host) to the address in C(homelab_machine).
  - With O(source), reads the descriptions and group variables of another inventory instead, and moves their addresses
    with O(rebase). A twin of a site made this way cannot drift from it.
  - Only reads files. Whether what they say makes sense is for M(fletcherlabs.homelab.inventory_check) to judge.
options:
  plugin:
    description: The name of this plugin.
    type: str
    required: true
    choices: [fletcherlabs.homelab.machines]
  source:
    description:
      - Folder of another inventory, relative to the configuration file, whose C(host_vars) and C(group_vars) are read.
      - Its values become variables of this inventory source. This inventory's own C(group_vars) override its group
        variables, and this inventory's own C(host_vars) override its host variables.
      - Files and folders named C(secrets*) are never read from there.
    type: str
  rebase:
    description:
      - Networks of the source, each with the network that takes its place in every address of the source's variables.
    type: dict
    default: {}
  only:
    description: The machines to make, for a smaller twin; all when empty.
    type: list
    elements: str
    default: []
  clones:
    description:
      - For each named machine, how many more machines like it to make, with free addresses and MACs of their own.
      - The names of the new ones end in C(-001) and so on.
    type: dict
    default: {}
"""

EXAMPLES = r"""
# inventory/home/machines.yml
plugin: fletcherlabs.homelab.machines
---
# inventory/lab/machines.yml: the twin of inventory/home
plugin: fletcherlabs.homelab.machines
source: ../home
rebase:
  192.168.10.0/24: 198.18.10.0/24
---
# fifty machines for a benchmark
plugin: fletcherlabs.homelab.machines
source: ../home
rebase:
  192.168.10.0/24: 198.18.12.0/24
clones:
  k3s1: 45
---
# one server and one worker
plugin: fletcherlabs.homelab.machines
source: ../home
rebase:
  192.168.10.0/24: 198.18.13.0/24
only: [k3s-master1, k3s1]
"""

import typing as t
from pathlib import Path

from ansible.errors import AnsibleParserError
from ansible.plugins.inventory import BaseInventoryPlugin
from ansible.template import trust_as_template

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._inventory.describe import (
    DescriptionError,
    chosen,
    clones_of,
    described,
    group_files,
)
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._inventory.rebase import parse_rebase, rebase_value

PARENTS = {"k3s_server": "k3s_cluster", "k3s_agent": "k3s_cluster"}


def trusted(value: t.Any) -> t.Any:
    """The value with its templates trusted: Ansible trusts no string that it did not read itself."""
    if isinstance(value, str):
        return trust_as_template(value)
    if isinstance(value, dict):
        return {key: trusted(item) for key, item in value.items()}
    if isinstance(value, list):
        return [trusted(item) for item in value]
    return value


class InventoryModule(BaseInventoryPlugin):
    """Reads machine descriptions; keeps no state of its own."""

    NAME = "fletcherlabs.homelab.machines"

    inventory: t.Any
    loader: t.Any

    def verify_file(self, path: str) -> bool:
        """Accept machines.yml only, so that a folder's other YAML files are left to other plugins."""
        return bool(super().verify_file(path)) and Path(path).name in ("machines.yml", "machines.yaml")

    def parse(self, inventory: t.Any, loader: t.Any, path: str, cache: bool = True) -> None:
        """Fill the inventory from the descriptions beside (or named by) the configuration file."""
        super().parse(inventory, loader, path, cache)
        self._read_config_data(path)
        folder = Path(path).resolve().parent
        source = self.get_option("source")
        try:
            rebase = parse_rebase(self.get_option("rebase"))
            if source:
                self._add_group_variables(folder / source / "group_vars", rebase)
            self._add_machines(folder / (source or "."), rebase, bool(source))
        except DescriptionError as error:
            raise AnsibleParserError(f"{path}: {error}") from error

    def _add_machines(self, folder: Path, rebase: t.Any, copied: bool) -> None:
        host_vars = (folder / "host_vars").resolve()
        if not host_vars.is_dir():
            raise DescriptionError(f"there is no folder {host_vars}; describe each machine in a file there")
        files_of = chosen(described(host_vars), self.get_option("only"))
        machines = {name: self._load(files, rebase) for name, files in files_of.items()}
        for name, description in machines.items():
            self._add_machine(name, description, copied)
        for name, description in clones_of(machines, self.get_option("clones")).items():
            self._add_machine(name, description, True)

    def _load(self, files: list[Path], rebase: t.Any) -> dict[str, t.Any]:
        result: dict[str, t.Any] = {}
        for file in files:
            found = self.loader.load_from_file(str(file), cache="none") or {}
            if not isinstance(found, dict):
                raise DescriptionError(f"{file} holds a {type(found).__name__}, expected a mapping of variables")
            result.update(t.cast("dict[str, t.Any]", rebase_value(found, rebase)))
        return result

    def _add_machine(self, name: str, description: dict[str, t.Any], copied: bool) -> None:
        """A host in its groups; Ansible itself reads its variables, unless they come from elsewhere."""
        self.inventory.add_host(name)
        groups = description.get("homelab_groups")
        # Anything else is reported with all other mistakes by inventory_check, which a parser error would hide.
        for group in groups if isinstance(groups, list) else []:
            if isinstance(group, str) and group.isidentifier():
                self._add_to_group(name, group)
        machine = description.get("homelab_machine")
        if isinstance(machine, dict) and isinstance(machine.get("address"), str):
            self.inventory.set_variable(name, "ansible_host", trusted(machine["address"]))
        if copied:
            for key, value in description.items():
                self.inventory.set_variable(name, key, trusted(value))

    def _add_to_group(self, name: str, group: str) -> None:
        self.inventory.add_group(group)
        self.inventory.add_child(group, name)
        if group in PARENTS:
            self.inventory.add_group(PARENTS[group])
            self.inventory.add_child(PARENTS[group], group)

    def _add_group_variables(self, group_vars: Path, rebase: t.Any) -> None:
        for group, files in group_files(group_vars.resolve()).items():
            self.inventory.add_group(group)
            for key, value in self._load(files, rebase).items():
                self.inventory.set_variable(group, key, trusted(value))
