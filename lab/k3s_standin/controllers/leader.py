# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One of several servers runs the controllers: the holder of a Lease, and the process that loses it ends."""

from __future__ import annotations

import datetime
import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from lab.k3s_standin import log
from lab.k3s_standin.api.client import Client
from lab.k3s_standin.api.errors import ApiError, Obj

KEY, NAMESPACE, NAME = "leases.coordination.k8s.io", "kube-system", "k3s"
_LIFE_SECONDS = 15
_DEADLINE_SECONDS = 10.0
_PERIOD_SECONDS = 2.0


@dataclass
class Elector:
    """Calls `elected` once, when this server is the leader, and `lost` when it is no more."""

    client: Client
    identity: str
    elected: Callable[[], None]
    lost: Callable[[], None] = lambda: os._exit(1)
    _stop: threading.Event = field(default_factory=threading.Event)
    # The renewal seen last and when: clocks of other servers are not compared with ours.
    _seen: tuple[str, float] = ("", 0.0)
    _leading: bool = False

    def start(self) -> None:
        """Take part; a first attempt is made before this returns, so that a lone server waits for nobody."""
        self._step()
        threading.Thread(target=self._run, name="leader", daemon=True).start()

    def stop(self) -> None:
        """Leave; a leader's successor then need not wait for the end of its time."""
        self._stop.set()
        if self._leading:
            try:
                self._write(self.client.get(KEY, NAME, NAMESPACE), "")
            except ApiError as error:
                log.warning(f"cannot give up leadership: {error.message}")

    def _run(self) -> None:
        renewed = time.monotonic()
        while not self._stop.wait(_PERIOD_SECONDS):
            if self._step():
                renewed = time.monotonic()
            elif self._leading and time.monotonic() - renewed > _DEADLINE_SECONDS and not self._stop.is_set():
                log.error("leaderelection lost for k3s")
                self.lost()

    def _step(self) -> bool:
        try:
            held = self._try()
        except ApiError as error:
            if error.code != 409:
                log.error(f"error retrieving resource lock {NAMESPACE}/{NAME}: {error.message}")
            return False
        if held and not self._leading:
            self._leading = True
            log.info(f"successfully acquired lease {NAMESPACE}/{NAME}")
            self.elected()
        return held

    def _try(self) -> bool:
        lease = self.client.find(KEY, NAME, NAMESPACE)
        if lease is None:
            metadata = {"name": NAME, "namespace": NAMESPACE}
            self.client.create({"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": metadata,
                                "spec": self._spec({}, self.identity)})  # fmt: skip
            return True
        spec = lease.get("spec") or {}
        holder, renewal = spec.get("holderIdentity") or "", str(spec.get("renewTime"))
        if holder not in ("", self.identity):
            if self._leading:
                log.error(f"leaderelection lost for k3s to {holder}")
                self.lost()
            if self._seen[0] != renewal:
                self._seen = (renewal, time.monotonic())
            if time.monotonic() - self._seen[1] < _LIFE_SECONDS:
                return False
        self._write(lease, self.identity)
        return True

    def _write(self, lease: Obj, holder: str) -> None:
        self.client.update({**lease, "spec": self._spec(lease.get("spec") or {}, holder)})

    def _spec(self, before: Obj, holder: str) -> Obj:
        now = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        change: Obj = {"renewTime": now, "holderIdentity": holder, "leaseDurationSeconds": _LIFE_SECONDS}
        if before.get("holderIdentity") != holder:
            count = int(before.get("leaseTransitions") or 0) + (1 if before else 0)
            change |= {"acquireTime": now, "leaseTransitions": count}
        return {**before, **change}
