# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""flux_bootstrap through the official client, against the API server of the lab."""

from __future__ import annotations

import base64
import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyrage
import pytest
from ansible.module_utils.testing import patch_module_args

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._cluster.client import Cluster
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._flux import cluster as of_cluster
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._flux import plan as of_plan
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._flux.model import Wish
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._flux.objects import path_of, sync_objects
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._flux.repository import committed
from ansible_collections.fletcherlabs.homelab.plugins.modules import flux_bootstrap
from lab.flux_releases import double, objects

Call = Callable[..., dict[str, Any]]
SYSTEM = "/api/v1/namespaces/flux-system"
SOURCE = "/apis/source.toolkit.fluxcd.io/v1/namespaces/flux-system/gitrepositories/flux-system"
LAYER = "/apis/kustomize.toolkit.fluxcd.io/v1/namespaces/flux-system/kustomizations/flux-system"
CONTROLLER = "/apis/apps/v1/namespaces/flux-system/deployments/source-controller"
URL = "ssh://git@git.example.net/flux-k3s"
COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
def cluster(kubeconfig_of: Callable[[str], str]) -> Cluster:
    return Cluster(kubeconfig_of("admin"))


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    """A deploy key and an age key, in a folder of their own."""
    folder = tmp_path / "keys"
    folder.mkdir()
    new_key(folder / "deploy.key")
    (folder / "age.key").write_text(f"# a remark\n{pyrage.x25519.Identity.generate()}\n")
    return folder


def new_key(path: Path) -> None:
    path.unlink(missing_ok=True)
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(path)], check=True, input=b"y\n")


