# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every refusal of the API server: an HTTP code, a Kubernetes reason and one message, rendered as a Status object."""

from __future__ import annotations

from typing import Any

Obj = dict[str, Any]
Objects = list[Obj]


class ApiError(Exception):
    """A request that is answered with a Status object."""

    def __init__(self, code: int, reason: str, message: str, details: Obj | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.reason = reason
        self.message = message
        self.details = details

    def status(self) -> Obj:
        """Render as meta/v1 Status."""
        answer: Obj = {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": self.message,
            "reason": self.reason,
            "code": self.code,
        }
        if self.details:
            answer["details"] = self.details
        return answer


class NotFound(ApiError):
    """No such object."""

    def __init__(self, key: str, name: str) -> None:
        super().__init__(404, "NotFound", f'{key} "{name}" not found', _details(key, name))


class AlreadyExists(ApiError):
    """Create found the name taken."""

    def __init__(self, key: str, name: str) -> None:
        super().__init__(409, "AlreadyExists", f'{key} "{name}" already exists', _details(key, name))


class Conflict(ApiError):
    """The resourceVersion or another precondition no longer holds."""

    def __init__(self, key: str, name: str, why: str = "") -> None:
        why = why or "the object has been modified; please apply your changes to the latest version and try again"
        message = f'Operation cannot be fulfilled on {key} "{name}": {why}'
        super().__init__(409, "Conflict", message, _details(key, name))


class Gone(ApiError):
    """A watch asked for history that is no longer kept."""

    def __init__(self, wanted: int, oldest: int) -> None:
        super().__init__(410, "Expired", f"too old resource version: {wanted} ({oldest})")


class Invalid(ApiError):
    """The object breaks a rule; carries all causes at once, as (field, message)."""

    def __init__(self, kind: str, group: str, name: str, causes: list[tuple[str, str]]) -> None:
        lines = [f"{field}: {text}" for field, text in causes]
        joined = lines[0] if len(lines) == 1 else "[" + ", ".join(lines) + "]"
        qualified = f"{kind}.{group}" if group else kind
        details = {
            "name": name,
            "group": group,
            "kind": kind,
            "causes": [{"reason": _cause(text), "message": text, "field": field} for field, text in causes],
        }
        super().__init__(422, "Invalid", f'{qualified} "{name}" is invalid: {joined}', details)


def bad_request(message: str) -> ApiError:
    """The request itself cannot be understood."""
    return ApiError(400, "BadRequest", message)


def forbidden(message: str, details: Obj | None = None) -> ApiError:
    """The user may not do this."""
    return ApiError(403, "Forbidden", message, details)


def _cause(text: str) -> str:
    known = {
        "Required value": "FieldValueRequired",
        "Unsupported value": "FieldValueNotSupported",
        "Forbidden": "FieldValueForbidden",
        "Duplicate value": "FieldValueDuplicate",
    }
    return known.get(text.split(":", 1)[0], "FieldValueInvalid")


def _details(key: str, name: str) -> Obj:
    plural, _, group = key.partition(".")
    return {"name": name, "kind": plural, **({"group": group} if group else {})}
