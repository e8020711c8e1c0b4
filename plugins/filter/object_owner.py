# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter object_owner: whose an object in the cluster is."""

from __future__ import annotations

DOCUMENTATION = r"""
name: object_owner
short_description: Whose an object in the cluster is
version_added: 0.1.0
author: FletcherLabs (@fletcherlabs)
description:
  - Says by an object's labels who keeps it, so that nobody's objects but its own are changed.
options:
  _input:
    description: The object as the API has it.
    type: dict
    required: true
    version_added: 0.1.0
"""

EXAMPLES = r"""
- name: Tell who keeps the device plugin
  ansible.builtin.debug:
    msg: "{{ daemon_sets.resources | map('fletcherlabs.homelab.object_owner') }}"
"""

RETURN = r"""
_value:
  description:
    - V(Flux) where kustomize-controller or helm-controller applied it, V(this collection) where its label
      C(app.kubernetes.io/managed-by) says so, V(somebody else) otherwise.
  type: str
  sample: Flux
"""

from collections.abc import Callable
from typing import Any

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._owner import owner


class FilterModule:
    """What Ansible loads."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Its filters."""
        return {"object_owner": owner}
