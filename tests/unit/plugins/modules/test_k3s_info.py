# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""k3s_info through its main, on a host made of files."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.testing import patch_module_args

from ansible_collections.fletcherlabs.homelab.plugins.modules import k3s_info

BINARY = "#!/bin/sh\necho 'k3s version v1.32.5+k3s1 (8e8f2a47)'\necho 'go version go1.23.8'\n"


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(k3s_info, "BINARY", str(tmp_path / "k3s"))
    monkeypatch.setattr(k3s_info, "UNIT_FOLDER", str(tmp_path))
    monkeypatch.setattr(k3s_info, "KUBELET", str(tmp_path / "kubelet"))
    monkeypatch.setattr(k3s_info, "CONFIG_FOLDER", str(tmp_path))
    monkeypatch.setattr(k3s_info, "DATASTORES", {"etcd": str(tmp_path / "etcd"), "sqlite": str(tmp_path / "state.db")})
    monkeypatch.setattr(k3s_info, "active_units", lambda _run, units: list(units))
    return tmp_path


def install(host: Path) -> None:
    (host / "k3s").write_text(BINARY)
    (host / "k3s").chmod(0o755)
    (host / "k3s-agent.service").write_text("")


def call(capsys: pytest.CaptureFixture[str], **arguments: Any) -> dict[str, Any]:
    with patch_module_args(arguments), pytest.raises(SystemExit):
        k3s_info.main()
    result: dict[str, Any] = json.loads(capsys.readouterr().out)
    return result


def test_bare_host_has_nothing(host: Path, capsys: pytest.CaptureFixture[str]) -> None:
    result = call(capsys, role="agent", wanted_version="v1.32.5+k3s1")
    assert (result["version"], result["sha256"], result["units"]) == (None, None, [])
    assert (result["active"], result["datastore"]) == ([], "none")


def test_installed_agent(host: Path, capsys: pytest.CaptureFixture[str]) -> None:
    install(host)
    result = call(capsys)
    assert result["version"] == "v1.32.5+k3s1"
    assert result["sha256"] == hashlib.sha256(BINARY.encode()).hexdigest()
    assert result["units"] == ["k3s-agent.service"]


def test_all_reasons_come_in_one_message(host: Path, capsys: pytest.CaptureFixture[str]) -> None:
    install(host)
    (host / "kubelet").symlink_to("/data/kubelet")
    result = call(capsys, role="server", wanted_version="v1.31.9+k3s1", host="k3s1")
    assert result["failed"]
    assert len(result["reasons"]) == 3
    assert all(reason in result["msg"] for reason in result["reasons"])


@pytest.mark.parametrize("content", [b"", b"\x7fELF" + bytes(90)], ids=["empty", "half"])
def test_damaged_binary_is_no_reason_to_give_up(host: Path, capsys: pytest.CaptureFixture[str], content: bytes) -> None:
    (host / "k3s").write_bytes(content)
    (host / "k3s").chmod(0o755)
    result = call(capsys, role="agent", wanted_version="v1.32.5+k3s1")
    assert (result["version"], result["sha256"]) == (None, hashlib.sha256(content).hexdigest())


def test_root_dir_is_refused_wherever_it_stands(host: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (host / "50-csi.yaml").write_text("kubelet-arg: [root-dir=/data]\n")
    result = call(capsys, role="agent", wanted_version="v1.32.5+k3s1", kubelet_args=["root-dir=/data"])
    assert [reason.partition(" sets the kubelet's root-dir, expected none")[0] for reason in result["reasons"]] == [
        "the wanted kubelet-arg 'root-dir=/data'",
        f"{host / '50-csi.yaml'} on this host",
    ]


def test_which_datastore_is_there(host: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (host / "state.db").touch()
    assert call(capsys)["datastore"] == "sqlite"
    (host / "etcd").mkdir()
    assert call(capsys)["datastore"] == "etcd"


def test_active_units_are_those_systemd_calls_active() -> None:
    answer = (3, "inactive\nactive\n", "")
    assert k3s_info.active_units(lambda _argv: answer, ("k3s.service", "k3s-agent.service")) == ["k3s-agent.service"]
    assert k3s_info.active_units(lambda _argv: answer, ()) == []
