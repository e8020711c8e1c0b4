#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: cluster_restore
short_description: Put a backup's datastore in a server's place
version_added: 0.1.0
author: FletcherLabs (@fletcherlabs)
description:
  - Runs on the server that the cluster begins with again. Verifies every file of the backup before K3s is stopped, then
    has K3s restore the etcd snapshot as a cluster of one member, or puts the SQLite datastore back. The datastore that
    was there is put aside, not removed. K3s is left stopped.
  - A server without token and authorities gets those of the backup, so that agents find the server they know.
  - After an interruption the next run does again what was not finished. A run that was finished is not repeated until
    its note is removed with O(state=verified).
extends_documentation_fragment:
  - fletcherlabs.homelab.attributes
options:
  archive:
    description: The decrypted archive on the server; it is removed when the restore is done.
    type: path
    required: true
    version_added: 0.1.0
  sha256:
    description: Digest of the encrypted archive, by which an interrupted restore is known again.
    type: str
    required: true
    version_added: 0.1.0
  state:
    description: Whether to restore, or to note that the restore has been verified.
    type: str
    choices: [restored, verified]
    default: restored
    version_added: 0.1.0
"""

EXAMPLES = r"""
- name: Restore the datastore
  fletcherlabs.homelab.cluster_restore:
    archive: /var/lib/fletcherlabs-homelab/restore.tar
    sha256: 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
"""

RETURN = r"""
actions:
  description: What was done, or would be done in check mode.
  type: list
  elements: dict
  returned: success
  sample: [{kind: restore, target: k3s.service, sentence: stop K3s}]
"""

from pathlib import Path

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._backup.manifest import BackupError
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._backup.restore import Restore
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._backup.turns import one_at_a_time

SPEC = {
    "archive": {"type": "path", "required": True},
    "sha256": {"type": "str", "required": True},
    "state": {"choices": ["restored", "verified"], "default": "restored"},
}


def main() -> None:
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True)
    rehearsal: bool = module.check_mode
    wish = module.params

    def run(argv: object) -> tuple[int, str, str]:
        return module.run_command(argv)

    restore = Restore(run, wish["sha256"])
    if wish["state"] == "verified":
        noted = restore.noted()
        if not rehearsal:
            restore.forget()
        module.exit_json(changed=noted, actions=[])
    sentences = restore.plan()
    try:
        if not rehearsal:
            # a controller that is killed leaves its restore running here
            with one_at_a_time(restore.state):
                restore.apply(Path(wish["archive"]))
    except BackupError as error:
        module.fail_json(msg=str(error))
    except OSError as error:
        module.fail_json(msg=f"the restore stopped at {error.filename}: {error.strerror}; mend that and run again")
    actions = [{"kind": "restore", "target": "k3s.service", "sentence": sentence} for sentence in sentences]
    module.exit_json(changed=bool(actions), actions=actions)


if __name__ == "__main__":
    main()
