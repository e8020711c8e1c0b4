# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""certificate_info through its main, on certificates as K3s writes them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.testing import patch_module_args

from ansible_collections.fletcherlabs.homelab.plugins.modules import certificate_info
from lab.k3s_standin import pki

AUTHORITY = pki.new_authority("k3s-client-ca@1")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    for folder in ("server/tls/etcd", "server/tls/temporary-certs", "server/tls-1700000000", "agent/tls-1700000000"):
        (tmp_path / folder).mkdir(parents=True)
    put(tmp_path / "server/tls/client-ca.crt", AUTHORITY)
    put(tmp_path / "server/tls/client-admin.crt", leaf(365))
    put(tmp_path / "server/tls/etcd/client.crt", leaf(200))
    put(tmp_path / "server/tls/temporary-certs/apiserver.crt", leaf(1))
    put(tmp_path / "server/tls-1700000000/client-admin.crt", leaf(1))
    put(tmp_path / "agent/tls-1700000000/client-kubelet.crt", leaf(1))
    put(tmp_path / "agent/client-kubelet.crt", leaf(365))
    return tmp_path


def leaf(days: int) -> pki.Pair:
    return pki.issue(AUTHORITY, pki.Subject("system:node:k3s1", ("system:nodes",)), days)


def put(path: Path, pair: pki.Pair) -> None:
    path.write_text(pair.certificate)


def call(capsys: pytest.CaptureFixture[str], data: Path, **arguments: Any) -> dict[str, Any]:
    with patch_module_args({"data_dir": str(data), **arguments}), pytest.raises(SystemExit):
        certificate_info.main()
    result: dict[str, Any] = json.loads(capsys.readouterr().out)
    return result


def test_fresh_certificates_are_all_found_and_none_is_expiring(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    result = call(capsys, data)
    assert [Path(each["path"]).name for each in result["certificates"]] == [
        "client-kubelet.crt",
        "client-admin.crt",
        "client-ca.crt",
        "client.crt",
    ]
    assert (result["expiring"], result["problems"], result["days_left"]) == ([], [], 199)
    assert [each["authority"] for each in result["certificates"]] == [False, False, True, False]
    assert "system:node:k3s1" in result["certificates"][0]["subject"]


def test_leaves_within_the_days_are_named_the_first_to_end_first(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    put(data / "agent/client-kubelet.crt", leaf(100))
    put(data / "server/tls/client-admin.crt", leaf(20))
    result = call(capsys, data)
    assert [Path(path).name for path in result["expiring"]] == ["client-admin.crt", "client-kubelet.crt"]
    assert result["problems"][0].endswith("client-admin.crt ends in 19 days")
    assert result["days_left"] == 19
    assert call(capsys, data, days=10)["expiring"] == []


def test_an_authority_is_listed_and_never_expiring(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert [path for path in call(capsys, data, days=9999)["expiring"] if path.endswith("-ca.crt")] == []


def test_a_damaged_certificate_is_to_be_replaced(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (data / "agent/client-kubelet.crt").write_text("nonsense\n")
    result = call(capsys, data)
    assert [Path(path).name for path in result["expiring"]] == ["client-kubelet.crt"]
    assert "cannot be read" in result["problems"][0]


def test_a_host_without_k3s_has_none(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    result = call(capsys, tmp_path)
    assert (result["certificates"], result["expiring"], result["days_left"]) == ([], [], None)
