# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tokens, keys and passwords appear in no output, argument list, environment or journal."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from lab.site import ROOT
from tests.twin import Twin

STATE = ROOT / ".lab" / "acceptance"

SERVER = "k3s-master1"
WORKERS = ("k3s1", "k3s2", "k3s3")


def secrets_of(twin: Twin) -> dict[str, str]:
    """Every secret of the running twin, by the place it was read from."""
    found: dict[str, str] = {}
    for path in STATE.glob("*secrets*.yml"):
        for key, value in yaml.safe_load(Path(path).read_text()).items():
            found[key] = str(value)
    for name in ("server/token", "server/agent-token"):
        found[name] = twin.on(SERVER, f"cat /var/lib/rancher/k3s/{name}")
    for worker in WORKERS:
        found[f"{worker} node password"] = twin.on(worker, "cat /etc/rancher/node/password")
    key = "grep -A9 -h client-key-data /etc/rancher/k3s/k3s.yaml | awk '{print $2}' | head -1"
    found["admin client key"] = twin.on(SERVER, key)
    assert len(found) >= 8, f"the test looked in the wrong places: {sorted(found)}"
    assert all(len(value) >= 16 for value in found.values()), "a secret is suspiciously short"
    return found


@pytest.fixture(scope="module")
def verbose_build(twin: Twin) -> str:
    twin.fresh()
    run = twin.play("site.yml", "-vvv", "--diff")
    assert run.status == 0, run.output[-4000:]
    return run.output


def test_no_secret_in_the_output_of_a_verbose_first_build(twin: Twin, verbose_build: str) -> None:
    leaked = [name for name, value in secrets_of(twin).items() if value in verbose_build]
    assert leaked == []


def test_no_secret_in_argument_lists_or_environments(twin: Twin, verbose_build: str) -> None:
    secrets = secrets_of(twin)
    for machine in (SERVER, *WORKERS):
        seen = twin.on(machine, "cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ 2>/dev/null | tr '\\0' '\\n' || true")
        assert [name for name, value in secrets.items() if value in seen] == [], machine


def test_no_secret_in_the_journal(twin: Twin, verbose_build: str) -> None:
    secrets = secrets_of(twin)
    for machine in (SERVER, *WORKERS):
        seen = twin.on(machine, "journalctl --no-pager -o cat")
        assert [name for name, value in secrets.items() if value in seen] == [], machine


def test_files_with_secrets_are_readable_by_root_alone(twin: Twin, verbose_build: str) -> None:
    for machine in (SERVER, *WORKERS):
        modes = twin.on(machine, "stat -c '%a %U' /etc/rancher/k3s/*token* /etc/rancher/node/password")
        assert set(modes.splitlines()) == {"600 root"}, (machine, modes)
