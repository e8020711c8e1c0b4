# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Build the collection, look into the artefact, install it elsewhere and use it there as a stranger would."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

from tests.run.steps import ROOT

WANTED = {
    "CHANGELOG.md",
    "FILES.json",
    "LICENSE",
    "MANIFEST.json",
    "README.md",
    "changelogs",
    "contributing.md",
    "docs",
    "meta",
    "playbooks",
    "plugins",
    "requirements-test.txt",
    "requirements.txt",
    "requirements.yml",
    "roles",
}


def unwanted(names: list[str]) -> list[str]:
    """Top-level entries that nobody decided to ship, and caches anywhere."""
    top = {name.split("/")[0] for name in names} - WANTED
    return sorted(top | {name for name in names if "__pycache__" in name or name.endswith(".pyc")})


def build(folder: Path) -> Path:
    """The artefact's path."""
    subprocess.run(["ansible-galaxy", "collection", "build", "--output-path", str(folder)], cwd=ROOT, check=True)
    (artefact,) = folder.glob("fletcherlabs-homelab-*.tar.gz")
    return artefact


def use_elsewhere(artefact: Path, folder: Path) -> None:
    """Every module documents itself and the whole build parses, with nothing but the installed copy on the path."""
    collections = folder / "collections"
    install = ["ansible-galaxy", "collection", "install"]
    install += ["--no-deps", "--offline", "-p", str(collections), str(artefact)]
    # Our ansible.cfg would bring the checkout back.
    clean = {name: value for name, value in os.environ.items() if name != "ANSIBLE_CONFIG"}
    environment = {**clean, "ANSIBLE_COLLECTIONS_PATH": str(collections)}
    modules = [f"fletcherlabs.homelab.{file.stem}" for file in sorted(ROOT.glob("plugins/modules/*.py"))]
    for argv in (
        install,
        ["ansible-doc", "--type", "module", "--json", *modules],
        ["ansible-playbook", "--inventory", "localhost,", "--syntax-check", "fletcherlabs.homelab.site"],
    ):
        print("+", *argv, flush=True)
        subprocess.run(argv, cwd=folder, env=environment, check=True, stdout=subprocess.DEVNULL)


def main() -> int:
    """Exit with 1 and a sentence when the artefact holds what it should not, or does not work alone."""
    with tempfile.TemporaryDirectory(prefix="homelab-build-") as name:
        folder = Path(name)
        artefact = build(folder)
        with tarfile.open(artefact) as archive:
            extra = unwanted(archive.getnames())
        if extra:
            print(f"The artefact holds {', '.join(extra)}: add them to build_ignore in galaxy.yml, or to WANTED here.")
            return 1
        try:
            use_elsewhere(artefact, folder)
        except subprocess.CalledProcessError as error:
            print(f"The installed collection does not work: {' '.join(error.cmd)} exited with {error.returncode}.")
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
