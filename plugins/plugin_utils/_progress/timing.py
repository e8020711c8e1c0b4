# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: what took how long. Times come from the caller, so that there is no clock in here."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Step:
    """One task of one layer, over all hosts, loops of batches added up."""

    layer: str
    name: str
    seconds: float = 0.0
    began: float = 0.0
    # the host that took longest, and its seconds
    host: str = ""
    longest: float = 0.0
    running: dict[str, float] = field(default_factory=dict)


@dataclass
class Timing:
    """Layers in the order in which they were first entered, and every task."""

    layers: dict[str, float] = field(default_factory=dict)
    steps: dict[str, Step] = field(default_factory=dict)
    _layer: str = ""
    _since: float = 0.0

    def enter(self, layer: str, now: float) -> None:
        """A play of this layer begins; an empty name only ends the one before."""
        if self._layer:
            self.layers[self._layer] += now - self._since
        self._layer, self._since = layer, now
        if layer:
            self.layers.setdefault(layer, 0.0)

    def begin(self, task: str, name: str, host: str, now: float) -> None:
        """A host begins a task."""
        step = self.steps.setdefault(task, Step(self._layer, name))
        if not step.running:
            step.began = now
        step.running[host] = now

    def end(self, task: str, host: str, now: float) -> float:
        """A host has a result; its seconds, 0 for one whose begin nobody saw."""
        step = self.steps.get(task)
        if step is None or host not in step.running:
            return 0.0
        seconds = now - step.running.pop(host)
        if seconds >= step.longest:
            step.host, step.longest = host, seconds
        if not step.running:
            step.seconds += now - step.began
        return seconds

    def slowest(self, count: int, at_least: float) -> list[Step]:
        """The steps that took longest, the longest first."""
        steps = [step for step in self.steps.values() if step.seconds >= at_least]
        return sorted(steps, key=lambda step: -step.seconds)[:count]
