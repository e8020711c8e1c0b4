#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: cluster_verdict
short_description: Compare machines and cluster with the inventory, and write a report
version_added: 0.1.0
author: FletcherLabs (@fletcherlabs)
description:
  - Takes what other modules saw on the machines, reads nodes, volumes, workloads, Gateway and Flux's objects from the
    API without any Secret among them, and judges each thing in a row of its own.
  - Writes the rows as JSON, as JUnit's XML and as a page of HTML that needs nothing else, keeps the last few reports
    and says what is new since the one before.
  - Does not fail for what is found; that is for the caller. Machines and cluster are never changed.
extends_documentation_fragment:
  - fletcherlabs.homelab.attributes.info
attributes:
  check_mode:
    description: Judges as always and writes no report.
  idempotent:
    description: Each run writes a report of its own in O(folder); nothing else is changed.
requirements:
  - kubernetes (Python package)
options:
  kubeconfig:
    description: Kubeconfig file on the host that runs the module.
    type: path
    required: true
    version_added: 0.1.0
  machines:
    description: The inventory's machines, as M(fletcherlabs.homelab.inventory_check) takes them.
    type: dict
    required: true
    version_added: 0.1.0
  site:
    description: The inventory's values for the whole site, as M(fletcherlabs.homelab.inventory_check) takes them.
    type: dict
    required: true
    version_added: 0.1.0
  layers:
    description: Layers that are built, beside hosts and cluster; only these are looked at.
    type: list
    elements: str
    default: []
    version_added: 0.1.0
  evidence:
    description:
      - For each machine the results of the modules that looked at it, under C(machine), C(k3s), C(certificates),
        C(storage), C(disks), C(gpus), and under C(nfs) one for each storage host. A machine that did not answer
        has C(unreachable).
    type: dict
    required: true
    version_added: 0.1.0
  more:
    description: Further rows for the report, as M(fletcherlabs.homelab.storage_smoke) returns them.
    type: list
    elements: dict
    default: []
    version_added: 0.1.0
    suboptions:
      area:
        description: Part of the homelab.
        type: str
        required: true
        version_added: 0.1.0
      subject:
        description: What was looked at.
        type: str
        required: true
        version_added: 0.1.0
      check:
        description: What was looked for.
        type: str
        required: true
        version_added: 0.1.0
      status:
        description: How it is.
        type: str
        choices: [ok, note, bad, unknown]
        required: true
        version_added: 0.1.0
      said:
        description: The sentence.
        type: str
        required: true
        version_added: 0.1.0
  backups:
    description: Pattern of the backups' files on the host that runs the module.
    type: str
    version_added: 0.1.0
  folder:
    description: Where reports are kept. Without it none is written, and nothing is compared.
    type: path
    version_added: 0.1.0
  keep:
    description: How many reports are kept.
    type: int
    default: 30
    version_added: 0.1.0
  certificate_days:
    description: A certificate that ends within so many days is a fault.
    type: int
    default: 30
    version_added: 0.1.0
  backup_hours:
    description: A newest backup of more hours is a fault.
    type: int
    default: 48
    version_added: 0.1.0
  snapshot_hours:
    description: A newest snapshot of etcd of more hours is a fault.
    type: int
    default: 24
    version_added: 0.1.0
  settle_minutes:
    description: For so long something may be on its way without being a fault.
    type: int
    default: 15
    version_added: 0.1.0
"""

EXAMPLES = r"""
- name: Judge
  fletcherlabs.homelab.cluster_verdict:
    kubeconfig: ~/.kube/k3s-home.yaml
    machines: "{{ preflight_machines }}"
    site: "{{ preflight_site }}"
    evidence: "{{ verify_evidence }}"
    layers: [storage]
    folder: ~/.local/share/fletcherlabs.homelab/reports/k3s-home
  delegate_to: localhost
  register: verdict
"""

RETURN = r"""
healthy:
  description: Whether no row is a fault.
  type: bool
  returned: success
