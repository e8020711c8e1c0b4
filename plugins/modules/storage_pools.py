#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: storage_pools
short_description: Have pools mounted that hold somebody's data, and never make a file system
version_added: 0.1.0
author: FletcherLabs (@fletcherlabs)
description:
  - Takes pools as they are, whatever they are made of (a disk, an md array, LVM, ZFS). A pool with a UUID is mounted by
    it, now and at every boot; a pool without one has to be mounted already.
  - Fails, before anything is touched and with all reasons at once, when a pool is not mounted and cannot be, or when
    something else is mounted in its place.
  - Writes nothing but a line in C(/etc/fstab) and an empty, immutable mount point. It knows no way to make, repair,
    grow or erase a file system.
extends_documentation_fragment:
  - fletcherlabs.homelab.attributes
options:
  pools:
    description: The pools of this machine.
    type: list
    elements: dict
    required: true
    version_added: 0.1.0
    suboptions:
      path:
        description: Mount point.
        type: str
        required: true
        version_added: 0.1.0
      uuid:
        description:
          - UUID of its file system. With it, the pool is mounted where it is not, and at every boot, with C(nofail) and
            a time limit for the device.
          - A line that C(/etc/fstab) has for the mount point already is left as it is.
        type: str
        version_added: 0.1.0
      filesystem:
        description: The kind of file system expected; not checked where it is not said.
        type: str
        choices: [ext4, xfs, btrfs, zfs]
        version_added: 0.1.0
      options:
        description: Mount options of a new line in C(/etc/fstab).
        type: list
        elements: str
        default: []
        version_added: 0.1.0
attributes:
  platform:
    platforms: linux
"""

EXAMPLES = r"""
- name: Have the pools of the storage host mounted
  fletcherlabs.homelab.storage_pools:
    pools:
      - path: /mnt/nvme_storage
      - path: /mnt/rust
        uuid: 5c9f3d5e-0d0f-4a7e-9d5f-2f6c7d1e8b3a
"""

RETURN = r"""
actions:
  description: What was done, or would be done in check mode.
  type: list
  elements: dict
  returned: success
  sample: [{kind: mount, target: /mnt/rust, sentence: "mount /dev/md127 (xfs) at /mnt/rust"}]
pools:
  description: The pools, each with systemd's unit for its mount.
  type: list
  elements: dict
  returned: success
  sample:
    - path: /mnt/rust
      filesystem: xfs
      source: /dev/md127
      uuid: 5c9f3d5e-0d0f-4a7e-9d5f-2f6c7d1e8b3a
      unit: mnt-rust.mount
problems:
  description: Why nothing was done, one sentence each.
  type: list
  elements: str
  returned: failure
"""

from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._command import CommandError, run_program
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._pools.apply import apply
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._pools.model import (
    Found,
    PoolsError,
    Wanted,
    unit_of,
)
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._pools.plan import difference, plan
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._pools.probe import probe

POOL = {
    "path": {"type": "str", "required": True},
    "uuid": {"type": "str"},
    "filesystem": {"type": "str", "choices": ["ext4", "xfs", "btrfs", "zfs"]},
    "options": {"type": "list", "elements": "str", "default": []},
}
SPEC = {"pools": {"type": "list", "elements": "dict", "required": True, "options": POOL}}
FSTAB = Path("/etc/fstab")


def described(pool: Wanted, found: Found) -> dict[str, Any]:
    """A pool in the result, mounted as it is or as it will be."""
    here = found.mounted
    return {
        "path": pool.path,
        "source": here.source if here else found.device,
        "filesystem": here.filesystem if here else found.device_filesystem,
        "uuid": (here.uuid if here else pool.uuid) or "",
        "unit": unit_of(pool.path),
    }


def main() -> None:
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True)
    run = run_program
    wanted = [
        Wanted(item["path"], item["uuid"], item["filesystem"], tuple(item["options"]))
        for item in module.params["pools"]
    ]
    try:
        found = probe(run, wanted, FSTAB)
        todo = plan(wanted, found)
        if todo.problems:
            module.fail_json(msg="nothing was touched, since " + "; ".join(todo.problems), problems=list(todo.problems))
        warnings = list(todo.warnings)
        if todo.actions and not module.check_mode:
            warnings += apply(run, todo.actions, wanted, found, FSTAB)
            left = plan(wanted, probe(run, wanted, FSTAB))
            if left.problems or left.actions:
                sentences = [*left.problems, *(action.sentence for action in left.actions)]
                raise PoolsError(f"this is left after everything was done, expected nothing: {'; '.join(sentences)}")
    except (PoolsError, CommandError) as error:
        module.fail_json(msg=str(error))
    for sentence in warnings:
        module.warn(sentence)
    module.exit_json(
        changed=bool(todo.actions),
        actions=[action.as_dict() for action in todo.actions],
        pools=[described(pool, found[pool.path]) for pool in wanted],
        diff=difference(wanted, found, todo.actions),
    )


if __name__ == "__main__":
    main()
