# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""release_file for releases without a checksum file."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.testing import patch_module_args

from ansible_collections.fletcherlabs.homelab.plugins.modules import release_file

NAME, CONTENT = "cilium/1.15.6/cilium-1.15.6.tgz", b"a chart"
DIGEST, WRONG = hashlib.sha256(CONTENT).hexdigest(), "0" * 64


def call(folder: Path, capsys: pytest.CaptureFixture[str], **more: Any) -> dict[str, Any]:
    (folder / "chart.tgz").write_bytes(CONTENT)
    places = {"url": f"file://{folder}/chart.tgz", "lock": str(folder / "lock.json"), "cache": str(folder / "cache")}
    with patch_module_args({"name": NAME, **places, **more}), pytest.raises(SystemExit):
        release_file.main()
    result: dict[str, Any] = json.loads(capsys.readouterr().out)
    return result


def test_a_file_is_held_to_the_digest_that_is_known(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    refused = call(tmp_path, capsys, sha256=WRONG)["msg"]
    assert f"has sha256 {DIGEST}, but the collection says {WRONG}; the file was thrown away" in refused
    assert not (tmp_path / "lock.json").exists()
    assert call(tmp_path, capsys, sha256=DIGEST)["changed"] is True
    assert json.loads((tmp_path / "lock.json").read_text()) == {NAME: DIGEST}
    assert call(tmp_path, capsys, sha256=DIGEST)["changed"] is False


def test_a_file_that_nobody_can_verify_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = call(tmp_path, capsys)["msg"]
    assert said == f"nobody can verify {NAME}: it is not in the lock file and its release names no digest for it"


def test_the_lock_decides_over_the_collection(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "lock.json").write_text(json.dumps({NAME: DIGEST}))
    assert call(tmp_path, capsys, sha256=WRONG)["sha256"] == DIGEST


def test_a_checksum_file_needs_a_name_in_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "checksum_url, checksum_name" in call(tmp_path, capsys, checksum_url="file:///x")["msg"]
