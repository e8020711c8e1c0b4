# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a person sees: a real ansible-playbook in a pane of tmux, looked at while it runs and afterwards."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.unit.progress_site import environment, write_site

pytestmark = pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed")

SECONDS = 120
WAITING = re.compile(r"^0:\d\d:\d\d  cluster(?: 2/2)?: Wait for K3s +0:\d\d:\d\d$")


class Terminal:
    """One pane with a shell."""

    def __init__(self, folder: Path, width: int, height: int, **more: str) -> None:
        self.folder = folder
        self._tmux = ["tmux", "-L", f"progress-{uuid.uuid4().hex[:8]}", "-f", "/dev/null"]
        settings = environment(**{"PS1": "$ ", "TERM": "screen-256color", **more})
        variables = [f"{name}={value}" for name, value in settings.items()]
        shell = ["env", "-i", *variables, "bash", "--norc", "--noprofile", "-i"]
        argv = ["new-session", "-d", "-x", str(width), "-y", str(height), "-c", str(folder), shlex.join(shell)]
        self.call(*argv)

    def call(self, *arguments: str) -> str:
        return subprocess.run([*self._tmux, *arguments], check=True, capture_output=True, text=True).stdout

    def type(self, text: str) -> None:
        self.call("send-keys", "-l", text)
        self.call("send-keys", "Enter")

    def screen(self, *how: str) -> list[str]:
        return self.call("capture-pane", "-p", *how).split("\n")[:-1]

    def everything(self) -> str:
        """What has scrolled away too, lines that the terminal broke in one piece."""
        return self.call("capture-pane", "-p", "-J", "-S", "-")

    def wait(self, seen: Callable[[list[str]], bool]) -> list[str]:
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            screen = self.screen()
            if seen(screen):
                return screen
            time.sleep(0.2)
        raise AssertionError("\n".join(self.screen()))

    def wait_for_text(self, text: str) -> list[str]:
        return self.wait(lambda screen: any(text in line for line in screen))

    def wait_for_k3s(self, hosts: str) -> list[str]:
        """Two hosts wait, and those that have nothing to do there are through."""
        return self.wait(lambda screen: bool(WAITING.match(screen[-2])) and screen[-1] == hosts)

    def check_sanity(self) -> None:
        """Every row scrolls, nothing is left at the bottom, and what is typed is seen."""
        height = len(self.screen())
        self.type("clear; stty -a | grep -o ' echo '; seq 1 100")
        screen = self.wait(lambda lines: "100" in lines and lines[-1] == "$")
        assert screen == [*(str(number) for number in range(102 - height, 101)), "$"]


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Callable[..., Terminal]]:
    opened: list[Terminal] = []

    def open_terminal(width: int = 80, height: int = 24, hosts: int = 5, **more: str) -> Terminal:
        opened.append(Terminal(write_site(tmp_path / "site", hosts), width, height, **more))
        return opened[0]

    yield open_terminal
    for one in opened:
        (one.folder / "go").touch()
        one.call("kill-server")


SITE = "ansible-playbook -i inventory.yml site.yml; echo ended with $?"
CLUSTER = "ansible-playbook -i inventory.yml cluster.yml; echo ended with $?"
WAIT = "running k3s1 k3s2  done 3 of 5"


def test_a_run_as_a_person_sees_it(terminal: Callable[..., Terminal]) -> None:
    pane = terminal()
    pane.type(SITE)
    retrying = pane.wait(lambda screen: screen[-1] == "running k3s2 (1/3)  done 4 of 5")
    assert re.match(r"^0:\d\d:\d\d  hosts 1/2: Try again +0:00:\d\d$", retrying[-2])
    waiting = pane.wait_for_k3s("failed k3s3  unreachable k3s4  running k3s1 k3s2  done 1 of 5")
    # what is told stands above, undisturbed
    assert "\n".join(waiting).count("at hosts.yml:") == 2
    time.sleep(2.2)
    later = pane.screen()
    assert later[-2] > waiting[-2], "the time goes on while nothing happens"
    assert later[:-2] == waiting[:-2]
    (pane.folder / "go").touch()
    end = pane.wait_for_text("ended with ")
    assert not any(WAITING.match(line) for line in end)
    whole = pane.everything()
    assert "1. drain k3s1\n2. erase its disk nvme0n1\n" in whole
    assert "    - there is no disk nvme7, expected one\n    - tier fast is empty, expected a disk\n" in whole
    assert whole.count("+new line of k3s") == 5
    assert "changed: [k3s1]\n  - wrote a file\n" in whole
    assert re.search(r"^k3s5 +: ok=\d+ +changed=1 +unreachable=0 +failed=0 ", whole, re.MULTILINE)
    assert "done 1 of 5" not in whole
    pane.check_sanity()


