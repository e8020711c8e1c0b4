#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: network_probe
short_description: What a machine sees of the network, from the cable upwards
version_added: 0.1.0
author: FletcherLabs (@fletcherlabs)
description:
  - Collects evidence on one machine, in one call and within a time limit. It reads link, kernel log, addresses, routes
    and rules; asks who has which address by ARP; sends small and full-sized pings to every peer; connects to the
    services that should answer; and asks name servers and time servers.
  - Exchanges datagrams with the peers on the port of VXLAN, while they run the same module. Where the kernel's VXLAN
    holds that port, the datagrams are sent raw and seen on the wire, which leaves out the receiver's packet filter; the
    peer's address on C(cilium_host), which they tell, is then pinged through the tunnel.
  - Changes nothing and judges only the machine itself; M(fletcherlabs.homelab.network_report) judges all machines
    together.
  - Needs Python's standard library only. Nothing is mounted, so a dead NFS server cannot hold it up.
extends_documentation_fragment:
  - fletcherlabs.homelab.attributes.info
options:
  name:
    description: Name of the machine in the inventory.
    type: str
    required: true
    version_added: 0.1.0
  address:
    description: Its address in the inventory.
    type: str
    required: true
    version_added: 0.1.0
  nics:
    description: Its interfaces as C(homelab_machine.nics) has them.
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
        description: MAC address, by which the interface is found even under another name.
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
  gateway:
    description: Where the default route should lead.
    type: str
    version_added: 0.1.0
  dns:
    description: Name servers that should answer, besides those that the machine is configured with.
    type: list
    elements: str
    default: []
    version_added: 0.1.0
  dns_name:
    description: The name that they are asked for; that there is no such name is an answer too.
    type: str
    default: example.net
    version_added: 0.1.0
  ntp:
    description: Time servers to compare the clock with.
    type: list
    elements: str
    default: []
    version_added: 0.1.0
  pod_cidr:
    description: The pods' network, which a route has to lead to where Cilium runs.
    type: str
    version_added: 0.1.0
  container_network:
    description: The container network that belongs there, such as V(cilium); what others left behind is a fault.
    type: str
    default: ""
    version_added: 0.1.0
  peers:
    description: The other machines.
    type: list
    elements: dict
    default: []
    version_added: 0.1.0
    suboptions:
      name:
        description: Name of the machine in the inventory.
        type: str
        required: true
        version_added: 0.1.0
      address:
        description: Its address.
        type: str
        required: true
        version_added: 0.1.0
      tunnel:
        description: Whether VXLAN packets are exchanged with it.
        type: bool
        default: false
        version_added: 0.1.0
  services:
    description: TCP ports that should answer.
    type: list
    elements: dict
    default: []
    version_added: 0.1.0
    suboptions:
      service:
        description: What listens there, such as V(api) or V(nfs).
        type: str
        required: true
        version_added: 0.1.0
      host:
        description: Name of a machine, or of another place.
        type: str
        required: true
        version_added: 0.1.0
      address:
        description: Its address.
        type: str
        required: true
        version_added: 0.1.0
      port:
        description: The port.
        type: int
        required: true
        version_added: 0.1.0
  tunnel:
    description: Whether this machine exchanges VXLAN packets with others.
    type: bool
    default: false
    version_added: 0.1.0
  tunnel_port:
    description: The UDP port of VXLAN.
    type: int
    default: 8472
    version_added: 0.1.0
  controller_time:
    description: Seconds since the epoch on the controller, just before the call. Without it clocks are not compared.
    type: float
    version_added: 0.1.0
  seconds:
    description: Time limit for everything that waits for others.
    type: float
    default: 8
    version_added: 0.1.0
  patience:
    description: Time limit of one TCP connection; a lost packet is sent again after one second, and after three.
    type: float
    default: 3.5
    version_added: 0.1.0
  linger:
    description:
      - For how many seconds after the end a process goes on answering VXLAN datagrams, for machines whose turn comes
        later; 60 at most.
    type: float
    default: 10
    version_added: 0.1.0
  scope:
    description: V(local) only reads what the machine itself knows and sends no packet; V(full) does everything.
    type: str
    choices: [local, full]
    default: full
    version_added: 0.1.0
"""

EXAMPLES = r"""
- name: Look at a worker's own side
  fletcherlabs.homelab.network_probe:
    name: k3s1
    address: 192.168.10.21
    gateway: 192.168.10.1
    nics:
      - {name: enx6c1ff71be8c8, mac: "6c:1f:f7:1b:e8:c8", speed_mbps: 2500, primary: true}
    scope: local
  register: found
"""

RETURN = r"""
problems:
  description: What is wrong with the machine by its own evidence, one sentence each, the lowest layer first.
  type: list
  elements: str
  returned: success
  sample: ["link enx6c1ff71be8c8 negotiated 100 Mb/s, expected 2500: check cable or port"]
evidence:
  description:
    - What was found. With O(scope=full) also C(arp), C(small), C(big), C(exchange), C(dns), C(ntp), C(tcp), the
      counters that grew meanwhile (C(increase)), checks that did not end in time (C(unfinished)) and the C(seconds)
      that it took.
  type: dict
  returned: success
  sample:
    name: k3s1
    address: 192.168.10.21
    addresses: [{address: 192.168.10.21, device: enx6c1ff71be8c8, length: 24}]
    cilium: true
    clock: 0.4
    controller_time: 1750000000.2
    events: []
    has_address: true
    interface: enx6c1ff71be8c8
    leftovers: []
    links:
      enx6c1ff71be8c8: {bus: usb, carrier: true, duplex: full, mtu: 1500, speed: 100, up: true}
    listening: [22, 4240, 10250]
    local_rule: true
    macs: ["6c:1f:f7:1b:e8:c8"]
    missing: []
    routes: [{destination: default, device: enx6c1ff71be8c8, gateway: 192.168.10.1, metric: 100}]
    rules: [{all: true, mark: null, priority: 100, table: local}]
    uptime: 86400.0
"""

from pathlib import Path

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._probe.judge_local import local_faults
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._probe.look import full
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._probe.look_local import local
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._probe.spec import SPEC, wanted_from

OWN_SPEC = {
    **SPEC,
    "controller_time": {"type": "float"},
    "seconds": {"type": "float", "default": 8},
    "patience": {"type": "float", "default": 3.5},
    "linger": {"type": "float", "default": 10},
    "scope": {"type": "str", "choices": ["local", "full"], "default": "full"},
}
ROOT = Path("/")


def main() -> None:
    module = AnsibleModule(argument_spec=OWN_SPEC, supports_check_mode=True)
    wanted = wanted_from(module.params)
    evidence = (full if module.params["scope"] == "full" else local)(wanted, ROOT)
    faults = sorted(local_faults(wanted, evidence), key=lambda fault: (fault.layer, fault.rank))
    module.exit_json(changed=False, evidence=evidence, problems=[fault.sentence for fault in faults])


if __name__ == "__main__":
    main()
