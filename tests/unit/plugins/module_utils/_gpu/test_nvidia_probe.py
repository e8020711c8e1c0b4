# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What dpkg, apt and the files of a host say, read."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._command import CommandRunner
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._gpu.nvidia_probe import (
    candidates,
    parse_policy,
    probe,
)

PACKAGES = """installed|bash|5.2.15-2+b13
config-files|nvidia-utils-535-server|535.183.01-0ubuntu0.22.04.1
installed|linux-image-amd64|6.1.158-1
not-installed|nvidia-driver|
"""
# as Debian 12 answers with contrib and non-free
POLICY = """nvidia-smi:
  Installed: (none)
  Candidate: 535.309.01-0+deb12u1
  Version table:
     535.309.01-0+deb12u1 500
        500 http://security.debian.org/debian-security bookworm-security/non-free amd64 Packages
libcuda1:
  Installed: (none)
  Candidate: (none)
  Version table:
     535.261.03-1 -1
        500 http://deb.debian.org/debian bookworm/non-free amd64 Packages
"""
# a third party's component does not count, and ours neither
TARGETS = """http://deb.debian.org/debian/|main|/etc/apt/sources.list:1
http://deb.debian.org/debian/|non-free-firmware|/etc/apt/sources.list:1
http://deb.debian.org/debian/|contrib|/etc/apt/sources.list.d/homelab-debian.sources:1
https://download.virtualbox.org/virtualbox/debian/|contrib|/etc/apt/sources.list.d/x.list:1
https://nvidia.github.io/libnvidia-container/stable/deb/amd64/||/etc/apt/sources.list.d/homelab-toolkit.sources:1
"""


def runner(owned: set[str]) -> CommandRunner:
    def run(argv: Sequence[str]) -> tuple[int, str, str]:
        if argv[:2] == ["dpkg-query", "--show"]:
            return 0, PACKAGES, ""
        if argv[:2] == ["apt-get", "indextargets"]:
            return 0, TARGETS, ""
        assert argv[:2] == ["dpkg-query", "--search"]
        return (0, f"something: {argv[2]}\n", "") if argv[2] in owned else (1, "", "no path found matching pattern")

    return run


def host(root: Path) -> None:
    for name in ("etc", "boot", "usr/bin"):
        (root / name).mkdir(parents=True)
    (root / "etc/os-release").write_text('PRETTY_NAME="Debian GNU/Linux 12"\nVERSION_ID="12"\nID=debian\n# end\n')
    for kernel in ("6.1.0-41-amd64", "6.1.0-40-amd64"):
        (root / f"boot/vmlinuz-{kernel}").touch()
        (root / f"boot/initrd.img-{kernel}").touch()


def test_a_host_is_read(tmp_path: Path) -> None:
    host(tmp_path)
    found = probe(runner(set()), tmp_path)
    assert (found.distribution, found.release) == ("debian", "12")
    # what was removed and left its configuration is not installed
    assert found.packages == {"bash": "5.2.15-2+b13", "linux-image-amd64": "6.1.158-1"}
    assert found.kernels == ("6.1.0-40-amd64", "6.1.0-41-amd64")
    assert (found.foreign_files, found.candidates) == ((), None)
    assert found.components == ("main", "non-free-firmware")


def test_files_of_the_installer_count_where_no_package_owns_them(tmp_path: Path) -> None:
    host(tmp_path)
    (tmp_path / "usr/bin/nvidia-uninstall").touch()
    (tmp_path / "usr/bin/nvidia-installer").touch()
    assert probe(runner({"/usr/bin/nvidia-installer"}), tmp_path).foreign_files == ("/usr/bin/nvidia-uninstall",)


def test_a_pinned_out_package_is_no_candidate() -> None:
    assert parse_policy(POLICY) == {"nvidia-smi": "535.309.01-0+deb12u1"}


def test_apt_is_asked_once_and_only_for_something() -> None:
    calls: list[Sequence[str]] = []

    def run(argv: Sequence[str]) -> tuple[int, str, str]:
        calls.append(argv)
        return 0, POLICY, ""

    assert candidates(run, []) == {}
    assert candidates(run, ["nvidia-smi", "libcuda1"]) == {"nvidia-smi": "535.309.01-0+deb12u1"}
    assert calls == [["apt-cache", "policy", "nvidia-smi", "libcuda1"]]
