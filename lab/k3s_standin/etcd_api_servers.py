# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which servers answer: each keeps an entry in etcd that ends some seconds after it does, as upstream's do."""

from __future__ import annotations

import contextlib
import threading

from lab.k3s_standin import log
from lab.k3s_standin.etcd_client import EtcdClient, EtcdError

PREFIX = "/registry/masterleases/"
_LIFE_SECONDS = 15
_RENEW_SECONDS = 5.0


class ApiServers:
    """The entries, this server's own among them once it has announced itself."""

    def __init__(self, etcd: EtcdClient) -> None:
        self._etcd = etcd
        self._own = ""
        self._lease = ""
        self._stop = threading.Event()

    def listed(self) -> list[str]:
        """Addresses with ports, sorted; the last known ones belong to whoever asked before."""
        try:
            return sorted(row.key.removeprefix(PREFIX) for row in self._etcd.range(PREFIX)[0])
        except EtcdError:
            return []

    def announce(self, own: str) -> None:
        """Enter this server, and keep the entry alive until withdrawn."""
        self._own = own
        self._renew()
        threading.Thread(target=self._run, name="api-servers", daemon=True).start()

    def withdraw(self) -> None:
        """End the entry now: nobody has to wait for its time."""
        self._stop.set()
        if self._lease:
            with contextlib.suppress(EtcdError):
                self._etcd.call("/v3/lease/revoke", {"ID": self._lease}, 2.0)

    def _run(self) -> None:
        while not self._stop.wait(_RENEW_SECONDS):
            self._renew()

    def _renew(self) -> None:
        try:
            answer = self._etcd.call("/v3/lease/keepalive", {"ID": self._lease}) if self._lease else {}
            if not int(answer.get("result", {}).get("TTL", 0)):
                self._lease = str(self._etcd.call("/v3/lease/grant", {"TTL": _LIFE_SECONDS})["ID"])
                self._etcd.put(PREFIX + self._own, self._own, self._lease)
        except EtcdError as error:
            log.warning(f"cannot tell the other servers of this one: {error}")
