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
  description: Version of the installed binary, none when there is none.
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
reasons:
  description: Why the wish cannot be met, one sentence each.
  type: list
  elements: str
  returned: failure
"""

import os

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._command import CommandRunner
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._k3s.state import (
    UNITS,
    K3sState,
    refusals,
    version_in,
)
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._release.fetch import sha256_of

SPEC = {
    "role": {"choices": ["server", "agent"]},
    "wanted_version": {"type": "str"},
    "host": {"type": "str", "default": "this host"},
}
BINARY = "/usr/local/bin/k3s"
UNIT_FOLDER = "/etc/systemd/system"
KUBELET = "/var/lib/kubelet"


def probe(run: CommandRunner) -> K3sState:
    """Read the host."""
    version = None
    if os.access(BINARY, os.X_OK):
        status, output, _stderr = run([BINARY, "--version"])
        version = version_in(output) if status == 0 else None
    units = tuple(unit for unit in UNITS.values() if os.path.exists(os.path.join(UNIT_FOLDER, unit)))
    link = os.path.realpath(KUBELET) if os.path.islink(KUBELET) else None
    return K3sState(version, sha256_of(BINARY), units, link)


def main() -> None:
    module = AnsibleModule(argument_spec=SPEC, required_together=[("role", "wanted_version")], supports_check_mode=True)

    def run(argv: object) -> tuple[int, str, str]:
        return module.run_command(argv)

    state = probe(run)
    if module.params["role"]:
        reasons = refusals(state, module.params["role"], module.params["wanted_version"], module.params["host"])
        if reasons:
            module.fail_json(msg="; ".join(reasons), reasons=reasons)
    module.exit_json(changed=False, version=state.version, sha256=state.sha256, units=list(state.units))


if __name__ == "__main__":
    main()
