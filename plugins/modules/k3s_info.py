#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: k3s_info
short_description: What of K3s is on a host, and whether the inventory's wish can be met in place
version_added: 0.1.0
author: FletcherLabs (@fletcherlabs)
description:
  - Reads version, binary and units of K3s without needing it to run.
  - Fails when O(role) and O(wanted_version) are given and K3s on this host cannot become that in place, for instance a
    worker that runs a server unit, or a version that is newer than the one wanted. Nothing has been touched then.
extends_documentation_fragment:
  - fletcherlabs.homelab.attributes.info
options:
  role:
    description: What the inventory wants this host to be.
    type: str
    choices: [server, agent]
    version_added: 0.1.0
  wanted_version:
    description: The version the inventory wants.
    type: str
    version_added: 0.1.0
  kubelet_args:
    description: Arguments the inventory wants for the kubelet; its root-dir may not be among them.
    type: list
    elements: str
    default: []
    version_added: 0.1.0
  change:
    description:
      - Which change of the version is meant. V(none) refuses every one, V(upgrade) those that K3s cannot do in place.
      - V(rollback) refuses none, since the datastore of the older version is restored with it.
    type: str
    choices: [none, upgrade, rollback]
    default: upgrade
    version_added: 0.1.0
  host:
    description: What messages call this host.
    type: str
    default: this host
    version_added: 0.1.0
"""

EXAMPLES = r"""
- name: Look at K3s on this host
  fletcherlabs.homelab.k3s_info:
    role: agent
    wanted_version: v1.32.5+k3s1
    host: "{{ inventory_hostname }}"
"""

RETURN = r"""
version:
  description: Version of the installed binary, none when there is none or it does not run.
  type: str
  returned: success
  sample: v1.32.5+k3s1
sha256:
  description: Digest of the installed binary, none when there is none.
  type: str
  returned: success
units:
  description: K3s units on this host.
  type: list
  elements: str
  returned: success
  sample: [k3s-agent.service]
active:
  description: Those of them that run.
  type: list
  elements: str
  returned: success
  sample: [k3s-agent.service]
datastore:
  description: What a server has kept its data in, V(none) where there is no datastore.
  type: str
  returned: success
  sample: etcd
reasons:
  description: Why the wish cannot be met, one sentence each.
  type: list
  elements: str
  returned: failure
"""

import glob
import os

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._command import CommandRunner
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._k3s.state import (
    UNITS,
    K3sState,
    moves_kubelet,
    refusals,
    version_in,
)
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._release.fetch import sha256_of

SPEC = {
    "role": {"choices": ["server", "agent"]},
    "wanted_version": {"type": "str"},
    "kubelet_args": {"type": "list", "elements": "str", "default": []},
    "change": {"choices": ["none", "upgrade", "rollback"], "default": "upgrade"},
    "host": {"type": "str", "default": "this host"},
}
BINARY = "/usr/local/bin/k3s"
UNIT_FOLDER = "/etc/systemd/system"
KUBELET = "/var/lib/kubelet"
CONFIG_FOLDER = "/etc/rancher/k3s/config.yaml.d"
# in this order: a server that was converted keeps its old file under another name
DATASTORES = {"etcd": "/var/lib/rancher/k3s/server/db/etcd/member", "sqlite": "/var/lib/rancher/k3s/server/db/state.db"}


def installed_version(run: CommandRunner) -> str | None:
    """Version of the binary; None also for one that is damaged, which is to be replaced and not complained of."""
    if not os.access(BINARY, os.X_OK):
        return None
    try:
        status, output, _stderr = run([BINARY, "--version"])
    except OSError:
        return None
    return version_in(output) if status == 0 else None


def moving_files() -> tuple[str, ...]:
    """Configuration that moves the kubelet's folder, whoever wrote it."""
    found = []
    for path in sorted(glob.glob(os.path.join(CONFIG_FOLDER, "*.yaml"))):
        with open(path, encoding="utf-8", errors="replace") as stream:
            if moves_kubelet(stream.read()):
                found.append(path)
    return tuple(found)


def probe(run: CommandRunner) -> K3sState:
    """Read the host."""
    units = tuple(unit for unit in UNITS.values() if os.path.exists(os.path.join(UNIT_FOLDER, unit)))
    link = os.path.realpath(KUBELET) if os.path.islink(KUBELET) else None
    return K3sState(installed_version(run), sha256_of(BINARY), units, link, moving_files())


def active_units(run: CommandRunner, units: tuple[str, ...]) -> list[str]:
    """Units that systemd runs."""
    if not units:
        return []
    _status, output, _stderr = run(["systemctl", "is-active", *units])
    return [unit for unit, state in zip(units, output.split()) if state == "active"]


def datastore() -> str:
    """Which datastore is there."""
    return next((kind for kind, path in DATASTORES.items() if os.path.exists(path)), "none")


def main() -> None:
    module = AnsibleModule(argument_spec=SPEC, required_together=[("role", "wanted_version")], supports_check_mode=True)

    def run(argv: object) -> tuple[int, str, str]:
        return module.run_command(argv, handle_exceptions=False)

    state = probe(run)
    wish = module.params
    if wish["role"]:
        reasons = refusals(
            state, wish["role"], wish["wanted_version"], wish["host"], wish["kubelet_args"], wish["change"]
        )
        if reasons:
            module.fail_json(msg="; ".join(reasons), reasons=reasons)
    module.exit_json(
        changed=False,
        version=state.version,
        sha256=state.sha256,
        units=list(state.units),
        active=active_units(run, state.units),
        datastore=datastore(),
    )


if __name__ == "__main__":
    main()
