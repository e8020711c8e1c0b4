# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""storage.yml as a user runs it at home, where its questions are open and no machine exists."""

from __future__ import annotations

from pathlib import Path

from tests.unit.playbooks.home import run

OPEN = "is unknown and the layer storage needs it"


def test_open_questions_stop_the_storage_and_no_machine_is_contacted(site: Path) -> None:
    status, output = run(site, "playbooks/storage.yml")
    assert status != 0
    assert f"k3s3: homelab_machine.disks[*].serial_pattern {OPEN}" in output
    assert f"r730: homelab_machine.pools[*].uuid {OPEN}" in output
    assert "UNREACHABLE" not in output


def test_a_build_of_other_layers_leaves_the_storage_alone_and_says_so(site: Path) -> None:
    # as site.yml enters it, at home
    status, output = run(site, "playbooks/storage.yml", storage_alone=False)
    assert status == 0, output
    assert "homelab_layers does not name storage, so disks, Longhorn and NFS exports stay as they are" in output
    assert OPEN not in output
    assert "UNREACHABLE" not in output


def test_site_stops_at_the_questions_only_when_storage_is_among_its_layers(site: Path) -> None:
    assert OPEN not in run(site, "site.yml")[1]
    status, output = run(site, "site.yml", homelab_layers=["hosts", "cluster", "storage"])
    assert status != 0
    assert OPEN in output
    assert "UNREACHABLE" not in output


def test_a_twin_is_not_asked_what_only_home_can_answer(site: Path) -> None:
    status, output = run(site, "playbooks/storage.yml", homelab_list_questions=False)
    assert status != 0
    assert OPEN not in output
    assert "UNREACHABLE" in output
