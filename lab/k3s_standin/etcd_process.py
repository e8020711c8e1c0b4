# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The embedded etcd: the real program as a child of this process, which ends with it."""

from __future__ import annotations

import ctypes
import json
import os
import shutil
import signal
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab.k3s_standin import files, log
from lab.k3s_standin.etcd_client import EtcdClient, EtcdError
from lab.k3s_standin.paths import Paths

_BUNDLED = "/usr/local/libexec/k3s-standin"
_PORT = 2379
_START_SECONDS = 60.0
_STOP_SECONDS = 10.0
_REMOVED = "the member has been permanently removed from the cluster"
_PR_SET_PDEATHSIG = 1


def program(name: str = "etcd") -> str | None:
    """Where etcd is; LAB_K3S_ETCD names another folder, for tests."""
    return shutil.which(name, path=os.environ.get("LAB_K3S_ETCD") or _BUNDLED)


def client_port() -> int:
    """etcd's port for clients, the next ones are for its peers and its metrics; LAB_K3S_ETCD_PORT is for tests."""
    return int(os.environ.get("LAB_K3S_ETCD_PORT") or _PORT)


def bracketed(address: str) -> str:
    """An address as URLs have it."""
    return f"[{address}]" if ":" in address else address


@dataclass(frozen=True)
class Member:
    """One server's place in etcd."""

    paths: Paths
    name: str
    address: str

    @property
    def directory(self) -> Path:
        """etcd's data."""
        return self.paths.server / "db/etcd"

    @property
    def peer_url(self) -> str:
        """Where the other members reach this one."""
        return f"https://{bracketed(self.address)}:{client_port() + 1}"

    def context(self) -> ssl.SSLContext:
        """TLS as an etcd client of this cluster."""
        tls = self.paths.tls / "etcd"
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(tls / "server-ca.crt")
        context.load_cert_chain(tls / "client.crt", tls / "client.key")
        return context

    def client(self, url: str = "") -> EtcdClient:
        """A client of this member, or of another one."""
        return EtcdClient(url or f"https://127.0.0.1:{client_port()}", self.context())

    def write_config(self, cluster: str, state: str) -> Path:
        """The configuration file, where upstream has it; the first cluster is only looked at by an empty member."""
        tls, own = self.paths.tls / "etcd", f"https://{bracketed(self.address)}"
        port = client_port()
        path = self.directory / "config"
        document: dict[str, Any] = {
            "name": self.name,
            "data-dir": str(self.directory),
            "listen-client-urls": f"https://127.0.0.1:{port},{own}:{port}",
            "advertise-client-urls": f"{own}:{port}",
            "listen-peer-urls": f"https://127.0.0.1:{port + 1},{own}:{port + 1}",
            "initial-advertise-peer-urls": self.peer_url,
            "initial-cluster": cluster,
            "initial-cluster-state": state,
            "listen-metrics-urls": f"http://127.0.0.1:{port + 2}",
            "client-transport-security": _security(tls, "server-client", "server-ca"),
            "peer-transport-security": _security(tls, "peer-server-client", "peer-ca"),
            # Upstream waits longer for a leader; a lab's members are on one machine.
            "heartbeat-interval": 200,
            "election-timeout": 2000,
            "snapshot-count": 10000,
            # on by default, except in a file
            "enable-grpc-gateway": True,
            "auto-compaction-mode": "periodic",
            "auto-compaction-retention": "5m",
            "logger": "zap",
            "log-level": "warn",
            "log-outputs": ["stderr"],
        }
        if self.address == "127.0.0.1":
            document["listen-client-urls"] = f"{own}:{port}"
            document["listen-peer-urls"] = f"{own}:{port + 1}"
        files.write(path, json.dumps(document, indent=2))
        return path


def _security(tls: Path, leaf: str, authority: str) -> Mapping[str, Any]:
    return {
        "cert-file": str(tls / f"{leaf}.crt"),
        "key-file": str(tls / f"{leaf}.key"),
        "trusted-ca-file": str(tls / f"{authority}.crt"),
        "client-cert-auth": True,
    }


class Child:
    """A running etcd; `lost` is called when it ends unasked, with whether its member was removed from the cluster."""

    def __init__(self, arguments: Sequence[str], lost: Callable[[bool], None]) -> None:
        etcd = program()
        if etcd is None:
            raise EtcdError("found no etcd program, expected the node image's")
        self._lost = lost
        self._ending = False
        self.removed = False
        self._process = subprocess.Popen(
            [etcd, *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
            preexec_fn=_die_with_parent,
        )  # fmt: skip
        self._reader = threading.Thread(target=self._read, name="etcd-log", daemon=True)
        self._reader.start()

    def wait_until_ready(self, client: EtcdClient) -> None:
        """Return once a majority answers through this member; upstream waits for ever, and so does this."""
        told = time.monotonic() + _START_SECONDS
        while True:
            try:
                client.call("/v3/kv/range", {"key": "AA=="}, 3.0)
                return
            except EtcdError as error:
                if self._process.poll() is not None:
                    why = _REMOVED if self.removed else f"etcd ended with status {self._process.returncode}"
                    raise EtcdError(why) from error
                if time.monotonic() > told:
                    log.info(f"Waiting for etcd server to become available: {error}")
                    told = time.monotonic() + _START_SECONDS
                time.sleep(0.1)

    def stop(self) -> None:
        """End it, and wait for the end."""
        self._ending = True
        self._process.terminate()
        try:
            self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _read(self) -> None:
        assert self._process.stderr is not None
        for line in self._process.stderr:
            self.removed = self.removed or _REMOVED in line
            sys.stderr.write(line)
        self._process.wait()
        if not self._ending:
            self._lost(self.removed)


def _die_with_parent() -> None:
    # The unit's KillMode leaves children alone, and a second etcd could not have the first one's files.
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def offline(directory: Path, name: str) -> tuple[Child, EtcdClient]:
    """An etcd over a member's data without its peers, which it forgets; on this machine's loopback alone."""
    port = client_port() + 20
    own, peer = f"http://127.0.0.1:{port}", f"http://127.0.0.1:{port + 1}"
    arguments = ["--name", name, "--data-dir", str(directory), "--force-new-cluster", "--logger=zap",
                 "--log-level=error", "--listen-client-urls", own, "--advertise-client-urls", own,
                 "--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer,
                 "--initial-cluster", f"{name}={peer}"]  # fmt: skip
    child, client = Child(arguments, lambda _removed: None), EtcdClient(own, None)
    child.wait_until_ready(client)
    return child, client


def control(*arguments: str, environment: Mapping[str, str] | None = None) -> str:
    """Run etcdctl; EtcdError with what it said."""
    etcdctl = program("etcdctl")
    if etcdctl is None:
        raise EtcdError("found no etcdctl program, expected the node image's")
    done = subprocess.run(
        [etcdctl, *arguments], env={**os.environ, **(environment or {}), "ETCDCTL_API": "3"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode != 0:
        raise EtcdError((done.stderr.strip().splitlines() or [f"etcdctl ended with status {done.returncode}"])[-1])
    return done.stdout
