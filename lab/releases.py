# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which K3s runs in the lab: the real release where it can be had, otherwise the stand-in."""

from __future__ import annotations

import hashlib
import http
import http.client
import os
import platform
import shutil
import socket
import threading
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from lab.console import step
from lab.engine import Engine
from lab.errors import LabError

HOST = "github.com"
UPSTREAM = f"https://{HOST}/k3s-io/k3s/releases/download"
REACH_SECONDS = 5
STALL_SECONDS = 30
# upstream's names of the binary and its list of digests, by the kernel's name of the architecture
FILES = {"x86_64": ("k3s", "sha256sum-amd64.txt"), "aarch64": ("k3s-arm64", "sha256sum-arm64.txt")}
STANDIN = "K3s: LAB STAND-IN, not the real thing"


@dataclass(frozen=True)
class Release:
    """What runs in the lab: the real K3s with its folder, or the stand-in; and why."""

    words: str
    folder: Path | None = None

    @property
    def real(self) -> bool:
        """Whether it is the real K3s."""
        return self.folder is not None


def choose_release(version: str, engine: Engine, image: str, in_containers: bool = True) -> Release:
    """The real release when it lies in the cache or can be downloaded; otherwise the stand-in, with the reason."""
    if os.environ.get("LAB_K3S") == "stand-in":
        return Release(f"{STANDIN}: asked for with LAB_K3S=stand-in")
    names = FILES.get(platform.machine())
    if names is None:
        return Release(f"{STANDIN}: upstream has no release for {platform.machine()} that the lab knows")
    folder = cache_of(version)
    if not all((folder / name).is_file() for name in names):
        try:
            _download(folder, version, names)
        except urllib.error.HTTPError as error:
            if error.code == http.HTTPStatus.NOT_FOUND:
                raise LabError(f"upstream has no release {version}; correct homelab_k3s_version") from error
            return Release(f"{STANDIN}: upstream answered {error.code} for the real release {version}")
        except (OSError, http.client.HTTPException):
            return Release(f"{STANDIN}: the real release {version} is not reachable and not in {folder}")
    _verify(folder, names)
    if not in_containers:
        return Release(f"K3s: the real release {version}", folder)
    if not engine.allows_privileged(image):
        return Release(
            f"{STANDIN}: the real release is there, but this engine refuses the privileged containers it needs"
        )
    return Release(f"K3s: the real release {version}, in privileged containers", folder)


def cache_of(version: str) -> Path:
    """Where real releases may be put by hand: the binary and its list of digests, under upstream's names."""
    folder = Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser()
    return folder / "fletcherlabs.homelab" / "releases" / version


def _verify(folder: Path, names: tuple[str, str]) -> None:
    binary, checksums = names
    listed = dict(line.split()[::-1] for line in (folder / checksums).read_text().splitlines() if line.strip())
    with (folder / binary).open("rb") as stream:
        found = hashlib.file_digest(stream, "sha256").hexdigest()
    if listed.get(binary) != found:
        raise LabError(
            f"{folder / binary} has sha256 {found}, but {checksums} beside it says {listed.get(binary)}; "
            f"remove {folder}, or put a whole release there"
        )


def _download(folder: Path, version: str, names: tuple[str, str]) -> None:
    _reach()
    folder.mkdir(parents=True, exist_ok=True)
    with step(f"downloading the real K3s {version}"):
        for name in reversed(names):
            url = f"{UPSTREAM}/{urllib.parse.quote(version)}/{name}"
            part = folder / f".{name}"
            with urllib.request.urlopen(url, timeout=STALL_SECONDS) as source, part.open("wb") as target:
                shutil.copyfileobj(source, target)
                if source.headers["Content-Length"] not in (None, str(target.tell())):
                    raise ConnectionError(f"{url} ended early")
            part.rename(folder / name)


def _reach() -> None:
    """Raise OSError unless upstream answers soon; a name server that is silent would otherwise hold us for long."""
    reached = threading.Event()

    def connect() -> None:
        try:
            with socket.create_connection((_proxy() or (HOST, 443)), timeout=REACH_SECONDS):
                reached.set()
        except OSError:
            pass

    attempt = threading.Thread(target=connect, daemon=True)
    attempt.start()
    attempt.join(REACH_SECONDS)
    if not reached.is_set():
        raise ConnectionError(f"{HOST} does not answer within {REACH_SECONDS} s")


def _proxy() -> tuple[str, int] | None:
    address = urllib.parse.urlsplit(urllib.request.getproxies().get("https", ""))
    return (address.hostname, address.port or 3128) if address.hostname else None
