# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The stand-in beside a lab: which containers are none of its machines, and which process it is."""

from __future__ import annotations

import ipaddress
import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from lab.command import Answer
from lab.engine import Engine
from lab.pve.run import folder_of, process_of, unknown
from lab.site import Machine, Site

BY_API = {"lab_pve": True, "homelab_machine": {"kind": "vm"}}
BY_LAB = {"lab_pve": True, "homelab_machine": {"kind": "physical"}}
SITE = Site(
    "twin", ipaddress.IPv4Network("198.18.10.0/24"), Path("inventory/lab"), "josh", "v1",
    (Machine("k3s-master1", "198.18.10.30", (), BY_API), Machine("k3s1", "198.18.10.21", (), BY_LAB)),
)  # fmt: skip


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lab.site.ROOT", tmp_path)
    folder_of(SITE).mkdir(parents=True)


def engine(*containers: str) -> Engine:
    """An engine that has these containers."""

    def answer(argv: Sequence[str], stdin: str) -> Answer:
        return Answer(0, "\n".join(containers), "")

    return Engine(answer)


def test_a_machine_of_a_lab_that_had_no_hypervisor_is_none_of_its_own() -> None:
    assert unknown(engine("twin-k3s-master1", "twin-k3s1", "twin-mirror"), SITE) == ["twin-k3s-master1"]
    assert unknown(engine("twin-k3s1", "twin-mirror"), SITE) == []


def test_a_machine_that_it_made_stays() -> None:
    document = {"vms": {"130": {"config": {"name": "k3s-master1"}}}}
    (folder_of(SITE) / "state.json").write_text(json.dumps(document))
    assert unknown(engine("twin-k3s-master1", "twin-k3s1"), SITE) == []


def test_a_process_of_another_lab_or_another_image_is_not_meant() -> None:
    assert process_of(SITE) is None
    program = "import sys; print('here', flush=True); sys.stdin.read()"
    argv = [sys.executable, "-c", program, "lab.pve", "--lab", "twin", "--image", "image:1"]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        # the kernel shows its arguments once it runs
        assert process.stdout and process.stdout.readline() == b"here\n"
        (folder_of(SITE) / "pid").write_text(str(process.pid))
        assert process_of(SITE) == process_of(SITE, "image:1") == process.pid
        assert process_of(SITE, "image:2") is None
        (folder_of(SITE) / "pid").write_text("1")
        assert process_of(SITE) is None
        process.communicate()
