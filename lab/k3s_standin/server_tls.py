# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The server's authorities and certificates under server/tls, completed or renewed at every start."""

from __future__ import annotations

import ipaddress
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from lab.k3s_standin import files, log, pki

RENEW_DAYS = 120

# authority file -> name
_AUTHORITIES = {
    "server-ca": "k3s-server-ca",
    "client-ca": "k3s-client-ca",
    "request-header-ca": "k3s-request-header-ca",
    "etcd/server-ca": "etcd-server-ca",
    "etcd/peer-ca": "etcd-peer-ca",
}
_MASTERS = ("system:masters",)
_LEAVES: dict[str, tuple[str, pki.Subject]] = {
    "client-admin": ("client-ca", pki.Subject("system:admin", _MASTERS)),
    "client-controller": ("client-ca", pki.Subject("system:kube-controller-manager")),
    "client-scheduler": ("client-ca", pki.Subject("system:kube-scheduler")),
    "client-kube-apiserver": ("client-ca", pki.Subject("system:apiserver", _MASTERS)),
    "client-kube-proxy": ("client-ca", pki.Subject("system:kube-proxy")),
    "client-k3s-controller": ("client-ca", pki.Subject("system:k3s-controller")),
    "client-k3s-cloud-controller": ("client-ca", pki.Subject("k3s-cloud-controller-manager")),
    "client-supervisor": ("client-ca", pki.Subject("system:k3s-supervisor", _MASTERS)),
    "client-auth-proxy": ("request-header-ca", pki.Subject("system:auth-proxy")),
    "etcd/client": ("etcd/server-ca", pki.Subject("etcd-client")),
    "etcd/server-client": ("etcd/server-ca", pki.Subject("etcd-server", (), ("server", "client"), ("localhost",))),
    "etcd/peer-server-client": ("etcd/peer-ca", pki.Subject("etcd-peer", (), ("server", "client"), ("localhost",))),
}
# Other members connect to these.
_MEMBERS = ("etcd/server-client", "etcd/peer-server-client")

Names = tuple[list[str], list[str]]


def names(service_cidr: str, domain: str, serving: Sequence[str], member: Sequence[str]) -> Names:
    """The names the API's certificate is good for, and those of etcd's."""
    service = ["kubernetes", "kubernetes.default", "kubernetes.default.svc", f"kubernetes.default.svc.{domain}"]
    first = str(ipaddress.ip_network(service_cidr)[1])
    loopback = ["localhost", "127.0.0.1", "::1"]
    return list(dict.fromkeys([*service, first, *loopback, *serving])), list(dict.fromkeys([*loopback, *member]))


@dataclass(frozen=True)
class ServerTls:
    """Reads and completes the tree; authorities come first, because tokens and leaves follow from them."""

    directory: Path

    def authority(self, name: str) -> pki.Pair:
        """An authority from disk."""
        return self._read(name)

    def authority_files(self) -> dict[str, str]:
        """What must survive the loss of this machine: goes into the datastore, encrypted with the token."""
        names = [f"{name}.{suffix}" for name in _AUTHORITIES for suffix in ("crt", "key")] + ["service.key"]
        return {name: (self.directory / name).read_text() for name in names}

    def restore(self, contents: dict[str, str]) -> None:
        """Bring back authorities from the datastore; what differs on disk is replaced."""
        for name, content in contents.items():
            if files.write_if_changed(self.directory / name, content, 0o644 if name.endswith(".crt") else 0o600):
                log.info(f"Restored {self.directory / name} from the datastore")

    def ensure_authorities(self) -> None:
        """Create missing authorities; the key is written first, so a lone key is a start that was cut off."""
        for name, title in _AUTHORITIES.items():
            if not (self.directory / f"{name}.crt").exists():
                self._write(name, pki.new_authority(f"{title}@{int(time.time())}"))
        if not (self.directory / "service.key").exists():
            files.write(self.directory / "service.key", pki.new_key())

    def ensure_leaves(self, serving_names: Sequence[str], etcd_names: Sequence[str] = ()) -> None:
        """Issue what is missing, damaged, for other names, or has 120 days or less left."""
        serving = pki.Subject("kube-apiserver", (), ("server",), tuple(serving_names))
        members = {
            name: (issuer, replace(subject, names=(*subject.names, *etcd_names)))
            for name, (issuer, subject) in _LEAVES.items()
            if name in _MEMBERS
        }
        leaves = {**_LEAVES, **members, "serving-kube-apiserver": ("server-ca", serving)}
        for name, (issuer, subject) in leaves.items():
            authority = self.authority(issuer)
            if pki.serves(self._read(name), authority, subject, RENEW_DAYS):
                continue
            self._write(name, pki.issue(authority, subject))
            log.info(f"certificate CN={subject.common_name} signed by {issuer}")

    def _read(self, name: str) -> pki.Pair:
        try:
            return pki.Pair((self.directory / f"{name}.crt").read_text(), (self.directory / f"{name}.key").read_text())
        except FileNotFoundError:
            return pki.Pair("", "")

    def _write(self, name: str, pair: pki.Pair) -> None:
        files.write(self.directory / f"{name}.key", pair.key)
        files.write(self.directory / f"{name}.crt", pair.certificate, 0o644)
