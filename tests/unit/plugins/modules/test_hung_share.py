# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""No look at a machine waits for a share whose server is gone, wherever it is mounted."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests import hung_share

ROOT = Path(__file__).resolve().parents[4]
DOUBLE = ROOT / "tests" / "hung_share.py"
SECONDS = 20
LOOK = """
import importlib, json, sys
from ansible.module_utils.testing import patch_module_args
module = importlib.import_module("ansible_collections.fletcherlabs.homelab.plugins.modules." + sys.argv[1])
with patch_module_args(json.loads(sys.argv[2])):
    module.main()
"""
# what preflight, diagnose.yml and verify.yml ask of each machine
LOOKS: dict[str, dict[str, Any]] = {
    "machine_info": {"name": "k3s1", "address": "192.0.2.21", "router": "192.0.2.1"},
    "network_probe": {"name": "k3s1", "address": "192.0.2.21", "seconds": 2, "linger": 0},
    "k3s_info": {},
    "certificate_info": {},
    "storage_info": {"directories": [{"path": "/var/lib/longhorn", "reserve": "25%"}]},
    "disk_info": {},
    "gpu_info": {},
}


def unavailable() -> str:
    """Why there can be no such share here; empty where there can."""
    return "" if os.geteuid() == 0 and os.access("/dev/fuse", os.W_OK) else "a file system of FUSE needs root"


pytestmark = [pytest.mark.skipif(bool(unavailable()), reason=unavailable()), pytest.mark.xdist_group("hung share")]


def beside(folders: str, seconds: float, *program: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(DOUBLE), folders, str(seconds), *program],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": ".collections"},
    )


def test_whoever_touches_the_double_waits(tmp_path: Path) -> None:
    assert beside(str(tmp_path), 0.5, "stat", "--file-system", str(tmp_path)).returncode == hung_share.TIMED_OUT
    assert beside(str(tmp_path), 5, "grep", "fuse.nfs4", "/proc/mounts").returncode == 0


@pytest.fixture(scope="module")
def of_a_pod() -> Iterator[Path]:
    """Where the kubelet mounts a share for a pod."""
    folder = Path("/var/lib/kubelet/pods/homelab-test/volumes/media")
    made = [each for each in (folder, *folder.parents) if not each.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    yield folder
    for each in made:
        each.rmdir()


@pytest.mark.parametrize("module", LOOKS)
def test_looks_do_not_wait(module: str, of_a_pod: Path) -> None:
    call = (sys.executable, "-c", LOOK, module, json.dumps(LOOKS[module]))
    answer = beside(f"/mnt:{of_a_pod}", SECONDS, *call)
    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert json.loads(answer.stdout)["changed"] is False
