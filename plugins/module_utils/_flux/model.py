# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: what Flux is to be, and what of it is there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .._action import Action

Object = dict[str, Any]
NAMESPACE = "flux-system"
# Flux's own names for the first source and the first Kustomization, and for the Secret with the credentials.
SYNC = "flux-system"
AGE_SECRET = "sops-age"
AGE_KEY = "age.agekey"
# Keys that source-controller reads; those that are not wanted any more are taken out.
CREDENTIALS = ("identity", "identity.pub", "known_hosts", "username", "password", "bearerToken", "ca.crt", "caFile")
REQUESTED = "reconcile.fluxcd.io/requestedAt"


@dataclass(frozen=True)
class Wish:
    """What the cluster is to have."""

    version: str
    url: str
    branch: str
    path: str
    interval: str = "1m0s"
    # of the Secret of Git's credentials and of sops-age; None leaves a Secret alone
    credentials: Mapping[str, str] | None = None
    age: str | None = None
    components: tuple[Object, ...] = ()
    # the commit that Git has
    revision: str = ""
    # the version of Flux that Git brings itself
    committed: str = ""
    replace_sync: bool = False
    # the controllers that flux-operator is to keep, and its own version; empty where there is no operator
    operator: str = ""
    controllers: tuple[str, ...] = ()


@dataclass(frozen=True)
class Found:
    """What the cluster has; objects by the names that objects.name_of gives them."""

    objects: Mapping[str, Object] = field(default_factory=dict)
    # names of those that the API would leave as they are, however a wish writes them
    same: frozenset[str] = frozenset()
    secrets: Mapping[str, Object] = field(default_factory=dict)
    controllers: tuple[Object, ...] = ()
    layers: tuple[Object, ...] = ()


@dataclass(frozen=True)
class Plan:
    """What to do, what is left to others, and what forbids everything."""

    actions: tuple[Action, ...] = ()
    notices: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    # Secrets by name: values to set, None for keys to take out
    secrets: Mapping[str, Mapping[str, str | None]] = field(default_factory=dict)
    apply: tuple[Object, ...] = ()
    # objects of Flux that are to look at once
    requests: tuple[Object, ...] = ()
