# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A DOUBLE of Cilium's agent: where a pod of it is said to run, the node gets Cilium's CNI file."""

from __future__ import annotations

import json
from pathlib import Path

from lab.k3s_standin import rest

FILE = "05-cilium.conflist"
CONTENT = {"cniVersion": "0.3.1", "name": "cilium", "plugins": [{"type": "cilium-cni"}]}


def settle(api: rest.Rest, node: str, folder: Path) -> None:
    """Leave the file once; the agent never takes it away again."""
    target = folder / FILE
    if target.exists():
        return
    query = f"labelSelector=k8s-app%3Dcilium&fieldSelector=spec.nodeName%3D{node}"
    pods = api.json("GET", f"/api/v1/namespaces/kube-system/pods?{query}").get("items") or []
    if any((pod.get("status") or {}).get("phase") == "Running" for pod in pods):
        folder.mkdir(parents=True, exist_ok=True)
        target.write_text(json.dumps(CONTENT, indent=2) + "\n")
