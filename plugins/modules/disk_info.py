#!/usr/bin/python
# Copyright: FletcherLabs
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: disk_info
short_description: Show what disks a machine has, and why each may or may not be used
version_added: 0.1.0
author:
  - FletcherLabs (@fletcherlabs)
description:
  - Reads every whole disk of the machine and says who it is, who uses it and what is on it. It never writes.
  - A disk is usable when nobody uses it, it is well, it can be told from all others, and every sampled area of it is
    zero.
    The reasons against it are listed all at once. They are the same that M(fletcherlabs.homelab.disk_layout) goes by.
  - Identity comes from sysfs and C(lsblk), contents from the disk's own bytes, C(wipefs) and C(blkid --probe), so it
    works without udev.
extends_documentation_fragment:
  - fletcherlabs.homelab.attributes.info
options:
  health:
    description:
      - Whether to ask the disks for their health with C(smartctl) or C(nvme), where these are installed.
      - A disk that nothing can ask counts as well.
    type: bool
    default: true
    version_added: 0.1.0
attributes:
  platform:
    platforms: linux
seealso:
  - module: fletcherlabs.homelab.disk_layout
"""

EXAMPLES = r"""
- name: Look at the disks
  fletcherlabs.homelab.disk_info:
  register: found

- name: Show what could be used
  ansible.builtin.debug:
    msg: "{{ found.disks | selectattr('usable') | map(attribute='serial') }}"

- name: Show why the others could not
  ansible.builtin.debug:
    msg: "{{ item.model }} {{ item.serial }} {{ item.reasons | map(attribute='message') | join(' ') }}"
  loop: "{{ found.disks | rejectattr('usable') }}"
  loop_control:
    label: "{{ item.serial }}"
"""

RETURN = r"""
disks:
  description: All whole disks, by transport and serial.
  returned: success
  type: list
  elements: dict
  contains:
    device:
      description: Its device node at this moment. Another disk may have that name after the next boot.
      type: str
    serial:
      description: Its serial number, the name by which O(fletcherlabs.homelab.disk_layout#module:wipe) knows it.
      type: str
    wwn:
      description: World wide name, as C(lsblk) writes it.
      type: str
    transport:
      description: How it is attached.
      type: str
      sample: nvme
    vendor:
      description: Vendor; NVMe disks have none.
      type: str
    model:
      description: Model.
      type: str
      sample: INTEL SSDPEK1A118GA
    size:
      description: Bytes.
      type: int
    rotational:
      description: Whether it rotates.
      type: bool
    removable:
      description: Whether its medium can be taken out.
      type: bool
    read_only:
      description: Whether the kernel refuses writes.
      type: bool
    pci_id:
      description: Vendor and device number of its controller.
      type: str
      sample: "8086:2522"
    pci_address:
      description: PCI address of its controller, which tells the slot.
      type: str
    partitions:
      description: Kernel names of its partitions.
      type: list
      elements: str
    mounts:
      description: Where it, or anything built on it, is mounted.
      type: list
      elements: str
    holders:
      description: Arrays, volumes and maps that hold it.
      type: list
      elements: str
    signatures:
      description: Marks of file systems, partition tables and others, each with RV(ignore:kind), RV(ignore:place),
        RV(ignore:label), RV(ignore:uuid).
      type: list
      elements: dict
    usable:
      description: Whether it could be given to a tier as it is.
      type: bool
    erasable:
      description: Whether nothing but its contents speaks against it.
      type: bool
    reasons:
      description: Why it is not usable, each with a code and a sentence.
      type: list
      elements: dict
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._command import CommandError, run_program
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._disks.errors import DisksError
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._disks.probe import probe
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._disks.probe_identity import Paths
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._disks.report import describe_disks


def main() -> None:
    module = AnsibleModule({"health": {"type": "bool", "default": True}}, supports_check_mode=True)
    try:
        snapshot = probe(run_program, Paths(), health=module.params["health"])
    except (DisksError, CommandError) as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=False, disks=describe_disks(snapshot))


if __name__ == "__main__":
    main()
