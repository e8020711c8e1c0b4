# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A DOUBLE of Cilium's operator: it defines the kinds of its version and says what upstream's would say of them.

It works where a Deployment kube-system/cilium-operator is said to run. No packet is ever forwarded.
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, field
from typing import Any

from lab.k3s_standin import log
from lab.k3s_standin.api.client import Client
from lab.k3s_standin.api.errors import ApiError, Obj
from lab.k3s_standin.controllers import cilium_addresses

GATEWAYS, CLASSES = "gateways.gateway.networking.k8s.io", "gatewayclasses.gateway.networking.k8s.io"
POOLS, NODE_CONFIGS = "ciliumloadbalancerippools.cilium.io", "ciliumbgpnodeconfigs.cilium.io"
CLUSTER_CONFIGS = "ciliumbgpclusterconfigs.cilium.io"
DEFINITIONS = "customresourcedefinitions.apiextensions.k8s.io"
KEYS = ("deployments.apps", DEFINITIONS, CLASSES, GATEWAYS, POOLS, "secrets")
INTERVAL = 5.0
NAMESPACE, OPERATOR = "kube-system", "cilium-operator"
CONTROLLER = "io.cilium/gateway-controller"
_TAG = re.compile(r":v(\d+)\.(\d+)\.")
_ANYTHING = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
Minor = tuple[int, int]

# Kind -> API versions by the first minor version of Cilium that serves them so; none means gone. Facts B5 and B6.
_V1, _BOTH, _V2 = ("v2alpha1",), ("v2", "v2alpha1"), ("v2",)
_KINDS: dict[str, dict[Minor, tuple[str, ...]]] = {
    "CiliumLoadBalancerIPPool": {(1, 15): _V1, (1, 18): _BOTH, (1, 20): _V2},
    "CiliumL2AnnouncementPolicy": {(1, 15): _V1},
    "CiliumBGPPeeringPolicy": {(1, 15): _V1, (1, 19): ()},
    "CiliumBGPClusterConfig": {(1, 16): _V1, (1, 18): _BOTH},
    "CiliumBGPPeerConfig": {(1, 16): _V1, (1, 18): _BOTH},
    "CiliumBGPAdvertisement": {(1, 16): _V1, (1, 18): _BOTH},
    "CiliumBGPNodeConfig": {(1, 16): _V1, (1, 18): _BOTH},
}
_PLURALS = {
    "CiliumL2AnnouncementPolicy": "ciliuml2announcementpolicies",
    "CiliumBGPPeeringPolicy": "ciliumbgppeeringpolicies",
}
# Fact B2: what the operator looks for once, when it starts.
_REQUIRED: dict[Minor, dict[str, str]] = {
    (1, 15): {"grpcroutes": "v1alpha2", "tlsroutes": "v1alpha2", "referencegrants": "v1beta1"},
    (1, 16): {"grpcroutes": "v1", "tlsroutes": "v1alpha2", "referencegrants": "v1beta1"},
    (1, 20): {"grpcroutes": "v1", "tlsroutes": "v1", "referencegrants": "v1"},
}


def served(kind: str, minor: Minor) -> tuple[str, ...]:
    """API versions of a kind in a version of Cilium, the stored one first."""
    known = [versions for first, versions in sorted(_KINDS[kind].items()) if first <= minor]
    return known[-1] if known else ()


