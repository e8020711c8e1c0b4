# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Values of the chart, and where the chart can be had, what the chart makes of them."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest
import yaml

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._cilium.values import (
    differing,
    merged,
    values_for,
)

from .cilium_samples import VERSIONS, WISH, wish

ROOT = Path(__file__).resolve().parents[5]
# A folder with charts of upstream, cilium-VERSION.tgz; they are not part of this checkout.
CHARTS = Path(os.environ.get("HOMELAB_CILIUM_CHARTS", "/nonexistent"))
HELM = ROOT / ".lab" / "bin" / "helm"


def test_values_for_the_owners_cluster() -> None:
    assert values_for(WISH) == {
        "k8sServiceHost": "127.0.0.1",
        "k8sServicePort": 6444,
        "kubeProxyReplacement": "true",
        "routingMode": "tunnel",
        "tunnelProtocol": "vxlan",
        "ipam": {"mode": "cluster-pool", "operator": {"clusterPoolIPv4PodCIDRList": ["10.42.0.0/16"]}},
        "k8sClientRateLimit": {"qps": 20, "burst": 40},
        "rollOutCiliumPods": True,
        "operator": {
            "replicas": 2,
            "rollOutPods": True,
            "podAnnotations": {"homelab.fletcherlabs.net/gateway-api": "v1.1.0 experimental"},
        },
        "bgpControlPlane": {"enabled": True},
        "l2announcements": {"enabled": True},
        "gatewayAPI": {"enabled": True},
        "hubble": {"relay": {"enabled": True}},
    }


@pytest.mark.parametrize("version", VERSIONS)
def test_alpn_and_app_protocol_come_with_1_16(version: str) -> None:
    gateway = values_for(wish(version))["gatewayAPI"]
    expected = {"enabled": True, "enableAlpn": True, "enableAppProtocol": True}
    assert gateway == ({"enabled": True} if version == "1.15.6" else expected)


@pytest.mark.parametrize(("nodes", "replicas"), [(0, 1), (1, 1), (2, 2), (5, 2)])
def test_no_operator_waits_for_a_node_that_is_not_there(nodes: int, replicas: int) -> None:
    assert values_for(wish("1.15.6", nodes=nodes))["operator"]["replicas"] == replicas


def test_what_is_not_wanted_is_off() -> None:
    values = values_for(wish("1.17.18", bgp=None, l2_interfaces=(), gateway=None, devices=("eno1",)))
    assert (values["bgpControlPlane"], values["l2announcements"]) == ({"enabled": False}, {"enabled": False})
    assert values["gatewayAPI"] == {"enabled": False}
    assert "podAnnotations" not in values["operator"]
    assert values["devices"] == ["eno1"]


def test_the_owners_values_win() -> None:
    values = values_for(wish("1.15.6", values={"operator": {"replicas": 1}, "tunnelProtocol": "geneve"}))
    assert (values["operator"]["replicas"], values["operator"]["rollOutPods"]) == (1, True)
    assert values["tunnelProtocol"] == "geneve"


def test_merging_and_comparing() -> None:
    assert merged({"a": {"b": 1, "c": [1]}}, {"a": {"c": [2]}, "d": None}) == {"a": {"b": 1, "c": [2]}, "d": None}
    assert differing({"a": {"b": 1}, "c": None}, {"a": {"b": 2, "x": 3}}) == ["a.b", "a.x", "c"]
    assert differing(values_for(WISH), values_for(WISH)) == []


def configuration(version: str) -> dict[str, str]:
    """cilium-config as upstream's chart makes it of our values, which its schema has accepted."""
    chart = CHARTS / f"cilium-{version}.tgz"
    if not chart.exists():
        pytest.skip(f"no {chart.name} in HOMELAB_CILIUM_CHARTS")
    kinds = "--api-versions=gateway.networking.k8s.io/v1/GatewayClass"
    argv = [str(HELM), "template", "cilium", str(chart), "--namespace=kube-system", "--kube-version=1.32.5", kinds]
    values = json.dumps(values_for(wish(version, devices=("eno1", "eno2"))))
    answer = subprocess.run([*argv, "--values=-"], input=values, capture_output=True, text=True)
    assert answer.returncode == 0, answer.stderr
    documents = [item for item in yaml.safe_load_all(answer.stdout) if item]
    names = {(item["kind"], item["metadata"]["name"]): item for item in documents}
    assert ("GatewayClass", "cilium") in names
    operator = names["Deployment", "cilium-operator"]["spec"]
    assert operator["replicas"] == 2
    assert operator["template"]["metadata"]["annotations"]["homelab.fletcherlabs.net/gateway-api"]
    agent = names["DaemonSet", "cilium"]["spec"]["template"]
    environment = {entry["name"]: entry.get("value") for entry in agent["spec"]["containers"][0]["env"]}
    assert (environment["KUBERNETES_SERVICE_HOST"], environment["KUBERNETES_SERVICE_PORT"]) == ("127.0.0.1", "6444")
    assert "/etc/cni/net.d" in [(volume.get("hostPath") or {}).get("path") for volume in agent["spec"]["volumes"]]
    found: dict[str, str] = names["ConfigMap", "cilium-config"]["data"]
    return found


@pytest.mark.parametrize("version", VERSIONS)
def test_upstreams_chart_takes_the_values_and_does_what_they_mean(version: str) -> None:
    config = configuration(version)
    expected = {
        "kube-proxy-replacement": "true",
        "routing-mode": "tunnel",
        "tunnel-protocol": "vxlan",
        "ipam": "cluster-pool",
        "cluster-pool-ipv4-cidr": "10.42.0.0/16",
        "enable-bgp-control-plane": "true",
        "enable-l2-announcements": "true",
        "enable-gateway-api": "true",
        "k8s-client-qps": "20",
        "devices": "eno1 eno2",
    }
    if version != "1.15.6":
        expected |= {"enable-gateway-api-alpn": "true", "enable-gateway-api-app-protocol": "true"}
    assert {key: config.get(key) for key in expected} == expected
    # the fix of June 2025 needs these keys, which 1.15 does not have
    assert ("enable-gateway-api-alpn" in config) == (version != "1.15.6")
