# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tokens are rotated, whatever interrupts it; nothing of them is seen."""

from __future__ import annotations

import os
import random
import time
from typing import TYPE_CHECKING

from tests.twin import kill_controller

if TYPE_CHECKING:
    from conftest import Site
    from tests.twin import Twin

SERVER, WORKER = "k3s-master1", "k3s1"
RECORDED = "/var/lib/rancher/k3s/server/token"
# CI has to be quick; KILLS=10 kills as often as one likes
KILLS = int(os.environ.get("KILLS", "1"))
RUN_SECONDS = 12


def process(twin: Twin, machine: str, unit: str) -> str:
    return twin.on(machine, f"systemctl show --property=MainPID --value {unit}")


def password(twin: Twin, machine: str, path: str) -> str:
    return twin.on(machine, f"cat {path}").rpartition(":")[2]


def assert_rotated(site: Site) -> None:
    """Servers and workers hold the inventory's tokens and come back with them; the old server token opens nothing."""
    twin, tokens = site.twin, site.tokens
    assert password(twin, SERVER, "/etc/rancher/k3s/server-token") == tokens["homelab_k3s_server_token"]
    assert password(twin, SERVER, RECORDED) == tokens["homelab_k3s_server_token"]
    assert password(twin, WORKER, "/etc/rancher/k3s/token") == tokens["homelab_k3s_agent_token"]
    twin.on(SERVER, "systemctl restart k3s")
    twin.on(WORKER, "systemctl restart k3s-agent")
    nodes = {each["metadata"]["name"]: each["status"]["conditions"] for each in twin.get("nodes")["items"]}
    ready = {name: next(each["status"] for each in found if each["type"] == "Ready") for name, found in nodes.items()}
    assert ready == {SERVER: "True", WORKER: "True"}


def test_without_the_old_token_nothing_is_touched(site: Site) -> None:
    before = site.file.read_text()
    site.renew()
    run = site.twin.play("playbooks/rotate_tokens.yml")
    site.file.write_text(before)
    assert run.status != 0
    assert not run.changed
    assert "k3s-master1 accepts neither the new nor the old server token; give the one it was started with" in run.text


def test_check_mode_says_what_would_be_done_and_does_nothing(site: Site) -> None:
    before, processes = site.file.read_text(), process(site.twin, SERVER, "k3s")
    run = site.rotate(site.renew(), "--check", "--diff")
    site.file.write_text(before)
    assert (run.status, run.changed) == (0, True), run.output[-4000:]
    assert process(site.twin, SERVER, "k3s") == processes


def test_tokens_are_rotated_once_and_never_seen(site: Site) -> None:
    twin, old = site.twin, site.server_token
    twin.kubectl("create", "configmap", "kept", "--from-literal=word=yes")
    run = site.rotate(site.renew(), "-vvv", "--diff")
    assert run.status == 0, run.output[-4000:]
    assert "snapshots and backups taken before need the old one" in run.text
    assert [name for name, secret in {**site.tokens, "old": old}.items() if secret in run.output] == []
    journal = twin.on(SERVER, "journalctl --no-pager")
    assert [name for name, secret in {**site.tokens, "old": old}.items() if secret in journal] == []
    assert_rotated(site)
    assert twin.get("configmap", "kept")["data"] == {"word": "yes"}
    twin.kubectl("delete", "configmap", "kept")
    # one that the old token opens, one that the new one opens
    assert len(list((twin.state / "backups").glob("*.age"))) == 2
    again, processes = twin.play("playbooks/rotate_tokens.yml"), process(twin, WORKER, "k3s-agent")
    assert (again.status, again.changed) == (0, False), again.output[-4000:]
    assert "nothing to do: the servers live by the tokens of the inventory" in again.text
    # the whole build agrees, and restarts nothing
    whole = twin.play("playbooks/cluster.yml")
    assert (whole.status, whole.changed) == (0, False), whole.output[-4000:]
    assert process(twin, WORKER, "k3s-agent") == processes


def test_a_server_that_was_left_down_halfway_comes_back(site: Site) -> None:
    """Rotated by the datastore, not yet configured, and the machine lost its power: K3s cannot start by itself."""
    twin, old = site.twin, site.server_token
    file = site.renew()
    twin.on(SERVER, f"k3s token rotate --token {old} --new-token {site.server_token} && systemctl kill -s KILL k3s")
    twin.on(SERVER, "timeout 30 bash -c 'until journalctl -u k3s -n 9 | grep -q different.token; do sleep 0.5; done'")
    run = site.rotate(file)
    assert run.status == 0, run.output[-4000:]
    assert_rotated(site)


def test_rotations_that_are_killed_are_finished_by_the_next_run(site: Site) -> None:
    rng = random.Random(os.environ.get("SEED", "rotate"))
    for number in range(KILLS):
        file = site.renew()
        process = site.twin.start("playbooks/rotate_tokens.yml", "-e", f"old_token_file={file}")
        moment = 1 + RUN_SECONDS * (number + rng.random()) / KILLS
        time.sleep(moment)
        kill_controller(process)
        run = site.rotate(file)
        assert run.status == 0, f"killed after {moment:.1f} s\n{run.output[-4000:]}"
        assert_rotated(site)
