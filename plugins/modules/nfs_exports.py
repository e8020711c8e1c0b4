#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: nfs_exports
short_description: Export directories of mounted pools to known clients, and nothing else
version_added: 0.1.0
author: FletcherLabs (@fletcherlabs)
description:
  - Makes the directories that are missing, writes one file of exports, and has the running server take it up, only
    where what is in force differs from it.
  - Fails before anything is touched while a pool of an export is not mounted, since an empty directory would be made
    and exported in its place. The exports themselves say C(mountpoint), so that the server refuses a pool that goes
    away later.
  - A directory that is there keeps its owner and mode. Each export has an identity that follows from its path alone,
    so that clients' file handles survive a new installation of the server.
extends_documentation_fragment:
  - fletcherlabs.homelab.attributes
options:
  exports:
    description: The directories.
    type: list
    elements: dict
    required: true
    version_added: 0.1.0
    suboptions:
      path:
        description: Absolute path, in or below one of O(pools).
        type: str
        required: true
        version_added: 0.1.0
      owner:
        description: Number of the user who owns a new directory, and as whom clients act.
        type: int
        default: 1000
        version_added: 0.1.0
      group:
        description: Number of the group.
        type: int
        default: 1000
        version_added: 0.1.0
      mode:
        description: Mode of a new directory, octal.
        type: str
        default: "0755"
        version_added: 0.1.0
      squash:
        description:
          - Whose requests are taken as those of O(exports[].owner). With V(all) everybody's, with V(root) only root's;
            with V(none) root on a client is root here.
        type: str
        choices: [all, root, none]
        default: all
        version_added: 0.1.0
      nested:
        description: Whether file systems mounted below, such as datasets of ZFS, are seen by clients.
        type: bool
        default: false
        version_added: 0.1.0
  pools:
    description: Mount points of the pools.
    type: list
    elements: str
    required: true
    version_added: 0.1.0
  pools_to_come:
    description: Pools that check mode takes as mounted, because the real run has mounted them before.
    type: list
    elements: str
    default: []
    version_added: 0.1.0
  clients:
    description: Addresses that may mount the exports.
    type: list
    elements: str
    required: true
    version_added: 0.1.0
attributes:
  platform:
    platforms: linux
"""

EXAMPLES = r"""
- name: Export the media to two nodes
  fletcherlabs.homelab.nfs_exports:
    pools: [/mnt/rust]
    exports:
      - path: /mnt/rust/media
    clients: [192.168.10.21, 192.168.10.23]
"""

RETURN = r"""
actions:
  description: What was done, or would be done in check mode.
  type: list
  elements: dict
  returned: success
  sample: [{kind: directory, target: /mnt/rust/media, sentence: "make /mnt/rust/media for 1000:1000"}]
others:
  description: Paths that files of somebody else export.
  type: list
  elements: str
  returned: success
  sample: []
problems:
  description: Why nothing was done, one sentence each.
  type: list
  elements: str
  returned: failure
"""

from pathlib import PurePosixPath
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._command import run_program
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._exports.host import Paths, apply, probe
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._exports.model import ExportsError, Wanted
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._exports.plan import content, difference, plan

EXPORT = {
    "path": {"type": "str", "required": True},
    "owner": {"type": "int", "default": 1000},
    "group": {"type": "int", "default": 1000},
    "mode": {"type": "str", "default": "0755"},
    "squash": {"type": "str", "choices": ["all", "root", "none"], "default": "all"},
    "nested": {"type": "bool", "default": False},
}
SPEC = {
    "exports": {"type": "list", "elements": "dict", "required": True, "options": EXPORT},
    "pools": {"type": "list", "elements": "str", "required": True},
    "pools_to_come": {"type": "list", "elements": "str", "default": []},
    "clients": {"type": "list", "elements": "str", "required": True},
}
PATHS = Paths()


def wanted_from(params: dict[str, Any]) -> tuple[list[Wanted], list[str]]:
    """The exports with their pools, and one sentence for each that has none or a mode that is none."""
    wanted, faults = [], []
    for item in params["exports"]:
        path = str(PurePosixPath(item["path"]))
        pools = [pool for pool in params["pools"] if PurePosixPath(path).is_relative_to(pool)]
        try:
            mode = int(item["mode"], 8)
        except ValueError:
            faults.append(f"{path}: '{item['mode']}' is no file mode; write it in octal and in quotes")
            continue
        if not pools:
            faults.append(f"{path} lies in no pool, expected one of {', '.join(params['pools']) or 'none'}; correct it")
            continue
        pool = max(pools, key=len)
        wanted.append(Wanted(path, pool, item["owner"], item["group"], mode, item["squash"], item["nested"]))
    if not params["clients"]:
        faults.append("there are no clients, and an export without any is open to everybody; name their addresses")
    return wanted, faults


def main() -> None:
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True)
    wanted, problems = wanted_from(module.params)
    clients = module.params["clients"]
    rehearsal: bool = module.check_mode
    found = probe(PATHS, wanted, module.params["pools_to_come"] if rehearsal else ())
    todo = plan(wanted, clients, found, str(PATHS.ours))
    problems += todo.problems
    if problems:
        module.fail_json(msg="nothing was touched, since " + "; ".join(problems), problems=problems)
    warnings = list(todo.warnings)
    try:
        if not rehearsal:
            run = run_program
            warnings += apply(run, PATHS, todo.actions, wanted, content(wanted, clients))
            left = plan(wanted, clients, probe(PATHS, wanted), str(PATHS.ours)) if todo.actions else None
            if left and left.actions:
                sentences = "; ".join(action.sentence for action in left.actions)
                raise ExportsError(f"this is left after everything was done, expected nothing: {sentences}")
    except ExportsError as error:
        module.fail_json(msg=str(error))
    except OSError as error:
        module.fail_json(
            msg=f"{error.filename}: {error.strerror}, expected to be able to write there; mend it, run again"
        )
    for sentence in warnings:
        module.warn(sentence)
    module.exit_json(
        changed=bool(todo.actions),
        actions=[action.as_dict() for action in todo.actions],
        others=sorted(found.others),
        diff=difference(wanted, clients, found, todo.actions),
    )


if __name__ == "__main__":
    main()
