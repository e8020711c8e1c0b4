# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: sets of releases, and what upstream says of their pairs: facts, no decisions."""

from __future__ import annotations

Range = tuple[str, str]

COMPONENTS = (
    "k3s",
    "cilium",
    "gateway_api",
    "gateway_api_channel",
    "longhorn",
    "flux",
    "nvidia_device_plugin",
    "intel_device_plugins",
)

# documented: what the owner's documents pin. supported: the least change with which upstream tests the pairs on
# Kubernetes 1.32. current: the newest that list each other. The experimental channel everywhere: it holds TLSRoute, and
# still serves what the Cilium before needs while the definitions are raised ahead of it.
SETS: dict[str, dict[str, str]] = {
    "documented": {
        "k3s": "v1.32.5+k3s1",
        "cilium": "1.15.6",
        "gateway_api": "v1.1.0",
        "gateway_api_channel": "experimental",
        "longhorn": "1.6.2",
        "flux": "2.6.1",
        "nvidia_device_plugin": "0.17.1",
        "intel_device_plugins": "0.32.0",
    },
    "supported": {
        "k3s": "v1.32.5+k3s1",
        "cilium": "1.17.18",
        "gateway_api": "v1.2.1",
        "gateway_api_channel": "experimental",
        "longhorn": "1.10.2",
        "flux": "2.7.5",
        "nvidia_device_plugin": "0.17.1",
        "intel_device_plugins": "0.32.0",
    },
    "current": {
        "k3s": "v1.36.5+k3s1",
        "cilium": "1.20.0",
        "gateway_api": "v1.6.1",
        "gateway_api_channel": "experimental",
        "longhorn": "1.12.1",
        "flux": "2.9.4",
        "nvidia_device_plugin": "0.20.0",
        "intel_device_plugins": "0.36.0",
    },
}

NAMES = {"k3s": "K3s", "cilium": "Cilium", "gateway_api": "Gateway API", "longhorn": "Longhorn", "flux": "Flux"}

# The Kubernetes versions that a release's own documentation lists as tested (oldest, newest). Cilium: compatibility.rst
# of the branch; Longhorn: best-practices.md; Flux: release notes.
TESTED: dict[str, dict[str, Range]] = {
    "cilium": {
        "1.15": ("1.26", "1.29"),
        "1.16": ("1.27", "1.30"),
        "1.17": ("1.29", "1.32"),
        "1.18": ("1.30", "1.33"),
        "1.20": ("1.33", "1.36"),
    },
    "longhorn": {
        "1.6": ("1.26", "1.28"),
        "1.7": ("1.30", "1.32"),
        "1.8": ("1.31", "1.33"),
        "1.9": ("1.31", "1.33"),
        "1.10": ("1.30", "1.33"),
        "1.11": ("1.34", "1.36"),
        "1.12": ("1.33", "1.36"),
    },
    "flux": {
        "2.6": ("1.31", "1.33"),
        "2.7": ("1.32", "1.34"),
        "2.8": ("1.33", "1.35"),
        "2.9": ("1.34", "1.36"),
    },
}

# Releases that get no more fixes.
ENDED: dict[str, tuple[str, ...]] = {
    "k3s": ("1.30", "1.31", "1.32"),
    "cilium": ("1.15", "1.16", "1.17"),
    "longhorn": ("1.6", "1.7", "1.8", "1.9", "1.10"),
    "flux": ("2.6",),
}

# Without these kinds Cilium's operator runs no Gateway: it looks for them once, when it starts (its requiredGVK).
GATEWAY_KINDS: dict[str, dict[str, str]] = {
    "1.15": {"GRPCRoute": "v1alpha2", "TLSRoute": "v1alpha2"},
    "1.16": {"GRPCRoute": "v1", "TLSRoute": "v1alpha2"},
    "1.17": {"GRPCRoute": "v1", "TLSRoute": "v1alpha2"},
    "1.18": {"GRPCRoute": "v1", "TLSRoute": "v1alpha2"},
    "1.19": {"GRPCRoute": "v1", "TLSRoute": "v1alpha2"},
    "1.20": {"GRPCRoute": "v1", "TLSRoute": "v1", "ReferenceGrant": "v1"},
}

