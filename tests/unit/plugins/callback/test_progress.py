# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a log says: a real ansible-playbook whose output goes into a pipe."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from lab.runs import read_recap
from tests.unit.progress_site import SECRET, environment, write_site

OURS = "fletcherlabs.homelab.progress"

FAILURE = """\
fatal: [k3s3]: FAILED! => nothing was touched, since:
    - there is no disk nvme7, expected one
    - tier fast is empty, expected a disk
    at hosts.yml:51
    wanted:
        disk: nvme7
"""


def play(
    folder: Path, *arguments: str, callback: str = OURS, playbook: str = "site.yml", **more: str
) -> tuple[str, str]:
    """Standard output and standard error of the whole site."""
    (folder / "go").touch()
    argv = ["ansible-playbook", "-i", "inventory.yml", playbook, *arguments]
    done = subprocess.run(
        argv, cwd=folder, env=environment(callback, **more), capture_output=True, text=True, timeout=300
    )
    assert done.returncode in (0, 2, 4), done.stdout + done.stderr
    return done.stdout, done.stderr


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    return play(write_site(tmp_path_factory.mktemp("log") / "site"), HOMELAB_PROGRESS_LONG_RUN="0")


@pytest.fixture(scope="module")
def output(log: tuple[str, str]) -> str:
    return log[0]


@pytest.fixture(scope="module")
def stock(tmp_path_factory: pytest.TempPathFactory) -> str:
    return play(write_site(tmp_path_factory.mktemp("stock") / "site"), callback="ansible.builtin.default")[0]


def of_task(output: str, name: str) -> str:
    """What stands below a task's banner."""
    return output.partition(f"TASK [{name}] ***")[2].partition("\n")[2].partition("\n\n")[0]


def test_a_log_has_no_codes_of_a_terminal(output: str) -> None:
    assert "\x1b" not in output
    assert "\r" not in output


def test_a_plan_is_plain_lines(output: str) -> None:
    assert of_task(output, "Show the plan") == "1. drain k3s1\n2. erase its disk nvme0n1"


def test_a_message_says_whose_it_is(output: str) -> None:
    assert of_task(output, "Speak") == "k3s1: waits for a reboot"


@pytest.mark.parametrize("quiet", ["TASK [Look]", "TASK [Make sure]", "TASK [Not here]", "ok: [", "skipping: ["])
def test_what_is_as_it_should_be_is_not_shown(output: str, quiet: str) -> None:
    assert quiet not in output


def test_a_play_says_its_layer_and_when_it_began(output: str) -> None:
    assert re.search(r"^PLAY \[Prepare the hosts\] \*+ hosts 0:00:0\d$", output, re.MULTILINE)
    assert re.search(r"^PLAY \[Join the agents\] \*+ cluster 0:0\d:\d\d$", output, re.MULTILINE)


def test_differences_are_those_of_the_default_callback(output: str, stock: str) -> None:
    def differences(text: str) -> list[str]:
        found = re.findall(r"^--- before\n(?:[-+@ ].*\n)+", text, re.MULTILINE)
        return sorted(re.sub(r"after: \S+/", "after: ", one) for one in found)

    assert len(differences(output)) == 5
    assert differences(output) == differences(stock)


def test_the_recap_is_that_of_the_default_callback(output: str, stock: str) -> None:
    ours, theirs = read_recap(output.splitlines()), read_recap(stock.splitlines())
    assert ours.tasks.keys() == {"k3s1", "k3s2", "k3s3", "k3s4", "k3s5"}
    assert (ours.changed, ours.failed, ours.tasks) == (theirs.changed, theirs.failed, theirs.tasks)
    # whose result comes first is chance
    assert sorted(ours.changes) == sorted(theirs.changes)


def test_a_change_has_the_sentences_of_its_module(output: str) -> None:
    assert of_task(output, "Apply") == "changed: [k3s1]\n  - wrote a file\n  - started a service"


