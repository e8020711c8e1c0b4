# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Paths of the API, what each takes of a caller, and what it answers."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from lab.pve.access import Access
from lab.pve.drives import Drives
from lab.pve.errors import ApiError
from lab.pve.faults import Faults
from lab.pve.guests import Guests
from lab.pve.machines import Machines, privilege_of
from lab.pve.store import Store
from lab.pve.tasks import Tasks


@dataclass
class Call:
    """One request: who, with what, and the names in its path."""

    user: str
    data: dict[str, Any]
    path: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Route:
    """A method and a path, the privilege it takes, and its handler."""

    method: str
    path: re.Pattern[str]
    handler: Callable[[Api, Call], Any]
    on: str
    privilege: str


ROUTES: list[Route] = []
Handler = Callable[["Api", Call], Any]


def route(method: str, path: str, on: str = "", privilege: str = "") -> Callable[[Handler], Handler]:
    """Mark a function as the handler of a path; `on` and `privilege` say what its caller needs."""
    pattern = re.compile(re.sub(r"{(\w+)}", r"(?P<\1>[^/]+)", path))

    def mark(handler: Handler) -> Handler:
        ROUTES.append(Route(method, pattern, handler, on, privilege))
        return handler

    return mark


class Api:
    """The API of one node."""

    def __init__(self, store: Store, faults: Faults, guests: Guests) -> None:
        self.store, self.faults, self.guests = store, faults, guests
        self.access = Access(store)
        self.tasks = Tasks(store, faults)
        self.drives = Drives(store, faults)
        self.machines = Machines(store, self.tasks, self.drives, guests, faults)

    @property
    def version(self) -> str:
        """The release it says it is."""
        return str(self.faults.get("version") or self.store.document["version"])

    @property
    def imports(self) -> bool:
        """Whether storages can hold disk images for importing: from 8.4 on."""
        numbers = re.findall(r"\d+", self.version)
        return (int(numbers[0]), int(numbers[1])) >= (8, 4)

    def answer(self, method: str, path: str, user: str, data: dict[str, Any]) -> Any:
        """What the path answers; ApiError where the caller may not, or where upstream would refuse."""
        for found in ROUTES:
            match = found.path.fullmatch(path)
            if match and found.method == method:
                call = Call(user, data, match.groupdict())
                if call.path.get("node", self.store.node) != self.store.node:
                    raise ApiError(595, f"hostname lookup '{call.path['node']}' failed")
                if found.privilege:
                    self.access.need(user, found.on.format(**call.path), found.privilege)
                return found.handler(self, call)
        raise ApiError(501, f"Method '{method} {path}' not implemented")

    def visible(self, user: str) -> Iterator[dict[str, Any]]:
        """The machines that a caller sees; the others are left out without a word, as upstream does."""
        for vmid, vm in self.store.vms.items():
            if self.access.may(user, f"/vms/{vmid}", "VM.Audit"):
                yield vm

    def may_set(self, call: Call, vmid: str) -> None:
        """Refuse keys that the caller may not set."""
        for key, value in call.data.items():
            if key in ("vmid", "pool", "delete", "digest", "force"):
                continue
            self.access.need(call.user, f"/vms/{vmid}", privilege_of(key, str(value)))
            if bridge := re.search(r"bridge=([^,]+)", str(value)) if key.startswith("net") else None:
                self.access.need(call.user, f"/sdn/zones/localnetwork/{bridge[1]}", "SDN.Use")
            if match := re.fullmatch(r"([\w-]+):(\d+|cloudinit)", str(value).partition(",")[0]):
                self.access.need(call.user, f"/storage/{match[1]}", "Datastore.AllocateSpace")
