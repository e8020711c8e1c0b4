# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run one molecule scenario with the lab's node image, which is built when there is none."""

from __future__ import annotations

import os
import subprocess
import sys

from tests.run.steps import ROOT


def node_image() -> str:
    """The tag, which `python -m lab image` prints as its last line."""
    argv = [sys.executable, "-m", "lab", "image"]
    return subprocess.run(argv, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout.split()[-1]


def main(name: str) -> int:
    """Exit with molecule's status."""
    environment = {**os.environ, "HOMELAB_NODE_IMAGE": node_image()}
    return subprocess.run(["molecule", "test", "--scenario-name", name], cwd=ROOT, env=environment).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
