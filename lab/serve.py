# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fill the release mirror, and run it."""

from __future__ import annotations

import hashlib
import shutil
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

from lab.command import ROOT, Runner, must, run
from lab.console import step
from lab.engine import Engine
from lab.errors import LabError
from lab.releases import FILES, Release
from lab.site import LABEL, Site

ANSWER_SECONDS = 20
CODE = ROOT / "lab" / "mirror"
# what the mirror was started from
MARK = f"{LABEL}.mirror"


def have_mirror(engine: Engine, site: Site, image: str, release: Release, runner: Runner = run) -> None:
    """A mirror that serves the chosen release at upstream's paths."""
    folder = site.state / "mirror" / "k3s-io" / "k3s" / "releases" / "download" / site.k3s_version
    folder.mkdir(parents=True, exist_ok=True)
    if release.folder is not None:
        _copy(release.folder, folder)
    else:
        _build_standin(folder, site.k3s_version, runner)
    _forget_other(site, folder)
    with step("starting the release mirror"):
        _serve(engine, site, image)


def _copy(release: Path, folder: Path) -> None:
    for name in (name for names in FILES.values() for name in names):
        (folder / name).unlink(missing_ok=True)
        if (release / name).exists():
            shutil.copy(release / name, folder / name)


def _build_standin(folder: Path, version: str, runner: Runner) -> None:
    """One program for all architectures, under upstream's name for each."""
    built = folder / ".stand-in"
    with step("building the K3s stand-in"):
        must(
            runner,
            [sys.executable, "-m", "lab.k3s_standin.build", "--version", version, "--output", str(built)],
        )
    content = built.read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    for binary, checksums in FILES.values():
        if not (folder / binary).exists() or (folder / binary).read_bytes() != content:
            _replace(folder / binary, content)
        _replace(folder / checksums, f"{digest}  {binary}\n".encode())
    built.unlink()


def _replace(path: Path, content: bytes) -> None:
    part = path.with_name(f".{path.name}")
    part.write_bytes(content)
    part.rename(path)


def _forget_other(site: Site, folder: Path) -> None:
    """Drop the lab's own lock and cache when its release is another than at the last call (a changed stand-in)."""
    seen = site.state / "release"
    served = "".join((folder / name).read_text() for _, name in FILES.values() if (folder / name).exists())
    if not seen.exists() or seen.read_text() != served:
        (site.state / "artifacts.lock.json").unlink(missing_ok=True)
        shutil.rmtree(site.state / "cache", ignore_errors=True)
        seen.write_text(served)


def _serve(engine: Engine, site: Site, image: str) -> None:
    name, tree = site.container("mirror"), site.state / "mirror"
    # a tree that was removed and made again is not the one a container still has mounted
    inode = tree.stat().st_ino
    mark = hashlib.sha256(f"{image} {tree} {inode}".encode() + (CODE / "server.py").read_bytes()).hexdigest()
    found = engine.inspect(name)
    if found is not None and not (found["State"]["Running"] and found["Config"]["Labels"].get(MARK) == mark):
        engine.remove([name])
        found = None
    if found is None:
        engine.call(
            "run", "--detach", "--init", "--restart=no", "--name", name, "--hostname", "mirror",
            "--label", f"{LABEL}={site.name}", "--label", f"{MARK}={mark}",
            "--network", site.name, "--ip", site.mirror_address, "--stop-signal=SIGTERM",
            "--volume", f"{tree}:/srv/mirror:ro", "--volume", f"{CODE}:/srv/code:ro",
            image, "python3", "/srv/code/server.py", "/srv/mirror", "80",
        )  # fmt: skip
    _await_answer(f"http://{site.mirror_address}/")


def _await_answer(url: str) -> None:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    deadline = time.monotonic() + ANSWER_SECONDS
    while True:
        try:
            with opener.open(url, timeout=3):
                return
        except urllib.error.HTTPError:
            return
        except OSError as error:
            if time.monotonic() > deadline:
                raise LabError(f"the mirror does not answer at {url} after {ANSWER_SECONDS} s: {error}") from error
        time.sleep(0.2)
