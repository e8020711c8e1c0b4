# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a call or a task of the double ends badly."""

from __future__ import annotations

from collections.abc import Mapping


class ApiError(Exception):
    """An answer with a status and, as upstream does, the sentence in the reason phrase."""

    def __init__(self, status: int, reason: str, errors: Mapping[str, str] | None = None) -> None:
        super().__init__(reason)
        self.status, self.reason, self.errors = status, reason, errors


class TaskError(Exception):
    """What a task's exit status says."""


def invalid(key: str, sentence: str) -> ApiError:
    """Upstream's answer to a parameter that its schema refuses."""
    return ApiError(400, "Parameter verification failed.", {key: sentence})
