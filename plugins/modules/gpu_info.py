#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: gpu_info
short_description: The GPUs of a machine, their drivers, and whether a reboot is wanted
version_added: 0.1.0
author: FletcherLabs (@fletcherlabs)
description:
  - Reads the PCI bus, the kernel's own files, the modules and libraries on disk; needs no program of a GPU's maker.
  - Runs C(nvidia-smi) where NVIDIA's driver is loaded and the program is there, for at most O(timeout).
  - Consoles of management controllers (ASPEED, Matrox) and of virtual machines are no GPUs.
  - Does not fail for what it finds; which of its sentences stop a run is for the caller to say.
extends_documentation_fragment:
  - fletcherlabs.homelab.attributes.info
options:
  declared:
    description:
      - The GPUs that the machine is described with, as C(homelab_machine.gpus). Without this nothing is compared.
    type: list
    elements: dict
    version_added: 0.1.0
    suboptions:
      vendor:
        description: Its maker.
        type: str
        choices: [intel, nvidia]
        required: true
        version_added: 0.1.0
      model:
        description: What a person calls it.
        type: str
        required: true
        version_added: 0.1.0
      pci_id:
        description: Vendor and device, as C(lspci -nn) shows them. Without it any GPU of the vendor is taken.
        type: str
        version_added: 0.1.0
  timeout:
    description: Seconds after which C(nvidia-smi) counts as one that does not answer.
    type: int
    default: 20
    version_added: 0.1.0
"""

EXAMPLES = r"""
- name: Look at the GPUs
  fletcherlabs.homelab.gpu_info:
    declared:
      - {vendor: nvidia, model: Tesla T4, pci_id: "10de:1eb8"}
  register: found

- name: Stop where a reboot would take the GPU away
  ansible.builtin.assert:
    that: found.reboot_blockers | length == 0
    fail_msg: "{{ found.reboot_blockers | join('; ') }}"
"""

RETURN = r"""
gpus:
  description:
    - The GPUs, by their place on the bus. A value that cannot be known is null.
    - The keys C(uuid), C(memory_mib) and C(ecc) come from C(nvidia-smi), C(guc) and C(huc) from debugfs.
    - A C(render_gid) of null says that the render node has no file in C(/dev), as in a container.
    - The key C(guc_low_power) is the value of i915's parameter C(enable_guc) that low-power encoding needs on this
      generation, null where the kernel's own choice is right.
  type: list
  elements: dict
  returned: success
  sample:
    - address: "0000:3b:00.0"
      card: /dev/dri/card1
      driver: nvidia
      ecc: {current: true, pending: true}
      family: turing
      guc: null
      guc_low_power: null
      huc: null
      memory_mib: 15360
      model: Tesla T4
      pci_class: "0302"
      pci_id: "10de:1eb8"
      render_gid: 109
      render_group: render
      render_node: /dev/dri/renderD128
      subsystem: "10de:12a2"
      uuid: GPU-6f1c2d3e-0b4f-5a6b-7c8d-9e0f1a2b3c4d
      vendor: nvidia
nvidia:
  description:
    - NVIDIA's driver. The version that is C(loaded), the one C(on_disk) for the running kernel, and those of the
      C(userland) libraries; null or empty where there is none.
    - The key C(modules) has the module of every kernel that has one, and whether it is signed.
    - The key C(answers) is true or false as C(nvidia-smi) does, and null where it was not asked or is not installed.
  type: dict
  returned: success
  sample:
    answers: true
    loaded: 580.95.05
    modules:
      - kernel: 5.15.0-160-generic
        path: kernel/nvidia-580srv/nvidia.ko
        signed: true
        version: 580.95.05
    on_disk: 580.95.05
    open: false
    userland: [580.95.05]
nouveau_loaded:
  description: Whether the free driver for NVIDIA cards is loaded.
  type: bool
  returned: success
secure_boot:
  description: Whether Secure Boot is on; null on a machine that was not started by UEFI.
  type: bool
  returned: success
kernels:
  description: The kernel that runs, the one that boots next (null in a container), and all that are installed.
  type: dict
  returned: success
  sample: {running: 5.15.0-160-generic, next: 5.15.0-160-generic, installed: [5.15.0-160-generic]}
groups:
  description: Numbers of the groups render and video, where they are there.
  type: dict
  returned: success
  sample: {render: 109, video: 44}
i915:
  description: The parameter C(enable_guc) as i915 runs with it, and as C(modprobe.d) has it for the next load.
  type: dict
  returned: success
  sample: {enable_guc: -1, configured: null}
problems:
  description: Where O(declared) and the PCI bus differ, one sentence each.
  type: list
  elements: str
  returned: success
driver_problems:
  description: What is wrong with a driver that is there, one sentence each.
  type: list
  elements: str
  returned: success
reboot_required:
  description: Whether there is a reason for a reboot.
  type: bool
  returned: success
reboot_reasons:
  description: Why a reboot is wanted, one sentence each.
  type: list
  elements: str
  returned: success
  sample: [the nvidia module that runs is 580.65.06 and the one on disk is 580.95.05]
reboot_blockers:
  description: Why a reboot now would leave the machine without its GPU, one sentence each.
  type: list
  elements: str
  returned: success
  sample: [the next kernel 5.15.0-161-generic has no nvidia module; install it before a reboot]
"""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._gpu.judge import judge
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._gpu.model import Declared
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._gpu.probe import probe
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._gpu.report import report
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._nfs.look import run_limited

GPU = {
    "vendor": {"type": "str", "choices": ["intel", "nvidia"], "required": True},
    "model": {"type": "str", "required": True},
    "pci_id": {"type": "str"},
}
SPEC = {
    "declared": {"type": "list", "elements": "dict", "options": GPU},
    "timeout": {"type": "int", "default": 20},
}
ROOT = Path("/")


def run_for(seconds: int, argv: Sequence[str]) -> tuple[int, str, str]:
    """Run a program to its end, but not for ever: a driver that hangs takes nvidia-smi along."""
    try:
        answer = run_limited(argv, seconds)
    except OSError as error:
        return 127, "", f"{argv[0]}: {error.strerror}"
    return (*answer, "") if answer else (124, "", f"no answer within {seconds} s")


def main() -> None:
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True)
    items: list[dict[str, Any]] | None = module.params["declared"]
    declared = None if items is None else [Declared(each["vendor"], each["model"], each["pci_id"]) for each in items]
    found = probe(ROOT, partial(run_for, module.params["timeout"]))
    module.exit_json(changed=False, **report(found, judge(found, declared)))


if __name__ == "__main__":
    main()
