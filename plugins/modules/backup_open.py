#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: backup_open
short_description: Decrypt a backup on the controller, and say whether it may be restored
version_added: 0.1.0
author: FletcherLabs (@fletcherlabs)
description:
  - Decrypts an archive of M(fletcherlabs.homelab.cluster_backup) into a folder that should lie in memory, with the age
    identity, which never leaves the controller.
  - Fails on a damaged archive, a wrong identity, another server token than the inventory's, and an older K3s than the
    backup's, with all reasons.
extends_documentation_fragment:
  - fletcherlabs.homelab.attributes.info
requirements:
  - pyrage (Python package)
  - kubernetes (Python package)
options:
  archive:
    description: The encrypted archive.
    type: path
    required: true
    version_added: 0.1.0
  identity:
    description: File with the age identity, as age-keygen writes it.
    type: path
    required: true
    version_added: 0.1.0
  folder:
    description: Where the decrypted archive goes; nowhere in check mode. It is this module's own, and is emptied first.
    type: path
    required: true
    version_added: 0.1.0
  token:
    description: The server token of the inventory.
    type: str
    required: true
    version_added: 0.1.0
  version:
    description: K3s release that the datastore is to be used with.
    type: str
    required: true
    version_added: 0.1.0
  kubeconfig:
    description: Kubeconfig file, to tell what the cluster has now and the backup has not.
    type: path
    version_added: 0.1.0
"""

EXAMPLES = r"""
- name: Open the backup
  fletcherlabs.homelab.backup_open:
    archive: ~/backups/k3s-home-20250614T120000Z-v1.32.5+k3s1.tar.age
    identity: ~/.config/fletcherlabs.homelab/backup.key
    folder: /dev/shm/restore
    token: "{{ homelab_k3s_server_token }}"
    version: v1.32.5+k3s1
  delegate_to: localhost
"""

RETURN = r"""
path:
  description: The decrypted archive; none in check mode.
  type: str
  returned: success
sha256:
  description: Digest of the encrypted archive.
  type: str
  returned: success
name:
  description: Name of the encrypted archive.
  type: str
  returned: success
datastore:
  description: etcd or sqlite.
  type: str
  returned: success
version:
  description: K3s release that made the backup.
  type: str
  returned: success
created:
  description: When it was made, UTC.
  type: str
  returned: success
objects:
  description: How many objects the restore will be verified by.
  type: int
  returned: success
lost:
  description: Objects of the cluster that the backup does not have; none when the API does not answer.
  type: list
  elements: str
  returned: success
"""

import os
import shutil
import tempfile
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule, missing_required_lib

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._age import PYRAGE_PROBLEM, identities_of, pyrage
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._backup.archive import digest, member, verify
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._backup.compare import items_of
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._backup.manifest import (
    TOKEN,
    BackupError,
    Manifest,
    newer,
    refusals,
)
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._cluster.client import Cluster, ClusterError

SPEC = {
    "archive": {"type": "path", "required": True},
    "identity": {"type": "path", "required": True},
    "folder": {"type": "path", "required": True},
    "token": {"type": "str", "required": True, "no_log": True},
    "version": {"type": "str", "required": True},
    "kubeconfig": {"type": "path"},
}


def decrypt(source: Path, identity: Path, target: Path) -> None:
    """Decrypt with the identities of a file."""
    try:
        keys = identities_of(identity)
    except (OSError, pyrage.IdentityError) as error:
        raise BackupError(f"{identity} holds no age identity ({error}); name the file that age-keygen wrote") from error
    if not keys:
        raise BackupError(f"{identity} holds no age identity; name the file that age-keygen wrote")
    try:
        with source.open("rb") as reader, open(os.open(target, os.O_WRONLY | os.O_CREAT, 0o600), "wb") as writer:
            pyrage.decrypt_io(reader, writer, keys)
    except (pyrage.DecryptError, OSError) as error:
        target.unlink(missing_ok=True)
        raise BackupError(f"{source} cannot be opened ({error}); it is damaged, or for another key") from error


def lost_now(manifest: Manifest, kubeconfig: str | None) -> list[str]:
    """What a restore would lose, as far as the API answers."""
    if not kubeconfig or not os.path.exists(kubeconfig):
        return []
    try:
        return [str(item) for item in newer(manifest, items_of(Cluster(kubeconfig)))]
    except ClusterError:
        return []


def main() -> None:
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True)
    if PYRAGE_PROBLEM:
        module.fail_json(msg=missing_required_lib("pyrage"), exception=PYRAGE_PROBLEM)
    rehearsal: bool = module.check_mode
    wish = module.params
    source, folder = Path(wish["archive"]), Path(wish["folder"])
    # what an interrupted run has left there
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True, mode=0o700)
    opened = Path(tempfile.mkdtemp(dir=folder)) / "backup.tar"
    try:
        if not source.is_file():
            raise BackupError(f"there is no backup {source}; name one with -e backup=FILE")
        decrypt(source, Path(wish["identity"]), opened)
        manifest = verify(opened)
        reasons = refusals(manifest, wish["version"], member(opened, TOKEN).decode(), wish["token"])
        if reasons:
            raise BackupError("; ".join(reasons))
    except BackupError as error:
        forget(opened)
        module.fail_json(msg=str(error))
    if rehearsal:
        forget(opened)
    module.exit_json(
        changed=False,
        path=None if rehearsal else str(opened),
        sha256=digest(source),
        name=source.name,
        datastore=manifest.datastore,
        version=manifest.version,
        created=manifest.created,
        objects=len(manifest.items),
        lost=lost_now(manifest, wish["kubeconfig"]),
    )


def forget(opened: Path) -> None:
    """Remove the decrypted archive with its folder."""
    opened.unlink(missing_ok=True)
    opened.parent.rmdir()


if __name__ == "__main__":
    main()
