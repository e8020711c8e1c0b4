#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: backup_compare
short_description: Verify a restored cluster by its content
version_added: 0.1.0
author: FletcherLabs (@fletcherlabs)
description:
  - Compares the objects of a cluster with those that a backup lists, by kind, name and uid. Changes nothing.
  - Fails while one is missing or another one, after O(timeout).
extends_documentation_fragment:
  - fletcherlabs.homelab.attributes.info
requirements:
  - kubernetes (Python package)
options:
  archive:
    description: The decrypted archive.
    type: path
    required: true
    version_added: 0.1.0
  kubeconfig:
    description: Kubeconfig file of the restored cluster.
    type: path
    required: true
    version_added: 0.1.0
  timeout:
    description: How long the API may take to answer, in seconds.
    type: int
    default: 120
    version_added: 0.1.0
"""

EXAMPLES = r"""
- name: Verify the restored cluster
  fletcherlabs.homelab.backup_compare:
    archive: /dev/shm/restore/backup.tar
    kubeconfig: ~/.kube/k3s-home.yaml
  delegate_to: localhost
"""

RETURN = r"""
objects:
  description: How many objects were compared.
  type: int
  returned: success
"""

import time
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule, missing_required_lib

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._backup.archive import read_manifest
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._backup.compare import items_of
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._backup.manifest import (
    BackupError,
    Manifest,
    missing,
    some,
)
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._cluster.client import (
    KUBERNETES_PROBLEM,
    Cluster,
    ClusterError,
)

SPEC = {
    "archive": {"type": "path", "required": True},
    "kubeconfig": {"type": "path", "required": True},
    "timeout": {"type": "int", "default": 120},
}
POLL_SECONDS = 1.0


def compare(manifest: Manifest, kubeconfig: str, timeout: int) -> str:
    """Empty when everything is there; otherwise what was last seen."""
    deadline = time.monotonic() + timeout
    while True:
        try:
            away = missing(manifest, items_of(Cluster(kubeconfig)))
            problem = f"{len(away)} of {len(manifest.items)} objects are not there: {some(away)}" if away else ""
        except ClusterError as error:
            problem = str(error)
        if not problem or time.monotonic() > deadline:
            return problem
        time.sleep(POLL_SECONDS)


def main() -> None:
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True)
    if KUBERNETES_PROBLEM:
        module.fail_json(msg=missing_required_lib("kubernetes"), exception=KUBERNETES_PROBLEM)
    wish = module.params
    try:
        manifest = read_manifest(Path(wish["archive"]))
    except BackupError as error:
        module.fail_json(msg=str(error))
    problem = compare(manifest, wish["kubeconfig"], wish["timeout"])
    if problem:
        module.fail_json(msg=f"the restored cluster is not the one of the backup: {problem}")
    module.exit_json(changed=False, objects=len(manifest.items))


if __name__ == "__main__":
    main()
