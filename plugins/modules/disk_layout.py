#!/usr/bin/python
# Copyright: FletcherLabs
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: disk_layout
short_description: Turn a machine's spare disks into mounted tiers, and never touch any other disk
version_added: 0.1.0
author:
  - FletcherLabs (@fletcherlabs)
description:
  - Takes the whole wanted disk layout of one machine, looks at all its disks, and either does everything that is
    missing or, before any write,
    refuses with every reason at once.
  - Each disk of a tier gets one file system over the whole disk, labelled with the tier's name and the slot's number,
    such as C(optane-1).
    The label is the disk's identity. Numbers therefore survive reboots, moved slots and replaced disks; there is no
    state file.
  - A file system is mounted by UUID, with C(nofail) and a time limit for the device, at a mount point that was made
    immutable while it was empty,
    so that nothing is written to the root disk while a disk is absent.
  - A slot whose disk is not there any more is named in RV(missing) and as a warning; all other slots are left as they
    are.
    A blank disk that matches O(tiers[].select) takes its place.
  - A run that was killed, at any point, is continued by the next one.
notes:
  - |
    What happens to a disk that a tier selects:

    ==================================================  ==========  ==============  ================================
    What is found                                       State       Serial in wipe  What is done
    ==================================================  ==========  ==============  ================================
    This tier's file system with a label of this tier   matches     yes or no       kept and mounted, not formatted
    In use, read-only, failing, too small, without a    any other   yes or no       refused
    serial or with the serial of another disk
    Our claim and its unfinished file system, no more   unfinished  yes or no       formatted again
    All sampled areas are zero                          blank       yes or no       claimed, formatted, mounted
    Anything else                                       foreign     no              refused
    Anything else                                       foreign     yes             erased, then as if blank
    ==================================================  ==========  ==============  ================================
  - In use means that it is the system disk, mounted, swapped to, held by LVM, md, device-mapper, multipath, bcache or
    ZFS,
    or opened exclusively by any program.
  - Foreign means any signature that the module itself, C(wipefs) or C(blkid) knows, any partition, or any byte but zero
    in the sampled areas.
  - A tier of which no slot was ever made needs exactly the expected number of disks. More disks than expected are
    always refused.
  - Erasing zeroes all sampled areas; it is no secure erasure.
extends_documentation_fragment:
  - fletcherlabs.homelab.attributes
options:
  tiers:
    description:
      - The tiers of this machine. All of them; a disk claimed by two is seen only within one call.
      - A tier that is taken off the list is left as it is.
    type: list
    elements: dict
    required: true
    version_added: 0.1.0
    suboptions:
      name:
        description:
          - Name of the tier and first part of its labels.
          - A label has at most 16 characters for V(ext4) and 12 for V(xfs).
        type: str
        required: true
        version_added: 0.1.0
      count:
        description: How many disks are expected.
        type: int
        required: true
        version_added: 0.1.0
      select:
        description:
          - Facts that a disk must have, all of them. A fact with several values needs one of them. C(*) and C(?) stand
            for any text and any character; case does not matter.
          - The facts are those of M(fletcherlabs.homelab.disk_info). Names such as C(/dev/sda) are refused.
          - Loop devices match only when O(tiers[].select.transport) says V(loop). The serial of a loop device is the
            name of its file without the ending.
        type: dict
        required: true
        version_added: 0.1.0
        suboptions:
          transport:
            description: How it is attached, such as V(nvme), V(sas), V(sata), V(usb), V(virtio), V(loop).
            type: list
            elements: str
            version_added: 0.1.0
          vendor:
            description: Vendor of a SCSI disk.
            type: list
            elements: str
            version_added: 0.1.0
          model:
            description: Model.
            type: list
            elements: str
            version_added: 0.1.0
          serial:
            description: Serial number.
            type: list
            elements: str
            version_added: 0.1.0
          wwn:
            description: World wide name.
            type: list
            elements: str
            version_added: 0.1.0
          pci_id:
            description: Vendor and device number of its controller.
            type: list
            elements: str
            version_added: 0.1.0
          size_min:
            description: Smallest size, such as V(100GB) or V(1TiB).
            type: str
            version_added: 0.1.0
          size_max:
            description: Largest size.
            type: str
            version_added: 0.1.0
          rotational:
            description: Whether it rotates.
            type: bool
            version_added: 0.1.0
      filesystem:
        description: Kind of file system. It is made without blocks kept back for root.
        type: str
        choices: [ext4, xfs]
        default: ext4
        version_added: 0.1.0
      mount:
        description: Mount point. C({n}) stands for the slot's number and is needed when O(tiers[].count) is above one.
        type: str
        required: true
        version_added: 0.1.0
      options:
        description:
          - Mount options. C(nofail) and C(x-systemd.device-timeout=120s) are added unless there.
          - On a mounted file system C(noatime), C(nodiratime), C(nosuid), C(nodev) and C(noexec) are put in force at
            once, all others at the next mount.
        type: list
        elements: str
        default: []
        version_added: 0.1.0
      owner:
        description: User, name or number, who owns the root of the mounted file system.
        type: str
        default: root
        version_added: 0.1.0
      group:
        description: Group, name or number.
        type: str
        default: root
        version_added: 0.1.0
      mode:
        description: Mode of the root of the mounted file system, octal.
        type: str
        default: "0755"
        version_added: 0.1.0
      reserve:
        description: Size that will be kept free on each disk, such as V(5GiB). A disk that is not larger is refused.
          Returned in bytes with each volume.
        type: str
        default: "0"
        version_added: 0.1.0
  wipe:
    description:
      - Serial numbers of disks whose contents may be erased, when a tier selects them and nothing else speaks against
        it.
      - A disk that already is what the layout wants is not erased although it is named; a warning asks to take its
        serial off.
    type: list
    elements: str
    default: []
    version_added: 0.1.0
