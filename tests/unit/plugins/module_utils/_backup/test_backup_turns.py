# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._backup import turns

HOLD = """
import sys, time
sys.path[:0] = {path!r}
from pathlib import Path
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._backup.turns import one_at_a_time
with one_at_a_time(Path({folder!r})):
    print("held", flush=True)
    time.sleep(60)
"""


def test_the_second_waits_until_the_first_is_dead(tmp_path: Path) -> None:
    script = HOLD.format(path=sys.path, folder=str(tmp_path / "state"))
    first = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    assert first.stdout is not None and first.stdout.readline() == "held\n"
    entered = threading.Event()

    def second() -> None:
        with turns.one_at_a_time(tmp_path / "state"):
            entered.set()

    waiting = threading.Thread(target=second)
    waiting.start()
    time.sleep(0.2)
    assert not entered.is_set()
    first.send_signal(signal.SIGKILL)
    first.wait()
    waiting.join(10)
    assert entered.is_set()
