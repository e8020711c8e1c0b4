# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The image every machine of the lab starts from."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from pathlib import Path

from lab.command import Runner, must, run
from lab.console import say, step
from lab.engine import Engine
from lab.setup import have_programs
from lab.site import LABEL
from lab.tools import PACKAGE, have_tools

RECIPE = Path(__file__).parent / "image"
REPOSITORY = "fletcherlabs-homelab"
PUBLIC_BASE = "debian:bookworm-slim"
PULL_SECONDS = "60"


def tag() -> str:
    """The node image's name; it changes with its recipe."""
    return f"{REPOSITORY}/node:{_digest('Dockerfile.base', 'packages', 'Dockerfile.node', 'customize')}"


def _digest(*files: str) -> str:
    digest = hashlib.sha256(PACKAGE.encode())
    for file in files:
        digest.update(file.encode() + b"\0" + (RECIPE / file).read_bytes())
    return digest.hexdigest()[:12]


def have_image(engine: Engine, runner: Runner = run) -> str:
    """Build the image unless it is there; return its tag."""
    name = tag()
    if engine.has_image(name):
        return name
    tools = have_tools(runner)
    with tempfile.TemporaryDirectory() as folder:
        context = Path(folder)
        for file in RECIPE.iterdir():
            shutil.copy(file, context)
        shutil.copy(tools / "kubectl", context)
        base = _base(engine, runner, context)
        with step(f"building the node image {name}"):
            engine.call("build", "--quiet", "--build-arg", f"BASE={base}", "--label", f"{LABEL}=image", "--tag", name,
                        "--file", str(context / "Dockerfile.node"), folder)  # fmt: skip
    return name


def _base(engine: Engine, runner: Runner, context: Path) -> str:
    name = f"{REPOSITORY}/base:{_digest('Dockerfile.base', 'packages')}"
    if engine.has_image(name):
        return name
    there_before = engine.has_image(PUBLIC_BASE)
    if there_before or runner(["timeout", PULL_SECONDS, "docker", "pull", "--quiet", PUBLIC_BASE], "").status == 0:
        with step(f"building the base system from {PUBLIC_BASE}"):
            engine.call("build", "--quiet", "--label", f"{LABEL}=image", "--tag", name,
                        "--file", str(context / "Dockerfile.base"), str(context))  # fmt: skip
        if not there_before:
            engine.drop_image(PUBLIC_BASE)
        return name
    say("lab: no image registry answers; the base system is made from Debian packages")
    have_programs(("mmdebstrap",), runner)
    archive = context / "base.tar"
    packages = ",".join((context / "packages").read_text().split())
    with step("building the base system with mmdebstrap"):
        must(runner, ["mmdebstrap", "--quiet", "--variant=minbase", f"--include={packages}", "bookworm", str(archive)])
        engine.call("import", "--change", f"LABEL {LABEL}=image", str(archive), name)
    archive.unlink()
    return name


def remove_images(engine: Engine) -> None:
    """Remove the images no container needs, the node image before the base system it stands on."""
    while any(engine.drop_image(image) for image in engine.images()):
        pass
    if kept := engine.images():
        say(f"lab: {len(kept)} images stay, for containers still use them")
