# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The network of a small twin, in this order: as documented, again, refused, step by step to the next set, Flux."""

from __future__ import annotations

import base64
import gzip
import json
import socket
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
import yaml

if TYPE_CHECKING:
    from tests.twin import Twin

    from .conftest import Network

ADDRESS, ROUTER = "198.18.35.224", "198.18.35.1"
ANYTHING = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}


@pytest.mark.parametrize("machine", ["k3s-master1", "k3s1"])
def test_cilium_is_the_network_of_each_node(twin: Twin, machine: str) -> None:
    assert twin.host(machine).file("/etc/cni/net.d/05-cilium.conflist").exists


def test_the_release_is_the_sets_with_the_values_of_the_inventory(network: Network) -> None:
    assert list(network.revisions()) == [1]
    assert network.revisions()[1]["chart"]["metadata"]["version"] == "1.15.6"
    config = network.config()
    assert (config["kube-proxy-replacement"], config["routing-mode"], config["tunnel-protocol"]) == (
        "true",
        "tunnel",
        "vxlan",
    )
    assert config["cluster-pool-ipv4-cidr"] == "10.42.0.0/16"
    assert "enable-gateway-api-alpn" not in config


def test_definitions_are_of_the_experimental_channel_and_went_in_first(twin: Twin, network: Network) -> None:
    assert network.bundles() == {"v1.1.0"}
    routes = twin.get("crd", "tlsroutes.gateway.networking.k8s.io")
    assert [version["name"] for version in routes["spec"]["versions"]] == ["v1alpha2"]
    # the operator looks once; had they come later, there would be no class that is accepted
    (condition,) = twin.get("gatewayclass", "cilium")["status"]["conditions"]
    assert (condition["type"], condition["status"]) == ("Accepted", "True")


def test_the_gateway_has_the_first_address_of_the_pool(twin: Twin, network: Network) -> None:
    assert [entry["value"] for entry in network.gateway()["status"]["addresses"]] == [ADDRESS]
    pool = twin.get("ciliumloadbalancerippools", "homelab")
    assert pool["apiVersion"] == "cilium.io/v2alpha1"
    assert pool["spec"] == {"allowFirstLastIPs": "Yes", "blocks": [{"cidr": "198.18.35.224/28"}]}
    route = twin.get("httproute", "http-to-https", "--namespace=networking")
    assert route["spec"]["hostnames"] == ["fletcherlabs.net", "*.fletcherlabs.net"]


def test_bgp_is_told_in_the_words_of_1_15(twin: Twin, network: Network) -> None:
    spec = twin.get("ciliumbgppeeringpolicies", "homelab")["spec"]
    (router,) = spec["virtualRouters"]
    assert (router["localASN"], router["neighbors"][0]["peerASN"]) == (64512, 64513)
    assert router["neighbors"][0]["peerAddress"] == f"{ROUTER}/32"
    interfaces = twin.get("ciliuml2announcementpolicies", "homelab")["spec"]["interfaces"]
    # of the machine as it is, and as it is described
    assert "^eth0$" in interfaces and "^enx6c1ff71be8c8$" in interfaces


@pytest.fixture
def router() -> Iterator[None]:
    """A DOUBLE of the router: it takes connections at BGP's port, and says nothing."""
    with socket.create_server((ROUTER, 179)):
        yield


@pytest.mark.usefixtures("router")
def test_a_router_without_a_session_is_named_where_cilium_tells_nothing(network: Network) -> None:
    run = network.play(cilium_timeout=5)
    assert run.status != 0
    assert f"k3s1 has no connection to {ROUTER} port 179, where something answers" in run.text
    assert "expected a BGP session of AS 64512 with AS 64513" in run.text
    # a node without the label speaks no BGP
    assert "k3s-master1 has no connection" not in run.text
    status, said = network.verified("network/bgp/sessions")
    assert status == "bad" and said.startswith(f"k3s1 has no connection to {ROUTER} port 179, expected a BGP session")


@pytest.mark.usefixtures("router")
def test_a_second_run_changes_nothing_and_adds_no_revision(twin: Twin, network: Network) -> None:
    connected = f"exec 3<>/dev/tcp/{ROUTER}/179; sleep 600"
    twin.on("k3s1", f"systemd-run --quiet --unit=session-double bash -c '{connected}'")
    run = network.play()
    verified = network.verified("network/bgp/sessions")
    twin.on("k3s1", "systemctl stop session-double")
    assert (run.status, run.changed) == (0, False), run.output
    assert verified == ("ok", f"connected with {ROUTER}: k3s1; what is said there only Cilium's agents know")
    assert list(network.revisions()) == [1]
    assert "the listener https is not served yet: no Secret networking/wildcard-fletcherlabs-net-tls" in run.text


