# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who calls, and what they may: tokens, tickets, and privileges on paths."""

from __future__ import annotations

import hmac
import secrets
import time
from collections.abc import Iterable, Mapping

from lab.pve.errors import ApiError
from lab.pve.store import Store

TICKET_SECONDS = 7200
# What the role's token has; docs/proxmox.md says how it is made on a real node.
PRIVILEGES = (
    "Datastore.AllocateSpace", "Datastore.AllocateTemplate", "Datastore.Audit", "SDN.Use", "Sys.AccessNetwork",
    "Sys.Audit", "VM.Allocate", "VM.Audit", "VM.Config.CDROM", "VM.Config.CPU", "VM.Config.Cloudinit",
    "VM.Config.Disk", "VM.Config.HWType", "VM.Config.Memory", "VM.Config.Network", "VM.Config.Options",
    "VM.PowerMgmt", "VM.Snapshot", "VM.Snapshot.Rollback",
)  # fmt: skip
READING = ("GET", "HEAD")


class Access:
    """Accounts are users (user@realm) and their tokens (user@realm!id): a secret, and privileges by path."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._key = secrets.token_bytes(32)

    def account(self, name: str, secret: str, privileges: Mapping[str, Iterable[str]]) -> None:
        """Have an account."""
        self._store.document["accounts"][name] = {
            "secret": secret,
            "privileges": {path: sorted(names) for path, names in privileges.items()},
        }
        self._store.save()

    def ticket(self, user: str, password: str) -> dict[str, str]:
        """Upstream's answer to a login: a ticket, and the token that writes need beside it."""
        found = self._store.document["accounts"].get(user)
        if found is None or "!" in user or not hmac.compare_digest(found["secret"], password):
            raise ApiError(401, "authentication failure")
        stamp = f"{int(time.time()):08X}"
        return {
            "username": user,
            "ticket": f"PVE:{user}:{stamp}::{self._sign(user + stamp)}",
            "CSRFPreventionToken": f"{stamp}:{self._sign('csrf' + user + stamp)}",
        }

    def _sign(self, text: str) -> str:
        return hmac.new(self._key, text.encode(), "sha256").hexdigest()

    def who(self, method: str, headers: Mapping[str, str]) -> str:
        """The caller, or 401 in upstream's words."""
        header = headers.get("Authorization", "")
        if header.startswith("PVEAPIToken="):
            return self._token(header.partition("=")[2])
        cookies = dict(part.strip().partition("=")[::2] for part in headers.get("Cookie", "").split(";"))
        if "PVEAuthCookie" not in cookies:
            raise ApiError(401, "No ticket")
        return self._ticket(method, cookies["PVEAuthCookie"].replace("%3A", ":"), headers)

    def _token(self, text: str) -> str:
        name, _, secret = text.partition("=")
        found = self._store.document["accounts"].get(name)
        if found is None or "!" not in name:
            user, _, identity = name.partition("!")
            raise ApiError(401, f"no such token '{identity}' for user '{user}'")
        if not hmac.compare_digest(found["secret"], secret):
            raise ApiError(401, "invalid token value!")
        return name

    def _ticket(self, method: str, ticket: str, headers: Mapping[str, str]) -> str:
        parts = ticket.split(":")
        if len(parts) != 5 or not hmac.compare_digest(parts[4], self._sign(parts[1] + parts[2])):
            raise ApiError(401, "permission denied - invalid PVE ticket")
        if int(parts[2], 16) + TICKET_SECONDS < time.time():
            raise ApiError(401, "permission denied - invalid PVE ticket")
        wanted = f"{parts[2]}:{self._sign('csrf' + parts[1] + parts[2])}"
        if method not in READING and not hmac.compare_digest(headers.get("CSRFPreventionToken", ""), wanted):
            raise ApiError(401, "Permission denied - invalid csrf token")
        return parts[1]

    def privileges(self, account: str, path: str) -> set[str]:
        """What an account may on a path: what the nearest path above, or the path itself, gives."""
        given = self._store.document["accounts"].get(account, {}).get("privileges", {})
        while path not in given and path != "/":
            path = path.rpartition("/")[0] or "/"
        return set(given.get(path, ()))

    def may(self, account: str, path: str, privilege: str) -> bool:
        """Whether an account has a privilege on a path."""
        return account == "root@pam" or privilege in self.privileges(account, path)

    def need(self, account: str, path: str, privilege: str) -> None:
        """403 in upstream's words for an account that has it not."""
        if not self.may(account, path, privilege):
            raise ApiError(403, f"Permission check failed ({path}, {privilege})")
