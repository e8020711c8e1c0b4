# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fill the release mirror, and run it."""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
import time
import urllib.parse
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from lab.command import Runner, must, run
from lab.console import step
from lab.engine import Engine
from lab.errors import LabError
from lab.site import LABEL, ROOT, Site

UPSTREAM = "https://github.com/k3s-io/k3s/releases/download"
REACH_SECONDS = 5
ANSWER_SECONDS = 20
FILES = ("k3s", "sha256sum-amd64.txt")


@dataclass(frozen=True)
class Release:
    """What runs in the lab: the real K3s, or the stand-in and why."""

    real: bool
    words: str


def choose_release(version: str) -> Release:
    """The real release when it lies in the cache or can be downloaded; otherwise the stand-in, with the reason."""
    cache = cache_of(version)
    if not all((cache / name).is_file() for name in FILES):
        try:
            _download(cache, version)
        except OSError:
            return Release(
                False, f"K3s: LAB STAND-IN, not the real thing: {version} is neither reachable nor in {cache}"
            )
    return Release(True, f"K3s: the real release {version}, in privileged containers")


def cache_of(version: str) -> Path:
    """Where real releases may be put by hand: k3s and sha256sum-amd64.txt."""
    folder = Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser()
    return folder / "fletcherlabs.homelab" / "releases" / version


def have_mirror(engine: Engine, site: Site, image: str, release: Release, runner: Runner = run) -> None:
    """A mirror that serves the chosen release at upstream's paths."""
    folder = site.state / "mirror" / "k3s-io" / "k3s" / "releases" / "download" / site.k3s_version
    folder.mkdir(parents=True, exist_ok=True)
    if release.real:
        for name in FILES:
            shutil.copy(cache_of(site.k3s_version) / name, folder / name)
    else:
        _build_standin(folder, site.k3s_version, runner)
    _forget_other(site, (folder / FILES[1]).read_text())
    _serve(engine, site, image)


def _forget_other(site: Site, checksums: str) -> None:
    """Drop the lab's own lock and cache when its release is another than at the last call (a changed stand-in)."""
    seen = site.state / "release"
    if not seen.exists() or seen.read_text() != checksums:
        (site.state / "artifacts.lock.json").unlink(missing_ok=True)
        shutil.rmtree(site.state / "cache", ignore_errors=True)
        seen.write_text(checksums)


def _build_standin(folder: Path, version: str, runner: Runner) -> None:
    binary = folder / ".k3s"
    with step("building the K3s stand-in"):
        must(
            runner,
            [sys.executable, "-m", "lab.k3s_standin.build", "--version", version, "--output", str(binary)],
        )
    digest = hashlib.sha256(binary.read_bytes()).hexdigest()
    binary.rename(folder / FILES[0])
    (folder / FILES[1]).write_text(f"{digest}  {FILES[0]}\n")


def _download(cache: Path, version: str) -> None:
    cache.mkdir(parents=True, exist_ok=True)
    for name in reversed(FILES):
        url = f"{UPSTREAM}/{urllib.parse.quote(version)}/{name}"
        with urllib.request.urlopen(url, timeout=REACH_SECONDS) as source, (cache / f".{name}").open("wb") as target:
            shutil.copyfileobj(source, target)
        (cache / f".{name}").rename(cache / name)


def _serve(engine: Engine, site: Site, image: str) -> None:
    name = site.container("mirror")
    found = engine.inspect(name)
    if found is not None and (not found["State"]["Running"] or found["Config"]["Image"] != image):
        engine.remove([name])
        found = None
    if found is None:
        engine.call(
            "run", "--detach", "--init", "--name", name, "--hostname", "mirror", "--label", f"{LABEL}={site.name}",
            "--network", site.name, "--ip", site.mirror_address, "--stop-signal=SIGTERM",
            "--volume", f"{site.state / 'mirror'}:/srv/mirror:ro",
            "--volume", f"{ROOT / 'lab' / 'mirror'}:/srv/code:ro",
            image, "python3", "/srv/code/server.py", "/srv/mirror", "80",
        )  # fmt: skip
    _await_answer(site)


def _await_answer(site: Site) -> None:
    url = f"http://{site.mirror_address}/k3s-io/k3s/releases/download/{urllib.parse.quote(site.k3s_version)}/{FILES[1]}"
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    deadline = time.monotonic() + ANSWER_SECONDS
    while True:
        try:
            with opener.open(url, timeout=3):
                return
        except OSError as error:
            if time.monotonic() > deadline:
                raise LabError(f"the mirror does not answer at {url} after {ANSWER_SECONDS} s: {error}") from error
        time.sleep(0.2)
