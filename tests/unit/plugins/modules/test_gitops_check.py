# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""gitops_check through its main: nothing in a clean repository, and of each thing that is wrong just that."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyrage
import pytest
from ansible.module_utils.testing import patch_module_args

from ansible_collections.fletcherlabs.homelab.plugins.modules import gitops_check
from lab.tools import have_tools
from tests.unit.plugins.modules.gitops_repository import CLUSTER, Repository, encrypted, layer, thing

LAYERS, DEPLOYMENT, SECRET = f"{CLUSTER}/layers.yaml", f"{CLUSTER}/apps/deployment.yaml", f"{CLUSTER}/apps/secret.yaml"
Capture = pytest.CaptureFixture[str]


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path)


def run(capsys: Capture, repository: Repository, **options: Any) -> dict[str, Any]:
    arguments = {
        "checkout": str(repository.root), "identity": str(repository.identity),
        "kubernetes": "v1.32.5+k3s1", "flux": "2.6.1", **options,
    }  # fmt: skip
    with patch_module_args(arguments), pytest.raises(SystemExit):
        gitops_check.main()
    return dict(json.loads(capsys.readouterr().out))


def test_a_clean_repository_has_no_finding(capsys: Capture, repository: Repository) -> None:
    result = run(capsys, repository)
    assert not result.get("failed"), result["lines"]
    assert (result["findings"], result["changed"], result["kustomizations"]) == ([], False, 5)
    assert result["objects"] == 14


def clear_secret(repository: Repository) -> None:
    repository.put(SECRET, thing("v1", "Secret", "web", "web", stringData={"password": "hunter2"}))


def other_key(repository: Repository) -> None:
    secret = thing("v1", "Secret", "web", "web", stringData={"password": "hunter2"})
    others = [pyrage.x25519.Identity.generate().to_public() for _each in range(2)]
    repository.put(SECRET, encrypted(secret, *others))


def edited_by_hand(repository: Repository) -> None:
    [secret] = repository.files[SECRET]
    repository.put(SECRET, {**secret, "type": "kubernetes.io/basic-auth"})


def cut_mac(repository: Repository) -> None:
    [secret] = repository.files[SECRET]
    repository.put(SECRET, {**secret, "sops": {**secret["sops"], "mac": secret["sops"]["mac"][:-15]}})


def value_of_another_place(repository: Repository) -> None:
    [secret] = repository.files[SECRET]
    repository.put(SECRET, {**secret, "stringData": {"passphrase": secret["stringData"]["password"]}})


def one_recipient(repository: Repository) -> None:
    secret = thing("v1", "Secret", "web", "web", stringData={"password": "hunter2"})
    repository.put(SECRET, encrypted(secret, repository.key.to_public()))


def not_decrypted(repository: Repository) -> None:
    repository.change(LAYERS, 3, decryption=None)


def missing_secret(repository: Repository) -> None:
    repository.put(SECRET, repository.sealed("another", "web", password="hunter2"))


def secret_of_another_namespace(repository: Repository) -> None:
    (repository.root / f"{CLUSTER}/cert-manager/token-secret.yaml").unlink()
    repository.put(
        f"{CLUSTER}/apps/kustomization.yaml", {**repository.files[f"{CLUSTER}/apps/kustomization.yaml"][0],
        "resources": ["namespace.yaml", "deployment.yaml", "secret.yaml", "token.yaml"]})  # fmt: skip
    repository.put(f"{CLUSTER}/apps/token.yaml", repository.sealed("cloudflare", "web", token="t0ken"))


def missing_config_map(repository: Repository) -> None:
    [content] = repository.files[f"{CLUSTER}/apps/kustomization.yaml"]
    repository.put(f"{CLUSTER}/apps/kustomization.yaml", {**content, "configMapGenerator": []})


def custom_resource_beside_its_chart(repository: Repository) -> None:
    target = repository.root / f"{CLUSTER}/issuers/issuer.yaml"
    shutil.move(target, repository.root / f"{CLUSTER}/cert-manager/issuer.yaml")
    repository.put(f"{CLUSTER}/issuers/none.yaml", thing("v1", "ConfigMap", "none", "default"))


def unknown_dependency(repository: Repository) -> None:
    repository.change(LAYERS, 2, dependsOn=[{"name": "infrastructure-cert-manager"}])


def circle(repository: Repository) -> None:
    repository.change(LAYERS, 1, dependsOn=[{"name": "apps"}])


def undefined_variable(repository: Repository) -> None:
    repository.change(LAYERS, 3, postBuild={"substitute": {"OTHER": "x"}})


