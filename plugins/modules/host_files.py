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
  - Writes all small configuration files of one concern on one host in one call, where a task for each file would cost
    up to two remote executions each.
  - A file is replaced as a whole by a rename, so that it is never half-written, whatever interrupts the run. Only a
    file that is itself a mount point, such as C(/etc/hosts) in a container, is rewritten in place, for it cannot be
    replaced.
  - Every reason not to write is reported at once, before anything is written. A symbolic link is never followed or
    replaced by a file.
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
    description:
      - Directories to have before the files are written. What is not said of one that is there stays as it is.
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
        description: Permissions as an octal string; C(0755) for a new directory where this is not said.
        type: str
        version_added: 0.1.0
      owner:
        description: Name or number of the owner; C(root) for a new directory where this is not said.
        type: str
        version_added: 0.1.0
      group:
        description: Name or number of the group; C(root) for a new directory where this is not said.
        type: str
        version_added: 0.1.0
    version_added: 0.1.0
  links:
    description:
      - Symbolic links to have after the files are written. A link that points elsewhere is replaced, anything else is
        refused.
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
      - File on the host that records what has been applied, written by a second call with RV(stamp_content) after the
        services that read the files have taken them up.
      - A run that was interrupted between writing and applying leaves an old stamp, so the next run still knows what is
        pending. A file that has to be written again is struck out of the stamp first.
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
    - kind: write
      target: /etc/modules-load.d/homelab.conf
      sentence: change the content of /etc/modules-load.d/homelab.conf
changed_paths:
  description: Paths of the actions, for handlers that care which file changed.
  type: list
  elements: str
  returned: always
  sample: [/etc/modules-load.d/homelab.conf]
pending_paths:
  description:
    - Paths whose content is changed by this call or is not the one recorded in O(stamp) as applied; empty without
      O(stamp).
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

from collections.abc import Callable
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._files import host, stamp
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._files.model import (
    Action,
    FilesError,
    Wanted,
)
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._files.plan import difference, plan

PATH = {"type": "str", "required": True}
FILE = {
    "path": PATH,
    "content": {"type": "str"},
    "mode": {"type": "str", "default": "0644"},
    "owner": {"type": "str", "default": "root"},
    "group": {"type": "str", "default": "root"},
    "secret": {"type": "bool", "default": False},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
}
DIRECTORY = {"path": PATH, "mode": {"type": "str"}, "owner": {"type": "str"}, "group": {"type": "str"}}
LINK = {"path": PATH, "target": {"type": "str", "required": True}}
SPEC = {
    "files": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": FILE,
        "required_if": [("state", "present", ("content",))],
    },
    "directories": {"type": "list", "elements": "dict", "default": [], "options": DIRECTORY},
    "links": {"type": "list", "elements": "dict", "default": [], "options": LINK},
    "stamp": {"type": "str"},
}


def wanted_from(parameters: dict[str, Any]) -> tuple[list[Wanted], list[str]]:
    """The module's options as one typed list, and one sentence for each value that means nothing on this host."""
    items: list[Wanted] = []
    faults: list[str] = []
    for kind, option in (("directory", "directories"), ("file", "files")):
        for item in parameters[option]:
            values = {
                name: known(item, name, convert, expected, faults)
                for name, convert, expected in (
                    ("mode", octal, 'an octal number such as "0644"'),
                    ("owner", host.user_name, "a user of this host"),
                    ("group", host.group_name, "a group of this host"),
                )
            }
            present = item.get("state", "present") == "present"
            secret = item.get("secret", False)
            items.append(Wanted(item["path"], kind, present, item.get("content"), secret=secret, **values))
    items += [Wanted(item["path"], "link", content=item["target"]) for item in parameters["links"]]
    return items, faults


def octal(text: str) -> int:
    value = int(text, 8)
    if not 0 <= value <= 0o7777:
        raise ValueError(text)
    return value


def known(item: dict[str, Any], name: str, convert: Callable[[str], Any], expected: str, faults: list[str]) -> Any:
    """The converted value; None where nothing is said, or where it has become a fault."""
    if item[name] is None:
        return None
    try:
        return convert(item[name])
    except (KeyError, ValueError):
        faults.append(f"{name} '{item[name]}' of {item['path']} is unknown, expected {expected}")
        return None


def carry_out(wanted: list[Wanted], actions: list[Action], stamp_path: str | None, applied: dict[str, str]) -> None:
    """Do the actions and look whether the machine took them; raise FilesError where it did not."""
    rest = stamp.still_applied(applied, actions)
    if stamp_path is not None and rest != applied:
        record = [Wanted(stamp_path, "file", content=stamp.stamp_content(rest))]
        host.apply(plan(record, host.probe(record)))
    host.apply(actions)
    left = plan(wanted, host.probe(wanted))
    if left:
        raise FilesError(
            [f"{item.wanted.path} was written and differs again; find out what else writes it" for item in left]
        )


def main() -> None:
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True)
    stamp_path = module.params["stamp"]
    try:
        wanted, faults = wanted_from(module.params)
        actions = plan(wanted, host.probe(wanted), faults)
        applied = stamp.read_stamp(stamp_path)
        if not module.check_mode:
            carry_out(wanted, actions, stamp_path, applied)
    except FilesError as error:
        module.fail_json(msg=str(error), reasons=error.reasons)
    module.exit_json(
        changed=bool(actions),
        actions=[action.as_dict() for action in actions],
        changed_paths=[action.wanted.path for action in actions],
        pending_paths=stamp.pending(wanted, applied, actions) if stamp_path else [],
        stamp_content=stamp.stamp_content(stamp.digests(wanted)),
        diff=difference(actions),
    )


if __name__ == "__main__":
    main()
