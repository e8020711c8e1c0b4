# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module as Ansible calls it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible.errors import AnsibleFilterError
from ansible.module_utils.testing import patch_module_args

from ansible_collections.fletcherlabs.homelab.plugins.filter.release_set import FilterModule
from ansible_collections.fletcherlabs.homelab.plugins.modules import release_plan

release_set = FilterModule().filters()["release_set"]


def call(capsys: pytest.CaptureFixture[str], **options: Any) -> dict[str, Any]:
    with patch_module_args(options), pytest.raises(SystemExit):
        release_plan.main()
    answer: dict[str, Any] = json.loads(capsys.readouterr().out)
    return answer


def test_steps_between_two_sets(capsys: pytest.CaptureFixture[str]) -> None:
    answer = call(capsys, installed=release_set("documented"), wanted=release_set("supported"))
    assert answer["changed"] is False
    assert answer["steps"][0]["sentence"].startswith("Cilium 1.15.6 -> 1.16.19")
    assert any("Cilium 1.17.18 gets no more fixes" in said for said in answer["warnings_wanted"])


def test_what_cannot_run_is_no_end_of_a_way(capsys: pytest.CaptureFixture[str]) -> None:
    wanted = release_set("supported", {"gateway_api_channel": "standard"})
    answer = call(capsys, installed=release_set("documented"), wanted=wanted)
    assert answer["failed"] is True
    assert len(answer["problems"]) == 1
    assert "Cilium 1.17.18 runs no Gateway without TLSRoute v1alpha2" in answer["msg"]


def test_a_version_that_is_none(capsys: pytest.CaptureFixture[str]) -> None:
    answer = call(capsys, installed={"cilium": "latest"}, wanted={"cilium": "1.15.6"})
    assert answer["msg"].startswith("'latest' is not a version")


def test_the_filter_names_the_sets() -> None:
    with pytest.raises(AnsibleFilterError, match="expected documented, supported, current; name one of them"):
        release_set("old")
