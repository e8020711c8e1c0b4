# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter proxmox_failure: one sentence for what a module of community.proxmox said."""

from __future__ import annotations

DOCUMENTATION = r"""
name: proxmox_failure
short_description: One sentence for a failure of the Proxmox VE API
version_added: 0.1.0
author: FletcherLabs (@fletcherlabs)
description:
  - Turns the result of a failed module of community.proxmox into what was found, what was expected, and how to mend it.
options:
  _input:
    description: The result of the task that failed.
    type: dict
    required: true
    version_added: 0.1.0
"""

EXAMPLES = r"""
- name: Tell what a full storage means
  ansible.builtin.debug:
    msg: "{{ {'msg': 'Task error: No space left on device'} | fletcherlabs.homelab.proxmox_failure }}"
"""

RETURN = r"""
_value:
  description: The sentence.
  type: str
  sample: a storage of the node is full; make room there or choose another, then run again
"""

from collections.abc import Callable, Mapping
from typing import Any

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._proxmox.failure import sentence_for


def proxmox_failure(result: Mapping[str, Any]) -> str:
    """What the result means."""
    return sentence_for(str(result.get("msg", "")))


class FilterModule:
    """What Ansible loads."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Its filters."""
        return {"proxmox_failure": proxmox_failure}