def variable_without_substitution(repository: Repository) -> None:
    repository.change(LAYERS, 3, postBuild=None)
    repository.change(LAYERS, 1, postBuild={"substitute": {"DOMAIN": "example.net"}})


def missing_namespace(repository: Repository) -> None:
    [content] = repository.files[f"{CLUSTER}/apps/kustomization.yaml"]
    repository.put(f"{CLUSTER}/apps/kustomization.yaml", {**content, "resources": ["deployment.yaml", "secret.yaml"]})


def missing_source(repository: Repository) -> None:
    repository.put(f"{CLUSTER}/sources/jetstack.yaml", thing("v1", "ConfigMap", "none", "default"))


def old_flux_version(repository: Repository) -> None:
    [source] = repository.files[f"{CLUSTER}/sources/jetstack.yaml"]
    repository.put(f"{CLUSTER}/sources/jetstack.yaml", {**source, "apiVersion": "source.toolkit.fluxcd.io/v1beta2"})


def version_that_is_gone(repository: Repository) -> None:
    old = thing("policy/v1beta1", "PodDisruptionBudget", "web", "default", spec={"minAvailable": 1})
    repository.put(f"{CLUSTER}/issuers/budget.yaml", old)


def missing_file(repository: Repository) -> None:
    (repository.root / DEPLOYMENT).unlink()


def empty_kustomization(repository: Repository) -> None:
    repository.put(f"{CLUSTER}/issuers/kustomization.yaml", {"kind": "Kustomization", "resources": []})


def repeated_key(repository: Repository) -> None:
    repository.put(DEPLOYMENT, repository.text(DEPLOYMENT) + "metadata:\n  name: again\n")


def no_yaml(repository: Repository) -> None:
    repository.put(DEPLOYMENT, "kind: [Deployment\n")


def two_owners(repository: Repository) -> None:
    repository.put(
        LAYERS, *repository.files[LAYERS], layer("media", f"{CLUSTER}/issuers", dependsOn=[{"name": "cert-manager"}])
    )


def missing_path(repository: Repository) -> None:
    repository.change(LAYERS, 2, path="./clusters/k3s-home/issuer")


FAULTS: dict[Callable[[Repository], None], tuple[str, str, str]] = {
    clear_secret: ("clear", SECRET, "Secret web is in clear (stringData.password)"),
    other_key: ("decrypt", SECRET, "the age key does not open it"),
    edited_by_hand: ("decrypt", SECRET, "somebody edited it without sops"),
    cut_mac: ("decrypt", SECRET, "its digest (MAC) is missing or cut off"),
    value_of_another_place: (
        "decrypt",
        SECRET,
        "the value stringData.passphrase is damaged, or was copied from another place",
    ),
    one_recipient: ("recipient", SECRET, "to one recipient alone"),
    not_decrypted: ("decryption", SECRET, "the Kustomization apps that applies it does not decrypt"),
    missing_secret: ("reference", DEPLOYMENT, "Deployment web needs the Secret web/web, which nothing here makes"),
    secret_of_another_namespace: ("reference", f"{CLUSTER}/issuers/issuer.yaml", "it is in the namespace web"),
    missing_config_map: ("reference", DEPLOYMENT, "needs the ConfigMap web/settings"),
    custom_resource_beside_its_chart: ("order", f"{CLUSTER}/cert-manager/issuer.yaml", "no matches for kind"),
    unknown_dependency: ("depends", LAYERS, "which does not exist; did you mean cert-manager?"),
    circle: ("depends", LAYERS, "dependsOn goes in a circle"),
    undefined_variable: ("variable", DEPLOYMENT, "${DOMAIN} has no value in the Kustomization apps"),
    variable_without_substitution: ("variable", DEPLOYMENT, "the Kustomization apps substitutes nothing"),
    missing_namespace: ("namespace", f"{CLUSTER}/apps/", "belongs in the namespace web, which nothing here makes"),
    missing_source: (
        "source",
        f"{CLUSTER}/cert-manager/release.yaml",
        "from the HelmRepository jetstack, which nothing here",
    ),
    old_flux_version: ("version", f"{CLUSTER}/sources/jetstack.yaml", "write source.toolkit.fluxcd.io/v1"),
    version_that_is_gone: ("version", f"{CLUSTER}/issuers/budget.yaml", "gone since Kubernetes 1.25; write policy/v1"),
    missing_file: ("build", f"{CLUSTER}/apps/kustomization.yaml", "it lists deployment.yaml, which is not there"),
    empty_kustomization: ("build", f"{CLUSTER}/issuers/kustomization.yaml", "lists nothing, which kustomize refuses"),
    repeated_key: ("yaml", DEPLOYMENT, "the key 'metadata' stands twice"),
    no_yaml: ("yaml", DEPLOYMENT, "it is no YAML"),
    two_owners: ("owner", f"{CLUSTER}/issuers/issuer.yaml", "by the Kustomizations issuers and media"),
    missing_path: ("build", LAYERS, "has the path clusters/k3s-home/issuer, which is not there"),
}


