# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A wish for the homelab, and the cluster that has it, for tests to change."""

from __future__ import annotations

import base64
import gzip
import json
from dataclasses import replace
from typing import Any

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._cilium.artefacts import definitions
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._cilium.model import Bgp, Gateway, Wish
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._cilium.objects import name_of, objects_for
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._cilium.plan import Found
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._cilium.release import Release
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._cilium.values import values_for

WISH = Wish(
    version="1.15.6",
    gateway_api="v1.1.0",
    channel="experimental",
    api_host="127.0.0.1",
    api_port=6444,
    pod_cidr="10.42.0.0/16",
    nodes=5,
    values={"hubble": {"relay": {"enabled": True}}},
    pool=("192.168.10.224/28",),
    bgp=Bgp(64512, 64513, "192.168.10.1", ("bgp", "enabled")),
    l2_interfaces=("eno1", "enx6c1ff71be8c8"),
    gateway=Gateway("networking", "main-gateway", "192.168.10.224", "example.net", "wildcard-tls"),
)
# Gateway API of each Cilium that is tried.
VERSIONS = {
    "1.15.6": "v1.1.0",
    "1.16.19": "v1.1.0",
    "1.17.18": "v1.2.1",
    "1.18.12": "v1.3.0",
    "1.19.6": "v1.4.1",
    "1.20.0": "v1.6.1",
}


def wish(version: str, **more: Any) -> Wish:
    """The homelab's wish for a version of Cilium."""
    return replace(WISH, version=version, gateway_api=VERSIONS[version], **more)


def kinds(wanted: Wish) -> list[str]:
    """Plurals of the definitions of its Gateway API."""
    return [file["kind"] for file in definitions(wanted.gateway_api, wanted.channel)]


def defined(wanted: Wish, **labels: str) -> dict[str, dict[str, Any]]:
    """These definitions as a cluster has them."""
    marks = {
        "gateway.networking.k8s.io/bundle-version": wanted.gateway_api,
        "gateway.networking.k8s.io/channel": wanted.channel,
    }
    return {kind: {"metadata": {"name": kind, "annotations": marks, "labels": labels}} for kind in kinds(wanted)}


def built(wanted: Wish) -> Found:
    """The cluster after a run."""
    return Found(
        releases=(Release("sh.helm.release.v1.cilium.v1", 1, "deployed", wanted.version, values_for(wanted)),),
        definitions=defined(wanted),
        objects={name_of(item): item for item in objects_for(wanted)},
        nodes={"k3s1": {"bgp": "enabled"}},
    )


def helm_secret(revision: int, status: str, chart: str, config: dict[str, Any]) -> dict[str, Any]:
    """A revision as Helm 3 stores it."""
    release = {
        "name": "cilium",
        "version": revision,
        "info": {"status": status},
        "chart": {"metadata": {"name": "cilium", "version": chart}},
        "config": config,
    }
    packed = base64.b64encode(gzip.compress(json.dumps(release).encode()))
    labels = {"owner": "helm", "name": "cilium", "status": status, "version": str(revision)}
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "helm.sh/release.v1",
        "metadata": {"name": f"sh.helm.release.v1.cilium.v{revision}", "namespace": "kube-system", "labels": labels},
        "data": {"release": base64.b64encode(packed).decode()},
    }
