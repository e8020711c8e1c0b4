# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two commands never work on one lab."""

from __future__ import annotations

import ipaddress
import subprocess
from pathlib import Path

import pytest

from lab.errors import LabError
from lab.lock import only_one
from lab.site import Site


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("lab.lock.ROOT", tmp_path)
    return tmp_path / ".lab"


def site(name: str = "twin") -> Site:
    return Site(name, ipaddress.IPv4Network("198.18.10.0/24"), Path("x"), "josh", "v1", ())


def test_a_second_command_is_refused_while_the_first_is_at_work() -> None:
    with only_one(site()):
        with pytest.raises(LabError, match="another command is at work on the lab 'twin'"), only_one(site()):
            pass
        with only_one(site("other")):
            pass
    with only_one(site()):
        pass


def test_what_a_killed_command_started_keeps_the_lab() -> None:
    with only_one(site()):
        child = subprocess.Popen(["sleep", "60"], close_fds=False)
    try:
        with pytest.raises(LabError, match="another command is at work"), only_one(site()):
            pass
    finally:
        child.kill()
        child.wait()
    with only_one(site()):
        pass


def test_removing_leaves_no_file_and_other_calls_do(elsewhere: Path) -> None:
    with only_one(site()):
        pass
    assert (elsewhere / "twin.lock").exists()
    with only_one(site(), remove=True):
        pass
    assert not (elsewhere / "twin.lock").exists()


def test_a_failed_removal_can_be_tried_again(elsewhere: Path) -> None:
    with pytest.raises(LabError), only_one(site(), remove=True):
        raise LabError("the engine is gone")
    assert (elsewhere / "twin.lock").exists()
    with only_one(site()):
        pass
