# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""backup_compare through the official client, against the API server of the lab."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.testing import patch_module_args

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._backup import archive
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._backup.compare import items_of
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._backup.manifest import Item, Manifest
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._cluster.client import Cluster
from ansible_collections.fletcherlabs.homelab.plugins.modules import backup_compare


def call(tmp_path: Path, kubeconfig: str, items: list[Item], capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    path = tmp_path / "backup.tar"
    with path.open("wb") as stream:
        archive.write(stream, Manifest("home", "now", "v", "etcd", "u", {}, tuple(items)), {})
    with patch_module_args({"archive": str(path), "kubeconfig": kubeconfig, "timeout": 0}), pytest.raises(SystemExit):
        backup_compare.main()
    result: dict[str, Any] = json.loads(capsys.readouterr().out)
    return result


def test_every_object_is_there_and_is_the_same_one(
    core: Any, kubeconfig_of: Callable[[str], str], tmp_path: Path, capsys: Any
) -> None:
    config = kubeconfig_of("admin")
    core.create_namespaced_config_map("default", {"metadata": {"name": "kept"}}, _preload_content=False)
    items = items_of(Cluster(config))
    assert call(tmp_path, config, items, capsys)["objects"] == len(items) > 3
    another = Item("ConfigMap", "default", "kept", "another-uid")
    message = call(tmp_path, config, [*items, another], capsys)["msg"]
    assert "the restored cluster is not the one of the backup: 1 of" in message and "ConfigMap default/kept" in message


def test_an_api_that_does_not_answer_is_said(kubeconfig_of: Callable[[str], str], tmp_path: Path, capsys: Any) -> None:
    assert "the API does not let" in call(tmp_path, kubeconfig_of("nobody"), [], capsys)["msg"]
