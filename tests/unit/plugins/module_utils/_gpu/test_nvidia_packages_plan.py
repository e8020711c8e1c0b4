# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Packages of a driver: found, wanted, and what follows."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._gpu.nvidia_model import Host, Wish
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._gpu.nvidia_packages import plan

JAMMY = Host("ubuntu", "22.04", {"linux-image-generic": "5.15.0.160.159", "bash": "5.1-6"}, ("5.15.0-160-generic",))
BOOKWORM = Host("debian", "12", {"linux-image-amd64": "6.1.158-1"}, ("6.1.0-41-amd64",))
OWN, NVIDIA = Wish("distribution"), Wish("nvidia")
USERLAND = (
    "nvidia-utils-580-server",
    "nvidia-compute-utils-580-server",
    "libnvidia-encode-580-server",
    "libnvidia-decode-580-server",
)


def with_packages(host: Host, **packages: str) -> Host:
    found = {name.replace("_", "-"): version for name, version in packages.items()}
    return replace(host, packages={**host.packages, **found})


def test_ubuntu_gets_canonicals_signed_modules_of_its_flavour() -> None:
    decided = plan(JAMMY, OWN)
    assert decided.branch == "580-server"
    assert decided.packages == (
        "nvidia-headless-no-dkms-580-server",
        "linux-modules-nvidia-580-server-generic",
        *USERLAND,
    )
    assert decided.missing == decided.packages
    assert (decided.remove, decided.problems, decided.notices) == ((), (), ())
    assert not any("dkms" in name and "no-dkms" not in name for name in decided.packages)


@pytest.mark.parametrize(
    ("images", "modules"),
    [
        (["linux-image-generic-hwe-22.04"], ["generic-hwe-22.04"]),
        (["linux-image-generic", "linux-image-generic-hwe-22.04"], ["generic", "generic-hwe-22.04"]),
        (["linux-image-lowlatency"], ["lowlatency"]),
        # a kernel for virtual machines is the generic one
        (["linux-image-virtual"], ["generic"]),
        (["linux-image-virtual-hwe-22.04", "linux-image-unsigned-generic"], ["generic-hwe-22.04"]),
    ],
)
def test_modules_follow_each_kernel_flavour(images: list[str], modules: list[str]) -> None:
    decided = plan(replace(JAMMY, packages=dict.fromkeys(images, "1")), OWN)
    wanted = [name for name in decided.packages if name.startswith("linux-modules-nvidia")]
    assert wanted == [f"linux-modules-nvidia-580-server-{flavour}" for flavour in modules]


def test_without_a_kernel_metapackage_each_kernel_gets_its_own_modules_and_one_sentence_says_so() -> None:
    decided = plan(replace(JAMMY, packages={}), OWN)
    assert "linux-modules-nvidia-580-server-5.15.0-160-generic" in decided.packages
    assert "do not follow an upgrade; install linux-image-generic" in decided.notices[0]


def test_the_open_module_is_a_package_of_its_own() -> None:
    packages = plan(JAMMY, replace(OWN, module="open")).packages
    assert packages[:2] == (
        "nvidia-headless-no-dkms-580-server-open",
        "linux-modules-nvidia-580-server-open-generic",
    )


def test_what_is_installed_is_not_missing() -> None:
    host = with_packages(JAMMY, **dict.fromkeys(plan(JAMMY, OWN).packages, "580.95.05-0ubuntu0.22.04.2"))
    decided = plan(host, OWN)
    assert (decided.missing, decided.remove, decided.problems) == ((), (), ())


def test_debian_builds_its_modules_and_has_no_display() -> None:
    decided = plan(BOOKWORM, OWN)
    assert decided.branch == "535"
    assert decided.packages == (
        "linux-headers-amd64",
        "dkms",
        "nvidia-kernel-dkms",
        "libcuda1",
        "libnvcuvid1",
        "libnvidia-encode1",
        "nvidia-persistenced",
        "nvidia-smi",
    )
    assert decided.notices == ("NVIDIA ended the branch 535, Debian's own; nvidia_gpu_source=nvidia has 580",)


def test_debian_with_nvidias_repository_has_its_branch() -> None:
    decided = plan(BOOKWORM, NVIDIA)
    assert decided.branch == "580"
    assert {"nvidia-kernel-dkms", "nvidia-driver-cuda"} < set(decided.packages)
    assert "nvidia-smi" not in decided.packages
    assert "nvidia-kernel-open-dkms" in plan(BOOKWORM, replace(NVIDIA, module="open")).packages


