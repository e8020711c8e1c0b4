# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""proxmox_snapshot_plan through the real proxmoxer, against the lab's stand-in of the API."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.testing import patch_module_args

from ansible_collections.fletcherlabs.homelab.plugins.modules import proxmox_snapshot_plan
from tests.pve import ADDRESS, SECRET, Pve, serving

NAME = "k3s-master1"


@pytest.fixture
def pve(tmp_path: Path) -> Iterator[Pve]:
    with serving(tmp_path) as found:
        yield found


def call(pve: Pve, capsys: pytest.CaptureFixture[str], **arguments: Any) -> dict[str, Any]:
    connection = {
        "api_host": ADDRESS, "api_port": pve.port, "api_user": "ansible@pve", "api_token_id": "homelab",
        "api_token_secret": SECRET, "ca_path": pve.ca, "name": NAME, "stamp": "20261123T101500",
    }  # fmt: skip
    with patch_module_args(connection | arguments), pytest.raises(SystemExit):
        proxmox_snapshot_plan.main()
    result: dict[str, Any] = json.loads(capsys.readouterr().out)
    return result


def test_a_snapshot_and_the_way_back(pve: Pve, capsys: pytest.CaptureFixture[str]) -> None:
    pve.put(130, running=True, name=NAME, tags="homelab", scsi0="local-lvm:vm-130-disk-0,size=64G")
    made = call(pve, capsys, reason="upgrade")
    assert (made["vmid"], made["snapshot"]) == (130, "homelab-upgrade-20261123T101500") and made["changed"]
    pve.api.machines.take_snapshot(pve.api.machines.find("130"), "homelab-one", "")
    gone = call(pve, capsys, keep=1)
    assert gone["expired"] == ["homelab-one"]
    assert gone["diff"]["after"] == {"snapshots": ["homelab-manual-20261123T101500"]}
    back = call(pve, capsys, back_to="homelab-one")
    assert (
        back["actions"][0]["kind"] == "roll_back" and "what was written since is lost" in back["actions"][0]["sentence"]
    )


def test_refusals_are_one_sentence_each(pve: Pve, capsys: pytest.CaptureFixture[str]) -> None:
    assert "Proxmox VE has no machine called k3s-master1" in call(pve, capsys)["msg"]
    pve.put(130, name=NAME, tags="homelab")
    assert "has no snapshot 'x' (there: none)" in call(pve, capsys, back_to="x")["msg"]
    pve.stop()
    assert "the API does not answer at its address" in call(pve, capsys)["msg"]
