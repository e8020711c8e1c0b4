# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""network.yml and plan_releases.yml as a user runs them at home, where questions are open and no machine exists."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.unit.playbooks.home import ROOT, run

VERSION = "var=homelab_k3s_version"
OPEN = "is unknown and the layer network needs it"


def test_open_questions_stop_the_network_and_no_machine_is_contacted(site: Path) -> None:
    status, output = run(site, "playbooks/network.yml")
    assert status != 0
    assert f"site: router_bgp {OPEN}" in output
    assert "Cilium 1.15.6 is tested by upstream on Kubernetes 1.26 to 1.29, not on 1.32" in output
    assert "UNREACHABLE" not in output


def test_a_build_of_other_layers_leaves_the_network_alone_and_says_so(site: Path) -> None:
    # as site.yml enters it, at home
    status, output = run(site, "playbooks/network.yml", network_alone=False)
    assert status == 0, output
    assert "homelab_layers does not name network, so Cilium and what stands on it stay as they are" in output
    assert "UNREACHABLE" not in output


def test_a_pair_that_cannot_start_is_refused_before_any_machine_is_contacted(site: Path) -> None:
    overrides = {"gateway_api_channel": "standard"}
    status, output = run(site, "playbooks/preflight.yml", homelab_release_overrides=overrides)
    assert status != 0
    assert "Cilium 1.15.6 runs no Gateway without GRPCRoute v1alpha2 and TLSRoute v1alpha2" in output
    assert "UNREACHABLE" not in output


def test_one_variable_switches_all_releases(site: Path) -> None:
    status, output = run(site, "playbooks/preflight.yml", homelab_release_set="currnt")
    assert status != 0
    assert "homelab_release_set: 'currnt' is not known (did you mean current?)" in output
    assert "homelab_k3s_version is missing" not in output
    listed = subprocess.run(
        ["ansible", "-i", str(site), "-e", "homelab_release_set=current", "k3s1", "-m", "debug", "-a", VERSION],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert '"homelab_k3s_version": "v1.36.5+k3s1"' in listed.stdout


def test_the_way_to_another_set_is_listed(site: Path) -> None:
    status, output = run(site, "playbooks/plan_releases.yml", to="supported")
    assert status == 0, output
    assert "Cilium 1.15.6 -> 1.16.19: BGP moves from CiliumBGPPeeringPolicy to CiliumBGPClusterConfig" in output
    assert "Cilium 1.16.19 -> 1.17.18" in output
    status, output = run(site, "playbooks/plan_releases.yml", to="documented")
    assert "nothing to do: the sets are the same" in output
    status, output = run(site, "playbooks/plan_releases.yml", to="documented", **{"from": "current"})
    assert status != 0
    assert "but no upstream supports going back a minor version" in output