def test_a_wide_terminal_of_forty_hosts(terminal: Callable[..., Terminal]) -> None:
    pane = terminal(200, 50, 40)
    pane.type(CLUSTER)
    pane.wait_for_k3s("running k3s1 k3s2  done 38 of 40")
    (pane.folder / "go").touch()
    pane.wait_for_text("ended with 0")
    pane.check_sanity()


def test_a_terminal_that_changes_its_size(terminal: Callable[..., Terminal]) -> None:
    pane = terminal(100, 30)
    pane.type(CLUSTER)
    pane.wait_for_k3s(WAIT)
    for width, height in ((60, 12), (200, 40), (80, 24)):
        pane.call("resize-window", "-x", str(width), "-y", str(height))
        pane.wait(lambda lines, rows=height: len(lines) == rows and lines[-1] == WAIT)
        time.sleep(1.2)
        assert sum(bool(WAITING.match(line)) for line in pane.screen()) == 1, pane.screen()
    (pane.folder / "go").touch()
    pane.wait_for_text("ended with 0")
    pane.check_sanity()


def test_control_c_says_where_it_stopped_and_leaves_the_terminal_as_it_was(terminal: Callable[..., Terminal]) -> None:
    pane = terminal()
    pane.type(CLUSTER)
    pane.wait_for_k3s(WAIT)
    pane.call("send-keys", "C-c")
    screen = pane.wait_for_text("ended with 99")
    assert any(re.match(r"^Stopped after 0:\d\d:\d\d in TASK \[Wait for K3s\]", line) for line in screen)
    pane.check_sanity()


def test_a_suspended_run_gives_the_terminal_back_and_takes_it_again(terminal: Callable[..., Terminal]) -> None:
    pane = terminal()
    pane.type(CLUSTER)
    pane.wait_for_k3s(WAIT)
    pane.call("send-keys", "C-z")
    pane.wait_for_text("Stopped")
    pane.check_sanity()
    pane.type("fg")
    pane.wait_for_k3s(WAIT)
    (pane.folder / "go").touch()
    pane.wait_for_text("PLAY RECAP")
    pane.wait(lambda screen: screen[-1] == "" or screen[-1].startswith("$"))
    pane.check_sanity()


@pytest.mark.parametrize(("signal", "more", "coloured"), [("TERM", {}, True), ("KILL", {"NO_COLOR": "1"}, False)])
def test_a_killed_run_leaves_the_terminal_as_it_was(
    terminal: Callable[..., Terminal], signal: str, more: dict[str, str], coloured: bool
) -> None:
    pane = terminal(**more)
    pane.type("ansible-playbook -i inventory.yml cluster.yml & echo $! > pid; wait")
    pane.wait_for_k3s(WAIT)
    # tmux says it in its own words
    assert ("\x1b[36m" in pane.screen("-e")[-1]) == coloured
    subprocess.run(["kill", f"-{signal}", (pane.folder / "pid").read_text().strip()], check=True)
    pane.wait(lambda screen: WAIT not in screen)
    pane.check_sanity()


def test_prompts_are_not_written_over(terminal: Callable[..., Terminal]) -> None:
    pane = terminal()
    (pane.folder / "ask.yml").write_text(
        "- hosts: k3s1\n  gather_facts: false\n  tasks:\n    - {name: First, ansible.builtin.command: sleep 1}\n"
        "- hosts: k3s1\n  gather_facts: false\n  vars_prompt: [{name: sure, prompt: Are you sure, private: false}]\n"
        "  tasks:\n    - {name: Ask, ansible.builtin.pause: {prompt: Go on}}\n"
        "    - {name: Tell, ansible.builtin.debug: {msg: 'sure is {{ sure }}'}}\n"
    )
    pane.type("ansible-playbook --ask-vault-pass -i inventory.yml ask.yml; echo ended with $?")
    pane.wait_for_text("Vault password:")
    pane.type("secret")
    pane.wait_for_text("Are you sure:")
    time.sleep(2.5)
    pane.type("yes, I am")
    asked = pane.wait_for_text("Go on:")
    assert "Are you sure: yes, I am" in asked
    time.sleep(2.5)
    assert asked[-2:] != pane.screen()[-2:], "the time goes on"
    assert "Go on:" in pane.screen()
    pane.call("send-keys", "Enter")
    pane.wait_for_text("k3s1: sure is yes, I am")
    pane.wait_for_text("ended with 0")
    pane.check_sanity()


@pytest.mark.parametrize(
    ("more", "command"),
    [({"HOMELAB_PROGRESS_LIVE": "false"}, CLUSTER), ({}, "ansible-playbook -i inventory.yml cluster.yml | tee log")],
)
def test_whole_lines_only_where_they_are_wanted(
    terminal: Callable[..., Terminal], more: dict[str, str], command: str
) -> None:
    pane = terminal(HOMELAB_PROGRESS_HEARTBEAT="1", **more)
    pane.type(command)
    screen = pane.wait_for_text("cluster: Wait for K3s: 0:00:01 on k3s1 k3s2")
    assert screen[-2:] == ["", ""]
