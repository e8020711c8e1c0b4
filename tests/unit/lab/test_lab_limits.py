# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Many machines need more of the kernel than it gives by default."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from pathlib import Path

import pytest

from lab.command import Answer
from lab.engine import Engine
from lab.errors import LabError
from lab.limits import have_room
from lab.site import Machine, Site


def site(count: int) -> Site:
    machines = tuple(Machine(f"k3s{n}", f"198.18.10.{n + 3}", ()) for n in range(count))
    return Site("twin", ipaddress.IPv4Network("198.18.10.0/24"), Path("x"), "josh", "v1", machines)


def engine(*others: str) -> Engine:
    def runner(argv: Sequence[str], stdin: str) -> Answer:
        assert "label=fletcherlabs.homelab.lab" in argv
        return Answer(0, "\n".join(others), "")

    return Engine(runner)


@pytest.fixture
def limit(tmp_path: Path) -> Path:
    path = tmp_path / "max_user_instances"
    path.write_text("128\n")
    return path


def test_five_machines_and_a_mirror_fit_into_the_usual_limit(limit: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    have_room(engine("twin-mirror", "twin-k3s0"), site(5), limit)
    assert limit.read_text() == "128\n"


def test_root_raises_the_limit_for_the_machines_of_all_labs(
    limit: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 0)
    have_room(engine(*(f"other-{n}" for n in range(5))), site(5), limit)
    assert limit.read_text() == "1024\n"
    assert "from 128 to 1024 until the next boot, for 10 machines" in capsys.readouterr().out


def test_a_lab_beyond_plenty_gets_what_it_needs(limit: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 0)
    have_room(engine(), site(200), limit)
    assert limit.read_text() == "2064\n"


def test_others_than_root_are_told_the_command(limit: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    with pytest.raises(LabError, match=r"is 128, and 10 machines need 164: run 'sysctl -w .*=1024' as root"):
        have_room(engine(), site(10), limit)


def test_an_engine_elsewhere_is_not_judged_by_this_machine(tmp_path: Path) -> None:
    have_room(engine(), site(200), tmp_path / "missing")
