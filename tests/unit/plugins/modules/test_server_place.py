# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""server_place through its main, with a config.yaml of its own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.testing import patch_module_args

from ansible_collections.fletcherlabs.homelab.plugins.modules import server_place

SERVERS = [
    {"name": "m1", "address": "10.0.0.1", "datastore": "none"},
    {"name": "m2", "address": "10.0.0.2", "datastore": "etcd"},
    {"name": "m3", "address": "10.0.0.3", "datastore": "etcd"},
]


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(server_place, "CONFIG", str(tmp_path / "config.yaml"))
    return tmp_path / "config.yaml"


def call(capsys: pytest.CaptureFixture[str], **arguments: Any) -> dict[str, Any]:
    wish = {"first": "m1", "api_address": "10.0.0.1", "servers": SERVERS, **arguments}
    with patch_module_args(wish), pytest.raises(SystemExit):
        server_place.main()
    result: dict[str, Any] = json.loads(capsys.readouterr().out)
    return result


def test_a_lost_first_server_joins(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    result = call(capsys, name="m1")
    assert (result["config"], result["joins"], result["changed"]) == ({"server": "https://10.0.0.2:6443"}, "m2", False)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('server: "https://10.0.0.3:6443"\n', {"server": "https://10.0.0.3:6443"}),
        ("cluster-init: true\n", {"server": "https://10.0.0.2:6443"}),
        ("tls-san:\n  - server: x\n", {"server": "https://10.0.0.2:6443"}),
    ],
)
def test_what_is_configured_is_kept_where_it_is_right(
    config: Path, capsys: pytest.CaptureFixture[str], text: str, expected: dict[str, str]
) -> None:
    config.write_text(text)
    assert call(capsys, name="m1")["config"] == expected


def test_a_founder_keeps_its_key(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config.write_text("token-file: /x\ncluster-init: true\n")
    assert call(capsys, name="m2")["config"] == {"cluster-init": True}


def test_refusals_are_sentences(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    silent = [{**SERVERS[0]}, {**SERVERS[1], "datastore": "unknown"}]
    result = call(capsys, name="m1", servers=silent)
    assert result["failed"] and result["reasons"][0].startswith("m2 cannot be reached")
    assert "does not name m9" in call(capsys, name="m9")["msg"]