rows:
  description:
    - The judgements. C(status) is C(ok), C(note), C(bad), C(unknown), C(blind) (behind another fault) or C(off).
  type: list
  elements: dict
  returned: success
  sample: [{area: nodes, subject: k3s1, check: takes-pods, status: ok, said: takes pods}]
table:
  description: The rows as lines of text, and their sum.
  type: list
  elements: str
  returned: success
faults:
  description: The rows with status C(bad) and C(unknown), one sentence each.
  type: list
  elements: str
  returned: success
new:
  description: Faults that the report before did not have.
  type: list
  elements: str
  returned: success
mended:
  description: Faults of the report before that are none any more.
  type: list
  elements: str
  returned: success
files:
  description: The report's files by kind.
  type: dict
  returned: success
  sample: {html: /home/josh/.local/share/fletcherlabs.homelab/reports/k3s-home/verify-20260101T060000Z.html}
"""

import json
import time
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule, missing_required_lib

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._cluster.client import (
    KUBERNETES_PROBLEM,
    Cluster,
    ClusterError,
)
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._verify.history import keep, latest, newest_backup
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._verify.judge import judge
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._verify.look import objects
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._verify.model import Limits, Row, World
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._verify.page import page
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._verify.picture import picture
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._verify.report import document, faults, junit, table

ROW = {key: {"type": "str", "required": True} for key in ("area", "subject", "check", "said")}
STATUS = {"choices": ["ok", "note", "bad", "unknown"], "required": True}
LIMITS = ("certificate_days", "backup_hours", "snapshot_hours", "settle_minutes")
SPEC = {
    "kubeconfig": {"type": "path", "required": True},
    "machines": {"type": "dict", "required": True},
    "site": {"type": "dict", "required": True},
    "layers": {"type": "list", "elements": "str", "default": []},
    "evidence": {"type": "dict", "required": True},
    "more": {"type": "list", "elements": "dict", "default": [], "options": ROW | {"status": STATUS}},
    "backups": {"type": "str"},
    "folder": {"type": "path"},
    "keep": {"type": "int", "default": 30},
    "certificate_days": {"type": "int", "default": 30},
    "backup_hours": {"type": "int", "default": 48},
    "snapshot_hours": {"type": "int", "default": 24},
    "settle_minutes": {"type": "int", "default": 15},
}


def world_of(wish: dict[str, Any], now: float) -> World:
    """Everything that is known at this moment."""
    try:
        seen, silence = objects(Cluster(wish["kubeconfig"])), ""
    except ClusterError as error:
        seen, silence = {}, str(error)
    return World(
        site=wish["site"],
        machines=wish["machines"],
        evidence=wish["evidence"],
        objects=seen,
        now=now,
        silence=silence,
        layers=tuple(wish["layers"]),
        backup=newest_backup(wish["backups"]) if wish["backups"] else None,
        limits=Limits(**{key: wish[key] for key in LIMITS}),
    )


def main() -> None:
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True)
    if KUBERNETES_PROBLEM:
        module.fail_json(msg=missing_required_lib("kubernetes"), exception=KUBERNETES_PROBLEM)
    wish = module.params
    world = world_of(wish, time.time())
    rows = judge(world, [Row(**row) for row in wish["more"]])
    folder = Path(wish["folder"]).resolve() if wish["folder"] else None
    name = str(wish["site"].get("homelab_name") or "homelab")
    report = document(name, rows, world.now, latest(folder) if folder else None)
    report["machines"] = picture(world, rows)
    files = {}
    if folder and not module.check_mode:
        texts = {"json": json.dumps(report, indent=1) + "\n", "xml": junit(report), "html": page(report)}
        try:
            files = keep(folder, report["time"], texts, max(1, wish["keep"]))
        except OSError as error:
            module.fail_json(msg=f"the report cannot be written to {folder} ({error.strerror}); name another folder")
    module.exit_json(
        changed=False,
        healthy=report["healthy"],
        rows=report["rows"],
        table=table(report),
        faults=faults(report),
        new=report["new"],
        mended=report["mended"],
        files=files,
    )


if __name__ == "__main__":
    main()
