# Copyright: FletcherLabs
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Long runs that a person can follow, and logs that can be read afterwards."""

from __future__ import annotations

DOCUMENTATION = r"""
name: progress
type: stdout
short_description: What a long run does now, what it changed, and what was slow
version_added: 0.1.0
author: FletcherLabs (@fletcherlabs)
description:
  - Shows what P(ansible.builtin.default#callback) shows of changes, failures, differences, warnings and the recap, in
    the same order and with the same first words on each line, and leaves out what is as it should be. With C(-v) hosts
    that are ok or skipped are shown too.
  - On a terminal, the last two lines say since when the run goes on, in which layer and task it is, and what each host
    does. A layer is the playbook file that a play comes from.
  - Without a terminal, or with E(CI), E(TERM=dumb) or O(live=false), there are only whole lines, and what takes long is
    told every now and then.
  - Messages of M(ansible.builtin.debug) and M(ansible.builtin.assert) are shown as plain text, one line for each
    element of a list.
  - A failure begins with its sentence. Several sentences are a list, and the rest of the result follows as YAML. All of
    it is shown.
  - A module that reports C(actions) with a C(sentence) has them listed below its change.
  - The end of a run has the time of each layer, the slowest steps, the recap, and every failure once more in one line.
extends_documentation_fragment:
  - ansible.builtin.default_callback
  - ansible.builtin.result_format_callback
requirements:
  - C(fletcherlabs.homelab.progress) as C(stdout_callback) in the configuration
options:
  live:
    description: Whether a terminal has the two lines.
    type: bool
    default: true
    version_added: 0.1.0
    env: [{name: HOMELAB_PROGRESS_LIVE}]
    ini: [{section: callback_progress, key: live}]
  heartbeat:
    description:
      - Seconds after which a task that has not ended is told where there is no terminal, and again after twice that
        time, and so on.
      - V(0) is never.
    type: float
    default: 60
    version_added: 0.1.0
    env: [{name: HOMELAB_PROGRESS_HEARTBEAT}]
    ini: [{section: callback_progress, key: heartbeat}]
  slowest:
    description: How many of the slowest steps the end of a run shows.
    type: int
    default: 10
    version_added: 0.1.0
    env: [{name: HOMELAB_PROGRESS_SLOWEST}]
    ini: [{section: callback_progress, key: slowest}]
  long_run:
    description: Seconds from which on the end of a run shows what took how long.
    type: float
    default: 10
    version_added: 0.1.0
    env: [{name: HOMELAB_PROGRESS_LONG_RUN}]
    ini: [{section: callback_progress, key: long_run}]
  result_format:
    name: Format of the task result
    description:
      - The format of results with C(-v), and of what stands below the sentence of a failure.
    type: str
    default: yaml
    choices: [json, yaml]
    env: [{name: ANSIBLE_CALLBACK_RESULT_FORMAT}]
    ini: [{section: defaults, key: callback_result_format}]
"""

EXAMPLES = r"""
# ansible.cfg
# [defaults]
# stdout_callback = fletcherlabs.homelab.progress
"""

import atexit
import os
import time
from pathlib import Path

from ansible import constants as C
from ansible.executor.stats import AggregateStats
from ansible.executor.task_result import CallbackTaskResult
from ansible.inventory.host import Host
from ansible.playbook import Playbook
from ansible.playbook.play import Play
from ansible.playbook.task import Task

from ansible_collections.fletcherlabs.homelab.plugins.plugin_utils._progress.painter import may_paint, span_of_time
from ansible_collections.fletcherlabs.homelab.plugins.plugin_utils._progress.pipe import Painter
from ansible_collections.fletcherlabs.homelab.plugins.plugin_utils._progress.results import (
    ReadableResults,
    colour,
    flush,
)
from ansible_collections.fletcherlabs.homelab.plugins.plugin_utils._progress.timing import Timing

# Shorter steps are no news.
SLOW_STEP = 1.0
# A change says how long it took from here on.
SLOW_CHANGE = 5.0
# A wait of an hour has hundreds of attempts.
RETRIES_EVERY = 60.0


class CallbackModule(ReadableResults):
    """The default callback without what is no news, with time, and with what a person asks first said first."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "stdout"
    CALLBACK_NAME = "fletcherlabs.homelab.progress"

    def __init__(self) -> None:
        super().__init__()
        self._started = time.time()
        self._timing = Timing()
        self._painter: Painter | None = None
        self._layers: dict[str, str] = {}
        self._retried: dict[tuple[str, str], float] = {}
        self._place = ""
        self._owner = os.getpid()

    # What is going on

    def v2_playbook_on_start(self, playbook: Playbook) -> None:
        """Know the layers that are to come."""
        super().v2_playbook_on_start(playbook)
        # the uuid is what a play keeps when Ansible copies it
        self._layers = {play._uuid: Path(play.get_path().rpartition(":")[0]).stem for play in playbook.get_plays()}
        if self._painter is None:
            live = may_paint(os.environ, os.isatty(1)) and self.get_option("live")
            self._painter = Painter(
                live, live and not C.config.get_config_value("ANSIBLE_NOCOLOR"), self.get_option("heartbeat")
            )
            atexit.register(self._stopped)
        self._tell("layers", *dict.fromkeys(self._layers.values()))

    def _tell(self, *event: str) -> None:
        if self._painter:
            self._painter.tell(*event)

    def v2_playbook_on_play_start(self, play: Play) -> None:
        """The banner of a play has its layer and the time since the run began."""
        now = time.time()
        layer = self._layers.get(play._uuid, "")
        self._timing.enter(layer, now)
        self._play = play
        name = play.get_name().strip()
        mark = " [CHECK MODE]" if play.check_mode and self.get_option("check_mode_markers") else ""
        left = f"PLAY [{name}]{mark}" if name else f"PLAY{mark}"
        right = f"{layer} {span_of_time(now - self._started)}"
        stars = "*" * max(3, (self._display.columns or 79) - len(left) - len(right) - 2)
        self._display.display(f"\n{left} {stars} {right}")
        flush()
        self._place = f"PLAY [{name}]"
        self._tell("play", layer, name)

    def v2_playbook_on_task_start(self, task: Task, is_conditional: bool) -> None:
        """Know the task; its banner comes with the first result that is news."""
        super().v2_playbook_on_task_start(task, is_conditional)
        self._task_begins(task)

    def v2_playbook_on_handler_task_start(self, task: Task) -> None:
        """The same for a handler."""
        super().v2_playbook_on_handler_task_start(task)
        self._task_begins(task)

    def _task_begins(self, task: Task) -> None:
        name = task.get_name().strip()
        flush()
        self._place = f"TASK [{name}]"
        self._tell("task", name)

    def v2_runner_on_start(self, host: Host, task: Task) -> None:
        """A host begins."""
        super().v2_runner_on_start(host, task)
        self._timing.begin(task._uuid, task.get_name().strip(), host.get_name(), time.time())
        self._tell("host", host.get_name(), "running")

    def ended(self, result: CallbackTaskResult, state: str) -> str:
        """A host has a result."""
        name = result.host.get_name()
        seconds = self._timing.end(result.task._uuid, name, time.time())
        self._tell("host", name, state)
        return f" after {span_of_time(seconds)}" if seconds >= SLOW_CHANGE else ""

    def v2_runner_retry(self, result: CallbackTaskResult) -> None:
        """Every attempt on a terminal's last line; the first, and then one a minute, where it stays."""
        host, now = result.host.get_name(), time.time()
        attempts, retries = result.result["attempts"], result.result["retries"]
        self._tell("note", host, f"{attempts}/{retries}")
        key = (host, result.task._uuid)
        if self._is_verbose() or now - self._retried.get(key, 0.0) >= RETRIES_EVERY:
            self._retried[key] = now
            self._banner(result)
            super().v2_runner_retry(result)
            flush()

    # The end

    def v2_playbook_on_stats(self, stats: AggregateStats) -> None:
        """Times, then the default callback's recap, then what failed."""
        now = time.time()
        self._timing.enter("", now)
        self._release()
        if now - self._started >= self.get_option("long_run"):
            self._tell_times(now)
        super().v2_playbook_on_stats(stats)
        self._tell_failures(stats)
        flush()

    def _tell_times(self, now: float) -> None:
        self._display.banner("TIME")
        for layer, seconds in self._timing.layers.items():
            self._display.display(f"{span_of_time(seconds):>8}  {layer}")
        self._display.display(f"{span_of_time(now - self._started):>8}  in all")
        steps = self._timing.slowest(self.get_option("slowest"), SLOW_STEP)
        if steps:
            self._display.banner("SLOWEST STEPS")
        for step in steps:
            self._display.display(f"{span_of_time(step.seconds):>8}  {step.layer}: {step.name} ({step.host})")

    def _tell_failures(self, stats: AggregateStats) -> None:
        # who was rescued has nothing to mend
        failed = [entry for entry in self.failures if entry[0] in stats.failures or entry[0] in stats.dark]
        if failed:
            self._display.banner("FAILED")
        for host, task, sentence in failed:
            self._display.display(f"{host}: {task}: {sentence}", color=colour("COLOR_ERROR"))

    def _release(self) -> None:
        if self._painter:
            self._painter.stop()
        self._painter = None

    def _stopped(self) -> None:
        """A run that ends without a recap was stopped."""
        if self._painter is None or os.getpid() != self._owner:
            return
        self._release()
        since = span_of_time(time.time() - self._started)
        self._display.display(f"\nStopped after {since} in {self._place or 'no play yet'}")
