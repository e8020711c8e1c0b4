# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`k3s certificate rotate`: puts the leaf certificates aside, so that the next start issues new ones (fact A16)."""

from __future__ import annotations

import fcntl
import os
import shutil
import time
from collections.abc import Iterable
from pathlib import Path
from typing import TextIO

from lab.k3s_standin.paths import Paths

# Names as upstream's --service knows them, with the certificates of each.
_SERVER = {
    "admin": ("client-admin",),
    "api-server": ("client-kube-apiserver", "serving-kube-apiserver"),
    "controller-manager": ("client-controller",),
    "scheduler": ("client-scheduler",),
    "k3s-server": ("client-supervisor",),
    "cloud-controller": ("client-k3s-cloud-controller",),
    "etcd": ("etcd/client", "etcd/server-client", "etcd/peer-server-client"),
    "auth-proxy": ("client-auth-proxy",),
}
_AGENT = {
    "kubelet": ("client-kubelet", "serving-kubelet"),
    "kube-proxy": ("client-kube-proxy",),
    "k3s-controller": ("client-k3s-controller",),
}
# Also among the server's own certificates.
_BOTH = ("kube-proxy", "k3s-controller")


def hold(paths: Paths) -> TextIO:
    """Mark that K3s runs, as long as the returned file is open: shared by servers and agents of one machine."""
    paths.data.mkdir(parents=True, exist_ok=True)
    mark = open(_mark(paths), "w")  # noqa: SIM115
    fcntl.flock(mark, fcntl.LOCK_SH)
    return mark


def rotate(paths: Paths, services: Iterable[str]) -> Path:
    """Move the certificates aside and say where to; BlockingIOError while K3s runs, KeyError for an unknown service."""
    wanted = list(services) or [*_SERVER, *_AGENT]
    for name in wanted:
        if name not in _SERVER and name not in _AGENT:
            raise KeyError(name)
    with open(_mark(paths), "w") as mark:
        fcntl.flock(mark, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return _put_aside(paths, wanted)


def _put_aside(paths: Paths, services: list[str]) -> Path:
    home = paths.server if paths.tls.is_dir() else paths.agent
    aside = home / f"tls-{int(time.time())}"
    if paths.tls.is_dir():
        shutil.copytree(paths.tls, aside, dirs_exist_ok=True)
    aside.mkdir(exist_ok=True, mode=0o700)
    for service in services:
        for name in _SERVER.get(service, _AGENT.get(service, ()) if service in _BOTH else ()):
            _remove(paths.tls / name)
        for name in _AGENT.get(service, ()):
            for suffix in ("crt", "key"):
                if (paths.agent / f"{name}.{suffix}").exists():
                    shutil.copy2(paths.agent / f"{name}.{suffix}", aside)
            _remove(paths.agent / name)
    return aside


def _remove(stem: Path) -> None:
    for suffix in ("crt", "key"):
        Path(f"{stem}.{suffix}").unlink(missing_ok=True)


def _mark(paths: Paths) -> str:
    return os.fspath(paths.data / ".running")
