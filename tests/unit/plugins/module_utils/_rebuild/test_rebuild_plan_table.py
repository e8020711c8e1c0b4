# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from dataclasses import replace

import pytest

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._rebuild.plan import (
    STEPS,
    Found,
    Host,
    NodeObject,
    Wish,
    plan,
)

V = "v1.32.5+k3s1"
AGENT, SERVER = "k3s-agent.service", "k3s.service"
WORKER, MASTER = Wish("k3s1", "agent", V), Wish("k3s-master1", "server", V)
READY = NodeObject(True, True, V)
GONE, BARE = Host(False), Host(True)
RUNS = Host(True, V, (AGENT,), (AGENT,))
STOPPED = replace(RUNS, active=())
SERVES = Host(True, V, (SERVER,), (SERVER,), "etcd")
DOWN = replace(SERVES, active=())
JOIN = ("forget_password", "build", "uncordon")
REJOIN = ("forget_member", *JOIN)
THREE = replace(MASTER, servers=3)


@pytest.mark.parametrize(
    ("wish", "found", "state", "steps"),
    [
        (WORKER, Found(RUNS, True, READY), "healthy", ()),
        (replace(WORKER, force=True), Found(RUNS, True, READY), "healthy", ("drain", "reset", *JOIN)),
        (WORKER, Found(RUNS, True, replace(READY, cordoned_by_us=True)), "unfinished", ("build", "uncordon")),
        (WORKER, Found(STOPPED, True, READY), "broken", ("drain", "reset", *JOIN)),
        (WORKER, Found(RUNS, True, replace(READY, ready=False)), "broken", ("drain", "reset", *JOIN)),
        (WORKER, Found(RUNS, True), "broken", ("drain", "reset", *JOIN)),
        (WORKER, Found(replace(RUNS, version=None), True, READY), "broken", ("drain", "reset", *JOIN)),
        (WORKER, Found(BARE, True, READY), "reinstalled", JOIN),
        (WORKER, Found(GONE, True, READY), "dead", ("wait", *JOIN)),
        (MASTER, Found(SERVES, True, READY), "healthy", ()),
        (replace(MASTER, force=True), Found(SERVES, True, READY), "healthy", ("build", "uncordon")),
        # a datastore that is there is repaired around, never replaced by an older one unasked
        (MASTER, Found(DOWN, False, newest_backup="b"), "broken", ("build", "uncordon")),
        (replace(MASTER, backup="b"), Found(DOWN, False), "broken", ("restore", "build", "uncordon")),
        (MASTER, Found(replace(SERVES, units=(), active=()), False), "broken", ("build", "uncordon")),
        (MASTER, Found(BARE, False, newest_backup="b"), "reinstalled", ("restore", "build", "uncordon")),
        (MASTER, Found(GONE, False, newest_backup="b"), "dead", ("wait", "restore", "build", "uncordon")),
        (THREE, Found(GONE, True, READY, 2), "dead", ("wait", *REJOIN)),
        (THREE, Found(BARE, True, READY, 2), "reinstalled", REJOIN),
        (THREE, Found(DOWN, True, READY, 2), "broken", ("drain", "reset", *REJOIN)),
        (THREE, Found(SERVES, True, READY, 2), "healthy", ()),
    ],
)
def test_state_and_steps(wish: Wish, found: Found, state: str, steps: tuple[str, ...]) -> None:
    decided = plan(wish, found)
    assert decided.refusals == ()
    assert (decided.state, decided.steps) == (state, tuple(step for step in STEPS if step in steps))
    assert decided.backup == ("b" if "restore" in steps else "")


@pytest.mark.parametrize(
    ("wish", "found", "sentence"),
    [
        (WORKER, Found(BARE, False), "the API does not answer, so k3s1 has nothing to join"),
        (WORKER, Found(SERVES, True), "k3s1 has k3s.service, but the inventory wants it as agent"),
        (MASTER, Found(BARE, False), "this controller has no backup to restore"),
        (MASTER, Found(GONE, False), "this controller has no backup to restore"),
        (THREE, Found(BARE, True, READY, 1), "1 of the other 2 servers are Ready, and 2 have to be"),
    ],
)
def test_refusals(wish: Wish, found: Found, sentence: str) -> None:
    decided = plan(wish, found)
    assert decided.steps == ()
    assert any(sentence in reason for reason in decided.refusals), decided.refusals