@pytest.mark.parametrize("host", [JAMMY, BOOKWORM])
def test_a_container_gets_no_kernel_part(host: Host) -> None:
    packages = plan(host, replace(OWN, kernel=False)).packages
    assert packages
    assert not any(name.startswith("linux-") or "dkms" in name for name in packages)


@pytest.mark.parametrize(
    ("host", "wish", "sentence"),
    [
        (replace(JAMMY, release="20.04"), OWN, "the host runs ubuntu 20.04, expected Debian 12, Ubuntu 22.04 or"),
        (replace(JAMMY, distribution="fedora", release="43"), OWN, "the host runs fedora 43, expected Debian 12"),
        (JAMMY, NVIDIA, "would mix NVIDIA's packages with Canonical's signed modules; set it to distribution"),
        (JAMMY, replace(OWN, branch="latest"), "the driver branch is 'latest', expected one as 580-server on ubuntu"),
        (BOOKWORM, replace(NVIDIA, branch="580-server"), "the driver branch is '580-server', expected one as 580 on"),
        (BOOKWORM, replace(OWN, branch="580"), "but Debian 12 itself has 535 only; set nvidia_gpu_source to nvidia"),
    ],
)
def test_what_cannot_be_is_one_sentence(host: Host, wish: Wish, sentence: str) -> None:
    decided = plan(host, wish)
    assert len(decided.problems) == 1
    assert sentence in decided.problems[0]
    assert (decided.packages, decided.missing, decided.remove) == ((), (), ())


def test_a_runfile_is_named_and_refused() -> None:
    decided = plan(replace(JAMMY, foreign_files=("/usr/bin/nvidia-uninstall", "/usr/bin/nvidia-installer")), OWN)
    assert decided.problems == (
        "/usr/bin/nvidia-installer, /usr/bin/nvidia-uninstall came with NVIDIA's own installer and with no package, "
        "expected a driver from packages alone; run nvidia-uninstall on the host, then run again",
    )


# As apt-get install --simulate answered for jammy, jammy-updates and jammy-security on 23 November 2026.
JAMMY_GOT = {
    "nvidia-firmware-580-server-580.178.04": "580.178.04-0ubuntu0.22.04.1",
    "nvidia-kernel-common-580-server": "580.178.04-0ubuntu0.22.04.1",
    "libnvidia-cfg1-580-server": "580.178.04-0ubuntu0.22.04.1",
    "libnvidia-compute-580-server": "580.178.04-0ubuntu0.22.04.1",
    "libnvidia-decode-580-server": "580.178.04-0ubuntu0.22.04.1",
    "libnvidia-encode-580-server": "580.178.04-0ubuntu0.22.04.1",
    "linux-image-5.15.0-204-generic": "5.15.0-204.214",
    "linux-image-generic": "5.15.0.204.176",
    "linux-signatures-nvidia-5.15.0-204-generic": "5.15.0-204.214",
    "linux-objects-nvidia-580-server-5.15.0-204-generic": "5.15.0-204.214",
    "linux-modules-nvidia-580-server-5.15.0-204-generic": "5.15.0-204.214",
    "linux-modules-nvidia-580-server-generic": "5.15.0-204.214",
    "nvidia-compute-utils-580-server": "580.178.04-0ubuntu0.22.04.1",
    "nvidia-kernel-source-580-server": "580.178.04-0ubuntu0.22.04.1",
    "nvidia-headless-no-dkms-580-server": "580.178.04-0ubuntu0.22.04.1",
    "nvidia-utils-580-server": "580.178.04-0ubuntu0.22.04.1",
}


def test_what_ubuntus_archive_gives_is_all_that_is_wanted_and_of_one_branch() -> None:
    decided = plan(replace(JAMMY, candidates=JAMMY_GOT), OWN)
    assert (decided.problems, set(decided.missing) - set(JAMMY_GOT)) == ((), set())
    after = plan(replace(JAMMY, packages=JAMMY_GOT), OWN)
    assert (after.problems, after.missing) == ((), ())
    other = plan(replace(JAMMY, packages=JAMMY_GOT), replace(OWN, branch="535-server"))
    named = other.problems[0].partition(" of the driver branch 580-server ")[0].split(", ")
    assert sorted(named) == sorted(
        set(JAMMY_GOT) - {name for name in JAMMY_GOT if name.startswith(("linux-image", "linux-sig"))}
    )


OLD = {
    "nvidia-headless-535-server": "535.183.01-0ubuntu0.22.04.1",
    "nvidia-utils-535-server": "535.183.01-0ubuntu0.22.04.1",
    "linux-modules-nvidia-535-server-5.15.0-91-generic": "5.15.0-91.101",
    "libnvidia-compute-535-server": "535.183.01-0ubuntu0.22.04.1",
    "libnvidia-egl-wayland1": "1:1.1.9-1.1",
    "nvidia-container-toolkit": "1.17.8-1",
}


