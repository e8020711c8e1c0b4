#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: cluster_backup
short_description: Make an encrypted archive of everything a K3s cluster knows
version_added: 0.1.0
author: FletcherLabs (@fletcherlabs)
description:
  - Runs on a server. Takes an etcd snapshot through K3s, or a copy of an SQLite datastore with SQLite's own online
    backup, which is consistent while K3s runs.
  - Packs it with tokens, authorities, credentials and the node password, and with a list of objects by which a restore
    is verified. Encrypts it with age on its way to the disk; the archive never lies there in clear.
  - What an interrupted run left in O(folder) is removed first.
extends_documentation_fragment:
  - fletcherlabs.homelab.attributes
requirements:
  - age (program)
options:
  site:
    description: Name of the site; archives begin with it.
    type: str
    required: true
    version_added: 0.1.0
  recipients:
    description: Public age keys, each of which can open the archive.
    type: list
    elements: str
    required: true
    version_added: 0.1.0
  folder:
    description: Where the archive is made. It is this module's own, and what else lies there is removed.
    type: path
    default: /var/lib/fletcherlabs-homelab/backup
    version_added: 0.1.0
  keep:
    description: How many of the snapshots made for backups stay on the server.
    type: int
    default: 3
    version_added: 0.1.0
"""

EXAMPLES = r"""
- name: Make a backup
  fletcherlabs.homelab.cluster_backup:
    site: k3s-home
    recipients: [age1jc8qkpynzep6uvchpckjgupaesfekdh0k4h8jhfnqlu5vf5kh56s8q3jcc]
"""

RETURN = r"""
path:
  description: The archive on the server; none in check mode.
  type: str
  returned: success
sha256:
  description: Its digest.
  type: str
  returned: success
version:
  description: Version of K3s.
  type: str
  returned: success
datastore:
  description: etcd or sqlite.
  type: str
  returned: success
objects:
  description: How many objects a restore will be verified by.
  type: int
  returned: success
actions:
  description: What was done, or would be done in check mode.
  type: list
  elements: dict
  returned: success
"""

import contextlib
import datetime
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._backup.archive import digest, verify_snapshot
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._backup.collect import (
    DATA,
    Server,
    encrypt,
    members,
)
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._backup.manifest import (
    BackupError,
    Manifest,
    cluster_of,
    common,
)
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._backup.turns import one_at_a_time

SPEC = {
    "site": {"type": "str", "required": True},
    "recipients": {"type": "list", "elements": "str", "required": True},
    "folder": {"type": "path", "default": "/var/lib/fletcherlabs-homelab/backup"},
    "keep": {"type": "int", "default": 3},
}

NOBODY = (
    "nobody could open the backup, since homelab_backup_recipients is empty, expected at least one public age key; "
    "make one with age-keygen -o ~/.config/fletcherlabs.homelab/backup.key"
)


def make(server: Server, site: str, recipients: list[str], folder: Path) -> tuple[Path, Manifest]:
    """Snapshot, list, pack and encrypt."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True, mode=0o700)
    before = server.items()
    snapshot = server.snapshot(folder)
    if server.datastore == "etcd":
        verify_snapshot(snapshot)
    items = common(before, server.items())
    sources = members(DATA, snapshot)
    files = {name: digest(path) for name, path in sources.items()}
    now = datetime.datetime.now(datetime.timezone.utc)
    manifest = Manifest(
        site, now.isoformat(timespec="seconds"), server.version, server.datastore, cluster_of(items), files, items
    )
    path = folder / f"{site}-{now:%Y%m%dT%H%M%SZ}-{server.version}.tar.age"
    part = path.with_name(f"{path.name}.part")
    encrypt(manifest, sources, recipients, part)
    part.rename(path)
    if server.datastore == "sqlite":
        snapshot.unlink()
    return path, manifest


def action(datastore: str) -> dict[str, str]:
    """What there is to do."""
    return {"kind": "back_up", "target": datastore, "sentence": f"back up the {datastore} datastore"}


@contextlib.contextmanager
def nothing_left(folder: Path) -> Iterator[None]:
    """Remove the folder, and with it a copy in clear, when a backup fails."""
    try:
        yield
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def main() -> None:
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True)
    rehearsal: bool = module.check_mode
    wish = module.params
    folder = Path(wish["folder"])

    def run(argv: object) -> tuple[int, str, str]:
        return module.run_command(argv, handle_exceptions=False)

    try:
        if not wish["recipients"]:
            raise BackupError(NOBODY)
        server = Server(run)
        actions = [action(server.datastore)]
        if rehearsal:
            module.exit_json(
                changed=True, actions=actions, path=None, sha256="", version=server.version,
                datastore=server.datastore, objects=0,
            )  # fmt: skip
        with one_at_a_time(folder.parent), nothing_left(folder):
            path, manifest = make(server, wish["site"], wish["recipients"], folder)
            server.prune(wish["keep"])
    except BackupError as error:
        module.fail_json(msg=str(error))
    except OSError as error:
        module.fail_json(
            msg=f"the backup was not made: {error.strerror}: {error.filename or os.fspath(wish['folder'])}"
        )
    module.exit_json(
        changed=True,
        actions=actions,
        path=str(path),
        sha256=digest(path),
        version=manifest.version,
        datastore=manifest.datastore,
        objects=len(manifest.items),
    )


if __name__ == "__main__":
    main()