attributes:
  platform:
    platforms: linux
seealso:
  - module: fletcherlabs.homelab.disk_info
"""

EXAMPLES = r"""
- name: Lay out the disks of the storage worker
  fletcherlabs.homelab.disk_layout:
    tiers:
      - name: optane
        count: 2
        select:
          transport: [nvme]
          model: ["INTEL SSDPEK1A118GA*"]
        mount: /mnt/optane-{n}
        options: [noatime]
        reserve: 5GiB
      - name: ssd
        count: 7
        select:
          transport: [sas]
          rotational: false
          size_min: 300GB
          size_max: 450GB
        filesystem: xfs
        mount: /mnt/ssd-{n}
        reserve: 10GiB

- name: Give a used disk to a tier, erasing it
  fletcherlabs.homelab.disk_layout:
    tiers:
      - name: nvme
        count: 2
        select:
          model: ["Samsung SSD 980 PRO*"]
        mount: /mnt/nvme-{n}
    wipe: [S5GXNF0R123456]
"""

RETURN = r"""
actions:
  description: What was done, or would be done in check mode, in order.
  returned: success
  type: list
  elements: dict
  contains:
    kind:
      description: One of C(erase), C(claim), C(format), C(release), C(directory), C(fstab), C(mount), C(remount),
        C(owner).
      type: str
    target:
      description: Label of the slot.
      type: str
    message:
      description: The step in words.
      type: str
volumes:
  description: The slots that have a disk, with their file systems.
  returned: success
  type: list
  elements: dict
  sample:
    - tier: optane
      slot: 1
      label: optane-1
      mount: /mnt/optane-1
      filesystem: ext4
      uuid: 0a1b2c3d-0000-5000-8000-000000000000
      serial: PHOC12345678118B
      reserve: 5368709120
missing:
  description: Slots whose disk is not there.
  returned: success
  type: list
  elements: dict
  contains:
    tier:
      description: Name of the tier.
      type: str
    slot:
      description: Number of the slot.
      type: int
    mount:
      description: Mount point that stays empty.
      type: str
    message:
      description: What to do about it.
      type: str
refusals:
  description: Every reason why nothing was written.
  returned: when the layout is refused
  type: list
  elements: dict
  contains:
    tier:
      description: Name of the tier.
      type: str
    serial:
      description: Serial of the disk, empty when the reason is not about one disk.
      type: str
    message:
      description: What was found, what is wanted, and how to allow or mend it.
      type: str
done:
  description: The actions that were carried out before one failed.
  returned: when an action failed
  type: list
  elements: str
"""

import grp
import pwd
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._command import CommandError, run_program
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._disks.apply import Machine, apply
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._disks.contents import THOROUGH
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._disks.errors import DisksError
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._disks.model import Layout, Plan, Snapshot
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._disks.plan import make_plan
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._disks.probe import probe
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._disks.probe_identity import Paths
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._disks.report import report
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._disks.wanted import parse_layout

TEXTS = {"type": "list", "elements": "str"}

SELECT = {
    **dict.fromkeys(("transport", "vendor", "model", "serial", "wwn", "pci_id"), TEXTS),
    "size_min": {"type": "str"},
    "size_max": {"type": "str"},
    "rotational": {"type": "bool"},
}

TIER = {
    "name": {"type": "str", "required": True},
    "count": {"type": "int", "required": True},
    "select": {"type": "dict", "required": True, "options": SELECT},
    "filesystem": {"type": "str", "choices": ["ext4", "xfs"], "default": "ext4"},
    "mount": {"type": "str", "required": True},
    "options": {**TEXTS, "default": []},
    "owner": {"type": "str", "default": "root"},
    "group": {"type": "str", "default": "root"},
    "mode": {"type": "str", "default": "0755"},
    "reserve": {"type": "str", "default": "0"},
}

SPEC = {
    "tiers": {"type": "list", "elements": "dict", "required": True, "options": TIER},
    "wipe": {**TEXTS, "default": []},
}


def user_id(name: str) -> int:
    return int(name) if name.isdigit() else pwd.getpwnam(name).pw_uid


def group_id(name: str) -> int:
    return int(name) if name.isdigit() else grp.getgrnam(name).gr_gid


def decide(machine: Machine, params: dict[str, Any]) -> tuple[Layout, Snapshot, Plan]:
    layout = parse_layout(params["tiers"], params["wipe"], user_id, group_id)
    mounts = [tier.mount_at(slot) for tier in layout.tiers for slot in range(1, tier.count + 1)]
    snapshot = probe(machine.run, machine.paths, mounts, samples=THOROUGH)
    return layout, snapshot, make_plan(snapshot, layout)


def main() -> None:
    module = AnsibleModule(SPEC, supports_check_mode=True)
    machine, done = Machine(run_program, Paths()), []
    try:
        _layout, snapshot, plan = decide(machine, module.params)
        if plan.refusals:
            refusals = [
                {"tier": found.tier, "serial": found.serial, "message": found.message} for found in plan.refusals
            ]
            module.fail_json(
                msg="Nothing was written. " + " ".join(found["message"] for found in refusals), refusals=refusals
            )
        if not module.check_mode:
            apply(machine, plan.actions, lambda action: done.append(action.message))
    except (DisksError, CommandError) as error:
        module.fail_json(msg=str(error), done=done[:-1])
    for warning in (*plan.warnings, *(missing.message for missing in plan.missing), *machine.warnings):
        module.warn(warning)
    module.exit_json(**report(plan, snapshot))


if __name__ == "__main__":
    main()
