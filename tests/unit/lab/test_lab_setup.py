# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An engine is found, installed or asked for in one sentence."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from lab import setup
from lab.command import Answer
from lab.errors import LabError
from lab.setup import have_engine, have_programs


class Machine:
    """A machine with some programs; installing packages brings theirs."""

    def __init__(self, *programs: str, answers: bool = False) -> None:
        self.programs, self.answers = set(programs), answers
        self.calls: list[str] = []

    def which(self, program: str, path: str = "") -> str | None:
        return f"/usr/bin/{program}" if program in self.programs else None

    def __call__(self, argv: Sequence[str], stdin: str) -> Answer:
        words = " ".join(argv)
        if words == "docker info":
            return Answer(0 if self.answers else 1, "", "")
        self.calls.append(words)
        if "install" in argv:
            packages = argv[argv.index("--no-install-recommends") + 1 :]
            self.programs |= {program for program, package in setup.PACKAGES.items() if package in packages}
        if words == "systemctl start docker":
            self.answers = True
        return Answer(0, "", "")


Place = Callable[[Machine, int], Machine]


@pytest.fixture
def place(monkeypatch: pytest.MonkeyPatch) -> Place:
    """Stand on a machine as some user."""

    def here(machine: Machine, user: int = 0) -> Machine:
        monkeypatch.setattr("shutil.which", machine.which)
        monkeypatch.setattr("os.geteuid", lambda: user)
        monkeypatch.setattr(Path, "is_dir", lambda path: True)
        return machine

    return here


def test_an_engine_that_answers_needs_nothing(place: Place) -> None:
    machine = place(Machine("docker", "ssh", "ssh-keygen", answers=True), 1000)
    have_engine(machine)
    assert machine.calls == []


def test_root_on_a_bare_debian_gets_everything(place: Place) -> None:
    machine = place(Machine("apt-get"), 0)
    have_engine(machine)
    install = "env DEBIAN_FRONTEND=noninteractive apt-get install --yes --quiet=2 --no-install-recommends"
    assert machine.calls == [
        "apt-get update --quiet=2",
        f"{install} docker.io iptables openssh-client",
        "apt-get update --quiet=2",
        f"{install} docker-cli",
        "systemctl start docker",
    ]


def test_a_client_that_came_with_the_engine_is_not_installed_again(place: Place) -> None:
    machine = place(Machine("apt-get", "docker", "ssh", "ssh-keygen"), 0)
    have_engine(machine)
    assert [call.split()[-2:] for call in machine.calls if "install" in call] == [["docker.io", "iptables"]]


def test_others_than_root_are_told_what_to_type(place: Place) -> None:
    machine = place(Machine("apt-get"), 1000)
    with pytest.raises(LabError) as caught:
        have_engine(machine)
    assert str(caught.value) == (
        "ssh, ssh-keygen, dockerd, iptables not found: run 'apt-get install docker.io iptables openssh-client' as root "
        "(or install your distribution's packages of them), then try again"
    )
    assert machine.calls == []


def test_others_than_root_are_told_that_docker_is_silent(place: Place) -> None:
    machine = place(Machine("dockerd", "docker", "iptables", "ssh", "ssh-keygen"), 1000)
    with pytest.raises(LabError, match="Docker does not answer: start it, or add yourself to its group"):
        have_engine(machine)


def test_an_engine_that_never_answers_is_an_error_that_names_its_log(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine = place(Machine("dockerd", "docker", "iptables", "ssh", "ssh-keygen"), 0)
    monkeypatch.setattr(setup, "WAIT_SECONDS", 0)
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    machine.programs.add("silent")
    silent = Machine.__call__

    def never(argv: Sequence[str], stdin: str) -> Answer:
        answer = silent(machine, argv, stdin)
        machine.answers = False
        return answer

    with pytest.raises(LabError, match="did not answer within 0 s of its start; its log is in 'journalctl"):
        have_engine(never)


def test_programs_that_are_there_ask_nobody(place: Place) -> None:
    machine = place(Machine("mmdebstrap"), 1000)
    have_programs(("mmdebstrap",), machine)
    assert machine.calls == []
