# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""upgrade_plan through the official client, against the API server of the lab."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from ansible.module_utils.testing import patch_module_args

from ansible_collections.fletcherlabs.homelab.plugins.modules import upgrade_plan

OLD, NEW = "v1.32.5+k3s1", "v1.32.6+k3s1"


def call(capsys: pytest.CaptureFixture[str], kubeconfig: str, version: str) -> dict[str, Any]:
    members = [
        {"name": "k3s1", "node": "worker-1", "role": "agent", "installed": OLD},
        {"name": "k3s2", "node": "k3s2", "role": "agent"},
    ]
    arguments = {"kubeconfig": kubeconfig, "version": version, "members": members}
    with patch_module_args(arguments), pytest.raises(SystemExit):
        upgrade_plan.main()
    result: dict[str, Any] = json.loads(capsys.readouterr().out)
    return result


def test_versions_of_the_cluster_and_of_the_machines(
    core: Any, kubeconfig_of: Callable[[str], str], capsys: pytest.CaptureFixture[str]
) -> None:
    conditions = [{"type": "Ready", "status": "True", "reason": "KubeletReady", "message": "ready"}]
    for name in ("worker-1", "k3s2"):
        core.create_node({"metadata": {"name": name}}, _preload_content=False)
        status = {"conditions": conditions, "nodeInfo": {"kubeletVersion": OLD}}
        core.patch_node_status(name, {"status": status}, _preload_content=False)
    result = call(capsys, kubeconfig_of("admin"), NEW)
    assert result["targets"] == ["k3s1", "k3s2"]
    assert result["actions"][0]["sentence"] == f"agent k3s1: {OLD} -> {NEW}"
    assert "newer than v1.31.9+k3s1" in call(capsys, kubeconfig_of("admin"), "v1.31.9+k3s1")["msg"]


def test_a_cluster_that_cannot_be_asked(
    kubeconfig_of: Callable[[str], str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert "the API does not let" in call(capsys, kubeconfig_of("nobody"), NEW)["msg"]