def test_an_old_branch_is_refused_with_all_its_packages_before_anything_is_touched() -> None:
    decided = plan(with_packages(JAMMY, **OLD), OWN)
    assert decided.problems == (
        "libnvidia-compute-535-server, linux-modules-nvidia-535-server-5.15.0-91-generic, nvidia-headless-535-server, "
        "nvidia-utils-535-server of the driver branch 535-server are installed, expected 580-server alone; say "
        "nvidia_gpu_replace_branch=true to have the old branch removed",
    )
    assert (decided.missing, decided.remove) == ((), ())


def test_an_old_branch_goes_where_that_is_said() -> None:
    decided = plan(with_packages(JAMMY, **OLD), replace(OWN, replace=True))
    assert decided.problems == ()
    assert decided.remove == (
        "libnvidia-compute-535-server",
        "linux-modules-nvidia-535-server-5.15.0-91-generic",
        "nvidia-headless-535-server",
        "nvidia-utils-535-server",
    )
    assert decided.missing == decided.packages


def test_the_desktop_branch_of_the_same_number_is_another_branch() -> None:
    assert "of the driver branch 580 is" in plan(with_packages(JAMMY, nvidia_utils_580="580.95.05"), OWN).problems[0]


@pytest.mark.parametrize(
    ("host", "wish", "packages"),
    [
        (JAMMY, OWN, ("linux-modules-nvidia-580-server-open-generic", "nvidia-headless-no-dkms-580-server-open")),
        (JAMMY, replace(OWN, module="open"), ("linux-modules-nvidia-580-server-generic-hwe-22.04",)),
        (BOOKWORM, replace(OWN, module="open"), ("nvidia-kernel-dkms",)),
        (BOOKWORM, NVIDIA, ("nvidia-kernel-open-dkms",)),
    ],
)
def test_two_kinds_of_module_are_never_beside_each_other(host: Host, wish: Wish, packages: tuple[str, ...]) -> None:
    branch = plan(host, wish).branch.partition("-")[0]
    found = with_packages(host, **dict.fromkeys(packages, f"{branch}.95.05-1"))
    refused = plan(found, wish)
    other = "proprietary" if wish.module == "open" else "open"
    assert refused.problems == (
        f"{', '.join(packages)} {'brings' if len(packages) == 1 else 'bring'} NVIDIA's {other} kernel module, expected "
        f"the {wish.module} one alone; say nvidia_gpu_replace_branch=true to have the {other} one removed",
    )
    assert plan(found, replace(wish, replace=True)).remove == packages
    # a container loads no module
    assert plan(found, replace(wish, kernel=False)).problems == ()


def test_canonicals_empty_package_that_leads_to_the_next_branch_is_no_old_branch() -> None:
    host = with_packages(JAMMY, **{"nvidia-utils-535-server": "580.95.05-0ubuntu0.22.04.2"})
    assert plan(host, OWN).problems == ()


@pytest.mark.parametrize(
    ("wish", "version", "found"),
    [(OWN, "580.95.05-1", "580"), (NVIDIA, "535.261.03-1", "535"), (NVIDIA, "1:590.1-1", "590")],
)
def test_debians_and_nvidias_packages_are_never_mixed(wish: Wish, version: str, found: str) -> None:
    (problem,) = plan(with_packages(BOOKWORM, libcuda1=version), wish).problems
    assert problem.startswith(
        f"libcuda1 of the driver branch {found} is installed, expected {plan(BOOKWORM, wish).branch}"
    )


def test_what_apt_does_not_have_is_told_before_anything_is_installed() -> None:
    packages = plan(BOOKWORM, NVIDIA).packages
    known = {name: "580.95.05-1" for name in packages if name != "nvidia-driver-cuda"}
    (problem,) = plan(replace(BOOKWORM, candidates=known), NVIDIA).problems
    assert problem.startswith("apt knows no nvidia-driver-cuda that may be installed, expected the branch 580")
    other = dict.fromkeys(packages, "580.95.05-1") | {"libcuda1": "535.261.03-1", "dkms": "3.0.10-8"}
    (problem,) = plan(replace(BOOKWORM, candidates=other), NVIDIA).problems
    assert problem.startswith("apt would install libcuda1 535.261.03-1, expected the branch 580")
    assert plan(replace(BOOKWORM, candidates=dict.fromkeys(packages, "580.95.05-1")), NVIDIA).problems == ()