def test_a_reinstalled_worker_gets_its_layers_back_and_its_hosts_parts_before_k3s(twin: Twin) -> None:
    twin.reinstall("k3s1")
    wanted = {"homelab_layers": ["hosts", "cluster", "network", "storage", "gpu"], "homelab_exports": []}
    # the double of a device plugin is the test's own, and this is not its test
    run = twin.play("playbooks/rebuild_node.yml", "-e", "node=k3s1", "-e", json.dumps(wanted | {"intel_gpu_wait": 0}))
    assert run.status == 0, run.output[-3000:]
    host = twin.host("k3s1")
    started = int(twin.on("k3s1", 'date +%s --date "$(systemctl show -P ActiveEnterTimestamp k3s-agent)"'))
    for written in ("/etc/systemd/network/05-homelab-containers.network", "/etc/modules-load.d/homelab-storage.conf"):
        assert host.file(written).mtime.timestamp() <= started, written
    assert host.file("/etc/cni/net.d/05-cilium.conflist").exists
    assert host.package("vainfo").is_installed
    node = twin.get("node", "k3s1")
    assert node["metadata"]["labels"]["intel.feature.node.kubernetes.io/gpu"] == "true"
    assert "node.longhorn.io/default-disks-config" in node["metadata"]["annotations"]
    assert "unschedulable" not in node["spec"]


def test_a_jump_is_refused_with_the_next_step(network: Network) -> None:
    run = network.play(homelab_release_set="supported")
    assert run.status != 0
    assert "Cilium 1.15.6 runs and 1.17.18 is wanted, which leaves out 1 minor version" in run.text
    assert "go to 1.16.19 first" in run.text
    assert (list(network.revisions()), network.bundles()) == ([1], {"v1.1.0"})


def test_a_pair_that_cannot_start_is_refused(network: Network) -> None:
    run = network.play(homelab_release_overrides={"gateway_api_channel": "standard"})
    assert run.status != 0
    assert "Cilium 1.15.6 runs no Gateway without GRPCRoute v1alpha2 and TLSRoute v1alpha2" in run.text


def test_a_rehearsal_of_a_step_tells_everything_and_does_nothing(network: Network) -> None:
    run = network.cilium("1.16.19", "--check", "--diff")
    assert (run.status, run.changed) == (0, True), run.output
    for sentence in (
        "upgrade cilium from 1.15.6 to 1.16.19",
        "create CiliumBGPClusterConfig homelab",
        "remove CiliumBGPPeeringPolicy homelab: BGPv2 takes its place",
        '"enableAlpn": true',
    ):
        assert sentence in run.text
    assert list(network.revisions()) == [1]


def test_a_killed_upgrade_is_taken_up_and_bgp_changes_its_api(twin: Twin, network: Network, tmp_path: Any) -> None:
    """A run that was killed while Helm worked leaves a revision that is pending; Helm refuses every other one then."""
    running = twin.get("secret", "sh.helm.release.v1.cilium.v1", "--namespace=kube-system")
    metadata = {"name": "sh.helm.release.v1.cilium.v2", "namespace": "kube-system"}
    labels = running["metadata"]["labels"] | {"version": "2", "status": "pending-upgrade"}
    pending = running | {"metadata": metadata | {"labels": labels}, "data": {"release": pending_revision(network)}}
    # not applied, since a note of the whole would be too long for an annotation
    twin.kubectl("create", "--filename=-", stdin=json.dumps(pending))
    values_file = tmp_path / "values.yaml"
    run = network.cilium("1.16.19", cilium_values_file=str(values_file))
    assert run.status == 0, run.output
    assert "forget revision 2 of cilium, which is pending-upgrade" in run.text
    assert {number: item["info"]["status"] for number, item in network.revisions().items()} == {
        1: "superseded",
        2: "deployed",
    }
    assert network.config()["enable-gateway-api-alpn"] == "true"
    assert (network.named("ciliumbgppeeringpolicies"), network.named("ciliumbgpclusterconfigs")) == ([], ["homelab"])
    assert [entry["value"] for entry in network.gateway()["status"]["addresses"]] == [ADDRESS]
    # one document: what Flux is given is what Helm was given
    assert yaml.safe_load(values_file.read_text()) == network.revisions()[2]["config"]


