# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""flux_repository through its main, with the real git on a repository of this machine."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyrage
import pytest
from ansible.module_utils.testing import patch_module_args

from ansible_collections.fletcherlabs.homelab.plugins.modules import flux_repository
from tests.unit.plugins.modules.gitops_repository import CLUSTER, Repository, encrypted, thing

Call = Callable[..., dict[str, Any]]
WHO = {f"GIT_{role}_{part}": "test@example.net" for role in ("AUTHOR", "COMMITTER") for part in ("NAME", "EMAIL")}
SECRET = f"{CLUSTER}/apps/secret.yaml"


def git(folder: Path, *arguments: str) -> str:
    settings = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    argv = ["git", "-C", str(folder), *arguments]
    done = subprocess.run(argv, env=os.environ | WHO | settings, capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    found = Repository(tmp_path)
    git(found.root, "init", "--quiet", "--initial-branch=main")
    commit(found)
    return found


def commit(repository: Repository) -> str:
    git(repository.root, "add", "--all")
    git(repository.root, "commit", "--quiet", "--allow-empty", "--message=test")
    return git(repository.root, "rev-parse", "HEAD")


@pytest.fixture
def call(repository: Repository, capsys: pytest.CaptureFixture[str]) -> Call:
    def run(**more: Any) -> dict[str, Any]:
        arguments = {
            "url": f"file://{repository.root}", "identity": str(repository.identity), "kubernetes": "v1.32.5+k3s1",
            "flux": "2.6.1", **more,
        }  # fmt: skip
        with patch_module_args(arguments), pytest.raises(SystemExit):
            flux_repository.main()
        result: dict[str, Any] = json.loads(capsys.readouterr().out)
        return result

    return run


def test_a_repository_that_flux_may_be_given(call: Call, repository: Repository) -> None:
    answer = call()
    assert (answer["problems"], answer["changed"], answer["encrypted"]) == ([], False, 2)
    assert answer["revision"] == git(repository.root, "rev-parse", "HEAD")
    # a file of one's own can be written
    assert answer["writable"] is True
    assert "may write to the repository" in answer["notices"][0]


@pytest.mark.parametrize(("options", "sentence"), [
    ({"url": "file:///nonexistent/it"}, "git cannot read file:///nonexistent/it: "),
    ({"url": "git@github.com:example/it"},
     "homelab_gitops_url is 'git@github.com:example/it', expected ssh://git@HOST/PATH or https://HOST/PATH"),
    ({"branch": "next"}, "has the branches main, expected next; push it, or correct homelab_gitops_branch"),
    ({"path": "clusters/none"}, "branch main has no folder clusters/none, where Flux is to begin"),
    ({"identity": "/nonexistent/key"}, "without it the Secret sops-age cannot be made"),
    ({"identity": None}, "2 files of the repository are encrypted, and no age key is given"),
    ({"url": "ssh://git@192.0.2.1/it"}, "ssh://git@192.0.2.1/it needs a deploy key; name its file in"),
    ({"url": "ssh://git@192.0.2.1/it", "deploy_key": "/nonexistent"}, "the deploy key /nonexistent cannot be read"),
])  # fmt: skip
def test_what_forbids_it(call: Call, options: dict[str, Any], sentence: str) -> None:
    answer = call(**options)
    assert len(answer["problems"]) == 1
    assert sentence in answer["problems"][0]


def test_a_key_of_another_repository(call: Call, tmp_path: Path) -> None:
    other = tmp_path / "other.key"
    other.write_text(str(pyrage.x25519.Identity.generate()))
    problems = call(identity=str(other))["problems"]
    assert len(problems) == 2
    assert all("it does not decrypt: the age key does not open it" in each for each in problems)
    assert problems[0].startswith(f"{CLUSTER}/apps/secret.yaml:1: ")


def test_one_recipient_is_enough_only_where_somebody_says_so(call: Call, repository: Repository) -> None:
    secret = thing("v1", "Secret", "web", "web", stringData={"password": "hunter2"})
    repository.put(SECRET, encrypted(secret, repository.key.to_public()))
    commit(repository)
    (problem,) = call()["problems"]
    assert problem.startswith(f"{SECRET}: it is encrypted to one recipient alone")
    assert problem.endswith("say so with homelab_gitops_escrow_confirmed: true")
    answer = call(escrow_confirmed=True)
    assert answer["problems"] == []
    assert any("somebody confirmed that a copy of its key lies elsewhere" in each for each in answer["notices"])


def test_rules_for_new_files_want_two_recipients_too(call: Call, repository: Repository) -> None:
    key, spare = repository.key.to_public(), repository.spare.to_public()
    repository.put(".sops.yaml", {"creation_rules": [{"path_regex": "a", "age": f"{key},{spare}"}, {"age": f"{key}"}]})
    commit(repository)
    (problem,) = call()["problems"]
    assert problem.startswith(".sops.yaml: a rule for new files names one recipient alone")


def test_a_secret_in_clear_stops_it_and_other_findings_are_counted(call: Call, repository: Repository) -> None:
    repository.put(SECRET, thing("v1", "Secret", "web", "web", stringData={"password": "hunter2"}))
    repository.put(f"{CLUSTER}/apps/deployment.yaml", thing("apps/v1", "Deployment", "web", "nowhere", spec={}))
    commit(repository)
    answer = call()
    assert any("Secret web is in clear (stringData.password)" in each for each in answer["problems"])
    assert "hunter2" not in json.dumps(answer)
    none = call(refused=[])
    assert none["problems"] == []
    assert any("playbooks/check_gitops.yml names them" in each for each in none["notices"])


def test_what_git_itself_brings_has_to_agree(call: Call, repository: Repository) -> None:
    folder = repository.root / CLUSTER / "flux-system"
    (folder / "gotk-components.yaml").write_text("---\n# This manifest was generated by flux\n# Flux Version: v2.5.1\n")
    source = {"url": "ssh://git@elsewhere.example/it.git", "ref": {"branch": "main"}}
    other = thing("source.toolkit.fluxcd.io/v1", "GitRepository", "flux-system", "flux-system", spec=source)
    repository.put(f"{CLUSTER}/flux-system/gotk-sync.yaml", other)
    commit(repository)
    answer = call(refused=[])
    assert answer["committed"] == "2.5.1"
    (problem,) = answer["problems"]
    assert problem.startswith(
        f"{CLUSTER}/flux-system/gotk-sync.yaml follows branch main of ssh://git@elsewhere.example"
    )


def test_several_keys_in_one_file_are_worth_a_word(call: Call, repository: Repository) -> None:
    repository.identity.write_text(f"{repository.key}\n{repository.spare}\n")
    answer = call()
    assert f"{repository.identity} holds 2 age keys, and all of them go into the cluster" in answer["notices"]
    assert "AGE-SECRET-KEY" not in json.dumps(answer)


def test_the_users_own_git_is_not_asked(call: Call, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / ".gitconfig").write_text('[url "file:///nonexistent/"]\n\tinsteadOf = file:///\n')
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("GIT_DIR", "/nonexistent")
    assert call()["problems"] == []
