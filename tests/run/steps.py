# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The steps of `make test`: each a name and the commands it runs, the quickest first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

Argv = tuple[str, ...]

# Named after its role, whose name ends as those of scenarios of virtual machines do; it has containers.
OF_CONTAINERS = ("proxmox_vm",)
REAL_DISKS = "tests/unit/plugins/module_utils/_disks/test_loop_devices.py"


@dataclass(frozen=True)
class Step:
    """Passes when every command exits with 0."""

    name: str
    commands: tuple[Argv, ...]
    # steps of one lane never run at the same time; those without one run before all others
    lane: str = ""
    # runs only when it is named: too long, or too much of the machine, for every change
    by_hand: bool = False


CHECKS = (
    Step("ruff", (("ruff", "check", "."), ("ruff", "format", "--check", "."))),
    Step("yamllint", (("yamllint", "--strict", "."),)),
    Step("secrets", (("python", "-m", "tests.run.secret_scan"),)),
    # what the machines of all scenarios are made of, and an etcd for the unit tests
    Step("image", (("python", "-m", "lab", "image"),)),
    # a group of tests that share what takes long to make stays together
    Step("unit", (("pytest", "--quiet", "--numprocesses=auto", "--dist=loadgroup", f"--ignore={REAL_DISKS}"),)),
    # one after another: they share eight loop devices
    Step("disks", (("pytest", "--quiet", "--numprocesses=0", "-rs", REAL_DISKS),)),
    Step(
        "mypy",
        (("mypy", "-p", "ansible_collections.fletcherlabs.homelab.plugins", "-p", "lab", "-p", "tests.run"),),
    ),
    Step("ansible-lint", (("ansible-lint", "--offline"),)),
    Step("docs", (("python", "-m", "tests.run.docs"),)),
    Step("changelog", (("antsibull-changelog", "lint"),)),
    Step("sanity", (("python", "-m", "tests.run.sanity"),)),
    Step("build", (("python", "-m", "tests.run.artefact"),)),
)


def all_steps(root: Path = ROOT) -> tuple[Step, ...]:
    """The checks, then one step for each molecule scenario, the whole build last."""
    scenarios = {file.parent.name for file in root.glob("molecule/*/molecule.yml")}
    ordered = sorted(scenarios, key=lambda name: (name == "default", name))
    return CHECKS + tuple(_scenario(root, name) for name in ordered)


def _scenario(root: Path, name: str) -> Step:
    # The lab's machines carry the name of their lab; molecule's own driver has several scenarios call theirs alike.
    from_lab = "platforms: []" in (root / "molecule" / name / "molecule.yml").read_text()
    lane = name if from_lab else "docker"
    # virtual machines in software emulation take a quarter of an hour
    by_hand = name.endswith("_vm") and name not in OF_CONTAINERS
    return Step(f"molecule-{name}", (("python", "-m", "tests.run.scenario", name),), lane, by_hand)


def choose(steps: Sequence[Step], wanted: Sequence[str]) -> list[Step]:
    """Those named, in their own order; `molecule` names every scenario, no name at all names every step."""
    known = [step.name for step in steps] + ["molecule"]
    unknown = [name for name in wanted if name not in known]
    if unknown:
        raise ValueError(f"no step is called {', '.join(unknown)}; the steps are {', '.join(known)}")
    return [
        step for step in steps if step.name in wanted or (not step.by_hand and (not wanted or _family(step) in wanted))
    ]


def _family(step: Step) -> str:
    return step.name.split("-")[0] if step.name.startswith("molecule-") else step.name
