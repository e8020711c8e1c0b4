# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter release_set: which releases belong to a set."""

from __future__ import annotations

DOCUMENTATION = r"""
name: release_set
short_description: Releases that belong together
version_added: 0.1.0
author: FletcherLabs (@fletcherlabs)
description:
  - Turns the name of a set of releases into a mapping of components to versions.
  - M(fletcherlabs.homelab.inventory_check) says what speaks against a set.
options:
  _input:
    description: V(documented), V(supported) or V(current).
    type: str
    required: true
    version_added: 0.1.0
  overrides:
    description: Versions that take the place of the set's.
    type: dict
    default: {}
    version_added: 0.1.0
"""

EXAMPLES = r"""
- name: Tell the set's Cilium, and a newer one
  ansible.builtin.debug:
    msg:
      - "{{ ('documented' | fletcherlabs.homelab.release_set).cilium }}"
      - "{{ ('documented' | fletcherlabs.homelab.release_set({'cilium': '1.15.19'})).cilium }}"
"""

RETURN = r"""
_value:
  description: Versions by component.
  type: dict
  sample: {k3s: v1.32.5+k3s1, cilium: 1.15.6, gateway_api: v1.1.0, gateway_api_channel: experimental}
"""

from collections.abc import Callable, Mapping
from typing import Any

from ansible.errors import AnsibleFilterError

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._releases.judge import ReleaseSetError, releases_of


def release_set(name: str, overrides: Mapping[str, str] | None = None) -> dict[str, str]:
    """The set's releases."""
    try:
        return releases_of(name, overrides)
    except ReleaseSetError as error:
        raise AnsibleFilterError(str(error)) from error


class FilterModule:
    """What Ansible loads."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Filters by name."""
        return {"release_set": release_set}
