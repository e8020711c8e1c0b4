# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The device plugin in the API: how cards are shared, what nodes offer, and other owners. Runs after test_node.py."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from tests.twin import Run, Twin

    from .conftest import Cluster

GPU = "playbooks/gpu.yml"
NODE = "k3s3"
PLACE = "--namespace=kube-system"
SERVER = "k3s-master1"
NODES = [{"name": NODE, "cards": 1, "replicas": 8}, {"name": SERVER, "cards": 2, "replicas": 1}]


def play(twin: Twin, **variables: Any) -> Run:
    """The plugin alone: the server has no card, so that no driver is looked at."""
    return twin.play(GPU, "--extra-vars", json.dumps({"node": SERVER, **variables}))


def configs(twin: Twin) -> dict[str, Any]:
    data = twin.get("configmap", "nvidia-device-plugin-configs", PLACE)["data"]
    return {name: yaml.safe_load(text) for name, text in data.items()}


def labels(twin: Twin, node: str) -> dict[str, str]:
    return {key: value for key, value in twin.get("node", node)["metadata"]["labels"].items() if "nvidia" in key}


def test_a_card_is_shared_by_four(twin: Twin) -> None:
    assert labels(twin, NODE) == {"nvidia.com/gpu.present": "true", "nvidia.com/device-plugin.config": "shared-4"}
    assert labels(twin, SERVER) == {}
    found = configs(twin)
    assert sorted(found) == ["exclusive", "shared-4"]
    assert found["shared-4"]["version"] == "v1"
    assert found["shared-4"]["sharing"]["timeSlicing"] == {
        "renameByDefault": False,
        "failRequestsGreaterThanOne": True,
        "resources": [{"name": "nvidia.com/gpu", "replicas": 4}],
    }
    assert "sharing" not in found["exclusive"]


def test_the_plugin_goes_where_the_label_is_and_with_the_runtime(twin: Twin) -> None:
    spec = twin.get("daemonset", "nvidia-device-plugin", PLACE)["spec"]["template"]["spec"]
    assert spec["runtimeClassName"] == "nvidia"
    assert spec["nodeSelector"] == {"nvidia.com/gpu.present": "true"}
    images = {each["image"] for each in (*spec["containers"], *spec["initContainers"])}
    assert images == {"nvcr.io/nvidia/k8s-device-plugin:v0.17.1"}
    (init,) = spec["initContainers"]
    environment = {each["name"]: each.get("value") for each in init["env"]}
    assert environment["NODE_LABEL"] == "nvidia.com/device-plugin.config"
    assert environment["DEFAULT_CONFIG"] in configs(twin)
    paths = [each["hostPath"]["path"] for each in spec["volumes"] if "hostPath" in each]
    assert paths == ["/var/lib/kubelet/device-plugins"]
    assert twin.get("runtimeclass", "nvidia")["handler"] == "nvidia"
    pods = twin.get("pods", PLACE, "--selector=app.kubernetes.io/name=nvidia-device-plugin")["items"]
    assert [pod["spec"]["nodeName"] for pod in pods] == [NODE]


def test_nodes_share_in_different_parts_by_inventory_alone_and_say_what_they_lack(twin: Twin, cluster: Cluster) -> None:
    before = twin.get("daemonset", "nvidia-device-plugin", PLACE)["spec"]["template"]["metadata"]["annotations"]
    cluster.offer(NODE, "1")
    run = play(twin, gpu_nvidia_nodes=NODES, nvidia_gpu_wait=1)
    assert labels(twin, SERVER)["nvidia.com/device-plugin.config"] == "exclusive"
    assert labels(twin, NODE)["nvidia.com/device-plugin.config"] == "shared-8"
    assert configs(twin)["shared-8"]["sharing"]["timeSlicing"]["resources"][0]["replicas"] == 8
    # other configurations need other pods
    after = twin.get("daemonset", "nvidia-device-plugin", PLACE)["spec"]["template"]["metadata"]["annotations"]
    assert after != before
    assert run.status != 0
    assert "k3s3 offers 1 x nvidia.com/gpu, expected 8 (1 card x 8 replicas); read what the device plugin" in run.text
    assert "k3s-master1 offers 0 x nvidia.com/gpu, expected 2 (2 cards x 1 replicas)" in run.text


def test_nodes_that_offer_all_pass(twin: Twin, cluster: Cluster) -> None:
    cluster.offer(NODE, "8")
    cluster.offer(SERVER, "2")
    run = play(twin, gpu_nvidia_nodes=NODES, nvidia_gpu_wait=1)
    assert (run.status, run.changed) == (0, False), run.output


def test_a_second_plugin_of_nobody_is_refused(twin: Twin, cluster: Cluster) -> None:
    cluster.put_plugin("by-hand")
    run = play(twin)
    assert run.status != 0
    assert (
        "the cluster has the device plugin by-hand in default, which neither Flux nor this collection keeps" in run.text
    )
    twin.kubectl("delete", "daemonset", "by-hand")


def test_the_plugin_is_left_to_flux_and_ours_gives_way(twin: Twin, cluster: Cluster) -> None:
    cluster.put_plugin("of-flux", **{"helm.toolkit.fluxcd.io/name": "nvidia-device-plugin"})
    run = play(twin)
    assert (run.status, run.changed) == (0, True), run.output
    assert "Flux keeps the device plugin of-flux in default, so it is left to Flux" in run.text
    assert cluster.plugins() == ["of-flux"]
    twin.kubectl("delete", "daemonset", "of-flux")


def test_flux_may_be_named_before_it_is_there(twin: Twin, cluster: Cluster) -> None:
    run = play(twin, homelab_gpu_owner="flux")
    assert (run.status, run.changed) == (0, False), run.output
    assert "homelab_gpu_owner is flux, so the device plugin is left to Flux" in run.text
    assert cluster.plugins() == []