@pytest.mark.parametrize("spoil", FAULTS, ids=lambda spoil: spoil.__name__)
def test_of_one_fault_there_is_one_finding(
    capsys: Capture, repository: Repository, spoil: Callable[[Repository], None]
) -> None:
    spoil(repository)
    result = run(capsys, repository, build=False)
    rule, file, words = FAULTS[spoil]
    assert [found["rule"] for found in result["findings"]] == [rule], result["lines"]
    [found] = result["findings"]
    assert found["file"].startswith(file)
    assert found["line"] >= 1
    assert words in found["message"]
    assert result["failed"] and f"{found['file']}:{found['line']}: " in result["msg"]
    assert "hunter2" not in json.dumps(result)


def test_the_line_is_that_of_the_document(capsys: Capture, repository: Repository) -> None:
    unknown_dependency(repository)
    [found] = run(capsys, repository, build=False)["findings"]
    lines = repository.text(LAYERS).splitlines()
    assert "name: issuers" in "\n".join(lines[found["line"] - 1 : found["line"] + 4])


def test_what_somebody_else_makes_is_no_finding(capsys: Capture, repository: Repository) -> None:
    missing_secret(repository)
    assert run(capsys, repository, known_secrets=["web/web"])["findings"] == []


def test_without_an_identity_everything_else_is_checked(capsys: Capture, repository: Repository) -> None:
    other_key(repository)
    result = run(capsys, repository, identity=None)
    assert result["findings"] == []
    assert "no Secret was decrypted: no age identity was given" in result["left_out"]


def test_patches_of_a_parent_reach_its_kustomizations(capsys: Capture, repository: Repository) -> None:
    not_decrypted(repository)
    patch = {
        "target": {"kind": "Kustomization"},
        "patch": "kind: Kustomization\nmetadata: {name: _}\nspec: {decryption: {provider: sops}}\n",
    }
    repository.put(f"{CLUSTER}/kustomization.yaml", {"resources": ["flux-system", "layers.yaml"], "patches": [patch]})
    assert run(capsys, repository, build=False)["findings"] == []


def test_kustomize_has_its_own_word(capsys: Capture, repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    def complains(argv: list[str]) -> tuple[int, str, str]:
        bad = argv[-1].endswith("/apps")
        return (
            (1, "", f"Error: accumulating resources in '{repository.root}/{CLUSTER}/apps': bad\n")
            if bad
            else (0, "", "")
        )

    monkeypatch.setattr(gitops_check, "run_program", complains)
    [found] = run(capsys, repository)["findings"]
    assert (found["rule"], found["file"]) == ("build", f"{CLUSTER}/apps/kustomization.yaml")
    assert found["message"] == f"kustomize cannot build this path: accumulating resources in '{CLUSTER}/apps': bad"


def test_the_real_kustomize_builds_every_path(
    capsys: Capture, repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(have_tools()))
    # the first call fetches them, and says so
    capsys.readouterr()
    clean = run(capsys, repository)
    assert (clean["findings"], clean["left_out"]) == ([], [])
    # only kustomize knows that a patch needs something to change
    [content] = repository.files[f"{CLUSTER}/apps/kustomization.yaml"]
    patch = {"target": {"kind": "Deployment", "name": "web"}, "patch": "- {op: remove, path: /spec/nothing}"}
    repository.put(f"{CLUSTER}/apps/kustomization.yaml", {**content, "patches": [patch]})
    [found] = run(capsys, repository)["findings"]
    assert found["message"].startswith("kustomize cannot build this path: ")
    assert str(repository.root) not in found["message"]


def test_no_program_is_said(capsys: Capture, repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gitops_check, "run_program", lambda argv: (127, "", "no such file"))
    assert "no path was built: neither kustomize nor kubectl is installed here" in run(capsys, repository)["left_out"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"checkout": "/nowhere"}, "is no folder, expected a checkout"),
        ({"identity": "/nowhere"}, "the age identity /nowhere cannot be used"),
        ({"identity": "/dev/null"}, "holds no age identity, expected a line AGE-SECRET-KEY-"),
    ],
)
def test_bad_input_gets_one_sentence(
    capsys: Capture, repository: Repository, options: dict[str, str], words: str
) -> None:
    result = run(capsys, repository, **options)
    assert result["failed"]
    assert words in result["msg"]
