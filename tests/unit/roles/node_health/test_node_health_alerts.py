# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The alerts on a sound node and on one with every fault, as Prometheus itself judges them."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
FILES = HERE.parents[3] / "roles/node_health/files"
RULES = FILES / "homelab-network.rules.yml"


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not there: install Debian's prometheus")
def test_each_alert_is_silent_on_a_sound_node_and_fires_on_its_fault(tmp_path: Path) -> None:
    for file in (RULES, HERE / "alerts.yml"):
        shutil.copy(file, tmp_path)
    run = subprocess.run(
        ["promtool", "test", "rules", "alerts.yml"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stdout + run.stderr


def test_alerts_ask_only_for_metrics_that_are_written() -> None:
    known = set(re.findall(r'^    "(homelab_\w+)": ', (FILES / "write_metrics.py").read_text(), re.MULTILINE))
    asked = set(re.findall(r"\bhomelab_\w+", " ".join(re.findall(r"expr: (.*)", RULES.read_text()))))
    assert len(known) == 13
    assert asked and asked <= known
