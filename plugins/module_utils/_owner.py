# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: whose an object in the cluster is, by its labels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# kustomize-controller and helm-controller mark with these what they apply
FLUX = ("kustomize.toolkit.fluxcd.io/name", "helm.toolkit.fluxcd.io/name")
MANAGED_BY = "app.kubernetes.io/managed-by"
COLLECTION = "fletcherlabs.homelab"


def flux_owner(item: Mapping[str, Any] | None) -> str:
    """Flux's object that an object belongs to, such as "kustomize apps"; empty where it is none of Flux's."""
    labels = _labels(item)
    return next((f"{label.partition('.')[0]} {labels[label]}" for label in FLUX if label in labels), "")


def owner(item: Mapping[str, Any] | None) -> str:
    """Flux, this collection, or somebody else."""
    if flux_owner(item):
        return "Flux"
    return "this collection" if _labels(item).get(MANAGED_BY) == COLLECTION else "somebody else"


def _labels(item: Mapping[str, Any] | None) -> Mapping[str, str]:
    return ((item or {}).get("metadata") or {}).get("labels") or {}
