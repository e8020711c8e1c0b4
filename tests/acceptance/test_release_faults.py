# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A broken release is refused in one sentence, and the old binary stays in place and keeps running."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.site import ROOT
from tests.twin import Twin

STATE = ROOT / ".lab" / "acceptance"

MIRROR = STATE / "mirror"
FAULTS = MIRROR / "faults.json"
BINARY = "/k3s-io/k3s/releases/download/v1.32.5+k3s1/k3s"
MACHINES = ("k3s-master1", "k3s1", "k3s2", "k3s3")


def running(twin: Twin) -> dict[str, str]:
    """Digest of the binary and process id of the service on each member."""
    probe = (
        "sha256sum < /usr/local/bin/k3s; systemctl show -P MainPID k3s k3s-agent 2>/dev/null; k3s --version | head -1"
    )
    return {machine: twin.on(machine, probe) for machine in MACHINES}


@pytest.fixture
def undownloaded(built: Twin, tmp_path: Path) -> Iterator[Twin]:
    """The built twin whose controller has lost its download cache and its lock."""
    cache, lock = STATE / "cache", STATE / "artifacts.lock.json"
    shutil.copy(lock, tmp_path / "lock")
    shutil.rmtree(cache, ignore_errors=True)
    lock.unlink()
    yield built
    FAULTS.unlink(missing_ok=True)
    shutil.copy(tmp_path / "lock", lock)
    shutil.rmtree(cache, ignore_errors=True)


def refused(twin: Twin, sentence: str, *arguments: str) -> None:
    before = running(twin)
    run = twin.play("site.yml", *arguments)
    assert run.status != 0, run.output[-3000:]
    # the callback may wrap nothing: the sentence stands on one line of the output
    lines = [line for line in run.output.splitlines() if sentence in line]
    assert lines, f"'{sentence}' not in\n{run.output[-3000:]}"
    assert "Traceback" not in run.output
    assert running(twin) == before


def test_flipped_byte(undownloaded: Twin) -> None:
    FAULTS.write_text(json.dumps({BINARY: {"flip_byte": 1000}}))
    refused(undownloaded, "sha256")


def test_truncated_download(undownloaded: Twin) -> None:
    FAULTS.write_text(json.dumps({BINARY: {"truncate": 5000}}))
    refused(undownloaded, "bytes")


def test_digest_differs_from_the_lock(undownloaded: Twin) -> None:
    lock = STATE / "artifacts.lock.json"
    undownloaded.play()
    entries = json.loads(lock.read_text())
    assert entries
    lock.write_text(json.dumps(dict.fromkeys(entries, "0" * 64)))
    refused(undownloaded, "from the lock")


def test_missing_version(built: Twin) -> None:
    refused(built, "does not exist (404)", "-e", "homelab_k3s_version=v1.32.99+k3s1")
