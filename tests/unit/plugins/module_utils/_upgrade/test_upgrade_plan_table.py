# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from dataclasses import replace

import pytest

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._upgrade.plan import Member, plan

OLD, NEW, NEXT = "v1.32.5+k3s1", "v1.32.6+k3s1", "v1.33.1+k3s1"
WORKER = Member("k3s1", "agent", OLD, OLD, True)
SERVER = Member("k3s-master1", "server", OLD, OLD, True)


def names(*members: Member, wanted: str = NEW) -> list[str]:
    decided = plan(members, wanted)
    assert decided.refusals == ()
    return [step.name for step in decided.steps]


def test_servers_first_and_the_inventorys_order_otherwise() -> None:
    assert names(WORKER, replace(WORKER, name="k3s0"), SERVER) == ["k3s-master1", "k3s1", "k3s0"]


def test_what_is_done_is_left_out_and_what_was_interrupted_is_not() -> None:
    done = replace(SERVER, installed=NEW, running=NEW)
    assert names(done, replace(WORKER, installed=NEW, running=NEW)) == []
    assert names(done, replace(WORKER, installed=NEW)) == ["k3s1"]
    assert names(done, replace(WORKER, installed=NEW, running=NEW, cordoned_by_us=True)) == ["k3s1"]
    assert names(done, replace(WORKER, ready=False, cordoned_by_us=True)) == ["k3s1"]


def test_one_minor_version_ahead() -> None:
    assert names(SERVER, WORKER, wanted=NEXT) == ["k3s-master1", "k3s1"]
    assert plan([SERVER], NEXT).steps[0].as_dict()["sentence"] == f"server k3s-master1: {OLD} -> {NEXT}"


@pytest.mark.parametrize(
    ("member", "wanted", "sentence"),
    [
        (
            WORKER,
            "v1.34.1+k3s1",
            "goes one at a time: upgrade to a v1.33 release first",
        ),
        (WORKER, "v1.32.4+k3s1", "newer than v1.32.4+k3s1; K3s goes back only with the datastore of that version"),
        (replace(WORKER, installed="", running=""), NEW, "k3s1 has no K3s that runs"),
        (replace(WORKER, ready=False), NEW, "k3s1 is not Ready; an upgrade begins with a healthy cluster"),
        (WORKER, "latest", "'latest' is no K3s release"),
    ],
)
def test_refusals(member: Member, wanted: str, sentence: str) -> None:
    decided = plan([SERVER, member], wanted)
    assert decided.steps == ()
    assert any(sentence in reason for reason in decided.refusals), decided.refusals


def test_every_reason_at_once() -> None:
    assert len(plan([SERVER, WORKER], "v1.30.1+k3s1").refusals) == 2
