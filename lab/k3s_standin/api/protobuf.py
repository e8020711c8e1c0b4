# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads request bodies in Kubernetes' protobuf encoding into the objects that JSON would give.

kubectl and helm send Secrets, reviews and evictions this way whatever the server offers. Answers are always JSON.
"""

from __future__ import annotations

import base64
import functools
import json
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from lab.k3s_standin.api.errors import ApiError, Obj, bad_request

MEDIA_TYPE = "application/vnd.kubernetes.protobuf"
_MAGIC = b"k8s\x00"
# API groups whose package is not named by their first word.
_PACKAGES = {"": "core", "rbac.authorization.k8s.io": "rbac"}


@dataclass(frozen=True)
class _Field:
    name: str
    type: str
    # "" one value, "*" a list, "%" a map from strings
    mark: str
    drop_zero: bool


def decode(body: bytes) -> Obj:
    """The object in an envelope (runtime.Unknown)."""
    if not body.startswith(_MAGIC):
        raise bad_request("the request body does not start with the protobuf envelope's mark k8s")
    try:
        envelope = dict(_wire(body[len(_MAGIC) :]))
        meta = {number: value.decode() for number, value in _wire(envelope[1])}
        api_version, kind = meta[1], meta[2]
        group, _, version = api_version.rpartition("/")
        package = _PACKAGES.get(group, group.partition(".")[0])
        message = next((name for name in (f"{package}/{version}.{kind}", f"meta/v1.{kind}") if name in _messages()), "")
        if not message:
            text = f"{api_version}, Kind={kind} cannot be read as protobuf by this server; send JSON"
            raise ApiError(415, "UnsupportedMediaType", text)
        return {"apiVersion": api_version, "kind": kind, **_message(message, envelope.get(2, b""))}
    except (KeyError, IndexError, ValueError, struct.error, AttributeError, TypeError) as error:
        raise bad_request(f"the request body is not protobuf of a Kubernetes object: {error!r}") from error


@functools.cache
def _messages() -> dict[str, str]:
    # A large table that a server without such clients never needs.
    from lab.k3s_standin.api.protobuf_fields import FIELDS

    lines = (line.partition(" ") for line in FIELDS.splitlines())
    return {name: fields for name, _, fields in lines}


@functools.cache
def _fields(message: str) -> dict[int, _Field]:
    words = _messages()[message].split()
    answer = {}
    for name, number, kind in zip(words[::3], words[1::3], words[2::3], strict=True):
        mark = kind[0] if kind[0] in "*%" else ""
        answer[int(number)] = _Field(name.rstrip("?"), kind[len(mark) :], mark, name.endswith("?"))
    return answer


def _message(message: str, data: bytes) -> Any:
    special = _SPECIAL.get(message)
    if special is not None:
        return special(dict(_wire(data)))
    fields = _fields(message)
    if [field.name for field in fields.values()] == ["items"] and len(fields) == 1 and fields[1].type == "s":
        return [value.decode() for _, value in _wire(data)]
    answer: Obj = {}
    for number, raw in _wire(data):
        field = fields.get(number)
        if field is None:
            continue
        if field.mark == "%":
            pair = dict(_wire(raw))
            answer.setdefault(field.name, {})[pair.get(1, b"").decode()] = _value(field.type, pair.get(2, b""))
            continue
        value = _value(field.type, raw)
        if field.name == "=":
            answer.update(value)
        elif field.mark == "*":
            answer.setdefault(field.name, []).append(value)
        elif not (field.drop_zero and value in (None, "", 0, {}, [])):
            answer[field.name] = value
    return answer


def _value(kind: str, raw: Any) -> Any:
    if kind == "s":
        return raw.decode() if raw else ""
    if kind == "y":
        return base64.b64encode(raw or b"").decode()
    if kind == "i":
        number = int(raw or 0)
        return number - (1 << 64) if number >> 63 else number
    if kind == "b":
        return bool(raw)
    if kind == "d":
        return struct.unpack("<d", raw)[0]
    return _message(kind, raw or b"")


def _wire(data: bytes) -> Iterator[tuple[int, Any]]:
    position = 0
    while position < len(data):
        tag, position = _varint(data, position)
        number, kind = tag >> 3, tag & 7
        if kind == 0:
            value, position = _varint(data, position)
            yield number, value
            continue
        if kind == 2:
            size, position = _varint(data, position)
        elif kind in (1, 5):
            size = 8 if kind == 1 else 4
        else:
            raise ValueError(f"wire type {kind}")
        if position + size > len(data):
            raise ValueError("a field is longer than its message")
        yield number, data[position : position + size]
        position += size


def _varint(data: bytes, position: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position
        shift += 7


def _time(values: dict[int, Any], micro: bool = False) -> str | None:
    seconds = _value("i", values.get(1, 0))
    # Go's zero time, which JSON writes as null.
    if not values or seconds == -62135596800:
        return None
    text = datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{text}.{values.get(2, 0) // 1000:06d}Z" if micro else f"{text}Z"


def _int_or_string(values: dict[int, Any]) -> int | str:
    return values.get(3, b"").decode() if values.get(1) else int(_value("i", values.get(2, 0)))


_SPECIAL = {
    "meta/v1.Time": _time,
    "meta/v1.MicroTime": lambda values: _time(values, micro=True),
    "meta/v1.FieldsV1": lambda values: json.loads(values.get(1) or b"{}"),
    "runtime.RawExtension": lambda values: json.loads(values.get(1) or b"null"),
    "api/resource.Quantity": lambda values: values.get(1, b"").decode(),
    "util/intstr.IntOrString": _int_or_string,
}
