# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""flux_ready through the official client, against the API server of the lab."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from ansible.module_utils.testing import patch_module_args

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._cluster.client import Cluster
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._flux.model import Wish
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._flux.objects import instance, path_of, sync_objects
from ansible_collections.fletcherlabs.homelab.plugins.modules import flux_ready
from lab.flux_releases import objects, operator_objects

Call = Callable[..., dict[str, Any]]
NOW, BEFORE = "main@sha1:2222", "main@sha1:1111"
READY = {"observedGeneration": 1, "conditions": [{"type": "Ready", "status": "True"}]}
SOURCE, LAYER = (
    path_of(item) for item in sync_objects(Wish("2.6.1", "ssh://git@example.net/it", "main", "clusters/k3s-home"))
)
PODS = {"observedGeneration": 1, "updatedReplicas": 1, "availableReplicas": 1, "readyReplicas": 1, "replicas": 1}


@pytest.fixture
def cluster(kubeconfig_of: Callable[[str], str]) -> Cluster:
    """A Flux that follows Git."""
    found = Cluster(kubeconfig_of("admin"))
    wish = Wish("2.6.1", "ssh://git@example.net/it", "main", "clusters/k3s-home")
    for item in (*objects("2.6.1"), *sync_objects(wish)):
        found.apply(path_of(item), item)
        if item["kind"] == "Deployment":
            found.merge(f"{path_of(item)}/status", {"status": PODS})
    found.merge(f"{SOURCE}/status", {"status": READY | {"artifact": {"revision": NOW}}})
    found.merge(f"{LAYER}/status", {"status": READY | {"lastAppliedRevision": NOW}})
    return found


@pytest.fixture
def call(kubeconfig_of: Callable[[str], str], capsys: pytest.CaptureFixture[str]) -> Call:
    def run(**more: Any) -> dict[str, Any]:
        arguments = {"kubeconfig": kubeconfig_of("admin"), "timeout": 0} | more
        with patch_module_args(arguments), pytest.raises(SystemExit):
            flux_ready.main()
        result: dict[str, Any] = json.loads(capsys.readouterr().out)
        return result

    return run


@pytest.mark.parametrize("options", [
    {}, {"revision": NOW}, {"revision": NOW, "had": BEFORE},
    # Git went on after it was asked
    {"revision": "main@sha1:1818", "had": BEFORE},
])  # fmt: skip
def test_a_flux_that_follows_git_is_ready(cluster: Cluster, call: Call, options: dict[str, str]) -> None:
    answer = call(**options)
    assert (answer.get("failed"), answer["revision"], answer["changed"]) == (None, NOW, False)


@pytest.mark.parametrize(("path", "change", "sentence"), [
    (f"{SOURCE}/status", {"status": {"artifact": {"revision": BEFORE}}}, f"has {BEFORE}, and Git has {NOW}"),
    (f"{SOURCE}/status", {"status": {"artifact": None}}, f"has no revision, and Git has {NOW}"),
    (f"{SOURCE}/status", {"status": {"conditions": [{"type": "Ready", "status": "False", "message": "no key"}]}},
     "GitRepository flux-system/flux-system is not Ready: no key"),
    (SOURCE, {"spec": {"interval": "9m"}}, "nobody has looked at GitRepository flux-system/flux-system yet"),
    (SOURCE, {"metadata": {"annotations": {"reconcile.fluxcd.io/requestedAt": "now"}}},
     "nobody has looked at GitRepository flux-system/flux-system since it was asked to"),
    (f"{LAYER}/status", {"status": {"lastAppliedRevision": BEFORE}}, f"has applied {BEFORE}, and {NOW} is fetched"),
    (f"{LAYER}/status", {"status": {"conditions": []}}, "flux-system is not Ready: nobody reported"),
])  # fmt: skip
def test_what_is_missing_is_said_when_the_time_is_over(
    cluster: Cluster, call: Call, path: str, change: dict[str, Any], sentence: str
) -> None:
    cluster.merge(path, change)
    answer = call(revision=NOW, had=BEFORE)
    assert answer["failed"]
    assert answer["msg"].startswith("after 0 s Flux does not follow Git: ")
    assert sentence in answer["msg"]


def test_controllers_come_first(cluster: Cluster, call: Call) -> None:
    deployments = "/apis/apps/v1/namespaces/flux-system/deployments"
    cluster.merge(f"{deployments}/source-controller/status", {"status": {"readyReplicas": 0}})
    cluster.request("DELETE", f"{deployments}/kustomize-controller")
    assert call()["missing"] == [
        "source-controller has 0 of 1 new pods ready (kubectl -n flux-system logs deploy/source-controller)",
        "kustomize-controller is not there",
    ]


def test_a_suspended_object_ends_the_wait_at_once(cluster: Cluster, call: Call) -> None:
    cluster.merge(LAYER, {"spec": {"suspend": True}})
    answer = call(timeout=3600)
    assert "Kustomization flux-system/flux-system is suspended; flux resume makes it go on" in answer["msg"]


def test_an_api_that_does_not_answer_is_asked_until_the_time_is_over(call: Call, tmp_path: Any) -> None:
    (tmp_path / "kubeconfig").write_text("{}")
    assert "is no kubeconfig" in call(kubeconfig=str(tmp_path / "kubeconfig"))["msg"]


def test_an_instance_of_flux_operator_comes_before_what_it_makes(cluster: Cluster, call: Call) -> None:
    assert call(operator=True)["missing"] == ["FluxInstance flux-system/flux is not there"]
    made = instance(Wish("2.6.1", "ssh://git@example.net/it", "main", "clusters/k3s-home", operator="0.58.1"))
    for item in (*operator_objects(), made):
        cluster.apply(path_of(item), item)
    assert call(operator=True)["missing"] == ["nobody has looked at FluxInstance flux-system/flux yet"]
    # upstream tells the generation in the condition
    ready = {"type": "Ready", "status": "True", "observedGeneration": 1}
    cluster.merge(f"{path_of(made)}/status", {"status": {"conditions": [ready]}})
    assert call(operator=True)["revision"] == NOW
    # sources of the operator have the whole name of the branch
    cluster.merge(f"{SOURCE}/status", {"status": {"artifact": {"revision": "refs/heads/main@sha1:2222"}}})
    cluster.merge(f"{LAYER}/status", {"status": {"lastAppliedRevision": "refs/heads/main@sha1:2222"}})
    assert not call(operator=True, revision=NOW, had=BEFORE).get("failed")
