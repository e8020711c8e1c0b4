# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whose an object is: Flux's marks count before all others."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.fletcherlabs.homelab.plugins.filter.object_owner import FilterModule
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._owner import flux_owner, owner

OURS = {"app.kubernetes.io/managed-by": "fletcherlabs.homelab"}


@pytest.mark.parametrize(
    ("labels", "flux", "expected"),
    [
        ({"kustomize.toolkit.fluxcd.io/name": "apps"}, "kustomize apps", "Flux"),
        ({"helm.toolkit.fluxcd.io/name": "cilium"}, "helm cilium", "Flux"),
        (OURS | {"kustomize.toolkit.fluxcd.io/name": "apps"}, "kustomize apps", "Flux"),
        (OURS, "", "this collection"),
        ({"app.kubernetes.io/managed-by": "Helm"}, "", "somebody else"),
        (None, "", "somebody else"),
    ],
)
def test_labels_say_whose_it_is(labels: dict[str, str] | None, flux: str, expected: str) -> None:
    item: dict[str, Any] = {"kind": "DaemonSet", "metadata": {"name": "plugin", "labels": labels}}
    assert flux_owner(item) == flux
    assert owner(item) == expected
    assert FilterModule().filters()["object_owner"](item) == expected


def test_what_is_not_there_is_nobodys() -> None:
    assert flux_owner(None) == ""
    assert flux_owner({}) == ""
