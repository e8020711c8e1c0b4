#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: nfs_check
short_description: Whether NFS servers and mounts answer, without ever hanging with them
version_added: 0.1.0
author: FletcherLabs (@fletcherlabs)
description:
  - Asks a server whether it serves NFS version 4, looks whether each NFS mount of this machine from that server still
    answers, and tries to mount exports, read-only and in a mount namespace of its own.
  - Everything is done by processes with a time limit. One that even a kill cannot reach, because the kernel waits for a
    dead server on its behalf, is left behind and not waited for; the module answers all the same.
  - Only looks, but for the trial mounts, which nobody else sees and which end with the module. Check mode looks too.
extends_documentation_fragment:
  - fletcherlabs.homelab.attributes.info
options:
  server:
    description: Name or address of the server.
    type: str
    required: true
    version_added: 0.1.0
  exports:
    description: Exports to try to mount. Needs nfs-common, and a kernel of its own.
    type: list
    elements: str
    default: []
    version_added: 0.1.0
  version:
    description: The NFS version to mount with.
    type: str
    default: "4.2"
    version_added: 0.1.0
  limit:
    description: Seconds that each of these looks may take.
    type: float
    default: 5
    version_added: 0.1.0
  fail:
    description: Whether a problem fails the task or is only returned.
    type: bool
    default: true
    version_added: 0.1.0
attributes:
  platform:
    platforms: linux
"""

EXAMPLES = r"""
- name: Look whether the storage host serves
  fletcherlabs.homelab.nfs_check:
    server: 192.168.10.100
    exports: [/mnt/rust/media]
"""

RETURN = r"""
problems:
  description: What does not answer, one sentence each.
  type: list
  elements: str
  returned: always
  sample: ["192.168.10.100 does not serve NFS (Connection refused), expected an answer on TCP port 2049"]
mounts:
  description: The NFS mounts of this machine from the server.
  type: list
  elements: dict
  returned: always
  sample: [{target: /mnt/media, source: "192.168.10.100:/mnt/rust/media", options: [rw, vers=4.2, hard], alive: true}]
"""

import tempfile
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._nfs.look import (
    NfsMount,
    check_mount,
    nfs_mounts,
    ping,
    run_limited,
    try_export,
)

SPEC = {
    "server": {"type": "str", "required": True},
    "exports": {"type": "list", "elements": "str", "default": []},
    "version": {"type": "str", "default": "4.2"},
    "limit": {"type": "float", "default": 5},
    "fail": {"type": "bool", "default": True},
}
MOUNTS = Path("/proc/self/mounts")


def mount_problem(mount: NfsMount, why: str) -> str:
    return f"{mount.target} (from {mount.source}): {why}, expected a live mount; look at the server"


def trials(options: dict[str, Any], limit: float) -> list[str]:
    """What speaks against the exports."""
    problems = []
    # below /run, which no container network or NFS server ever holds
    with tempfile.TemporaryDirectory(dir="/run", prefix="homelab-nfs-") as folder:
        for path in options["exports"]:
            why = try_export(run_limited, options["server"], path, options["version"], limit, Path(folder))
            if why:
                problems.append(
                    f"{options['server']}:{path} could not be mounted with NFS {options['version']} ({why}), expected "
                    "it exported to this machine; look at exportfs -v on the server"
                )
    return problems


def main() -> None:
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True)
    options = module.params
    server, limit = options["server"], options["limit"]
    mounts = [
        mount for mount in nfs_mounts(MOUNTS.read_text()) if mount.source.rpartition(":/")[0].strip("[]") == server
    ]
    found = [(mount, check_mount(run_limited, mount, limit)) for mount in mounts]
    problems = [mount_problem(mount, why) for mount, why in found if why]
    why = ping(server, limit)
    if why:
        where = "expected an answer on TCP port 2049; look at nfs-server.service there"
        problems.insert(0, f"{server} does not serve NFS ({why}), {where}")
    else:
        problems += trials(options, limit)
    result: dict[str, Any] = {
        "problems": problems,
        "mounts": [
            {"target": mount.target, "source": mount.source, "options": list(mount.options), "alive": not why}
            for mount, why in found
        ],
    }
    if problems and options["fail"]:
        module.fail_json(msg="; ".join(problems), **result)
    module.exit_json(changed=False, **result)


if __name__ == "__main__":
    main()