def pending_revision(network: Network) -> str:
    """Revision 1 again, as Helm writes the next one before it begins."""
    release = network.revisions()[1]
    release |= {"version": 2, "info": release["info"] | {"status": "pending-upgrade"}}
    packed = base64.b64encode(gzip.compress(json.dumps(release).encode()))
    return base64.b64encode(packed).decode()


def test_the_supported_set_brings_other_definitions_which_restart_the_operator(twin: Twin, network: Network) -> None:
    wanted = {"homelab_release_set": "supported", "cilium_values_file": str(network.values_file)}
    run = network.play(**wanted)
    assert run.status == 0, run.output
    assert network.bundles() == {"v1.2.1"}
    template = twin.get("deployment", "cilium-operator", "--namespace=kube-system")["spec"]["template"]
    assert template["metadata"]["annotations"]["homelab.fletcherlabs.net/gateway-api"] == "v1.2.1 experimental"
    again = network.play(**wanted)
    assert (again.status, again.changed) == (0, False), again.output


def test_pools_that_quarrel_are_named(twin: Twin, network: Network) -> None:
    spec = {"blocks": [{"cidr": "198.18.35.224/27"}]}
    kind = {"apiVersion": "cilium.io/v2alpha1", "kind": "CiliumLoadBalancerIPPool"}
    twin.kubectl("apply", "--filename=-", stdin=json.dumps(kind | {"metadata": {"name": "old"}, "spec": spec}))
    twin.kubectl("wait", "--for=condition=cilium.io/PoolConflict", "ciliumloadbalancerippools/old", "--timeout=30s")
    run = network.play(homelab_release_set="supported")
    assert run.status != 0
    assert "CiliumLoadBalancerIPPool old hands out nothing, for its addresses are another pool's too" in run.text
    twin.kubectl("delete", "ciliumloadbalancerippools", "old")


def test_a_helm_release_with_the_file_renders_what_runs(network: Network) -> None:
    """What helm-controller does to adopt a release, with Helm itself: the same values, hooks and manifest."""
    before = network.revisions()
    running = before[max(before)]
    # as it stands in spec.values
    values = json.dumps(yaml.safe_load(network.values_file.read_text()))
    assert json.loads(network.helm("get", "values", "cilium", "--output=json")) == json.loads(values)
    upgrade = ("upgrade", "cilium", network.chart("1.17.18"), "--values=-", "--reset-values", "--dry-run=server")
    adopted = json.loads(network.helm(*upgrade, "--output=json", stdin=values))
    assert (adopted["version"], adopted["config"]) == (running["version"] + 1, running["config"])
    assert (adopted["manifest"], adopted.get("hooks")) == (running["manifest"], running.get("hooks"))
    # Helm would see a difference, were there one
    other = json.dumps(json.loads(values) | {"routingMode": "native"})
    assert json.loads(network.helm(*upgrade, "--output=json", stdin=other))["manifest"] != running["manifest"]
    assert network.revisions() == before


def test_a_release_of_flux_is_left_to_it(twin: Twin, network: Network) -> None:
    names = {"plural": "helmreleases", "kind": "HelmRelease", "singular": "helmrelease"}
    version = {"name": "v2", "served": True, "storage": True, "schema": {"openAPIV3Schema": ANYTHING}}
    group = "helm.toolkit.fluxcd.io"
    definition = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"helmreleases.{group}"},
        "spec": {"group": group, "scope": "Namespaced", "names": names, "versions": [version]},
    }
    twin.kubectl("apply", "--filename=-", stdin=json.dumps(definition))
    twin.kubectl("wait", "--for=condition=Established", f"crd/helmreleases.{group}", "--timeout=30s")
    values = yaml.safe_load(network.values_file.read_text())
    metadata = {"name": "cilium", "namespace": "kube-system"}
    release = {"apiVersion": f"{group}/v2", "kind": "HelmRelease", "metadata": metadata}
    twin.kubectl("apply", "--filename=-", stdin=json.dumps(release | {"spec": {"values": values}}))
    twin.kubectl("delete", "ciliuml2announcementpolicies", "homelab")
    run = network.play(homelab_release_set="supported")
    assert (run.status, run.changed) == (0, False), run.output
    assert (
        "Cilium belongs to Flux (HelmRelease kube-system/cilium), so chart, values and objects are left to it"
        in run.text
    )
    assert "has other values" not in run.text
    assert network.named("ciliuml2announcementpolicies") == []
    twin.kubectl("apply", "--filename=-", stdin=json.dumps(release | {"spec": {"values": values | {"MTU": 9000}}}))
    run = network.play("--check", homelab_release_set="supported")
    assert "has other values than the inventory gives: MTU; write them again with cilium_values_file" in run.text
