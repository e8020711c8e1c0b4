# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A double of NVIDIA's repository of the container toolkit: its paths and package names, signed by a key made here.

Each package says that it is a double, and its programs run nothing. `python -m tests.toolkit_double STATE` puts it into
the mirror of the lab whose folder STATE is, and the key's fingerprint beside it.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

# name -> programs; as nvidia.github.io/libnvidia-container/stable/deb has them
PACKAGES = {
    "libnvidia-container1": (),
    "libnvidia-container-tools": ("nvidia-container-cli",),
    "nvidia-container-toolkit-base": ("nvidia-container-runtime", "nvidia-ctk"),
    "nvidia-container-toolkit": ("nvidia-container-runtime-hook",),
}
# one newer than what is wanted, so that the pin has something to keep out, and one that nobody asks for
VERSIONS = ("1.17.8-1", "1.18.0-1")
STRANGER = "libnvidia-something-else"
FLAT = "libnvidia-container/stable/deb/amd64"
KEY = "libnvidia-container/gpgkey"


def build(state: Path) -> None:
    """The repository in the mirror's tree, the fingerprint of its key in the lab's folder."""
    folder = state / "mirror" / FLAT
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as work:
        for version in VERSIONS:
            for name, programs in (*PACKAGES.items(), (STRANGER, ())):
                _package(Path(work), folder, name, version, programs)
        index = "\n".join(_entries(folder))
        (folder / "Packages").write_text(index, encoding="utf-8")
        release = _release(index)
        home = Path(work) / "gnupg"
        home.mkdir(mode=0o700)
        options = ["--homedir", str(home), "--batch", "--yes", "--passphrase", ""]
        _run("gpg", *options, "--quick-gen-key", "double of the toolkit's key <double@example.net>", "rsa2048", "sign")
        (state / "mirror" / KEY).write_text(_run("gpg", *options, "--armor", "--export"), encoding="ascii")
        listed = _run("gpg", *options, "--with-colons", "--list-keys").splitlines()
        fingerprint = next(line.split(":")[9] for line in listed if line.startswith("fpr:"))
        _run("gpg", *options, "--clearsign", "--output", str(folder / "InRelease"), stdin=release)
        _run("gpgconf", "--homedir", str(home), "--kill", "all")
    (state / "toolkit.fingerprint").write_text(fingerprint, encoding="ascii")


def _package(work: Path, folder: Path, name: str, version: str, programs: tuple[str, ...]) -> None:
    tree = work / f"{name}-{version}"
    (tree / "DEBIAN").mkdir(parents=True)
    (tree / "DEBIAN" / "control").write_text(
        f"Package: {name}\nVersion: {version}\nArchitecture: amd64\nMaintainer: lab <double@example.net>\n"
        f"Description: double of {name} for the lab, which runs nothing\n",
        encoding="utf-8",
    )
    for program in programs:
        file = tree / "usr" / "bin" / program
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"#!/bin/sh\necho 'double of {program}: runs nothing' >&2\nexit 1\n", encoding="utf-8")
        file.chmod(0o755)
    argv = ["dpkg-deb", "--root-owner-group", "-Zgzip", "-z1", "--build", str(tree)]
    _run(*argv, str(folder / f"{name}_{version}_amd64.deb"))


def _entries(folder: Path) -> Iterator[str]:
    for file in sorted(folder.glob("*.deb")):
        content = file.read_bytes()
        control = _run("dpkg-deb", "--field", str(file)).rstrip("\n")
        digest = hashlib.sha256(content).hexdigest()
        yield f"{control}\nFilename: ./{file.name}\nSize: {len(content)}\nSHA256: {digest}\n"


def _release(index: str) -> str:
    content = index.encode()
    return (
        "Origin: https://nvidia.github.io/libnvidia-container\nLabel: double\nDate: Thu, 01 Jan 2026 00:00:00 UTC\n"
        f"SHA256:\n {hashlib.sha256(content).hexdigest()} {len(content)} Packages\n"
    )


def _run(*argv: str, stdin: str | None = None) -> str:
    return subprocess.run(argv, check=True, capture_output=True, text=True, input=stdin).stdout


if __name__ == "__main__":
    build(Path(sys.argv[1]))