@pytest.fixture
def call(kubeconfig_of: Callable[[str], str], keys: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Call:
    def run(version: str = "2.6.1", user: str = "admin", **more: Any) -> dict[str, Any]:
        components = tmp_path / f"install-{version}.yaml"
        components.write_text(double(version))
        arguments = {
            "kubeconfig": kubeconfig_of(user), "version": version, "components": str(components), "url": URL,
            "deploy_key": str(keys / "deploy.key"), "known_hosts": ["git.example.net ssh-ed25519 AAAA"],
            "identity": str(keys / "age.key"),
        } | more  # fmt: skip
        with patch_module_args(arguments), pytest.raises(SystemExit):
            flux_bootstrap.main()
        result: dict[str, Any] = json.loads(capsys.readouterr().out)
        return result

    return run


def values(cluster: Cluster, name: str) -> dict[str, str]:
    data = cluster.get(f"{SYSTEM}/secrets/{name}")["data"]
    return {key: base64.b64decode(value).decode() for key, value in data.items()}


def sentences(answer: dict[str, Any]) -> list[str]:
    return [action["sentence"] for action in answer["actions"]]


def test_a_cluster_without_flux_gets_all_of_it_and_a_second_run_nothing(
    call: Call, cluster: Cluster, keys: Path
) -> None:
    answer = call()
    assert answer["changed"], answer
    assert sentences(answer) == [
        "create Namespace flux-system",
        "create Secret flux-system/flux-system",
        "create Secret flux-system/sops-age",
        "install Flux 2.6.1 (21 objects)",
        "create GitRepository flux-system/flux-system",
        "create Kustomization flux-system/flux-system",
    ]
    credentials = values(cluster, "flux-system")
    assert credentials["identity"] == (keys / "deploy.key").read_text()
    assert credentials["identity.pub"].split()[:2] == (keys / "deploy.key.pub").read_text().split()[:2]
    assert credentials["known_hosts"] == "git.example.net ssh-ed25519 AAAA\n"
    # the key alone, without remarks
    assert values(cluster, "sops-age") == {"age.agekey": (keys / "age.key").read_text().splitlines()[1] + "\n"}
    assert cluster.get(LAYER)["spec"]["decryption"] == {"provider": "sops", "secretRef": {"name": "sops-age"}}
    assert cluster.get(LAYER)["spec"]["path"] == "./clusters/k3s-home"
    assert cluster.find(CONTROLLER.replace("source-", "image-reflector-")) is None
    again = call()
    assert (again["changed"], again["actions"], again["notices"]) == (False, [], [])


def test_check_mode_tells_the_same_and_does_nothing(call: Call, cluster: Cluster, tmp_path: Path) -> None:
    answer = call(_ansible_check_mode=True, _ansible_diff=True)
    assert (answer["changed"], len(answer["actions"])) == (True, 6)
    assert answer["diff"]["after"]["Secret flux-system/sops-age"] == ["age.agekey (new value)"]
    assert "AGE-SECRET-KEY" not in json.dumps(answer) and "PRIVATE KEY" not in json.dumps(answer)
    assert cluster.find("/api/v1/namespaces/flux-system") is None
    # before the download, and before there is a cluster
    early = call(_ansible_check_mode=True, components=str(tmp_path / "none"), kubeconfig=str(tmp_path / "none"))
    assert "install Flux 2.6.1 (its file is still to be downloaded)" in sentences(early)


def test_known_problems_stop_everything_together_with_those_of_the_keys(call: Call, cluster: Cluster) -> None:
    answer = call(problems=["the moon is full"], identity="/nonexistent/age.key", components="/nonexistent")
    assert answer["failed"]
    assert answer["problems"] == [
        "the moon is full",
        "the age key /nonexistent/age.key cannot be read (No such file or directory); without it the Secret sops-age "
        "cannot be made: restore it from its copy, or correct homelab_gitops_identity",
    ]
    assert answer["msg"].startswith("nothing has been applied, since\n- the moon is full\n- the age key")
    assert cluster.find("/api/v1/namespaces/flux-system") is None


def test_another_deploy_key_goes_into_the_secret_and_flux_is_told(call: Call, cluster: Cluster, keys: Path) -> None:
    call()
    new_key(keys / "deploy.key")
    answer = call()
    assert sentences(answer) == [
        "change Secret flux-system/flux-system: identity, identity.pub",
        "have Flux fetch with the new credentials",
    ]
    assert values(cluster, "flux-system")["identity"] == (keys / "deploy.key").read_text()
    assert "reconcile.fluxcd.io/requestedAt" in cluster.get(SOURCE)["metadata"]["annotations"]
    assert not call()["changed"]


def test_another_age_key_goes_into_the_secret_and_those_that_decrypt_are_told(
    call: Call, cluster: Cluster, keys: Path
) -> None:
    call()
    spec = {"path": "./x", "sourceRef": {"kind": "GitRepository", "name": "flux-system"}}
    for name, more in (("apps", {"decryption": {"secretRef": {"name": "sops-age"}}}), ("plain", {})):
        item = {
            "apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization",
            "metadata": {"name": name, "namespace": "flux-system"}, "spec": spec | more,
        }  # fmt: skip
        cluster.apply(path_of(item), item)
    (keys / "age.key").write_text(str(pyrage.x25519.Identity.generate()))
    assert sentences(call()) == [
        "change Secret flux-system/sops-age: age.agekey",
        "have Kustomization flux-system/apps decrypt with the new key",
        "have Kustomization flux-system/flux-system decrypt with the new key",
    ]


def test_from_ssh_to_https_nothing_of_the_old_key_is_left(call: Call, cluster: Cluster, keys: Path) -> None:
    call()
    (keys / "token").write_text("t0ken\n")
    (keys / "ca.pem").write_text("-----BEGIN CERTIFICATE-----\n")
    https = {
        "url": "https://git.example.net/flux-k3s", "deploy_key": None, "token": str(keys / "token"),
        "ca": str(keys / "ca.pem"), "username": "flux",
    }  # fmt: skip
    refused = call(**https)
    assert "of the cluster follows branch main of ssh://git@git.example.net/flux-k3s, expected" in refused["msg"]
    assert "-e flux_replace_sync=true" in refused["msg"]
    assert "identity" in values(cluster, "flux-system")
    answer = call(**https, replace_sync=True)
    assert answer["changed"], answer
    assert values(cluster, "flux-system") == {
        "username": "flux", "password": "t0ken", "ca.crt": "-----BEGIN CERTIFICATE-----\n",
    }  # fmt: skip
    assert cluster.get(SOURCE)["spec"]["url"] == https["url"]
    assert not call(**https)["changed"]
    assert "t0ken" not in json.dumps(answer)


def test_a_newer_commit_is_asked_for_once(call: Call, cluster: Cluster) -> None:
    call(revision=COMMIT)
    cluster.merge(f"{SOURCE}/status", {"status": {"artifact": {"revision": "main@sha1:abc"}}})
    answer = call(revision=COMMIT)
    assert answer["had"] == "main@sha1:abc"
    assert sentences(answer) == [f"have Flux fetch main@sha1:{COMMIT[:14]}, it has main@sha1:abc"]
    cluster.merge(f"{SOURCE}/status", {"status": {"artifact": {"revision": f"main@sha1:{COMMIT}"}}})
    assert not call(revision=COMMIT)["changed"]


def test_a_run_that_was_killed_in_between_is_brought_to_its_end(call: Call, cluster: Cluster) -> None:
    call()
    policy = "/apis/networking.k8s.io/v1/namespaces/flux-system/networkpolicies/allow-egress"
    cluster.request("DELETE", policy)
    cluster.request("DELETE", LAYER)
    assert sentences(call()) == [
        "bring Flux to 2.6.1: NetworkPolicy flux-system/allow-egress",
        "create Kustomization flux-system/flux-system",
    ]
    assert cluster.get(policy)["spec"]["egress"] == [{}]


def test_a_flux_that_somebody_applied_by_hand_is_taken_over(call: Call, cluster: Cluster) -> None:
    source, layer = sync_objects(Wish("2.6.1", f"{URL}.git", "main", "/clusters/k3s-home", interval="5m"))
    for item in (*objects("2.6.1"), source, layer):
        cluster.apply(path_of(item), item, manager="kubectl-client-side-apply")
    assert sentences(call()) == [
        "create Secret flux-system/flux-system",
        "create Secret flux-system/sops-age",
        "change GitRepository flux-system/flux-system",
        "change Kustomization flux-system/flux-system",
        "have Flux fetch with the new credentials",
    ]
    assert cluster.get(SOURCE)["spec"]["secretRef"] == {"name": "flux-system"}
    assert cluster.get(LAYER)["spec"]["decryption"]["provider"] == "sops"
    # controllers that are not asked for stay where they are
    assert cluster.find(CONTROLLER.replace("source-", "image-reflector-"))
    assert not call()["changed"]


def test_what_the_api_itself_calls_the_same_is_no_difference(
    call: Call, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    call()
    # as if the API wrote everything in other words
    monkeypatch.setattr(of_cluster, "covers", lambda _found, _wanted: False)
    monkeypatch.setattr(of_plan, "covers", lambda _found, _wanted: False)
    assert not call()["changed"]
    cluster.merge(CONTROLLER, {"spec": {"replicas": 0}})
    assert sentences(call()) == ["bring Flux to 2.6.1: Deployment flux-system/source-controller"]


def test_what_git_keeps_is_left_to_it(call: Call, cluster: Cluster) -> None:
    call()
    for path in (CONTROLLER, SOURCE, LAYER):
        cluster.merge(path, {"metadata": {"labels": {"kustomize.toolkit.fluxcd.io/name": "flux-system"}}})
    answer = call("2.7.5")
    assert (answer["changed"], answer["actions"]) == (False, [])
    assert answer["notices"] == [
        "the controllers of Flux belong to Git (Kustomization flux-system) and are left to it",
        "they are of Flux 2.6, and the release set says 2.7.5; change that in Git (docs/gitops.md), or name the "
        "version in homelab_release_overrides",
        "GitRepository flux-system/flux-system belongs to Git (Kustomization flux-system) and is left to it",
        "Kustomization flux-system/flux-system belongs to Git (Kustomization flux-system) and is left to it",
    ]
    refused = call(branch="next")
    assert (
        "and it belongs to Git (Kustomization flux-system); change it there, or correct the inventory"
        in (refused["msg"])
    )


def test_an_upgrade_goes_one_minor_version_and_never_back(call: Call, cluster: Cluster) -> None:
    call()
    assert "Flux 2.6 runs and 2.9.4 is wanted, which leaves out 2 minor versions" in call("2.9.4")["msg"]
    answer = call("2.7.5")
    assert any("upgrade Flux from 2.6 to 2.7.5" in sentence for sentence in sentences(answer)), answer
    image = cluster.get(CONTROLLER)["spec"]["template"]["spec"]["containers"][0]["image"]
    assert image == "ghcr.io/fluxcd/source-controller:v1.7.0"
    assert "Flux 2.7 runs and 2.6.1 is wanted, but no upstream supports going back" in call("2.6.1")["msg"]


def test_git_with_controllers_of_its_own_has_to_agree_with_the_set(call: Call, cluster: Cluster) -> None:
    answer = call("2.7.5", committed="2.6.1")
    assert "Git brings Flux 2.6.1 (clusters/k3s-home/flux-system/gotk-components.yaml), expected 2.7.5" in answer["msg"]
    assert call("2.7.5", committed="2.7.2")["changed"]


def test_objects_of_a_version_that_goes_are_named_before_the_upgrade(call: Call, cluster: Cluster) -> None:
    name = "gitrepositories.source.toolkit.fluxcd.io"
    old = next(item for item in objects("2.6.1") if item["metadata"]["name"] == name)
    for version in old["spec"]["versions"]:
        version["storage"] = version["name"] == "v1beta2"
    cluster.apply(path_of(old), old)
    call()
    answer = call("2.7.5")
    assert answer["problems"] == [
        "gitrepositories.source.toolkit.fluxcd.io has objects stored as v1beta2, which Flux 2.7.5 does not have, so "
        "the API would refuse its definition; run flux migrate (flux CLI of that version) first"
    ]


def test_a_user_without_the_right_is_named(call: Call) -> None:
    assert "the API does not let the kubeconfig's user do this" in call(user="visitor")["msg"]


def test_git_may_keep_flux_itself(call: Call, tmp_path: Path) -> None:
    folder = tmp_path / "checkout" / "flux-system"
    answer = call(commit_folder=str(folder))
    assert sentences(answer)[0] == f"write {folder}/gotk-components.yaml, for you to commit"
    assert committed(tmp_path, "checkout") == ("2.6.1", "branch main of ssh://git@git.example.net/flux-k3s")
    assert not call(commit_folder=str(folder))["changed"]
