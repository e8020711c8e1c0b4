# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: read which packages and kernels a host has, through dpkg and apt."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._command import CommandRunner, check_output

from .nvidia_model import Host

# What NVIDIA's installer leaves to undo itself with. Debian's and Ubuntu's packages have no file of these names.
INSTALLER_FILES = ("usr/bin/nvidia-installer", "usr/bin/nvidia-uninstall")
# What this collection writes for apt begins so.
OURS = "/homelab-"
TARGETS = "apt-get indextargets --format $(REPO_URI)|$(COMPONENT)|$(SOURCESENTRY)"
INSTALLED = "dpkg-query --show --showformat ${db:Status-Status}|${Package}|${Version}\\n"


def probe(run: CommandRunner, root: Path) -> Host:
    """The host without what apt would install, which is asked for when it matters."""
    system = parse_os_release((root / "etc/os-release").read_text(encoding="utf-8"))
    packages = parse_packages(check_output(run, INSTALLED.split(" ")))
    kernels = sorted(path.name.partition("-")[2] for path in root.glob("boot/vmlinuz-*"))
    return Host(
        system.get("ID", "unknown"),
        system.get("VERSION_ID", ""),
        packages,
        tuple(kernels),
        tuple(f"/{name}" for name in INSTALLER_FILES if (root / name).exists() and not owned(run, f"/{name}")),
        parse_targets(check_output(run, TARGETS.split(" ", 3))),
    )


def owned(run: CommandRunner, path: str) -> bool:
    """Whether a package brought the file."""
    return run(["dpkg-query", "--search", path])[0] == 0


def candidates(run: CommandRunner, names: Sequence[str]) -> dict[str, str]:
    """What apt would install for each name; a name that it would not is left out."""
    return parse_policy(check_output(run, ["apt-cache", "policy", *names])) if names else {}


def parse_os_release(text: str) -> dict[str, str]:
    """The keys of os-release, without their quotes."""
    pairs = (line.partition("=") for line in text.splitlines() if "=" in line and not line.startswith("#"))
    return {key: "".join(shlex.split(value)) for key, _sign, value in pairs}


def parse_packages(text: str) -> dict[str, str]:
    """Name and version of what is installed; of packages that were removed dpkg may still know the files."""
    rows = (line.split("|") for line in text.splitlines())
    return {row[1]: row[2] for row in rows if len(row) == 3 and row[0] == "installed"}


def parse_targets(text: str) -> tuple[str, ...]:
    """Components that apt has from the distribution: from sites that have main, in files that are not ours."""
    sites: dict[str, set[str]] = {}
    for line in text.splitlines():
        site, component, entry = line.split("|", 2)
        if OURS not in entry:
            sites.setdefault(site, set()).add(component)
    return tuple(sorted(set().union(*(names for names in sites.values() if "main" in names))))


def parse_policy(text: str) -> dict[str, str]:
    """Each package's candidate in apt-cache policy's answer."""
    found: dict[str, str] = {}
    name = ""
    for line in text.splitlines():
        if line and not line.startswith(" "):
            name = line.rstrip(":")
        elif line.startswith("  Candidate: ") and not line.endswith("(none)"):
            found[name] = line.removeprefix("  Candidate: ")
    return found
