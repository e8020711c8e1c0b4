# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is shipped, and what ansible-test gets to see of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.run import sanity
from tests.run.artefact import unwanted
from tests.run.tree import shipped


def test_an_artefact_of_wanted_files_is_accepted() -> None:
    assert unwanted(["MANIFEST.json", "roles", "roles/node_base/tasks/main.yml", "plugins/modules/host_files.py"]) == []


def test_stray_files_and_caches_are_named() -> None:
    names = ["README.md", "secrets.yml", "lab/__main__.py", "plugins/modules/__pycache__/x.cpython-311.pyc"]
    assert unwanted(names) == ["lab", "plugins/modules/__pycache__/x.cpython-311.pyc", "secrets.yml"]


def test_sanity_sees_the_collection_and_its_own_exceptions_only() -> None:
    files = [
        ".collections/ansible_collections/fletcherlabs/homelab",
        "galaxy.yml",
        "inventory/home/machines.yml",
        "lab/__main__.py",
        "plugins/modules/host_files.py",
        "tests/sanity/ignore-2.19.txt",
        "tests/unit/test_conventions.py",
    ]
    assert shipped(files) == ["galaxy.yml", "plugins/modules/host_files.py", "tests/sanity/ignore-2.19.txt"]


def test_the_pip_stand_in_is_taken_away_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = tmp_path / "cache" / "get_pip.py"
    monkeypatch.setattr(sanity, "PIP_CACHE", cache)
    with sanity.pip_from_the_index():
        assert "ensurepip" in cache.read_text()
    assert not cache.exists()


def test_a_pip_script_that_was_there_before_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = tmp_path / "get_pip.py"
    cache.write_text("# ansible-test's own download\n")
    monkeypatch.setattr(sanity, "PIP_CACHE", cache)
    with sanity.pip_from_the_index():
        pass
    assert cache.read_text() == "# ansible-test's own download\n"
