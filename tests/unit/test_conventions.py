# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rules of tests/run/rules.py, applied to every file of the checkout they are about."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.run import rules
from tests.run.tree import checkout_files

ROOT = Path(__file__).resolve().parents[2]
FILES = checkout_files(ROOT)
ROLES = sorted({name.split("/")[1] for name in FILES if name.startswith("roles/")})
MODULES = sorted(Path(name).stem for name in FILES if name.startswith("plugins/modules/") and name.endswith(".py"))
PYTHON = [name for name in FILES if name.endswith(".py")]
ATTRIBUTES = {"check_mode", "diff_mode", "idempotent", "platform"}


def text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def document(name: str) -> Any:
    return yaml.safe_load(text(name)) if (ROOT / name).exists() else None


def role_files(role: str, *folders: str) -> list[str]:
    return [name for name in FILES if name.startswith(tuple(f"roles/{role}/{folder}/" for folder in folders))]


@cache
def module_docs() -> dict[str, Any]:
    environment = {
        **os.environ,
        "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
        "ANSIBLE_COLLECTIONS_PATH": ".collections",
    }
    argv = ["ansible-doc", "--type", "module", "--json", *(f"fletcherlabs.homelab.{module}" for module in MODULES)]
    run = subprocess.run(argv, cwd=ROOT, env=environment, check=True, capture_output=True, text=True)
    return {name.rpartition(".")[2]: entry for name, entry in json.loads(run.stdout).items()}


def test_there_is_something_to_judge() -> None:
    assert ROLES
    assert MODULES
    assert PYTHON


@pytest.mark.parametrize("role", ROLES)
def test_role_defaults_and_argument_specs_agree(role: str) -> None:
    specs = document(f"roles/{role}/meta/argument_specs.yml")
    assert specs, "the role has no meta/argument_specs.yml"
    defaults = document(f"roles/{role}/defaults/main.yml") or {}
    assert rules.spec_problems(defaults, specs["argument_specs"]) == []


@pytest.mark.parametrize("role", ROLES)
def test_role_is_complete(role: str) -> None:
    meta = document(f"roles/{role}/meta/main.yml")
    assert meta, "the role has no meta/main.yml"
    assert f"roles/{role}/README.md" in FILES
    # A role that says it is no entry point is tested by the scenarios of the roles that enter it.
    if meta["galaxy_info"].get("standalone", True):
        assert f"molecule/{role}/molecule.yml" in FILES


@pytest.mark.parametrize("role", ROLES)
def test_role_reads_collection_values_only_in_its_defaults(role: str) -> None:
    found = {
        name: rules.collection_variables(text(name)) for name in role_files(role, "tasks", "handlers", "templates")
    }
    assert {name: variables for name, variables in found.items() if variables} == {}


@pytest.mark.parametrize("role", ROLES)
def test_role_knows_no_groups(role: str) -> None:
    names = role_files(role, "defaults", "tasks", "handlers", "templates", "vars")
    found = {name: rules.group_names(text(name)) for name in names}
    assert {name: groups for name, groups in found.items() if groups} == {}


@pytest.mark.parametrize("role", ROLES)
def test_role_restarts_nothing_but_in_handlers(role: str) -> None:
    found = {name: list(rules.restarts(document(name) or [])) for name in role_files(role, "tasks")}
    assert {name: tasks for name, tasks in found.items() if tasks} == {}


@pytest.mark.parametrize("name", [name for name in FILES if name.startswith("roles/") and "/tasks/" in name])
def test_task_file_is_short(name: str) -> None:
    assert len(text(name).splitlines()) < rules.TASK_FILE_LINES


@pytest.mark.parametrize("name", PYTHON)
def test_python_file_is_short(name: str) -> None:
    assert rules.size_problems(text(name)) == []


@pytest.mark.parametrize("name", [name for name in PYTHON if name.startswith("plugins/module_utils/")])
def test_module_utils_are_private(name: str) -> None:
    assert name.split("/")[2].startswith("_"), "files and packages of module_utils start with an underscore"
    if text(name).strip():
        assert "Private to the collection" in text(name)


@pytest.mark.parametrize("name", [name for name in PYTHON if name.startswith(("plugins/module_utils/", "lab/"))])
def test_only_modules_know_ansible_module(name: str) -> None:
    assert rules.names_used(text(name)) & {"AnsibleModule", "fail_json", "exit_json"} == set()


@pytest.mark.parametrize("module", MODULES)
def test_module_asks_for_check_mode_once(module: str) -> None:
    assert text(f"plugins/modules/{module}.py").count(".check_mode") <= 1


@pytest.mark.parametrize("module", MODULES)
def test_module_documents_its_attributes(module: str) -> None:
    assert set(module_docs()[module]["doc"].get("attributes", {})) >= ATTRIBUTES


@pytest.mark.parametrize("module", MODULES)
def test_module_has_its_own_tests(module: str) -> None:
    assert f"tests/unit/plugins/modules/test_{module}.py" in FILES


@pytest.mark.parametrize("name", [name for name in FILES if name.startswith("playbooks/")])
def test_playbook_can_be_called_by_its_full_name(name: str) -> None:
    assert "-" not in Path(name).stem


@pytest.mark.parametrize("name", MODULES + ROLES)
def test_user_visible_part_is_in_the_changelog(name: str) -> None:
    places = [file for file in FILES if file.startswith(("changelogs/fragments/", "changelogs/changelog"))]
    assert any(name in text(file) for file in places), f"no fragment in changelogs/fragments mentions {name}"


def test_no_file_names_the_machine_it_was_written_on() -> None:
    folders = [ROOT, Path.home(), Path(sys.prefix)]
    # Every machine has this one, so a role may well write there.
    folders = [folder for folder in folders if folder != Path("/root")]
    found = {name: rules.local_names(text(name), folders) for name in FILES if not name.startswith("tests/")}
    assert {name: names for name, names in found.items() if names} == {}
