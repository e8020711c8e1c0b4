# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What this machine's kernel must allow before many machines share it."""

from __future__ import annotations

import os
from pathlib import Path

from lab.console import say
from lab.engine import Engine
from lab.errors import LabError
from lab.site import Site

SETTING = "fs.inotify.max_user_instances"
PATH = Path("/proc/sys") / SETTING.replace(".", "/")
# A machine at rest watches files with 6 instances and needs some more while it starts; without them its systemd ends.
PER_MACHINE = 10
OTHERS = 64
PLENTY = 1024


def have_room(engine: Engine, site: Site, path: Path = PATH) -> None:
    """Let all labs' machines watch their files; root may raise the limit, others are told how."""
    # no such file: the engine runs on another machine or in a virtual one
    if not path.exists():
        return
    machines = {site.container(machine.name) for machine in site.machines} | set(engine.any_containers())
    needed, allowed = OTHERS + PER_MACHINE * len(machines), int(path.read_text())
    if allowed >= needed:
        return
    wanted = max(PLENTY, needed)
    if os.geteuid() != 0:
        raise LabError(
            f"{SETTING} is {allowed}, and {len(machines)} machines need {needed}: "
            f"run 'sysctl -w {SETTING}={wanted}' as root, then try again"
        )
    path.write_text(f"{wanted}\n")
    say(f"lab: {SETTING} goes from {allowed} to {wanted} until the next boot, for {len(machines)} machines")
