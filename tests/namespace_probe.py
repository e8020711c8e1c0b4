# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The probe as it runs in a namespace: loaded once, asked as often as one likes."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._probe.model import Wanted

ROOT = Path(__file__).resolve().parents[1]
# Loaded once on each machine; each line of wishes is answered by a process of its own.
PROBE = """
import json, os, sys
from pathlib import Path
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._probe import look, look_local, model
# a namespace is none, whatever this machine is
look_local.CONTAINER_MARKS = ()
def answer(document):
    for key, kind in (("nics", model.Nic), ("peers", model.Peer), ("services", model.Service)):
        document[key] = tuple(kind(**entry) for entry in document[key])
    for key in ("dns", "ntp"):
        document[key] = tuple(document[key])
    print(json.dumps(look.full(model.Wanted(**document), Path("/"))), flush=True)
for line in sys.stdin:
    child = os.fork()
    if not child:
        answer(json.loads(line))
        os._exit(0)
    if os.waitpid(child, 0)[1]:
        print(flush=True)
"""
LOOK_SECONDS = 60


def start(namespace: str, before: str = ":") -> subprocess.Popen[str]:
    """A probe that waits for wishes; the command before it changes its view alone."""
    argv = ["ip", "netns", "exec", namespace, "sh", "-c", f'{before}; exec "$0" -c "$1"']
    return subprocess.Popen(
        [*argv, sys.executable, PROBE],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": ".collections"},
    )


def ask(probe: subprocess.Popen[str], wanted: Wanted) -> None:
    """Have it look."""
    print(json.dumps(asdict(wanted)), file=probe.stdin, flush=True)


def answer_of(probe: subprocess.Popen[str]) -> dict[str, Any]:
    """What a probe saw."""
    assert probe.stdout is not None
    assert select.select([probe.stdout], [], [], LOOK_SECONDS)[0], "the probe is not back in time"
    seen: dict[str, Any] = json.loads(probe.stdout.readline())
    return seen


def end(probe: subprocess.Popen[str]) -> None:
    """Nothing of a probe stays."""
    probe.kill()
    probe.communicate()


def slowness() -> float:
    """How much more time everything needs on a computer that has far too much to do: 1 on others."""
    return min(4.0, max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1) / 4))
