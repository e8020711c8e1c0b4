# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""gpu.yml as a user runs it at home, where its questions are open and no machine exists."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.playbooks.home import run

OPEN = "is unknown and the layer gpu needs it"


def test_open_questions_stop_the_gpus_and_no_machine_is_contacted(site: Path) -> None:
    status, output = run(site, "playbooks/gpu.yml")
    assert status != 0
    assert f"k3s3: nvidia_packages {OPEN}" in output
    assert f"k3s1: render_group {OPEN}" in output
    assert "UNREACHABLE" not in output


def test_a_build_of_other_layers_leaves_gpus_alone_and_says_so(site: Path) -> None:
    status, output = run(site, "playbooks/gpu.yml", gpu_alone=False)
    assert status == 0, output
    assert "homelab_layers does not name gpu, so drivers and device plugins stay as they are" in output
    assert "UNREACHABLE" not in output


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("replicas: 4", "replicas: 300", "k3s3: homelab_node.gpu.replicas: 300 pods on one GPU, expected at most 48"),
        ("replicas: 4", "replicas: 0", "k3s3: homelab_node.gpu.replicas: '0' is not a whole number from 1"),
        ("replicas: 4", "branch: '123'", "k3s3: homelab_node.gpu.branch: '123' is no known branch"),
    ],
)
def test_bad_values_are_refused_in_one_sentence(old: str, new: str, sentence: str, site: Path) -> None:
    file = site / "host_vars/k3s3.yml"
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))
    status, output = run(site, "playbooks/gpu.yml", homelab_list_questions=False)
    assert status != 0
    assert sentence in output
    assert "UNREACHABLE" not in output
