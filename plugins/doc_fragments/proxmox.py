# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of the modules that talk to Proxmox VE, worded once."""

from __future__ import annotations


class ModuleDocFragment:
    """How the API is reached and trusted."""

    DOCUMENTATION = r"""
options:
  api_host:
    description: Address or name of the node, as its certificate has it.
    type: str
    required: true
    version_added: 0.1.0
  api_port:
    description: Port of the API.
    type: int
    default: 8006
    version_added: 0.1.0
  api_user:
    description: The user whose token it is, with its realm.
    type: str
    required: true
    version_added: 0.1.0
  api_token_id:
    description: Name of the token.
    type: str
    required: true
    version_added: 0.1.0
  api_token_secret:
    description: Its secret.
    type: str
    required: true
    version_added: 0.1.0
  ca_path:
    description: The CA that signs the API's certificate, in PEM; without it and O(api_fingerprint) the system's.
    type: path
    version_added: 0.1.0
  api_fingerprint:
    description: SHA-256 of the API's certificate, as the node's certificate page shows it, in place of a CA.
    type: str
    version_added: 0.1.0
  timeout:
    description: Seconds that this module waits for an answer.
    type: int
    default: 60
    version_added: 0.1.0
"""
