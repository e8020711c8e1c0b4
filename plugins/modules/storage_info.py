#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: storage_info
short_description: Whether a node's directories are fit for cluster storage
version_added: 0.1.0
author: FletcherLabs (@fletcherlabs)
description:
  - Looks whether C(/var/lib/kubelet) is the kubelet's alone. It must be no symbolic link, and neither C(/etc/fstab) nor
    anybody but the kubelet may mount anything below.
  - Looks at directories of the system disk that a storage system is to fill, and turns their reserve into bytes. A
    reserve that would let the storage system drive the kubelet into DiskPressure is a problem.
  - Only reads files; whether its sentences stop the run is for the caller to say.
extends_documentation_fragment:
  - fletcherlabs.homelab.attributes.info
options:
  directories:
    description: Directories of the system disk that a storage system is to fill. They may not be there yet.
    type: list
    elements: dict
    default: []
    version_added: 0.1.0
    suboptions:
      path:
        description: Absolute path.
        type: str
        required: true
        version_added: 0.1.0
      reserve:
        description: What is kept free for everything else on that disk, such as V(40%) or V(100GiB).
        type: str
        required: true
        version_added: 0.1.0
  least_reserve_percent:
    description: The smallest share of the disk that may be reserved.
    type: int
    default: 25
    version_added: 0.1.0
"""

EXAMPLES = r"""
- name: Look at a worker whose root disk Longhorn may use
  fletcherlabs.homelab.storage_info:
    directories:
      - {path: /var/lib/longhorn, reserve: 40%}
  register: found
"""

RETURN = r"""
problems:
  description: What has to be mended first, one sentence each.
  type: list
  elements: str
  returned: success
  sample: ["/etc/fstab mounts /var/lib/kubelet, which belongs to the kubelet; remove the entry and unmount it"]
directories:
  description: The directories, with the size of their file system and their reserve in bytes.
  type: list
  elements: dict
  returned: success
  sample: [{path: /var/lib/longhorn, size: 502468108288, reserved: 200986845184}]
"""

from pathlib import Path

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._machine.judge import kubelet_problems
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._machine.probe import probe as probe_machine
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._storage.directories import (
    described,
    overlaps,
    probe,
    problems,
)

DIRECTORY = {"path": {"type": "str", "required": True}, "reserve": {"type": "str", "required": True}}
SPEC = {
    "directories": {"type": "list", "elements": "dict", "default": [], "options": DIRECTORY},
    "least_reserve_percent": {"type": "int", "default": 25},
}
ROOT = Path("/")


def main() -> None:
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True)
    wanted = [(item["path"], item["reserve"]) for item in module.params["directories"]]
    sentences = [*kubelet_problems(probe_machine(ROOT)), *overlaps([path for path, _reserve in wanted])]
    directories = []
    for path, reserve in wanted:
        try:
            found = probe(ROOT, path)
            sentences += problems(found, reserve, module.params["least_reserve_percent"])
            directories.append(described(found, reserve))
        except ValueError as error:
            module.fail_json(msg=f"the reserve of {path}: {error}")
    module.exit_json(changed=False, problems=sentences, directories=directories)


if __name__ == "__main__":
    main()
