# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of the modules that know the repository which Flux follows, worded once."""

from __future__ import annotations


class ModuleDocFragment:
    """Where the repository is, and what opens it."""

    DOCUMENTATION = r"""
options:
  url:
    description: The repository, as V(ssh://git@HOST/PATH) or V(https://HOST/PATH).
    type: str
    required: true
    version_added: 0.1.0
  branch:
    description: The branch that Flux follows.
    type: str
    default: main
    version_added: 0.1.0
  path:
    description: The folder in the repository where Flux begins.
    type: str
    default: clusters/k3s-home
    version_added: 0.1.0
  deploy_key:
    description: File with the private key that opens a repository over SSH.
    type: path
    version_added: 0.1.0
  known_hosts:
    description: Lines of known_hosts with the host's keys.
    type: list
    elements: str
    default: []
    version_added: 0.1.0
  username:
    description: User name that goes with O(token).
    type: str
    default: git
    version_added: 0.1.0
  token:
    description: File with the token that opens a repository over HTTPS.
    type: path
    version_added: 0.1.0
  ca:
    description: File with the CA of the repository's host, where the system does not trust it.
    type: path
    version_added: 0.1.0
"""
