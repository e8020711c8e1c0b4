#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: machine_info
short_description: Compare a machine with its description
version_added: 0.1.0
author: FletcherLabs (@fletcherlabs)
description:
  - Reads what the machine says of itself, in one call, and returns what speaks against building it as described.
  - Does not fail for RV(problems), so that those of all machines can be shown together.
  - On a container, MAC addresses and system are not compared with the description, since they come from how it was
    made; its RV(machine) names the kind of container.
  - Elsewhere what M(fletcherlabs.homelab.network_probe) finds wrong with the machine's own network, without sending a
    packet, is among the RV(notices).
extends_documentation_fragment:
  - fletcherlabs.homelab.attributes.info
options:
  name:
    description: Name of the machine in the inventory.
    type: str
    required: true
    version_added: 0.1.0
  role:
    description: What the machine is to the cluster.
    type: str
    choices: [server, agent, none]
    default: none
    version_added: 0.1.0
  system:
    description: Operating system the machine is described with, as C(debian-12).
    type: str
    version_added: 0.1.0
  macs:
    description: MAC addresses the machine is described with.
    type: list
    elements: str
    default: []
    version_added: 0.1.0
  address:
    description: Address the machine is described with. Without it its network is not looked at.
    type: str
    version_added: 0.1.0
  nics:
    description: Interfaces the machine is described with.
    type: list
    elements: dict
    default: []
    version_added: 0.1.0
    suboptions:
      name:
        description: Name of the interface.
        type: str
        version_added: 0.1.0
      mac:
        description: Its MAC address.
        type: str
        version_added: 0.1.0
      speed_mbps:
        description: The speed that it should negotiate, at least.
        type: int
        version_added: 0.1.0
      bus:
        description: What it is attached to. Not looked at.
        type: str
        version_added: 0.1.0
      driver:
        description: Its driver. Not looked at.
        type: str
        version_added: 0.1.0
      usb_id:
        description: Vendor and product of a USB adapter. Not looked at.
        type: str
        version_added: 0.1.0
      primary:
        description: Whether it carries the address.
        type: bool
        default: false
        version_added: 0.1.0
  router:
    description: Address of a router that the machine speaks BGP with.
    type: str
    version_added: 0.1.0
  controller_time:
    description: Seconds since the epoch on the controller, just before the call. Without it clocks are not compared.
    type: float
    version_added: 0.1.0
  clock_limit:
    description: Seconds by which the clocks may differ, including the time it takes to reach the machine.
    type: int
    default: 30
    version_added: 0.1.0
  root_free_mib:
    description: Free space that a member of the cluster needs on its root file system.
    type: int
    default: 5120
    version_added: 0.1.0
"""

EXAMPLES = r"""
- name: Look at a worker
  fletcherlabs.homelab.machine_info:
    name: k3s1
    role: agent
    system: ubuntu-22.04
    macs: ["6c:1f:f7:1b:e8:c8"]
  register: found
"""

RETURN = r"""
problems:
  description: What has to be mended before the machine can be built, one sentence each.
  type: list
  elements: str
  returned: success
  sample: ["k3s1: has 210 MiB of memory, expected 450 for a K3s agent; add memory"]
notices:
  description: What differs from the description and does not stop a build, one sentence each.
  type: list
  elements: str
  returned: success
  sample: ["k3s1: calls itself 'ubuntu'"]
network:
  description: Those of RV(notices) that are about its own network; none where that was not looked at.
  type: list
  elements: str
  returned: success
  sample: ["k3s1: link enx6c1ff71be8c8 negotiated 100 Mb/s, expected 2500: check cable or port"]
router_connected:
  description: Whether a connection to port 179 of the router is established; null where no router was named.
  type: bool
  returned: success
  sample: true
machine:
  description: What was found.
  type: dict
  returned: success
  sample:
    architecture: x86_64
    clock: 1750000000.5
    container: null
    hostname: k3s1
    init: systemd
    kubelet_fstab: []
    kubelet_link: null
    kubelet_mounts: []
    machine_id: 0b6f1c2d3e4f5a6b7c8d9e0f1a2b3c4d
    macs: ["6c:1f:f7:1b:e8:c8"]
    memory_mib: 15872
    python: [3, 10]
    root_free_mib: 423936
    system: ubuntu-22.04
    units: [k3s-agent.service]
"""

from dataclasses import asdict
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._machine.judge import judge
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._machine.model import Expected
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._machine.probe import probe
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._probe.check_tcp import is_connected
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._probe.judge_local import local_faults
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._probe.look_local import local
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._probe.spec import NIC, wanted_from

SPEC = {
    "name": {"type": "str", "required": True},
    "role": {"type": "str", "choices": ["server", "agent", "none"], "default": "none"},
    "system": {"type": "str"},
    "macs": {"type": "list", "elements": "str", "default": []},
    "address": {"type": "str"},
    "nics": {"type": "list", "elements": "dict", "default": [], "options": NIC},
    "router": {"type": "str"},
    "controller_time": {"type": "float"},
    "clock_limit": {"type": "int", "default": 30},
    "root_free_mib": {"type": "int", "default": 5120},
}
BGP_PORT = 179


def network_notices(options: dict[str, Any]) -> list[str]:
    """What is wrong with the machine's own network by its own evidence; nothing that keeps it from being built."""
    wanted = wanted_from({"name": options["name"], "address": options["address"], "nics": options["nics"]})
    faults = sorted(local_faults(wanted, local(wanted, Path("/"))), key=lambda fault: (fault.layer, fault.rank))
    return [f"{options['name']}: {fault.sentence}" for fault in faults]


def main() -> None:
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True)
    options = module.params
    expected = Expected(
        name=options["name"],
        role=options["role"],
        system=options["system"],
        macs=tuple(mac.lower() for mac in options["macs"]),
        clock=options["controller_time"],
        clock_limit=options["clock_limit"],
        root_free_mib=options["root_free_mib"],
    )
    found = probe(Path("/"))
    verdict = judge(found, expected)
    # the interfaces of a container are made with it
    network = network_notices(options) if options["address"] and not found.container else None
    notices = [*verdict.notices, *(network or ())]
    router = options["router"]
    module.exit_json(
        changed=False,
        machine=asdict(found),
        problems=verdict.problems,
        notices=notices,
        network=network,
        router_connected=is_connected(Path("/"), router, BGP_PORT) if router else None,
    )


if __name__ == "__main__":
    main()