def definition(kind: str, versions: tuple[str, ...]) -> Obj:
    """A definition that takes anything, as no schema of upstream's is at hand."""
    plural = _PLURALS.get(kind, f"{kind.lower()}s")
    schema = {"openAPIV3Schema": _ANYTHING}
    entries = [
        {"name": name, "served": True, "storage": name == versions[0], "schema": schema, "subresources": {"status": {}}}
        for name in versions
    ]
    names = {"kind": kind, "plural": plural, "singular": kind.lower()}
    spec = {"group": "cilium.io", "scope": "Cluster", "names": names, "versions": entries}
    header = {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition"}
    return {**header, "metadata": {"name": f"{plural}.cilium.io"}, "spec": spec}


@dataclass
class CiliumOperator:
    """One reconciliation for all that the operator does."""

    client: Client
    # the operator's pods that run, and whether they found the Gateway API when they started
    _started: str = ""
    _has_gateway_api: bool = False
    _defined: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def sync(self) -> None:
        """Do what the operator of the version that runs would do."""
        deployment = self.client.find("deployments.apps", OPERATOR, NAMESPACE)
        minor = running_version(deployment)
        if deployment is None or minor is None:
            return
        self._define(minor)
        self._start(deployment, minor)
        for pool in self._list(POOLS):
            self._pool(pool)
        if self._has_gateway_api:
            for item in self._list(CLASSES):
                if item["spec"].get("controllerName") == CONTROLLER:
                    self._report(CLASSES, item, {"conditions": [condition("Accepted", "True", "Accepted", "Valid")]})
            for item in self._list(GATEWAYS):
                if item["spec"].get("gatewayClassName") == "cilium":
                    self._gateway(item, minor)
        if minor >= (1, 16):
            self._sessions(served("CiliumBGPNodeConfig", minor)[0])

    def _define(self, minor: Minor) -> None:
        for kind in _KINDS:
            versions = served(kind, minor)
            if versions and self._defined.get(kind) != versions:
                self.client.apply(definition(kind, versions), manager="cilium-operator-generic")
                self._defined[kind] = versions
            elif not versions:
                # upstream's operator leaves a definition that it no longer knows
                self._defined.pop(kind, None)

    def _start(self, deployment: Obj, minor: Minor) -> None:
        template = deployment["spec"]["template"]
        started = f"{deployment['metadata']['uid']} {template}"
        if started == self._started:
            return
        self._started = started
        required = [kinds for first, kinds in sorted(_REQUIRED.items()) if first <= minor][-1]
        missing = [f"{kind} {version}" for kind, version in required.items() if not self._serves(kind, version)]
        self._has_gateway_api = not missing
        if missing:
            log.error(f"Cilium's operator (double): Required GatewayAPI resources are not found: {', '.join(missing)}")

    def _serves(self, plural: str, version: str) -> bool:
        found = self.client.find(DEFINITIONS, f"{plural}.gateway.networking.k8s.io")
        versions = (found or {}).get("spec", {}).get("versions", ())
        return any(entry["name"] == version and entry.get("served", True) for entry in versions)

    def _list(self, key: str) -> list[Obj]:
        try:
            return self.client.list(key)
        except ApiError:
            return []

    def _pool(self, pool: Obj) -> None:
        mine = cilium_addresses.ranges(pool)
        others = [item for item in self._list(POOLS) if item["metadata"]["name"] != pool["metadata"]["name"]]
        rivals = [item for item in others if cilium_addresses.overlap(mine, cilium_addresses.ranges(item))]
        # the younger of two pools is the one that conflicts
        older = [item for item in rivals if _age(item) <= _age(pool)]
        message = f"Pool conflicts since it overlaps with pool {older[0]['metadata']['name']}" if older else ""
        state = ("True", "cidr_overlap", message) if older else ("False", "resolved", "")
        self._report(POOLS, pool, {"conditions": [condition("cilium.io/PoolConflict", *state)]})

    def _gateway(self, gateway: Obj, minor: Minor) -> None:
        address = self._address(gateway, minor)
        listeners = [self._listener(gateway, item) for item in gateway["spec"]["listeners"]]
        programmed = "True" if address else "False"
        message = "Gateway successfully reconciled" if address else "Address is not ready yet"
        conditions = [
            condition("Accepted", "True", "Accepted", "Gateway successfully scheduled"),
            condition("Programmed", programmed, "Programmed", message),
        ]
        addresses = [{"type": "IPAddress", "value": address}] if address else []
        self._report(GATEWAYS, gateway, {"addresses": addresses, "conditions": conditions, "listeners": listeners})

    def _address(self, gateway: Obj, minor: Minor) -> str:
        key = "lbipam.cilium.io/ips" if minor >= (1, 16) else "io.cilium/lb-ipam-ips"
        annotations = (gateway["spec"].get("infrastructure") or {}).get("annotations") or {}
        pools = [pool for pool in self._list(POOLS) if not conflicting(pool)]
        return cilium_addresses.choose(pools, annotations.get(key, ""), first_and_last=minor >= (1, 16))

    def _listener(self, gateway: Obj, listener: Obj) -> Obj:
        references = (listener.get("tls") or {}).get("certificateRefs") or []
        namespace = gateway["metadata"]["namespace"]
        lost = [item["name"] for item in references if not self.client.find("secrets", item["name"], namespace)]
        resolved = condition("ResolvedRefs", "True", "ResolvedRefs", "Resolved Refs")
        if lost:
            resolved = condition("ResolvedRefs", "False", "InvalidCertificateRef", f"no Secret {namespace}/{lost[0]}")
        state = ("False", "Invalid", "Listener not valid") if lost else ("True", "Programmed", "Listener Programmed")
        return {
            "name": listener["name"],
            "attachedRoutes": 0,
            "supportedKinds": [{"group": "gateway.networking.k8s.io", "kind": "HTTPRoute"}],
            "conditions": [condition("Programmed", *state), resolved],
        }

    def _sessions(self, version: str) -> None:
        for config in self._list(CLUSTER_CONFIGS):
            wanted = (config["spec"].get("nodeSelector") or {}).get("matchLabels") or {}
            for node in self.client.list("nodes"):
                labels = node["metadata"].get("labels") or {}
                if wanted.items() <= labels.items():
                    self._session(node["metadata"]["name"], config, version)

    def _session(self, node: str, config: Obj, version: str) -> None:
        if self.client.find(NODE_CONFIGS, node) is None:
            header = {"apiVersion": f"cilium.io/{version}", "kind": "CiliumBGPNodeConfig"}
            self.client.create({**header, "metadata": {"name": node}, "spec": {}})
        # no agent runs, so no session is ever established
        peers = [
            {"name": peer["name"], "peerAddress": peer["peerAddress"], "peeringState": "active"}
            for instance in config["spec"]["bgpInstances"]
            for peer in instance["peers"]
        ]
        status = {"bgpInstances": [{"name": "double", "peers": peers}]}
        self._report(NODE_CONFIGS, self.client.get(NODE_CONFIGS, node), status)

    def _report(self, key: str, item: Obj, status: Obj) -> None:
        if _timeless(item.get("status")) != _timeless(status):
            metadata = item["metadata"]
            self.client.patch(
                key, metadata["name"], {"status": status}, metadata.get("namespace"), subresource="status"
            )


def running_version(deployment: Obj | None) -> Minor | None:
    """The operator's version by its image, once its pods are said to run."""
    if not deployment or not (deployment.get("status") or {}).get("readyReplicas"):
        return None
    image = deployment["spec"]["template"]["spec"]["containers"][0]["image"]
    match = _TAG.search(image)
    return (int(match[1]), int(match[2])) if match else None


def conflicting(pool: Obj) -> bool:
    """Whether a pool hands out nothing."""
    conditions = (pool.get("status") or {}).get("conditions") or ()
    return any(item["type"] == "cilium.io/PoolConflict" and item["status"] == "True" for item in conditions)


def condition(kind: str, status: str, reason: str, message: str) -> Obj:
    """A condition as of now."""
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    return {"type": kind, "status": status, "reason": reason, "message": message, "lastTransitionTime": now}


def _age(item: Obj) -> str:
    return f"{item['metadata'].get('creationTimestamp', '')} {item['metadata']['name']}"


def _timeless(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _timeless(item) for key, item in value.items() if key != "lastTransitionTime"}
    return [_timeless(item) for item in value] if isinstance(value, list) else value
