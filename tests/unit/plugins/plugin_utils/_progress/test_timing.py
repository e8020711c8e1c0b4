# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Layers and steps add up."""

from __future__ import annotations

from ansible_collections.fletcherlabs.homelab.plugins.plugin_utils._progress.timing import Timing


def test_a_layer_that_is_entered_again_adds_up() -> None:
    timing = Timing()
    for layer, now in (("hosts", 0.0), ("hosts", 4.0), ("cluster", 10.0), ("hosts", 11.0), ("", 13.0)):
        timing.enter(layer, now)
    assert timing.layers == {"hosts": 12.0, "cluster": 1.0}
    assert list(timing.layers) == ["hosts", "cluster"]


def test_a_step_takes_from_the_first_host_to_the_last() -> None:
    timing = Timing()
    timing.enter("hosts", 0.0)
    timing.begin("uuid", "Install", "k3s1", 1.0)
    timing.begin("uuid", "Install", "k3s2", 2.0)
    assert timing.end("uuid", "k3s1", 4.0) == 3.0
    assert timing.slowest(1, 0.1) == []
    assert timing.end("uuid", "k3s2", 9.0) == 7.0
    (step,) = timing.slowest(1, 0.1)
    assert (step.layer, step.name, step.seconds, step.host, step.longest) == ("hosts", "Install", 8.0, "k3s2", 7.0)


def test_batches_of_a_step_add_up_without_what_is_between() -> None:
    timing = Timing()
    for host, began, ended in (("k3s1", 0.0, 5.0), ("k3s2", 100.0, 102.0)):
        timing.begin("uuid", "Install", host, began)
        timing.end("uuid", host, ended)
    assert [(step.seconds, step.host) for step in timing.slowest(3, 0.0)] == [(7.0, "k3s1")]


def test_a_result_without_a_begin_counts_nothing() -> None:
    timing = Timing()
    assert timing.end("uuid", "k3s1", 5.0) == 0.0
    timing.begin("uuid", "Install", "k3s1", 1.0)
    assert timing.end("uuid", "k3s2", 5.0) == 0.0


def test_the_slowest_come_first_and_short_ones_not_at_all() -> None:
    timing = Timing()
    for name, seconds in (("a", 2.0), ("b", 0.5), ("c", 9.0), ("d", 3.0)):
        timing.begin(name, name, "k3s1", 0.0)
        timing.end(name, "k3s1", seconds)
    assert [step.name for step in timing.slowest(2, 1.0)] == ["c", "d"]
    assert [step.name for step in timing.slowest(9, 1.0)] == ["c", "d", "a"]
