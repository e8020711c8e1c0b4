# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""More releases for a twin's mirror than the one its inventory names."""

from __future__ import annotations

import hashlib
import subprocess
import sys

from lab.site import ROOT
from tests.twin import Twin


def have_release(twin: Twin, version: str) -> None:
    """A release of the stand-in on the twin's mirror."""
    folder = twin.state / "mirror" / "k3s-io/k3s/releases/download" / version
    folder.mkdir(parents=True, exist_ok=True)
    binary = folder / "k3s"
    argv = [sys.executable, "-m", "lab.k3s_standin.build", "--version", version, "--output", str(binary)]
    subprocess.run(argv, cwd=ROOT, check=True)
    digest = hashlib.sha256(binary.read_bytes()).hexdigest()
    (folder / "sha256sum-amd64.txt").write_text(f"{digest}  k3s\n")
