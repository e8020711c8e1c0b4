# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The container engine, as far as the lab needs it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from lab.command import Runner, must, run
from lab.site import LABEL


class Engine:
    """Docker's command line; everything made through it carries the lab's label."""

    def __init__(self, runner: Runner = run) -> None:
        self._run = runner

    def call(self, *arguments: str, stdin: str = "") -> str:
        """A docker command that has to succeed."""
        return must(self._run, ["docker", *arguments], stdin)

    def has_image(self, tag: str) -> bool:
        """Whether the image is on this machine."""
        return self._run(["docker", "image", "inspect", tag], "").status == 0

    def inspect(self, container: str) -> dict[str, Any] | None:
        """What the engine knows of a container, or None when there is none."""
        answer = self._run(["docker", "container", "inspect", container], "")
        if answer.status != 0:
            return None
        found: list[dict[str, Any]] = json.loads(answer.stdout)
        return found[0]

    def network(self, name: str) -> dict[str, Any] | None:
        """What the engine knows of a network, or None when there is none."""
        answer = self._run(["docker", "network", "inspect", name], "")
        if answer.status != 0:
            return None
        found: list[dict[str, Any]] = json.loads(answer.stdout)
        return found[0]

    def cgroup_version(self) -> str:
        """Which control groups the engine's machine has: 1 or 2."""
        return self.call("info", "--format", "{{.CgroupVersion}}").strip()

    def allows_privileged(self, image: str) -> bool:
        """Whether containers may have all rights of this machine."""
        return self._run(["docker", "run", "--rm", "--privileged", "--network=none", image, "true"], "").status == 0

    def execute(self, container: str, script: str) -> str:
        """Run a shell script in a container; return what it printed."""
        return self.call("exec", "-i", container, "bash", "-eu", "-s", stdin=script)

    def containers(self, lab: str) -> list[str]:
        """Names of the lab's containers, running or not."""
        return self._listed("ps", "--all", "--filter", f"label={LABEL}={lab}", "--format", "{{.Names}}")

    def networks(self, lab: str) -> list[str]:
        """Names of the lab's networks."""
        return self._listed("network", "ls", "--filter", f"label={LABEL}={lab}", "--format", "{{.Name}}")

    def drop_image(self, image: str) -> bool:
        """Remove an image, or keep it and say so when something still needs it."""
        return self._run(["docker", "image", "rm", image], "").status == 0

    def images(self) -> list[str]:
        """Ids of the images the lab built."""
        return self._listed("image", "ls", "--quiet", "--no-trunc", "--filter", f"label={LABEL}")

    def any_containers(self) -> list[str]:
        """Names of the containers of every lab."""
        return self._listed("ps", "--all", "--filter", f"label={LABEL}", "--format", "{{.Names}}")

    def remove(self, containers: Sequence[str]) -> None:
        """Remove containers with all they hold."""
        if containers:
            self.call("rm", "--force", "--volumes", *containers)

    def _listed(self, *arguments: str) -> list[str]:
        return self.call(*arguments).split()
