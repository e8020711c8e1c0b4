# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""nvidia_packages through its main, against an exact script of calls and answers."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.testing import patch_module_args

from ansible_collections.fletcherlabs.homelab.plugins.modules import nvidia_packages

SHOW = "dpkg-query --show --showformat ${db:Status-Status}|${Package}|${Version}\\n"
INSTALLED = "installed|linux-image-amd64|6.1.158-1\ninstalled|dkms|3.0.10-8\ninstalled|linux-headers-amd64|6.1.158-1\n"
TARGETS = "apt-get indextargets --format $(REPO_URI)|$(COMPONENT)|$(SOURCESENTRY)"
HAS = "http://deb.debian.org/debian/|main|/etc/apt/sources.list:1\n"
POLICY = "apt-cache policy nvidia-kernel-dkms libcuda1 libnvcuvid1 libnvidia-encode1 nvidia-persistenced nvidia-smi"


@pytest.fixture
def script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, tuple[int, str, str]]]:
    """Calls to expect, in order; an unexpected one fails the test."""
    steps: list[tuple[str, tuple[int, str, str]]] = []

    def run(argv: Sequence[str]) -> tuple[int, str, str]:
        expected, answer = steps.pop(0)
        assert " ".join(argv) == expected
        return answer

    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/os-release").write_text("ID=debian\nVERSION_ID=12\n")
    monkeypatch.setattr(nvidia_packages, "run_program", run)
    monkeypatch.setattr(nvidia_packages, "ROOT", tmp_path)
    return steps


def call(capsys: pytest.CaptureFixture[str], **options: Any) -> dict[str, Any]:
    with patch_module_args(options), pytest.raises(SystemExit):
        nvidia_packages.main()
    result: dict[str, Any] = json.loads(capsys.readouterr().out)
    return result


def test_missing_packages_are_named(
    script: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    monkeypatch.setattr(nvidia_packages.AnsibleModule, "warn", lambda _self, text: said.append(text))
    script += [(SHOW, (0, INSTALLED, "")), (TARGETS, (0, HAS, ""))]
    result = call(capsys)
    assert result["branch"] == "535" and not result["changed"]
    assert result["missing"] == POLICY.split()[2:]
    assert (result["remove"], result["problems"]) == ([], [])
    assert (result["distribution"], result["components"], result["installed"]) == ("debian", ["main"], {})
    assert result["notices"] == said != []
    assert script == []


def test_apt_is_asked_for_what_is_missing(script: Any, capsys: pytest.CaptureFixture[str]) -> None:
    answer = "nvidia-smi:\n  Installed: (none)\n  Candidate: 535.309.01-0+deb12u1\n"
    script += [(SHOW, (0, INSTALLED, "")), (TARGETS, (0, HAS, "")), (POLICY, (0, answer, ""))]
    result = call(capsys, candidates=True)
    assert result["missing"] == []
    (problem,) = result["problems"]
    assert problem.startswith("apt knows no nvidia-kernel-dkms, libcuda1, libnvcuvid1, libnvidia-encode1")
    assert script == []


def test_a_broken_dpkg_is_told_with_its_evidence(script: Any, capsys: pytest.CaptureFixture[str]) -> None:
    script += [(SHOW, (2, "", "dpkg-query: error: failed to open package info file\n"))]
    result = call(capsys)
    assert result["failed"] and result["rc"] == 2
    assert "failed to open package info file" in result["msg"]


def test_a_host_without_os_release_is_one_sentence(
    script: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "etc/os-release").unlink()
    result = call(capsys)
    assert result["msg"].endswith("etc/os-release cannot be read: No such file or directory")
