# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The server, driven by the kubectl and helm of the real world where they are found on this machine."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

NODE = """
apiVersion: v1
kind: Node
metadata: {name: n1, labels: {node-role.kubernetes.io/control-plane: "true"}}
status:
  conditions: [{type: Ready, status: "True", reason: KubeletReady, message: ok}]
  addresses: [{type: InternalIP, address: 198.18.10.30}]
  nodeInfo: {kubeletVersion: v1.32.5+k3s1, osImage: Debian, kernelVersion: "6.1", containerRuntimeVersion: containerd://2}
"""
DEPLOYMENT = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers: [{name: a, image: "nginx:1", env: [{name: A, value: "1"}, {name: B, value: "2"}]}]
"""
POD = """
apiVersion: v1
kind: Pod
metadata: {name: p, labels: {app: x}}
spec: {nodeName: n1, containers: [{name: c, image: i}]}
"""
Run = Callable[..., str]


def _find(name: str) -> str:
    places = [os.environ.get(f"LAB_{name.upper()}"), shutil.which(name), str(Path(".lab/bin") / name)]
    found = next((place for place in places if place and Path(place).is_file()), None)
    if found is None:
        pytest.skip(f"no {name} in LAB_{name.upper()}, PATH or .lab/bin")
    return str(Path(found).resolve())


def _runner(program: str, cluster: Any, home: Path) -> Run:
    environment = {"KUBECONFIG": cluster.kubeconfig("admin"), "HOME": str(home), "PATH": os.environ["PATH"]}

    def run(*arguments: str, stdin: str = "", fails: bool = False) -> str:
        done = subprocess.run(
            [program, *arguments], input=stdin, env=environment, capture_output=True, text=True, timeout=60, check=False
        )
        assert (done.returncode != 0) is fails, done.stdout + done.stderr
        return done.stdout + done.stderr

    return run


@pytest.fixture
def kubectl(cluster: Any, tmp_path: Path) -> Run:
    return _runner(_find("kubectl"), cluster, tmp_path)


@pytest.fixture
def helm(cluster: Any, tmp_path: Path) -> Run:
    return _runner(_find("helm"), cluster, tmp_path)


def test_kubectl_lists_nodes_as_with_k3s(kubectl: Run) -> None:
    kubectl("create", "-f", "-", stdin=NODE)
    header, row = kubectl("get", "nodes", "-o", "wide").splitlines()
    names = "NAME STATUS ROLES AGE VERSION INTERNAL-IP EXTERNAL-IP OS-IMAGE KERNEL-VERSION CONTAINER-RUNTIME"
    assert header.split() == names.split()
    cells = row.split()
    assert (
        cells[:3] + cells[4:]
        == "n1 Ready control-plane v1.32.5+k3s1 198.18.10.30 <none> Debian 6.1 containerd://2".split()
    )


def test_kubectl_marks_nodes(kubectl: Run) -> None:
    kubectl("create", "-f", "-", stdin=NODE)
    kubectl("label", "node", "n1", "node-type=compute")
    kubectl("annotate", "node", "n1", "a/b=c")
    kubectl("taint", "node", "n1", "gpu=true:NoSchedule")
    kubectl("cordon", "n1")
    assert "Ready,SchedulingDisabled" in kubectl("get", "nodes", "-l", "node-type=compute")
    path = "{.spec.taints[0].key}{.metadata.annotations.a/b}"
    assert kubectl("get", "node", "n1", "-o", f"jsonpath={path}") == "gpuc"
    kubectl("taint", "node", "n1", "gpu-")
    kubectl("uncordon", "n1")
    assert kubectl("get", "node", "n1", "-o", "jsonpath={.spec}") == "{}"
    kubectl("wait", "--for=condition=Ready", "node/n1", "--timeout=5s")


def test_kubectl_apply_merges_with_the_last_applied(kubectl: Run) -> None:
    assert "created" in kubectl("apply", "-f", "-", stdin=DEPLOYMENT)
    kubectl("scale", "deploy", "web", "--replicas=5")
    changed = (
        DEPLOYMENT.replace("nginx:1", "nginx:2").replace('{name: A, value: "1"}, ', "").replace("  replicas: 2\n", "")
    )
    assert "configured" in kubectl("apply", "-f", "-", stdin=changed)
    assert "unchanged" in kubectl("apply", "-f", "-", stdin=changed)
    container = ".spec.template.spec.containers[0]"
    path = f"{{{container}.image}} {{{container}.env[*].name}} {{.metadata.generation}}"
    assert kubectl("get", "deploy", "web", "-o", f"jsonpath={path}") == "nginx:2 B 3"


def test_kubectl_server_side_apply_reports_conflicts(kubectl: Run) -> None:
    kubectl("apply", "--server-side", "-f", "-", stdin=DEPLOYMENT)
    kubectl("scale", "deploy", "web", "--replicas=5")
    message = kubectl("apply", "--server-side", "-f", "-", stdin=DEPLOYMENT, fails=True)
    assert (
        'Apply failed with 1 conflict: conflict with "kubectl" with subresource "scale" using apps/v1: .spec.replicas'
        in message
    )
    kubectl("apply", "--server-side", "--force-conflicts", "-f", "-", stdin=DEPLOYMENT)
    assert kubectl("get", "deploy", "web", "-o", "jsonpath={.spec.replicas}") == "2"


def test_kubectl_creates_what_it_encodes_as_protobuf(kubectl: Run) -> None:
    kubectl("create", "namespace", "x")
    kubectl("-n", "x", "create", "secret", "generic", "s", "--from-literal=a=1")
    kubectl("-n", "x", "create", "configmap", "c", "--from-literal=a=1")
    kubectl("-n", "x", "create", "service", "clusterip", "s", "--tcp=80:http")
    kubectl("create", "clusterrole", "r", "--verb=get,list", "--resource=pods")
    assert kubectl("-n", "x", "get", "secret", "s", "-o", "jsonpath={.data.a}{.type}") == "MQ==Opaque"
    assert kubectl("-n", "x", "get", "svc", "s", "-o", "jsonpath={.spec.ports[0].targetPort}") == "http"
    assert kubectl("get", "clusterrole", "r", "-o", "jsonpath={.rules[0].verbs}") == '["get","list"]'
    kubectl("delete", "namespace", "x", "--timeout=10s")


def test_kubectl_asks_about_access_and_tokens(kubectl: Run) -> None:
    assert kubectl("auth", "can-i", "*", "*").strip() == "yes"
    assert "system:admin" in kubectl("auth", "whoami")
    assert kubectl("create", "token", "default").strip() == "token-of-default"


def test_kubectl_drains_a_node(kubectl: Run) -> None:
    kubectl("create", "-f", "-", stdin=NODE)
    kubectl("create", "-f", "-", stdin=POD)
    status = '{"status":{"phase":"Running","conditions":[{"type":"Ready","status":"True"}]}}'
    kubectl("patch", "pod", "p", "--subresource=status", "-p", status)
    kubectl("create", "pdb", "b", "--selector=app=x", "--min-available=1")
    message = kubectl("drain", "n1", "--force", "--timeout=1s", fails=True)
    assert "Cannot evict pod as it would violate the pod's disruption budget." in message
    kubectl("delete", "pdb", "b")
    assert "node/n1 drained" in kubectl("drain", "n1", "--force", "--timeout=10s")


def test_kubectl_explains_and_describes(kubectl: Run) -> None:
    kubectl("create", "-f", "-", stdin=NODE)
    assert "198.18.10.30" in kubectl("describe", "node", "n1")
    assert "failurePolicy\t<string>" in kubectl("explain", "helmchart.spec")
    assert "Deployment" in kubectl("explain", "deployment")
    assert "helmcharts" in kubectl("api-resources", "--api-group=helm.cattle.io")


def test_helm_installs_upgrades_rolls_back_and_removes(helm: Run, kubectl: Run, tmp_path: Path) -> None:
    helm("create", str(tmp_path / "chart"))
    chart = str(tmp_path / "chart")
    helm("install", "r", chart, "--namespace", "apps", "--create-namespace")
    assert "deployed" in helm("list", "--all-namespaces")
    helm("upgrade", "r", chart, "--namespace", "apps", "--set", "replicaCount=3")
    replicas = ("-n", "apps", "get", "deploy", "r-chart", "-o", "jsonpath={.spec.replicas}")
    assert kubectl(*replicas) == "3"
    helm("rollback", "r", "1", "--namespace", "apps")
    assert kubectl(*replicas) == "1"
    assert "Rollback to 1" in helm("history", "r", "--namespace", "apps")
    helm("uninstall", "r", "--namespace", "apps")
    assert "No resources found" in kubectl("-n", "apps", "get", "deploy,svc")
