# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: read a document value by value, collecting every complaint with the path of its place."""

from __future__ import annotations

import difflib
import ipaddress
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar


@dataclass(frozen=True)
class Problem:
    """One sentence about one place; missing says that nothing at all stands there."""

    path: str
    sentence: str
    missing: bool = False


@dataclass(frozen=True)
class Form:
    """What a text has to look like, and how to write it."""

    name: str
    pattern: re.Pattern[str]
    fix: str


MAC = Form(
    "a MAC address",
    re.compile(r"(?i)([0-9a-f]{2}[:-]){5}[0-9a-f]{2}"),
    "write six hexadecimal pairs, e.g. 6c:1f:f7:1b:e8:c8",
)
PCI_ID = Form(
    "a PCI id",
    re.compile(r"[0-9a-f]{4}:[0-9a-f]{4}"),
    "write vendor and device as lspci -nn shows them, e.g. 10de:1eb8",
)
USB_ID = Form(
    "a USB id",
    re.compile(r"[0-9a-f]{4}:[0-9a-f]{4}"),
    "write vendor and product as lsusb shows them, e.g. 0bda:8156",
)
TEXT = Form("a text", re.compile(r"(?s).*\S.*"), "write a word or a sentence")

_ABSENT = object()
Ip = TypeVar("Ip", ipaddress.IPv4Address, ipaddress.IPv4Network)


def did_you_mean(word: str, known: Sequence[str]) -> str:
    """' (did you mean x?)' when one of the known words is close, else nothing."""
    close = difflib.get_close_matches(word, known, n=1, cutoff=0.6)
    return f" (did you mean {close[0]}?)" if close else ""


class Reader:
    """One place of a document. Whatever is wrong there is reported, and read as None."""

    def __init__(self, value: object, path: str, problems: list[Problem]) -> None:
        self.value = value
        self.path = path
        self._problems = problems

    @property
    def absent(self) -> bool:
        """Nothing stands here; an empty value in YAML counts as nothing."""
        return self.value is _ABSENT or self.value is None

    @property
    def is_mapping(self) -> bool:
        """Whether it is worth looking inside."""
        return isinstance(self.value, dict)

    def complain(self, what: str, fix: str) -> None:
        """Report this place: what is wrong with it, and how to mend it."""
        self._problems.append(Problem(self.path, f"{self.path}{what}; {fix}"))

    def refuse(self, expected: str, fix: str) -> None:
        """Report that the value here is not what was expected."""
        shown = f"'{self.value}'" if isinstance(self.value, (str, int, float)) else f"a {_kind(self.value)}"
        self.complain(f": {shown} is not {expected}", fix)

    def require(self, fix: str) -> None:
        """Report that something has to stand here."""
        self._problems.append(Problem(self.path, f"{self.path} is missing; {fix}", missing=True))

    def mapping(self, known: Sequence[str], required: bool = True) -> Reader:
        """This place with its keys checked; a wrong type reads as an empty mapping."""
        example = f"write a mapping with the keys {', '.join(known)}"
        if self.absent:
            if required:
                self.require(example)
        elif not isinstance(self.value, dict):
            self.refuse("a mapping", example)
        else:
            for key in self.value:
                if key not in known:
                    place = Reader(key, f"{self.path}.{key}", self._problems)
                    place.complain(
                        f" is not known{did_you_mean(str(key), known)}", f"the keys here are {', '.join(known)}"
                    )
        return self

    def __getitem__(self, key: str) -> Reader:
        value = self.value.get(key, _ABSENT) if isinstance(self.value, dict) else _ABSENT
        return Reader(value, f"{self.path}.{key}", self._problems)

    def entries(self) -> list[tuple[str, Reader]]:
        """Keys and places of a mapping whose keys are free."""
        if self.absent:
            return []
        if not isinstance(self.value, dict):
            self.refuse("a mapping", "write key: value lines")
            return []
        return [(str(key), Reader(item, f"{self.path}[{key}]", self._problems)) for key, item in self.value.items()]

    def items(self) -> list[Reader]:
        """The places of a list; an absent list is empty."""
        if self.absent:
            return []
        if not isinstance(self.value, list):
            self.refuse("a list", "write it as [..], with one element for each thing")
            return []
        return [Reader(item, f"{self.path}[{index}]", self._problems) for index, item in enumerate(self.value)]

    def text(self, form: Form = TEXT, required: bool = True) -> str | None:
        """A text of a form."""
        if self.absent:
            if required:
                self.require(form.fix)
            return None
        if not isinstance(self.value, str) or not form.pattern.fullmatch(self.value):
            self.refuse(form.name, form.fix)
            return None
        return self.value

    def choice(self, options: Sequence[str], required: bool = True) -> str | None:
        """One of a few words."""
        fix = f"write one of {', '.join(options)}"
        if self.absent:
            if required:
                self.require(fix)
            return None
        if self.value not in options:
            self.refuse(f"known{did_you_mean(str(self.value), options)}", fix)
            return None
        return str(self.value)

    def number(self, required: bool = False) -> int | None:
        """A whole number from 1."""
        if self.absent:
            if required:
                self.require("write a whole number from 1")
            return None
        if isinstance(self.value, bool) or not isinstance(self.value, int) or self.value < 1:
            self.refuse("a whole number from 1", "write digits without quotes or unit, e.g. 8")
            return None
        return self.value

    def flag(self) -> bool:
        """true or false; absent reads as false."""
        if self.absent:
            return False
        if not isinstance(self.value, bool):
            self.refuse("true or false", "write true or false without quotes")
            return False
        return self.value

    def address(self, required: bool = True) -> ipaddress.IPv4Address | None:
        """An IPv4 address."""
        return self._ip(ipaddress.IPv4Address, "an IPv4 address", "write four numbers, e.g. 192.168.10.21", required)

    def network(self, required: bool = True) -> ipaddress.IPv4Network | None:
        """An IPv4 network."""
        fix = "write the network's first address and its prefix length, e.g. 192.168.10.0/24"
        return self._ip(ipaddress.IPv4Network, "an IPv4 network", fix, required)

    def _ip(self, kind: type[Ip], name: str, fix: str, required: bool) -> Ip | None:
        if self.absent:
            if required:
                self.require(fix)
            return None
        try:
            # A number would be taken as one, bits and all.
            return kind(self.value if isinstance(self.value, str) else "")
        except ValueError:
            self.refuse(name, fix)
            return None


def _kind(value: object) -> str:
    return {"dict": "mapping", "list": "list", "bool": "boolean"}.get(type(value).__name__, type(value).__name__)
