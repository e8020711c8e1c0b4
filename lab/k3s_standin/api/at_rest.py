# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How objects lie in the datastore: as they are, or sealed by the keys of an encryption configuration (fact A15)."""

from __future__ import annotations

from typing import Protocol

from lab.k3s_standin.api.errors import ApiError

MARK = "k8s:enc:"


class AtRest(Protocol):
    """Between the API's texts and what the datastore keeps; `place` is what a sealed text is bound to."""

    def seal(self, resource_key: str, place: str, text: str) -> str:
        """What the datastore keeps of a text."""
        ...

    def open(self, resource_key: str, place: str, kept: str) -> str:
        """The text of what the datastore keeps."""
        ...


class Plain:
    """Without an encryption configuration: sealed objects are there and cannot be read, as upstream."""

    def seal(self, resource_key: str, place: str, text: str) -> str:
        """As it is."""
        return text

    def open(self, resource_key: str, place: str, kept: str) -> str:
        """As it is."""
        if kept.startswith(MARK):
            message = (
                f"unable to transform key {resource_key} {place}: identity transformer tried to read encrypted data"
            )
            raise ApiError(500, "InternalError", message)
        return kept


PLAIN = Plain()
