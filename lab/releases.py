# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fill the release mirror, and run it."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

from lab.command import Runner, must, run
from lab.console import say, step
from lab.engine import Engine
from lab.errors import LabError
from lab.site import LABEL, ROOT, Site

UPSTREAM = "https://github.com/k3s-io/k3s/releases/download"
REACH_SECONDS = 5
ANSWER_SECONDS = 20
FILES = ("k3s", "sha256sum-amd64.txt")


def have_mirror(engine: Engine, site: Site, image: str, runner: Runner = run) -> str:
    """A mirror that serves the site's K3s release; return what runs in the lab, in words."""
    folder = site.state / "mirror" / "k3s-io" / "k3s" / "releases" / "download" / site.k3s_version
    folder.mkdir(parents=True, exist_ok=True)
    kind = _fill(folder, site.k3s_version, runner)
    _serve(engine, site, image)
    return kind


def _fill(folder: Path, version: str, runner: Runner) -> str:
    cache = (
        Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser()
        / "fletcherlabs.homelab"
        / "releases"
        / version
    )
    reason = _real_release(cache, version, folder)
    if reason is None:
        return f"K3s: the real release {version}"
    with step("building the K3s stand-in"):
        binary = folder / ".k3s"
        must(runner, [sys.executable, "-m", "lab.k3s_standin.build", "--version", version, "--output", str(binary)])
        digest = hashlib.sha256(binary.read_bytes()).hexdigest()
        binary.rename(folder / "k3s")
        (folder / "sha256sum-amd64.txt").write_text(f"{digest}  k3s\n")
    return f"K3s: LAB STAND-IN, not the real thing ({reason})"


def _real_release(cache: Path, version: str, folder: Path) -> str | None:
    """Put the real release into the mirror; else say why it is the stand-in."""
    if not os.environ.get("LAB_REAL_K3S"):
        # A container without --privileged cannot run the real kubelet: it needs writable /proc/sys and /dev/kmsg.
        return "real K3s needs privileged containers; set LAB_REAL_K3S=1 where your engine may run them"
    if not all((cache / name).is_file() for name in FILES):
        try:
            _download(cache, version)
        except (urllib.error.URLError, OSError):
            return f"release {version} is neither reachable nor in {cache}"
    for name in FILES:
        shutil.copy(cache / name, folder / name)
    return None


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
            "--volume", f"{site.state / 'mirror'}:/srv/mirror:ro", "--volume", f"{ROOT / 'lab' / 'mirror'}:/srv/code:ro",
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


def set_faults(site: Site, faults: dict[str, dict[str, int]]) -> None:
    """Order faults from the mirror, by path; an empty dict ends them."""
    (site.state / "mirror" / "faults.json").write_text(json.dumps(faults))


def announce(kind: str) -> None:
    """Say what runs in the lab where nobody can miss it."""
    say(f"lab: {kind}")
