#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: host_files
short_description: Keep a set of small files of a host
version_added: 0.1.0
author: FletcherLabs (@fletcherlabs)
description:
  - Writes all small configuration files of one concern on one host in one call, where a task for each file would cost two
    remote executions each.
  - A file is replaced as a whole by a rename, so that it is never half-written, whatever interrupts the run. Only a file
    that is itself a mount point, such as C(/etc/hosts) in a container, is rewritten in place.
  - Every reason not to write is reported at once, before anything is written.
extends_documentation_fragment:
  - fletcherlabs.homelab.attributes
options:
  files:
    description: The files, written in this order.
    type: list
    elements: dict
    default: []
    suboptions:
      path:
        description: Absolute path.
        type: str
        required: true
        version_added: 0.1.0
      content:
        description: The whole content, text ending with a newline. Required unless O(files[].state=absent).
        type: str
        version_added: 0.1.0
      mode:
        description: Permissions as an octal string.
        type: str
        default: "0644"
        version_added: 0.1.0
      owner:
        description: Name or number of the owner.
        type: str
        default: root
        version_added: 0.1.0
      group:
        description: Name or number of the group.
        type: str
        default: root
        version_added: 0.1.0
      secret:
        description: Keeps the content out of the difference shown. Put C(no_log) on the task as well.
        type: bool
        default: false
        version_added: 0.1.0
      state:
        description: Whether the file should be there.
        type: str
        choices: [present, absent]
        default: present
        version_added: 0.1.0
    version_added: 0.1.0
  directories:
    description: Directories to have before the files are written.
    type: list
    elements: dict
    default: []
    suboptions:
      path:
        description: Absolute path.
        type: str
        required: true
        version_added: 0.1.0
      mode:
        description: Permissions as an octal string.
        type: str
        default: "0755"
        version_added: 0.1.0
      owner:
        description: Name or number of the owner.
        type: str
        default: root
        version_added: 0.1.0
      group:
        description: Name or number of the group.
        type: str
        default: root
        version_added: 0.1.0
    version_added: 0.1.0
  links:
    description: Symbolic links to have after the files are written. A link that points elsewhere is replaced, anything else refused.
    type: list
    elements: dict
    default: []
    suboptions:
      path:
        description: Absolute path of the link.
        type: str
        required: true
        version_added: 0.1.0
      target:
        description: What it points to.
        type: str
        required: true
        version_added: 0.1.0
    version_added: 0.1.0
  stamp:
    description:
      - File on the host that records what has been applied, written by a second call with RV(stamp_content) after the services
        that read the files have taken them up.
      - A run that was interrupted between writing and applying leaves an old stamp, so the next run still knows what is pending.
    type: str
    version_added: 0.1.0
"""

EXAMPLES = r"""
- name: Write the kernel settings
  fletcherlabs.homelab.host_files:
    directories:
      - path: /etc/modules-load.d
    files:
      - path: /etc/modules-load.d/homelab.conf
        content: |
          br_netfilter
          overlay
"""

RETURN = r"""
actions:
  description: What was done, or would be done in check mode.
  type: list
  elements: dict
  returned: always
  sample:
    - {kind: write, target: /etc/modules-load.d/homelab.conf, sentence: change the content of /etc/modules-load.d/homelab.conf}
changed_paths:
  description: Paths of the actions, for handlers that care which file changed.
  type: list
  elements: str
  returned: always
  sample: [/etc/modules-load.d/homelab.conf]
pending_paths:
  description: Paths whose wanted content is not the one recorded in O(stamp) as applied; empty without O(stamp).
  type: list
  elements: str
  returned: success
  sample: [/etc/modules-load.d/homelab.conf]
stamp_content:
  description: What O(stamp) should hold once the files have been applied.
  type: str
  returned: success
reasons:
  description: Why nothing was written, one sentence each.
  type: list
  elements: str
  returned: failure
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._files.host import apply, probe
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._files.model import FilesError, Wanted
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._files.stamp import pending, read_stamp, stamp_content
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._files.plan import difference, plan

ATTRIBUTES = {"path": {"type": "str", "required": True}, "owner": {"default": "root"}, "group": {"default": "root"}}
FILE = ATTRIBUTES | {
    "content": {"type": "str"},
    "mode": {"default": "0644"},
    "secret": {"type": "bool", "default": False},
    "state": {"choices": ["present", "absent"], "default": "present"},
}
SPEC = {
    "files": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": FILE,
        "required_if": [("state", "present", ("content",))],
    },
    "links": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {"path": {"type": "str", "required": True}, "target": {"type": "str", "required": True}},
    },
    "stamp": {"type": "str"},
    "directories": {"type": "list", "elements": "dict", "default": [], "options": ATTRIBUTES | {"mode": {"default": "0755"}}},
}


def wanted_from(parameters: dict) -> list[Wanted]:
    """The module's options as one typed list; raise FilesError for a mode that is no octal number."""
    items, reasons = [], []
    for kind, option in (("directory", "directories"), ("file", "files")):
        for item in parameters[option]:
            try:
                mode = int(item["mode"], 8)
            except ValueError:
                reasons.append(f"mode '{item['mode']}' of {item['path']} is not an octal number; write it as \"0644\"")
                continue
            present = item.get("state", "present") == "present"
            content = item.get("content")
            items.append(Wanted(item["path"], kind, present, content, mode, item["owner"], item["group"], bool(item.get("secret"))))
    items += [Wanted(item["path"], "link", content=item["target"]) for item in parameters["links"]]
    if reasons:
        raise FilesError(reasons)
    return items


def main() -> None:
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True)
    try:
        wanted = wanted_from(module.params)
        found = probe(wanted)
        actions = plan(wanted, found)
        stamp = read_stamp(module.params["stamp"])
    except FilesError as error:
        module.fail_json(msg=str(error), reasons=error.reasons)
    if not module.check_mode:
        apply(actions, found)
    module.exit_json(
        changed=bool(actions),
        actions=[action.as_dict() for action in actions],
        changed_paths=[action.wanted.path for action in actions],
        pending_paths=pending(wanted, stamp) if module.params["stamp"] else [],
        stamp_content=stamp_content(wanted),
        diff=difference(actions, found),
    )


if __name__ == "__main__":
    main()
