#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: network_report
short_description: Judge what all machines saw of the network
version_added: 0.1.0
author: FletcherLabs (@fletcherlabs)
description:
  - Takes what M(fletcherlabs.homelab.network_probe) found on all machines, and names the cause on each node that has a
    fault, the lowest layer first, with the number of failures that follow from it.
  - A fault that others see is blamed on the machine that has it. A machine that could not be asked is judged by what
    its peers saw of it.
  - Returns the matrix of who reaches whom, and writes all of it as JSON and as a page that needs nothing but itself.
    Run it on the controller.
extends_documentation_fragment:
  - fletcherlabs.homelab.attributes.info
options:
  hosts:
    description:
      - One entry for each machine. C(wanted) holds the options that network_probe was given; C(evidence) what it
        returned, or null where the machine could not be asked, and C(reason) why.
    type: list
    elements: dict
    required: true
    version_added: 0.1.0
    suboptions:
      wanted:
        description: Options of M(fletcherlabs.homelab.network_probe).
        type: dict
        required: true
        version_added: 0.1.0
      evidence:
        description: Its return value of that name.
        type: dict
        version_added: 0.1.0
      reason:
        description: Why there is no evidence.
        type: str
        default: ""
        version_added: 0.1.0
  title:
    description: Name of the site, for the page.
    type: str
    default: the homelab
    version_added: 0.1.0
  time:
    description: When the machines were looked at, for the page.
    type: str
    default: ""
    version_added: 0.1.0
  left_out:
    description: What no machine was to look at, and why, for text and page.
    type: list
    elements: str
    default: []
    version_added: 0.1.0
  folder:
    description:
      - Where C(network.json) and C(network.html) are written, unless in check mode; the folder is made when it is
        missing. Reports are no state of anything, so this never counts as a change.
    type: path
    version_added: 0.1.0
"""

EXAMPLES = r"""
- name: Judge a worker that could not be asked
  fletcherlabs.homelab.network_report:
    hosts:
      - wanted: {name: k3s1, address: 192.168.10.21}
        reason: no route to host
  delegate_to: localhost
  register: report
"""

RETURN = r"""
verdicts:
  description: One entry for each node that has a fault, the lowest layer first.
  type: list
  elements: dict
  returned: success
  sample:
    - node: k3s1
      layer: 1
      kind: speed
      line: >-
        k3s1: link enx6c1ff71be8c8 negotiated 100 Mb/s, expected 2500: check cable or port; 3 later failures follow from
        this
      later: 3
      followers: ["its clock is 12.0 s behind the controller's, expected at most 10 s: timedatectl set-ntp true"]
lines:
  description: The sentences alone.
  type: list
  elements: str
  returned: success
  sample: ["name server 192.168.10.1: answers none of 5 hosts (timeout): start it, or correct homelab_node_network.dns"]
matrix:
  description: Who reaches whom, in lines of text, and what was not looked at.
  type: list
  elements: str
  returned: success
  sample: ["from \\ to  k3s1  k3s2", "k3s1        ·     ok", "k3s2        arp   ·"]
files:
  description: What was written.
  type: list
  elements: str
  returned: success
  sample: [/home/josh/network.json, /home/josh/network.html]
"""

import json
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._probe.faults import Host
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._probe.matrix import matrix, text
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._probe.page import page
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._probe.spec import wanted_from
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._probe.verdict import judge

HOST = {
    "wanted": {"type": "dict", "required": True},
    "evidence": {"type": "dict"},
    "reason": {"type": "str", "default": ""},
}
SPEC = {
    "hosts": {"type": "list", "elements": "dict", "required": True, "options": HOST},
    "title": {"type": "str", "default": "the homelab"},
    "time": {"type": "str", "default": ""},
    "left_out": {"type": "list", "elements": "str", "default": []},
    "folder": {"type": "path"},
}


def host_of(told: dict[str, Any], now: float) -> Host:
    """A machine, and how long its evidence may have been on its way: since the controller called, but for the look."""
    evidence = told["evidence"] or {}
    called = evidence.get("controller_time")
    delay = 0.0 if called is None else max(0.0, now - called - evidence.get("seconds", 0.0))
    return Host(wanted_from(told["wanted"]), told["evidence"], told["reason"], delay)


def main() -> None:
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True)
    options = module.params
    hosts = [host_of(each, time.time()) for each in options["hosts"]]
    verdicts = [asdict(verdict) for verdict in judge(hosts)]
    found = matrix(hosts)
    document = {
        "title": options["title"],
        "time": options["time"],
        "verdicts": verdicts,
        "left_out": options["left_out"],
        "matrix": [{"from": row, "to": column, **asdict(cell)} for (row, column), cell in found.cells.items()],
        "hosts": options["hosts"],
    }
    contents = {
        "network.json": json.dumps(document, indent=1, sort_keys=True) + "\n",
        "network.html": page(options["title"], options["time"], hosts, found, judge(hosts), options["left_out"]),
    }
    files = [Path(options["folder"]) / name for name in contents] if options["folder"] else []
    if not module.check_mode:
        for file in files:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(contents[file.name], encoding="utf-8")
    lines = [verdict["line"] for verdict in verdicts]
    shown = text(found) + [f"not looked at: {each}" for each in options["left_out"]]
    module.exit_json(changed=False, verdicts=verdicts, lines=lines, matrix=shown, files=[str(file) for file in files])


if __name__ == "__main__":
    main()
