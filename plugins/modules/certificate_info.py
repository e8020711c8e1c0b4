#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: certificate_info
short_description: How long the certificates of K3s on a host are good
version_added: 0.1.0
author: FletcherLabs (@fletcherlabs)
description:
  - Reads all certificates of a server and of an agent with one call, whether K3s runs or not.
  - K3s renews a leaf certificate that is near its end only when it starts, so a node that was never restarted loses its
    certificates after a year. Authorities are listed and never counted as expiring, for K3s does not renew them.
extends_documentation_fragment:
  - fletcherlabs.homelab.attributes.info
requirements:
  - openssl (program)
options:
  days:
    description: A leaf that ends within so many days is expiring. At a start K3s renews what has 120 days or less.
    type: int
    default: 120
    version_added: 0.1.0
  data_dir:
    description: The data directory of K3s.
    type: path
    default: /var/lib/rancher/k3s
    version_added: 0.1.0
"""

EXAMPLES = r"""
- name: Look at the certificates
  fletcherlabs.homelab.certificate_info:
    days: 120
  register: certificates
"""

RETURN = r"""
certificates:
  description: The first certificate of each file.
  type: list
  elements: dict
  returned: success
  sample:
    - path: /var/lib/rancher/k3s/agent/client-kubelet.crt
      subject: O = system:nodes, CN = system:node:k3s1
      ends: "2026-05-23T10:00:00Z"
      days_left: 83
      authority: false
expiring:
  description: Paths of leaf certificates that end within O(days) or cannot be read, the first to end first.
  type: list
  elements: str
  returned: success
  sample: [/var/lib/rancher/k3s/agent/client-kubelet.crt]
problems:
  description: One sentence for each of RV(expiring).
  type: list
  elements: str
  returned: success
  sample: [/var/lib/rancher/k3s/agent/client-kubelet.crt ends in 83 days]
days_left:
  description: Days until the first leaf ends, none without any.
  type: int
  returned: success
  sample: 83
"""

import time

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._certificates.judge import expiring, sentence
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._certificates.probe import certificate_files, read

SPEC = {
    "days": {"type": "int", "default": 120},
    "data_dir": {"type": "path", "default": "/var/lib/rancher/k3s"},
}


def main() -> None:
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True)
    if module.get_bin_path("openssl") is None:
        module.fail_json(msg="found no program openssl, which reads certificates; install the package openssl")

    def run(argv: object) -> tuple[int, str, str]:
        return module.run_command(argv)

    now = time.time()
    found = [read(run, path) for path in certificate_files(module.params["data_dir"])]
    ending = expiring(found, module.params["days"], now)
    leaves = [certificate for certificate in found if not certificate.authority and not certificate.problem]
    module.exit_json(
        changed=False,
        certificates=[certificate.as_dict(now) for certificate in found if not certificate.problem],
        expiring=[certificate.path for certificate in ending],
        problems=[sentence(certificate, now) for certificate in ending],
        days_left=min((certificate.days_left(now) for certificate in leaves), default=None),
    )


if __name__ == "__main__":
    main()
