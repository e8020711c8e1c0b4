# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: API versions that the wanted releases do not serve, or will not for long."""

from __future__ import annotations

from collections.abc import Iterator

from .._releases.judge import minor_of, number_of
from .model import Finding, Tree

# Kubernetes' deprecation guide: (group, version, kind) -> (gone since, what to write).
GONE: dict[tuple[str, str, str], tuple[str, str]] = {
    ("extensions", "v1beta1", "Ingress"): ("1.22", "networking.k8s.io/v1"),
    ("networking.k8s.io", "v1beta1", "Ingress"): ("1.22", "networking.k8s.io/v1"),
    ("networking.k8s.io", "v1beta1", "IngressClass"): ("1.22", "networking.k8s.io/v1"),
    ("apiextensions.k8s.io", "v1beta1", "CustomResourceDefinition"): ("1.22", "apiextensions.k8s.io/v1"),
    ("rbac.authorization.k8s.io", "v1beta1", "ClusterRole"): ("1.22", "rbac.authorization.k8s.io/v1"),
    ("rbac.authorization.k8s.io", "v1beta1", "ClusterRoleBinding"): ("1.22", "rbac.authorization.k8s.io/v1"),
    ("scheduling.k8s.io", "v1beta1", "PriorityClass"): ("1.22", "scheduling.k8s.io/v1"),
    ("storage.k8s.io", "v1beta1", "StorageClass"): ("1.22", "storage.k8s.io/v1"),
    ("storage.k8s.io", "v1beta1", "CSIDriver"): ("1.22", "storage.k8s.io/v1"),
    ("batch", "v1beta1", "CronJob"): ("1.25", "batch/v1"),
    ("policy", "v1beta1", "PodDisruptionBudget"): ("1.25", "policy/v1"),
    ("policy", "v1beta1", "PodSecurityPolicy"): ("1.25", "Pod Security Admission labels on the namespace"),
    ("discovery.k8s.io", "v1beta1", "EndpointSlice"): ("1.25", "discovery.k8s.io/v1"),
    ("autoscaling", "v2beta1", "HorizontalPodAutoscaler"): ("1.25", "autoscaling/v2"),
    ("autoscaling", "v2beta2", "HorizontalPodAutoscaler"): ("1.26", "autoscaling/v2"),
    ("storage.k8s.io", "v1beta1", "CSIStorageCapacity"): ("1.27", "storage.k8s.io/v1"),
    ("flowcontrol.apiserver.k8s.io", "v1beta3", "FlowSchema"): ("1.32", "flowcontrol.apiserver.k8s.io/v1"),
}
# What Flux' own groups are written with. Older ones are still served by some minor versions, and each removes some.
FLUX: dict[str, dict[str, tuple[str, ...]]] = {
    "source.toolkit.fluxcd.io": {"": ("v1",)},
    "kustomize.toolkit.fluxcd.io": {"": ("v1",)},
    "helm.toolkit.fluxcd.io": {"": ("v2",)},
    "notification.toolkit.fluxcd.io": {"Receiver": ("v1",), "": ("v1beta3", "v1")},
    "image.toolkit.fluxcd.io": {"": ("v1beta2", "v1")},
}
# General since Flux 2.7; before, there is nothing but the beta.
IMAGE_GENERAL = (2, 7)


def check_versions(tree: Tree, kubernetes: str, flux: str) -> Iterator[Finding]:
    """Objects in a version that Kubernetes has removed, or that Flux is about to."""
    ours, general = number_of(minor_of(kubernetes)), number_of(minor_of(flux)) >= IMAGE_GENERAL
    for placed in tree.placed:
        document = placed.document
        written = f"{document.group}/{document.version}"
        gone = GONE.get((document.group, document.version, document.kind))
        if gone and ours >= number_of(gone[0]):
            yield document.finding(
                f"{written} of {placed.title} is gone since Kubernetes {gone[0]}; write {gone[1]}", "version"
            )
        kinds = FLUX.get(document.group)
        good = kinds.get(document.kind, kinds[""]) if kinds else ()
        if document.group.startswith("image.") and document.version == "v1" and not general:
            yield document.finding(
                f"{written} of {placed.title} is served from Flux 2.7 on, and {flux} is wanted; write v1beta2",
                "version",
            )
        elif good and document.version not in good:
            yield document.finding(
                f"{written} of {placed.title} is an old version that Flux removes from release to release; "
                f"write {document.group}/{good[-1]} (flux migrate rewrites files)",
                "version",
            )
