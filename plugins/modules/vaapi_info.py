#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: vaapi_info
short_description: What a GPU decodes and encodes
version_added: 0.1.0
author: FletcherLabs (@fletcherlabs)
description:
  - Asks the GPU behind a render node with C(vainfo), for at most O(timeout), and reads its answer.
  - Does not fail for what it finds; whether its sentences stop a run is for the caller to say.
extends_documentation_fragment:
  - fletcherlabs.homelab.attributes.info
options:
  device:
    description: The render node.
    type: path
    default: /dev/dri/renderD128
    version_added: 0.1.0
  encode:
    description: Codecs that the GPU has to encode, as V(H264), V(HEVC), V(VP9) or V(AV1).
    type: list
    elements: str
    default: [H264]
    version_added: 0.1.0
  low_power:
    description: Whether it has to offer low-power encoding.
    type: bool
    default: false
    version_added: 0.1.0
  timeout:
    description: Seconds after which C(vainfo) counts as one that does not answer.
    type: int
    default: 20
    version_added: 0.1.0
"""

EXAMPLES = r"""
- name: Look what the GPU encodes
  fletcherlabs.homelab.vaapi_info:
    encode: [H264, HEVC]
  register: found
"""

RETURN = r"""
driver:
  description: Name and version of the driver, null without an answer.
  type: str
  returned: success
  sample: Intel iHD driver for Intel(R) Gen Graphics - 23.1.1
decode:
  description: Codecs that the GPU decodes.
  type: list
  elements: str
  returned: success
  sample: [H264, HEVC, JPEG, MPEG2, VC1, VP8, VP9]
encode:
  description: Codecs that the GPU encodes.
  type: list
  elements: str
  returned: success
  sample: [H264, HEVC, JPEG, MPEG2]
low_power:
  description: Codecs that its fixed circuits encode.
  type: list
  elements: str
  returned: success
  sample: [H264]
problems:
  description: What speaks against encoding, one sentence each.
  type: list
  elements: str
  returned: success
"""

from dataclasses import asdict

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._gpu.vaapi import parse, problems
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._nfs.look import run_limited

SPEC = {
    "device": {"type": "path", "default": "/dev/dri/renderD128"},
    "encode": {"type": "list", "elements": "str", "default": ["H264"]},
    "low_power": {"type": "bool", "default": False},
    "timeout": {"type": "int", "default": 20},
}
PROGRAM = "vainfo"


def ask(device: str, timeout: int) -> tuple[int, str]:
    """Exit status and output of vainfo, as shells number what did not run or did not end."""
    try:
        answer = run_limited([PROGRAM, "--display", "drm", "--device", device], timeout)
    except OSError:
        return 127, ""
    return answer or (124, f"no answer within {timeout} s")


def main() -> None:
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True)
    wish = module.params
    status, text = ask(wish["device"], wish["timeout"])
    sentences = problems(wish["device"], status, text, wish["encode"], wish["low_power"])
    module.exit_json(changed=False, **asdict(parse(text)), problems=list(sentences))


if __name__ == "__main__":
    main()
