# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""network_report on evidence of a town of five machines."""

from __future__ import annotations

import json
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.testing import patch_module_args

from ansible_collections.fletcherlabs.homelab.plugins.modules import network_report
from tests.unit.plugins.module_utils._probe.town import Network


def told(host: Any) -> dict[str, Any]:
    """Options of network_probe for a machine of the town."""
    wanted = asdict(host.wanted)
    services = [{"service": each.pop("name"), **each} for each in wanted["services"]]
    nics = [{"speed_mbps": nic.pop("speed"), **nic} for nic in wanted["nics"]]
    return {**wanted, "services": services, "nics": nics, "pod_cidr": wanted["pods"]}


def call(network: Network, capsys: pytest.CaptureFixture[str], **options: Any) -> dict[str, Any]:
    hosts = [
        {"wanted": told(host), "evidence": host.evidence, "reason": "no route to host"} for host in network.hosts()
    ]
    with patch_module_args({"hosts": hosts, **options}), pytest.raises(SystemExit):
        network_report.main()
    result: dict[str, Any] = json.loads(capsys.readouterr().out)
    return result


def test_sound_network(capsys: pytest.CaptureFixture[str]) -> None:
    result = call(Network(), capsys)
    assert (result["changed"], result["verdicts"], result["lines"], result["files"]) == (False, [], [], [])
    assert len(result["matrix"]) == 6


def test_fault_is_named_and_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    network = Network()
    network.seen["k1"]["links"]["eth0"]["speed"] = 100
    network.absent.add("k2")
    network.dead("k2")
    folder = tmp_path / "new" / "report"
    result = call(network, capsys, folder=str(folder), title="k3s-home", time="2025-06-13 16:00")
    assert [verdict["node"] for verdict in result["verdicts"]] == ["k2", "k1"]
    assert result["lines"][1] == "k1: link eth0 negotiated 100 Mb/s, expected 2500: check cable or port"
    assert result["files"] == [str(folder / "network.json"), str(folder / "network.html")]
    document = json.loads((folder / "network.json").read_text())
    assert document["verdicts"] == result["verdicts"] and len(document["hosts"]) == 5
    assert "2025-06-13 16:00" in (folder / "network.html").read_text()


@pytest.mark.parametrize(("clock", "wrong"), [(15.0, []), (60.0, ["clock"]), (-15.0, ["clock"])])
def test_a_slow_way_to_a_machine_is_no_fault_of_its_clock(
    capsys: pytest.CaptureFixture[str], clock: float, wrong: list[str]
) -> None:
    network = Network()
    network.seen["k1"] |= {"clock": clock, "controller_time": time.time() - 20}
    assert [verdict["kind"] for verdict in call(network, capsys)["verdicts"]] == wrong


def test_what_was_not_looked_at_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    result = call(Network(), capsys, folder=str(tmp_path), left_out=["NFS <its layer is off>"])
    assert result["matrix"][-1] == "not looked at: NFS <its layer is off>"
    assert json.loads((tmp_path / "network.json").read_text())["left_out"] == ["NFS <its layer is off>"]
    assert "Not looked at: NFS &lt;its layer is off&gt;" in (tmp_path / "network.html").read_text()


def test_check_mode_writes_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    result = call(Network(), capsys, folder=str(tmp_path / "report"), _ansible_check_mode=True)
    assert result["files"] and not (tmp_path / "report").exists()
