#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: server_token
short_description: Replace the server token of a K3s cluster
version_added: 0.1.0
author: FletcherLabs (@fletcherlabs)
description:
  - Asks the server on this host which of two tokens it accepts, and has it replace the old one, as C(k3s token rotate)
    does. The new token is then the key of the cluster's authorities in the datastore; all servers have to be restarted
    with it.
  - A rotation that was cut off is judged by what the server accepts, what its configuration says and what it recorded
    itself, so it can be repeated at any point.
  - Snapshots taken before the rotation need the old token.
extends_documentation_fragment:
  - fletcherlabs.homelab.attributes
options:
  token:
    description: The new server token, without a digest of the authority.
    type: str
    required: true
    version_added: 0.1.0
  old_token:
    description: The token to replace.
    type: str
    version_added: 0.1.0
  rotated_elsewhere:
    description: Whether another server accepts the new token already, so that this one is only to be restarted.
    type: bool
    default: false
    version_added: 0.1.0
  token_file:
    description: The file that the server's configuration names.
    type: path
    default: /etc/rancher/k3s/server-token
    version_added: 0.1.0
  data_dir:
    description: The data directory of K3s.
    type: path
    default: /var/lib/rancher/k3s
    version_added: 0.1.0
  port:
    description: Port of the server.
    type: int
    default: 6443
    version_added: 0.1.0
  patience:
    description: How long a server may be silent before it counts as down, in seconds.
    type: int
    default: 15
    version_added: 0.1.0
  host:
    description: What messages call this host.
    type: str
    default: this host
    version_added: 0.1.0
"""

EXAMPLES = r"""
- name: Replace the server token
  fletcherlabs.homelab.server_token:
    token: "{{ vaulted_server_token }}"
    old_token: "{{ vaulted_old_server_token }}"
    host: "{{ inventory_hostname }}"
  no_log: true
"""

RETURN = r"""
accepted:
  description: Which token the server accepted at first, V(new) or V(old), or V(none) when it did not answer.
  type: str
  returned: success
  sample: old
recorded:
  description: Which token the server wrote down last, V(new), V(old), V(other) or V(none).
  type: str
  returned: success
  sample: old
finished:
  description: Whether the server accepted the new token and its configuration has it, so that nothing is left to do.
  type: bool
  returned: success
actions:
  description:
    - What was done, or would be done in check mode.
    - The kind V(recover) is left to the caller, who starts the server with the RV(recorded) token.
  type: list
  elements: dict
  returned: success
  sample: [{kind: rotate, sentence: "replace the server token through k3s-master1: ..."}]
"""

import os

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._token import probe
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._token.plan import (
    Found,
    TokenError,
    finished,
    kind_of,
    plan,
)

SPEC = {
    "token": {"type": "str", "required": True, "no_log": True},
    "old_token": {"type": "str", "no_log": True},
    "rotated_elsewhere": {"type": "bool", "default": False},
    "token_file": {"type": "path", "default": "/etc/rancher/k3s/server-token", "no_log": False},
    "data_dir": {"type": "path", "default": "/var/lib/rancher/k3s"},
    "port": {"type": "int", "default": 6443},
    "patience": {"type": "int", "default": 15},
    "host": {"type": "str", "default": "this host"},
}
ANSWER_SECONDS = 30.0


def text_of(path: str) -> str | None:
    """A small file, None when there is none."""
    try:
        with open(path, encoding="utf-8", errors="replace") as stream:
            return stream.read()
    except FileNotFoundError:
        return None


def main() -> None:
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True)
    wish = module.params
    new, old, host = wish["token"], wish["old_token"], wish["host"]
    ask = probe.asker(wish["port"], os.path.join(wish["data_dir"], "server/tls/server-ca.crt"), ANSWER_SECONDS)
    found = Found(
        probe.accepted(ask, new, old, wish["patience"]),
        kind_of(text_of(wish["token_file"]), new, old),
        kind_of(text_of(os.path.join(wish["data_dir"], "server/token")), new, old),
    )
    try:
        actions = plan(found, host, wish["rotated_elsewhere"])
        if not module.check_mode and any(action.kind == "rotate" for action in actions):
            probe.rotate(ask, new, old, host)
    except TokenError as error:
        module.fail_json(msg=str(error))
    module.exit_json(
        changed=any(action.kind == "rotate" for action in actions),
        accepted=found.accepted,
        recorded=found.recorded,
        finished=finished(found),
        actions=[action.as_dict() for action in actions],
    )


if __name__ == "__main__":
    main()
