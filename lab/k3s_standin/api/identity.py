# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who asks, and for what: the values that authentication and authorisation exchange."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class RequestIdentity:
    """What the connection proves: the verified client certificate's subject, and the Authorization header."""

    common_name: str | None = None
    organizations: tuple[str, ...] = ()
    authorization: str | None = None

    @property
    def bearer(self) -> str | None:
        """The bearer token, if one was sent."""
        scheme, _, token = (self.authorization or "").partition(" ")
        return token.strip() if scheme.lower() == "bearer" and token else None


@dataclass(frozen=True)
class User:
    """An authenticated user."""

    name: str
    groups: tuple[str, ...] = ()
    uid: str = ""


ANONYMOUS = User("system:anonymous", ("system:unauthenticated",))
# Controllers in the same process act with this name; authorisation is not asked.
IN_PROCESS = User("system:k3s-supervisor", ("system:masters", "system:authenticated"))


@dataclass(frozen=True)
class Attributes:
    """One access question besides its verb and resource; `path` is set for non-resource URLs only."""

    group: str = ""
    version: str = ""
    namespace: str | None = None
    name: str | None = None
    subresource: str | None = None
    path: str | None = None


Authenticate = Callable[[RequestIdentity], "User | None"]
# (user, verb, resource plural or "", the rest) -> allowed
Authorize = Callable[[User, str, str, Attributes], bool]
