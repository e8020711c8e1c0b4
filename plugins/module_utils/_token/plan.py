# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: which server token a server lives by, and what brings it to the new one."""

from __future__ import annotations

from dataclasses import dataclass

NEW, OLD, OTHER, NONE = "new", "old", "other", "none"


class TokenError(Exception):
    """The rotation must not go on; one sentence says why."""


@dataclass(frozen=True)
class Found:
    """A server's three answers: each is new, old, other (neither), or none (there is no answer)."""

    accepted: str  # by the running server
    configured: str  # in the file that its configuration names
    recorded: str  # by the server itself, in server/token


@dataclass(frozen=True)
class Action:
    """One step; kind is rotate or recover."""

    kind: str
    sentence: str

    def as_dict(self) -> dict[str, str]:
        """What the user sees of this step."""
        return {"kind": self.kind, "sentence": self.sentence}


def kind_of(password: str | None, new: str, old: str | None) -> str:
    """Which of the two tokens a text is; the secure form counts by its password."""
    if password is None:
        return NONE
    text = password.strip().rpartition("::")[2].removeprefix("server:")
    if text == new:
        return NEW
    return OLD if old and text == old else OTHER


def plan(found: Found, host: str, rotated_elsewhere: bool) -> list[Action]:
    """Rotate once for all servers, and only where the old token is the one in force; raise TokenError on no token."""
    if found.accepted == OTHER:
        raise TokenError(
            f"{host} accepts neither the new nor the old server token; give the one it was started with (what "
            "follows the last colon in its /var/lib/rancher/k3s/server/token) as the old one"
        )
    if found.accepted == NONE:
        return [_recovery(found, host)]
    if found.accepted == OLD and not rotated_elsewhere:
        return [
            Action(
                "rotate", f"replace the server token through {host}: the cluster's keys are encrypted with the new one"
            )
        ]
    return []


def _recovery(found: Found, host: str) -> Action:
    """A server that a rotation left down starts with the token that it recorded last."""
    if found.recorded not in (NEW, OLD):
        raise TokenError(
            f"{host} does not answer, and its /var/lib/rancher/k3s/server/token is neither the new nor the old server "
            "token; start its k3s.service (journalctl -u k3s says what is wrong), then run this again"
        )
    return Action("recover", f"start K3s on {host} with the {found.recorded} server token, which it recorded last")


def finished(found: Found) -> bool:
    """Whether nothing is left to do on this server."""
    return found.accepted == NEW and found.configured == NEW
