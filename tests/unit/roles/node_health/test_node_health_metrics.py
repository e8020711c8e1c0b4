# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The program as hosts have it: beside copies of the probe's readers, without Ansible."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[4]


@pytest.fixture
def code(tmp_path: Path) -> Path:
    folder = tmp_path / "code"
    folder.mkdir()
    readers = yaml.safe_load((ROOT / "roles/node_health/vars/main.yml").read_text())["__node_health_readers"]
    for name in readers:
        shutil.copy(ROOT / f"plugins/module_utils/_probe/{name}.py", folder)
    shutil.copy(ROOT / "roles/node_health/files/write_metrics.py", folder)
    return folder


def interface(root: Path, name: str, **files: str) -> None:
    folder = root / "sys/class/net" / name
    (folder / "statistics").mkdir(parents=True)
    for file, text in files.items():
        (folder / file).write_text(f"{text}\n")


def run(code: Path, program: str) -> str:
    """A line of Python beside the copies, isolated from this test's own path."""
    done = subprocess.run([sys.executable, "-c", program], cwd=code, capture_output=True, text=True, check=True)
    return done.stdout


def links(code: Path, root: Path, nics: list[dict[str, Any]]) -> str:
    program = (
        "import write_metrics as it; from pathlib import Path; "
        f"print(it.render(list(it.links({nics!r}, it.read_link.links(Path({str(root)!r}))))), end='')"
    )
    return run(code, program)


def test_a_bond_that_runs_on_its_backup(code: Path, tmp_path: Path) -> None:
    interface(tmp_path, "bond0", address="aa")
    folder = tmp_path / "sys/class/net/bond0/bonding"
    folder.mkdir()
    (folder / "mode").write_text("active-backup 1\n")
    nics = [{"name": "lan0", "mac": "aa", "primary": True}, {"name": "eno1", "mac": "bb"}]
    program = (
        "import write_metrics as it; from pathlib import Path; "
        f"print(list(it.bonds({nics!r}, it.read_link.links(Path({str(tmp_path)!r})))), end='')"
    )
    for active, backup in (("lan0", 0), ("eno1", 1)):
        (folder / "active_slave").write_text(f"{active}\n")
        assert run(code, program) == str(
            [("homelab_network_bond_on_backup", {"bond": "bond0", "active": active}, backup)]
        )
    # without any active interface it is no backup that carries the traffic
    (folder / "active_slave").write_text("\n")
    assert run(code, program) == "[]"


def test_a_slow_link_with_errors(code: Path, tmp_path: Path) -> None:
    interface(
        tmp_path, "lan0", address="6c:1f:f7:1b:e8:c8", flags="0x1003", carrier="1", speed="100", carrier_changes="7"
    )
    (tmp_path / "sys/class/net/lan0/statistics/rx_crc_errors").write_text("12\n")
    text = links(code, tmp_path, [{"name": "lan0", "mac": "6C-1F-F7-1B-E8-C8", "speed_mbps": 2500}])
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    assert lines == [
        'homelab_network_carrier{interface="lan0"} 1',
        'homelab_network_speed_mbps{interface="lan0"} 100',
        'homelab_network_expected_speed_mbps{interface="lan0"} 2500',
        'homelab_network_errors_total{interface="lan0"} 12',
        'homelab_network_carrier_changes_total{interface="lan0"} 7',
    ]
    assert "# TYPE homelab_network_errors_total counter" in text


def test_an_adapter_that_is_gone_has_no_carrier_and_no_counters(code: Path, tmp_path: Path) -> None:
    text = links(code, tmp_path, [{"name": "lan0", "mac": None}])
    assert [line for line in text.splitlines() if not line.startswith("#")] == [
        'homelab_network_carrier{interface="lan0"} 0'
    ]


def test_only_the_last_hour_of_the_kernels_log_counts(code: Path) -> None:
    program = (
        "import time, write_metrics as it; now = time.clock_gettime(time.CLOCK_MONOTONIC); "
        "line = 'usb 2-1: reset SuperSpeed USB device number 2 using xhci_hcd'; "
        "log = [(now - 10, line), (now - 4000, line), (now, 'eth0: renamed from tmpe2695')]; "
        "print([v for _n, l, v in it.adapter_events(log) if l['kind'] == 'usb reset'], list(it.adapter_events(None)))"
    )
    assert run(code, program) == "[1] []\n"


def test_labels_are_escaped(code: Path) -> None:
    program = "import write_metrics as it; print(it.render([('homelab_network_reachable', {'target': 'a\"\\\\b'}, 1)]))"
    assert 'homelab_network_reachable{target="a\\"\\\\b"} 1' in run(code, program)


def test_a_run_that_fails_leaves_the_old_file_whole_and_no_draft(code: Path, tmp_path: Path) -> None:
    folder = tmp_path / "textfile"
    folder.mkdir()
    (folder / "homelab.prom").write_text("old 1\n")
    config = tmp_path / "config.json"
    config.write_text(json.dumps({"textfile": str(folder / "homelab.prom")}))
    done = subprocess.run([sys.executable, code / "write_metrics.py", config], capture_output=True, check=False)
    assert done.returncode != 0
    assert [file.read_text() for file in folder.iterdir()] == ["old 1\n"]
