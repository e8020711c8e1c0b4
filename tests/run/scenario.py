# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run one molecule scenario on the lab's node image, which is built when there is none."""

from __future__ import annotations

import os
import subprocess
import sys

from lab.nodeimage import tag
from tests.run.steps import ROOT


def main(name: str) -> int:
    """Exit with molecule's status, or with the lab's where there is no image to run on."""
    built = subprocess.run([sys.executable, "-m", "lab", "image"], cwd=ROOT).returncode
    if built != 0:
        return built
    environment = {**os.environ, "HOMELAB_NODE_IMAGE": tag()}
    return subprocess.run(["molecule", "test", "--scenario-name", name], cwd=ROOT, env=environment).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