# What the definitions of each release and channel serve, read from its config/crd.
SERVED: dict[tuple[str, str], dict[str, tuple[str, ...]]] = {
    ("1.0", "standard"): {"ReferenceGrant": ("v1alpha2", "v1beta1")},
    ("1.0", "experimental"): {
        "GRPCRoute": ("v1alpha2",),
        "ReferenceGrant": ("v1alpha2", "v1beta1"),
        "TLSRoute": ("v1alpha2",),
    },
    ("1.1", "standard"): {"GRPCRoute": ("v1",), "ReferenceGrant": ("v1beta1",)},
    ("1.1", "experimental"): {
        "GRPCRoute": ("v1", "v1alpha2"),
        "ReferenceGrant": ("v1alpha2", "v1beta1"),
        "TLSRoute": ("v1alpha2",),
    },
    ("1.2", "standard"): {"GRPCRoute": ("v1",), "ReferenceGrant": ("v1beta1",)},
    ("1.2", "experimental"): {"GRPCRoute": ("v1",), "ReferenceGrant": ("v1beta1",), "TLSRoute": ("v1alpha2",)},
    ("1.3", "standard"): {"GRPCRoute": ("v1",), "ReferenceGrant": ("v1beta1",)},
    ("1.3", "experimental"): {"GRPCRoute": ("v1",), "ReferenceGrant": ("v1beta1",), "TLSRoute": ("v1alpha2",)},
    ("1.4", "standard"): {"GRPCRoute": ("v1",), "ReferenceGrant": ("v1beta1",)},
    ("1.4", "experimental"): {
        "GRPCRoute": ("v1",),
        "ReferenceGrant": ("v1beta1",),
        "TLSRoute": ("v1alpha2", "v1alpha3"),
    },
    ("1.5", "standard"): {"GRPCRoute": ("v1",), "ReferenceGrant": ("v1", "v1beta1"), "TLSRoute": ("v1",)},
    ("1.5", "experimental"): {
        "GRPCRoute": ("v1",),
        "ReferenceGrant": ("v1", "v1beta1"),
        "TLSRoute": ("v1", "v1alpha2", "v1alpha3"),
    },
    ("1.6", "standard"): {"GRPCRoute": ("v1",), "ReferenceGrant": ("v1", "v1beta1"), "TLSRoute": ("v1",)},
    ("1.6", "experimental"): {
        "GRPCRoute": ("v1",),
        "ReferenceGrant": ("v1", "v1beta1"),
        "TLSRoute": ("v1", "v1alpha2", "v1alpha3"),
    },
}

# gatewayAPI.enableAlpn and enableAppProtocol (cilium pull requests 32486 and 31310).
ALPN_FROM = "1.16"

# Where a step on the way from one set to another ends: the last known patch of each minor version, and the Gateway API
# that a Cilium is raised with. K3s' steps are named by their minor version.
LAST_PATCH: dict[str, dict[str, str]] = {
    "cilium": {
        "1.15": "1.15.19",
        "1.16": "1.16.19",
        "1.17": "1.17.18",
        "1.18": "1.18.12",
        "1.19": "1.19.6",
        "1.20": "1.20.0",
    },
    "longhorn": {
        "1.6": "1.6.4",
        "1.7": "1.7.3",
        "1.8": "1.8.2",
        "1.9": "1.9.2",
        "1.10": "1.10.2",
        "1.11": "1.11.3",
        "1.12": "1.12.1",
    },
}
GATEWAY_OF_CILIUM = {
    "1.15": "v1.1.0",
    "1.16": "v1.1.0",
    "1.17": "v1.2.1",
    "1.18": "v1.3.0",
    "1.19": "v1.4.1",
    "1.20": "v1.6.1",
}

# Sentences for what a step brings with it, by component and the minor version that is entered.
REMARKS: dict[tuple[str, str], str] = {
    ("cilium", "1.16"): "BGP moves from CiliumBGPPeeringPolicy to CiliumBGPClusterConfig, and ALPN becomes possible",
    ("cilium", "1.18"): "pools and BGP objects move to cilium.io/v2",
    ("cilium", "1.19"): "CiliumBGPPeeringPolicy is gone, so none may be left",
    ("cilium", "1.20"): "pools of cilium.io/v2alpha1 are gone, and the Gateway needs TLSRoute v1",
    ("longhorn", "1.7"): "upgrade the volumes' engines afterwards, as after each step; Longhorn never goes back",
    ("flux", "2.7"): "run flux migrate before, since beta versions leave the API",
    ("flux", "2.8"): "run flux migrate before, since beta versions leave the API",
    ("flux", "2.9"): "run flux migrate before, since beta versions leave the API",
}
