# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""network_probe on this machine: its answer has every key, sends nothing where it should not, and ends in time."""

from __future__ import annotations

import json
import socket
import time
from typing import Any

import pytest
from ansible.module_utils.testing import patch_module_args

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._probe import look
from ansible_collections.fletcherlabs.homelab.plugins.modules import network_probe

LOCAL = {
    "name", "address", "clock", "controller_time", "uptime", "interface", "missing", "addresses", "links", "events",
    "has_address", "local_rule", "macs", "rules", "routes", "listening", "cilium", "leftovers",
}  # fmt: skip
FULL = LOCAL | {"arp", "small", "big", "exchange", "dns", "ntp", "tcp", "increase", "unfinished", "seconds"}


def call(capsys: pytest.CaptureFixture[str], **options: Any) -> dict[str, Any]:
    with patch_module_args({"name": "k3s1", **options}), pytest.raises(SystemExit):
        network_probe.main()
    result: dict[str, Any] = json.loads(capsys.readouterr().out)
    return result


def test_local_scope_sends_nothing(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(look, "gather", lambda *_arguments: pytest.fail("packets were sent"))
    result = call(capsys, address="127.0.0.1", scope="local", controller_time=time.time())
    assert result["changed"] is False
    assert set(result["evidence"]) == LOCAL
    assert result["evidence"]["has_address"] and result["evidence"]["local_rule"]
    assert abs(result["evidence"]["clock"]) < 5


def test_problems_are_sentences_lowest_layer_first(capsys: pytest.CaptureFixture[str]) -> None:
    nics = [{"name": "absent0", "mac": "02:00:00:00:00:99", "speed_mbps": 2500, "bus": "usb", "primary": True}]
    result = call(capsys, address="192.0.2.21", gateway="203.0.113.1", nics=nics, scope="local")
    problems = result["problems"]
    assert problems[0].startswith("link absent0 is gone")
    assert problems[1].startswith("192.0.2.21 is on no interface")
    assert "expected" in problems[2] and "203.0.113.1" in problems[2]


def test_full_scope_is_bounded(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        services = [
            {"service": "open", "host": "k3s2", "address": "127.0.0.1", "port": port},
            {"service": "hanging", "host": "k3s3", "address": "name.invalid", "port": 1},
        ]
        monkeypatch.setattr(look.check_dns, "configured", lambda _root: [])
        monkeypatch.setattr(look.check_echo, "echo", lambda *_arguments: {})
        monkeypatch.setattr(socket, "gethostbyname", lambda _name: time.sleep(30))
        began = time.monotonic()
        result = call(capsys, address="127.0.0.1", services=services, ntp=["pool.invalid"], seconds=1, linger=0)
        assert time.monotonic() - began < 5
    evidence = result["evidence"]
    assert set(evidence) == FULL
    assert evidence["tcp"][0]["result"] == "open" and evidence["tcp"][1]["result"] != "open"
    assert evidence["ntp"] == {"pool.invalid": None} and "ntp pool.invalid" in evidence["unfinished"]