def test_a_loop_has_its_items(output: str) -> None:
    assert of_task(output, "Loop") == "changed: [k3s1] => (item=first)\nchanged: [k3s1] => (item=second)"


def test_a_failure_begins_with_its_sentences(output: str) -> None:
    assert of_task(output, "Break one") + "\n" == FAILURE


def test_an_unreachable_host_is_one_sentence(output: str) -> None:
    told = of_task(output, "Lose one")
    assert told.startswith("fatal: [k3s4]: UNREACHABLE! => Failed to connect to the host via ssh: ")
    assert told.endswith("    at hosts.yml:54")


def test_only_the_first_of_many_attempts_is_kept(output: str) -> None:
    told = of_task(output, "Try again")
    assert told.count("FAILED - RETRYING: [k3s2]: Try again (2 retries left).") == 1
    assert "1 retries left" not in told
    assert "fatal: [k3s2]: FAILED! => non-zero return code" in told
    assert told.endswith("...ignoring")


def test_a_warning_of_a_task_that_is_ok_is_shown_with_its_task(log: tuple[str, str]) -> None:
    output, errors = log
    assert "this option is old" in errors
    assert "TASK [Warn] ***" in output


def test_what_is_hidden_stays_hidden(log: tuple[str, str]) -> None:
    output, errors = log
    assert output.count("fatal: [k3s1]: FAILED! => the output has been hidden") == 1
    assert SECRET not in output + errors


def test_the_end_says_what_failed_and_leaves_out_what_was_ignored(output: str) -> None:
    end = output.rpartition("\nFAILED ***")[2].splitlines()[1:]
    assert end[0] == ("k3s3: Break one: nothing was touched, since: there is no disk nvme7, expected one ...")
    assert end[1].startswith("k3s4: Lose one: Failed to connect to the host via ssh")
    assert len(end) == 2


def test_the_end_says_what_took_how_long(output: str) -> None:
    table = output.partition("\nTIME ***")[2].partition("\nPLAY RECAP")[0]
    assert re.search(r"^ 0:0\d:\d\d  hosts\n 0:0\d:\d\d  cluster\n 0:0\d:\d\d  in all$", table, re.MULTILINE)
    assert re.search(r"^ 0:00:\d\d  hosts: Try again \(k3s2\)$", table, re.MULTILINE)


def test_a_short_run_has_no_table_of_times_and_check_mode_changes_nothing(tmp_path: Path) -> None:
    site = write_site(tmp_path / "site", 2)
    output = play(site, "--check", "--diff", "--limit=k3s2", playbook="hosts.yml", HOMELAB_PROGRESS_LONG_RUN="600")[0]
    assert "\n+new line of k3s2\n\nchanged: [k3s2]" in output
    assert not list(site.glob("written-*"))
    assert "TIME ***" not in output
    assert output.strip().splitlines()[-1].startswith("k3s2 ")


def test_verbose_shows_everything(tmp_path: Path) -> None:
    output = play(write_site(tmp_path / "site", 2), "-v", "--limit=k3s2", playbook="hosts.yml")[0]
    assert of_task(output, "Look").startswith("ok: [k3s2] => ")
    assert of_task(output, "Not here").startswith("skipping: [k3s2] => ")
    assert "(1 retries left)" in output
    assert SECRET not in output


def test_a_log_hears_of_what_takes_long(tmp_path: Path) -> None:
    site = write_site(tmp_path / "site", 2)
    (site / "site.yml").write_text(
        "- name: Join\n  hosts: all\n  gather_facts: false\n  tasks:\n"
        "    - name: Wait\n      ansible.builtin.command: sleep 4\n      changed_when: false\n"
    )
    output = play(site, HOMELAB_PROGRESS_HEARTBEAT="2")[0]
    told = re.search(r"^\.\.\. 0:00:\d\d site: Wait: 0:00:0\d on k3s1 k3s2$", output, re.MULTILINE)
    assert told
    assert output.index("PLAY [Join]") < told.start() < output.index("PLAY RECAP")
