# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: which labels and taints to set and to take away; pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from .model import Action, FoundNode, Taint, WantedNode


def plan(wanted: Sequence[WantedNode], found: Mapping[str, FoundNode]) -> list[Action]:
    """One action per node that differs, in the order of the names; nodes that are not there yet are left out."""
    nodes = (node for node in sorted(wanted, key=lambda node: node.name) if node.name in found)
    actions = (_action(node, found[node.name]) for node in nodes)
    return [action for action in actions if action is not None]


def _action(wanted: WantedNode, found: FoundNode) -> Action | None:
    labels: dict[str, str | None] = {
        key: value for key, value in sorted(wanted.labels.items()) if found.labels.get(key) != value
    }
    labels |= {key: None for key in found.owned_labels if key not in wanted.labels and key in found.labels}
    taints = _taints(wanted, found)
    owned = tuple(sorted(wanted.labels)), tuple(sorted(taint.identity for taint in wanted.taints))
    if not labels and taints is None and owned == (found.owned_labels, found.owned_taints):
        return None
    return Action(wanted.name, labels, taints, owned, _sentence(wanted, found, labels, taints))


def _taints(wanted: WantedNode, found: FoundNode) -> tuple[Taint, ...] | None:
    """The node's taints after the change, or None when they stay; taints of others are kept."""
    ours = {taint.identity: taint for taint in wanted.taints}
    kept = [taint for taint in found.taints if taint.identity not in ours and taint.identity not in found.owned_taints]
    after = (*kept, *sorted(wanted.taints))
    return None if set(after) == set(found.taints) else after


def _sentence(
    wanted: WantedNode, found: FoundNode, labels: Mapping[str, str | None], taints: tuple[Taint, ...] | None
) -> str:
    parts = [f"label {key}={value}" for key, value in labels.items() if value is not None]
    parts += [f"remove label {key}" for key, value in labels.items() if value is None]
    if taints is not None:
        parts += [f"taint {taint}" for taint in sorted(set(taints) - set(found.taints))]
        parts += [f"remove taint {taint}" for taint in sorted(set(found.taints) - set(taints))]
    return f"{wanted.name}: {', '.join(parts) if parts else 'note which labels and taints the inventory owns'}"


def to_come(wanted: Sequence[WantedNode], found: Mapping[str, FoundNode]) -> list[Action]:
    """What check mode tells of nodes that are not there yet: a real run waits for them before it plans."""
    nodes = (node for node in sorted(wanted, key=lambda node: node.name) if node.name not in found)
    return [
        Action(node.name, {}, None, ((), ()), f"{node.name}: register, then get its labels and taints")
        for node in nodes
    ]


def waiting_for(wanted: Sequence[WantedNode], found: Mapping[str, FoundNode], condition: str) -> list[str]:
    """What is still missing, one sentence part per node; empty when the wait is over."""
    missing = []
    for node in wanted:
        here = found.get(node.name)
        if here is None:
            missing.append(f"{node.name} has not registered")
        elif node.version and here.version != node.version:
            missing.append(f"{node.name} runs {here.version}, expected {node.version}")
        elif condition == "ready" and not here.ready:
            missing.append(f"{node.name} is not Ready, last seen: {here.condition}")
    return missing


def difference(actions: Sequence[Action], found: Mapping[str, FoundNode]) -> dict[str, str]:
    """Labels and taints before and after, for diff mode."""
    before, after = [], []
    for action in actions:
        here = found.get(action.node)
        if here is None:
            after.append(action.sentence)
            continue
        for key, value in action.labels.items():
            if key in here.labels:
                before.append(f"{action.node} label {key}={here.labels[key]}")
            if value is not None:
                after.append(f"{action.node} label {key}={value}")
        if action.taints is not None:
            before += [f"{action.node} taint {taint}" for taint in here.taints]
            after += [f"{action.node} taint {taint}" for taint in action.taints]
    return {"before": "".join(f"{line}\n" for line in before), "after": "".join(f"{line}\n" for line in after)}
