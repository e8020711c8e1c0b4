#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: nvidia_packages
short_description: Which packages make up an NVIDIA driver without a display on this host
version_added: 0.1.0
author: FletcherLabs (@fletcherlabs)
description:
  - Names the packages of one driver branch for this host's distribution and kernels. On Ubuntu these are Canonical's
    signed modules for each installed kernel flavour, on Debian modules that DKMS builds, and on both the parts that
    need no display, with encoding and decoding.
  - Finds what must not be mixed with them. That is a driver from NVIDIA's own installer, packages of another branch,
    and NVIDIA's repository on Ubuntu. Each is one sentence in RV(problems).
  - Only reads; whether its sentences stop the run is for the caller to say.
extends_documentation_fragment:
  - fletcherlabs.homelab.attributes.info
options:
  source:
    description: Whose packages, the distribution's own or those of NVIDIA's repository. Never both.
    type: str
    choices: [distribution, nvidia]
    default: distribution
    version_added: 0.1.0
  branch:
    description:
      - Branch of the driver, as V(580-server) on Ubuntu and V(580) on Debian.
      - Without it V(580-server) on Ubuntu, V(535) of Debian itself, and V(580) of NVIDIA's repository.
    type: str
    default: ""
    version_added: 0.1.0
  kernel_module:
    description: Which of the two kernel modules. The open one needs Turing or newer, and Blackwell needs it.
    type: str
    choices: [proprietary, open]
    default: proprietary
    version_added: 0.1.0
  own_kernel:
    description: Whether the host has a kernel of its own. A container has not, and gets no kernel module.
    type: bool
    default: true
    version_added: 0.1.0
  replace_branch:
    description:
      - Whether packages of another branch, or with the other kernel module, may be removed.
      - They are a problem where this is not said.
    type: bool
    default: false
    version_added: 0.1.0
  candidates:
    description:
      - Whether apt is asked what it would install for each missing package. Makes sense once the package sources are
        written and apt has read them.
    type: bool
    default: false
    version_added: 0.1.0
"""

EXAMPLES = r"""
- name: Find out what the driver needs
  fletcherlabs.homelab.nvidia_packages:
    branch: 580-server
  register: driver
"""

RETURN = r"""
branch:
  description: The branch that is meant.
  type: str
  returned: success
  sample: 580-server
packages:
  description: All packages of the driver.
  type: list
  elements: str
  returned: success
  sample: [nvidia-headless-no-dkms-580-server, linux-modules-nvidia-580-server-generic, nvidia-utils-580-server]
missing:
  description: Those that are not installed; empty while there are problems.
  type: list
  elements: str
  returned: success
  sample: [nvidia-utils-580-server]
remove:
  description: Packages of other branches or with the other kernel module, to remove; empty unless O(replace_branch).
  type: list
  elements: str
  returned: success
  sample: []
problems:
  description: Why nothing may be touched, one sentence each.
  type: list
  elements: str
  returned: success
  sample:
    - >-
      nvidia-utils-535-server of the driver branch 535-server is installed, expected 580-server alone; say
      nvidia_gpu_replace_branch=true to have the old branch removed
notices:
  description: What the owner should know, one sentence each.
  type: list
  elements: str
  returned: success
  sample: []
distribution:
  description: C(ID) of the host's os-release.
  type: str
  returned: success
  sample: debian
components:
  description: Components of the distribution that apt has, but for those this collection adds.
  type: list
  elements: str
  returned: success
  sample: [main, non-free-firmware]
installed:
  description: Versions of all installed packages with nvidia in their names.
  type: dict
  returned: success
  sample: {nvidia-container-toolkit: 1.17.8-1}
"""

from dataclasses import replace
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._command import CommandError, run_program
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._gpu.nvidia_model import Wish
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._gpu.nvidia_packages import plan
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._gpu.nvidia_probe import candidates, probe

SPEC = {
    "source": {"type": "str", "choices": ["distribution", "nvidia"], "default": "distribution"},
    "branch": {"type": "str", "default": ""},
    "kernel_module": {"type": "str", "choices": ["proprietary", "open"], "default": "proprietary"},
    "own_kernel": {"type": "bool", "default": True},
    "replace_branch": {"type": "bool", "default": False},
    "candidates": {"type": "bool", "default": False},
}
ROOT = Path("/")


def main() -> None:
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True)
    asked = module.params
    wish = Wish(asked["source"], asked["branch"], asked["kernel_module"], asked["own_kernel"], asked["replace_branch"])
    try:
        host = probe(run_program, ROOT)
        decided = plan(host, wish)
        if asked["candidates"] and decided.missing:
            decided = plan(replace(host, candidates=candidates(run_program, decided.missing)), wish)
    except CommandError as error:
        module.fail_json(msg=str(error), cmd=list(error.argv), rc=error.status, stderr=error.stderr)
    except OSError as error:
        module.fail_json(msg=f"{error.filename} cannot be read: {error.strerror}")
    for sentence in decided.notices:
        module.warn(sentence)
    module.exit_json(
        changed=False,
        branch=decided.branch,
        packages=list(decided.packages),
        missing=list(decided.missing),
        remove=list(decided.remove),
        problems=list(decided.problems),
        notices=list(decided.notices),
        distribution=host.distribution,
        components=list(host.components),
        installed={name: version for name, version in host.packages.items() if "nvidia" in name},
    )


if __name__ == "__main__":
    main()
