# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each rule finds what it is there to find, and nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.run import rules


@pytest.mark.parametrize(
    ("defaults", "options", "problems"),
    [
        ({"a": 1}, {"a": {"default": 1}}, []),
        ({"a": [], "b": {}}, {"a": {"default": []}, "b": {"default": {}}}, []),
        ({}, {"a": {"required": True}}, []),
        ({"a": "{{ homelab_a }}"}, {"a": {}}, []),
        ({"a": ["{{ homelab_a }}"]}, {"a": {}}, []),
        ({"a": 1}, {}, ["a has a default and is not in argument_specs"]),
        ({}, {"a": {}}, ["a is optional in argument_specs and has no default"]),
        ({"a": 1}, {"a": {"required": True}}, ["a is required in argument_specs and has a default"]),
        ({"a": 1}, {"a": {"default": 2}}, ["a is 1 in defaults and 2 in argument_specs"]),
        ({"a": 1}, {"a": {}}, ["a is 1 in defaults and None in argument_specs"]),
        ({"a": "{{ b }}"}, {"a": {"default": "x"}}, ["a is '{{ b }}' in defaults and 'x' in argument_specs"]),
    ],
)
def test_defaults_against_specs(defaults: dict[str, Any], options: dict[str, Any], problems: list[str]) -> None:
    assert rules.spec_problems(defaults, {"main": {"options": options}}) == problems


def test_options_of_all_entry_points_count() -> None:
    points = {"main": {"options": {"a": {"default": 1}}}, "install": {"options": {"a": {"default": 2}}}, "check": {}}
    assert rules.spec_problems({"a": 1}, points) == ["a is 1 in defaults and 2 in argument_specs"]


def test_documentation_does_not_count_as_length() -> None:
    documented = 'DOCUMENTATION = r"""\n' + "line\n" * 400 + '"""\n' + "x = 1\n" * 298
    assert rules.size_problems(documented) == []
    assert rules.size_problems(documented + "y = 2\ny = 3\n") == ["300 lines, 300 are allowed"]


def test_a_docstring_does_not_count_as_length() -> None:
    function = 'def long() -> None:\n    """First.\n\n    Second.\n    """\n' + "    pass\n" * 38
    assert rules.size_problems(function) == []
    assert rules.size_problems(function + "    pass\n") == ["long has 40 lines, 40 are allowed"]


def test_names_in_strings_are_not_used_names() -> None:
    assert "AnsibleModule" not in rules.names_used('"""Made from AnsibleModule."""  # AnsibleModule\n')
    assert "AnsibleModule" in rules.names_used("from ansible.module_utils.basic import AnsibleModule\n")
    assert "fail_json" in rules.names_used("module.fail_json(msg='x')\n")


def test_collection_values_in_a_task() -> None:
    assert rules.collection_variables('msg: "{{ homelab_tiers }} and {{ node_base_homelab }}"') == ["homelab_tiers"]


@pytest.mark.parametrize("text", ["{{ groups['k3s_server'] }}", "{{ groups.k3s_server }}", "when: x in group_names"])
def test_group_names_in_a_role(text: str) -> None:
    assert rules.group_names(text)


def test_words_that_only_look_like_groups() -> None:
    assert rules.group_names("groups: [render]\nnode_base_groups[0]") == []


def test_restarts_are_found_inside_blocks() -> None:
    tasks = yaml.safe_load(
        """
        - name: Start
          ansible.builtin.systemd_service: {name: k3s, state: started}
        - block:
            - name: Again
              ansible.builtin.systemd_service: {name: k3s, state: restarted}
        """
    )
    assert list(rules.restarts(tasks)) == ["Again"]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("cd /srv/checkout/lab", ["/srv/checkout"]),
        ("HOME=/home/somebody/.kube", ["/home/somebody"]),
        ("pip install --index-url https://mirror.example", ["--index-url"]),
        ("apt:\ndeb http://mirror.example/debian bookworm main", ["deb"]),
        ("/srv/checkouts/x and ./srv/checkout/y and build/srv/checkout/z and deb package", []),
    ],
)
def test_names_of_one_machine(text: str, names: list[str]) -> None:
    assert rules.local_names(text, [Path("/srv/checkout"), Path("/home/somebody")]) == names
