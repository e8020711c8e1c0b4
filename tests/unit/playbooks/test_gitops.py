# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""gitops.yml as a user runs it at home, where its questions are open and no machine exists."""

from __future__ import annotations

from pathlib import Path

from tests.unit.playbooks.home import run

OPEN = "is unknown and the layer gitops needs it"


def test_open_questions_stop_it_and_no_machine_is_contacted(site: Path) -> None:
    status, output = run(site, "playbooks/gitops.yml")
    assert status != 0
    assert f"site: incident_gateway {OPEN}" in output
    assert "UNREACHABLE" not in output


def test_a_build_of_other_layers_leaves_flux_alone_and_says_so(site: Path) -> None:
    # as site.yml enters it, at home
    status, output = run(site, "playbooks/gitops.yml", gitops_alone=False)
    assert status == 0, output
    assert "homelab_layers does not name gitops, so Flux and what it follows stay as they are" in output
    assert OPEN not in output
    assert "UNREACHABLE" not in output


def test_values_that_flux_cannot_take_are_found_with_the_rest_of_the_inventory(site: Path) -> None:
    status, output = run(
        site, "playbooks/gitops.yml", homelab_gitops_url="git@github.com:example/it", homelab_list_questions=False
    )
    assert status != 0
    assert "homelab_gitops_url: 'git@github.com:example/it' is not a repository's address as Flux takes it" in output
    assert "UNREACHABLE" not in output


def test_without_a_cluster_and_keys_all_that_is_missing_is_told_at_once(site: Path, tmp_path: Path) -> None:
    missing = tmp_path / "none"
    status, output = run(
        site, "playbooks/gitops.yml", homelab_list_questions=False, homelab_gitops_deploy_key=str(missing),
        homelab_gitops_identity=str(missing), homelab_kubeconfig=str(missing),
    )  # fmt: skip
    assert status != 0
    assert f"the deploy key {missing} cannot be read (No such file or directory)" in output
    assert "without it the Secret sops-age cannot be made" in output
    assert "UNREACHABLE" not in output
