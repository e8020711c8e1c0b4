# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: the way from the releases that run to those that are wanted, step by step; pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from .data import GATEWAY_OF_CILIUM, LAST_PATCH, NAMES, REMARKS
from .judge import judge, minor_of, number_of

# Where two steps are as good, this order decides.
STEPPED = ("cilium", "longhorn", "flux", "k3s")


@dataclass(frozen=True)
class Step:
    """One upgrade, and what all releases are after it."""

    component: str
    version: str
    sentence: str

    def as_dict(self) -> dict[str, str]:
        """What the user sees of this step."""
        return {"component": self.component, "version": self.version, "sentence": self.sentence}


def backwards(component: str, installed: str, wanted: str) -> str | None:
    """The sentence against going back, None where nothing goes back."""
    if number_of(minor_of(wanted)) >= number_of(minor_of(installed)):
        return None
    name = NAMES[component]
    return (
        f"{name} {installed} runs and {wanted} is wanted, but no upstream supports going back a minor version; "
        f"keep {installed}, or build the cluster anew and restore"
    )


def jump(component: str, installed: str, wanted: str) -> str | None:
    """The sentence against a jump over minor versions, with the next step; None where there is no jump."""
    old, new = number_of(minor_of(installed)), number_of(minor_of(wanted))
    if new[0] != old[0] or new[1] - old[1] <= 1:
        return None
    name, between = NAMES[component], new[1] - old[1] - 1
    following = next_of(component, minor_of(installed), wanted)
    return (
        f"{name} {installed} runs and {wanted} is wanted, which leaves out {between} minor version"
        f"{'s' if between > 1 else ''}, and upstream tests upgrades from one to the next only; go to {following} first"
    )


def next_of(component: str, minor: str, wanted: str) -> str:
    """The version that follows a minor version on the way to the wanted one."""
    major, number = number_of(minor)
    following = f"{major}.{number + 1}"
    if following == minor_of(wanted):
        return wanted
    prefix = "v" if wanted.startswith("v") else ""
    return LAST_PATCH.get(component, {}).get(following, f"{prefix}{following}")


def way(installed: Mapping[str, str], wanted: Mapping[str, str]) -> tuple[list[Step], list[str]]:
    """All steps in their order, and what forbids the way; components that are absent on a side are left out."""
    shared = [name for name in STEPPED if name in installed and name in wanted]
    problems = [said for name in shared if (said := backwards(name, installed[name], wanted[name]))]
    if problems:
        return [], problems
    state, steps = dict(installed), []
    while behind := [name for name in shared if minor_of(state[name]) != minor_of(wanted[name])]:
        choices = [(_complaints(_after(state, name, wanted)), name) for name in behind]
        fewest = min(count for count, _name in choices)
        component = next(name for count, name in choices if count == fewest)
        steps += _step(state, component, wanted)
        state = _after(state, component, wanted)
    for name in shared:
        if state[name] != wanted[name]:
            steps.append(Step(name, wanted[name], f"{NAMES[name]} {state[name]} -> {wanted[name]}"))
    return steps, []


def _after(state: Mapping[str, str], component: str, wanted: Mapping[str, str]) -> dict[str, str]:
    after = dict(state) | {component: next_of(component, minor_of(state[component]), wanted[component])}
    if component == "cilium":
        after |= _gateway(after["cilium"], wanted)
    return after


def _gateway(cilium: str, wanted: Mapping[str, str]) -> dict[str, str]:
    version = GATEWAY_OF_CILIUM.get(minor_of(cilium))
    if cilium == wanted["cilium"]:
        version = wanted.get("gateway_api", version)
    return {"gateway_api": version, "gateway_api_channel": "experimental"} if version else {}


def _complaints(state: Mapping[str, str]) -> int:
    verdict = judge(state)
    return 100 * len(verdict.problems) + len(verdict.warnings)


def _step(state: Mapping[str, str], component: str, wanted: Mapping[str, str]) -> list[Step]:
    after, steps = _after(state, component, wanted), []
    if component == "cilium" and after.get("gateway_api") != state.get("gateway_api"):
        version = after["gateway_api"]
        before = state.get("gateway_api", "none")
        steps.append(
            Step("gateway_api", version, f"Gateway API {before} -> {version} (experimental), just before Cilium")
        )
    remark = REMARKS.get((component, minor_of(after[component])))
    sentence = f"{NAMES[component]} {state[component]} -> {after[component]}" + (f": {remark}" if remark else "")
    return [*steps, Step(component, after[component], sentence)]
