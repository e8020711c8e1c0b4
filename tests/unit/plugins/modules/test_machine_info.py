# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module on the machine that runs the tests."""

from __future__ import annotations

import json
import platform
import socket
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.testing import patch_module_args

from ansible_collections.fletcherlabs.homelab.plugins.modules import machine_info


def call(capsys: pytest.CaptureFixture[str], **options: Any) -> dict[str, Any]:
    with patch_module_args(options), pytest.raises(SystemExit) as stop:
        machine_info.main()
    assert stop.value.code == 0
    answer: dict[str, Any] = json.loads(capsys.readouterr().out)
    return answer


def test_this_machine(capsys: pytest.CaptureFixture[str]) -> None:
    answer = call(capsys, name="another", controller_time=time.time() - 3600)
    assert answer["changed"] is False
    assert answer["machine"]["architecture"] == platform.machine()
    assert answer["machine"]["hostname"] == platform.node()
    assert f"another: calls itself '{platform.node()}'" in answer["notices"]
    late = "another: its clock is 3600 s ahead of the controller's, expected at most 30 s; "
    assert [problem for problem in answer["problems"] if problem.startswith(late)]


def test_a_connection_to_the_router_is_told_where_one_is_named(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert call(capsys, name="a")["router_connected"] is None
    assert call(capsys, name="a", router="192.0.2.1")["router_connected"] is False
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()):
        monkeypatch.setattr(machine_info, "BGP_PORT", server.getsockname()[1])
        assert call(capsys, name="a", router="127.0.0.1")["router_connected"] is True


def test_mac_addresses_are_compared_in_any_case(capsys: pytest.CaptureFixture[str]) -> None:
    macs = call(capsys, name=platform.node())["machine"]["macs"]
    answer = call(capsys, name=platform.node(), macs=[mac.upper() for mac in macs])
    assert [notice for notice in answer["notices"] if "MAC address" in notice] == []


def test_a_role_nobody_knows_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with patch_module_args({"name": "a", "role": "worker"}), pytest.raises(SystemExit):
        machine_info.main()
    message = json.loads(capsys.readouterr().out)["msg"]
    assert message == "value of role must be one of: server, agent, none, got: worker"


def test_a_slow_link_is_a_notice(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    link = {"up": True, "carrier": True, "speed": 100, "duplex": "full", "bus": "usb", "port": "2-1"}
    evidence = {
        "interface": "enx1", "links": {"enx1": link}, "missing": [], "events": [], "uptime": 9e4, "has_address": True,
        "address": "192.0.2.21", "addresses": [{"device": "enx1", "address": "192.0.2.21"}],
        "local_rule": True, "routes": [], "cilium": False, "leftovers": [],
    }  # fmt: skip
    monkeypatch.setattr(machine_info, "local", lambda _wanted, _root: evidence)
    metal = replace(machine_info.probe(Path("/")), container=None)
    monkeypatch.setattr(machine_info, "probe", lambda _root: metal)
    nics = [{"name": "enx1", "speed_mbps": 2500, "primary": True}]
    answer = call(capsys, name="k3s1", address="192.0.2.21", nics=nics)
    sentence = "k3s1: link enx1 negotiated 100 Mb/s, expected 2500: check cable or port"
    assert sentence in answer["notices"] and sentence not in answer["problems"]
    assert answer["network"] == [sentence]
    monkeypatch.setattr(machine_info, "probe", lambda _root: replace(metal, container="docker"))
    assert sentence not in call(capsys, name="k3s1", address="192.0.2.21", nics=nics)["notices"]
