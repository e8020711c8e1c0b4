# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: which packages make up an NVIDIA driver without a display on one host; pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from .nvidia_model import Host, Plan, Wish

# (distribution, source) -> the default branch. Ubuntu's package names carry the branch, Debian's and NVIDIA's do not.
BRANCHES = {
    ("ubuntu", "distribution"): "580-server",
    ("debian", "distribution"): "535",
    ("debian", "nvidia"): "580",
}
# The oldest releases whose packages were read.
OLDEST = {"ubuntu": ("22.04", "24.04"), "debian": ("12",)}

# Packages of a driver, with the branch in the name as Ubuntu writes it.
UBUNTU_DRIVER = re.compile(
    r"(?:nvidia-(?:headless(?:-no-dkms)?|driver|dkms|utils|compute-utils|kernel-common|kernel-source|firmware)"
    r"|libnvidia-[a-z0-9]+|linux-(?:modules|objects|signatures)-nvidia|xserver-xorg-video-nvidia)"
    r"-(\d{3}(?:-server)?)(?:-open)?(?:-(?!server\b).*)?"
)
# A driver's parts in Debian and in NVIDIA's repository; these have their branch in the version.
DEBIAN_DRIVER = re.compile(
    r"nvidia-(?:driver(?:-cuda|-libs|-bin|-full)?|kernel-dkms|open-kernel-dkms|kernel-open-dkms|smi|alternative|open)"
    r"|nvidia-tesla(?:-\d+)?-(?:driver|kernel-dkms)|libcuda1|libnvidia-(?:encode1|ml1)|libnvcuvid1|cuda-drivers(?:-\d+)?"
)
# Those of them that bring a kernel module, Ubuntu's with its kind in the name.
UBUNTU_MODULE = re.compile(
    r"(?:linux-(?:modules|objects)-nvidia|nvidia-(?:headless(?:-no-dkms)?|dkms|kernel-source))"
    r"-\d{3}(?:-server)?(-open)?(?:-(?!server\b|open\b).*)?"
)
DEBIAN_MODULES = {
    "proprietary": ("nvidia-kernel-dkms",),
    "open": ("nvidia-kernel-open-dkms", "nvidia-open-kernel-dkms"),
}
KERNEL_META = re.compile(r"linux-image-(?!unsigned-|extra-)([a-z][a-z0-9.-]*)")


def plan(host: Host, wish: Wish) -> Plan:
    """The packages of the wanted branch, and everything that speaks against installing them, at once."""
    branch = wish.branch or BRANCHES.get((host.distribution, wish.source), "")
    problems = list(_refusals(host, wish, branch))
    if problems:
        return Plan(branch, problems=tuple(problems))
    notices: list[str] = []
    packages = (_ubuntu if host.distribution == "ubuntu" else _debian)(host, wish, branch, notices)
    old = dict(_other_branches(host, branch))
    if old and not wish.replace:
        problems.append(_old_sentence(old, branch))
    second = sorted(set(_other_kind(host, wish)) - set(old))
    if second and not wish.replace:
        problems.append(_second_sentence(second, wish))
    missing = tuple(name for name in packages if name not in host.packages)
    problems += _unavailable(host, missing, branch)
    if problems:
        return Plan(branch, packages, problems=tuple(problems), notices=tuple(notices))
    return Plan(branch, packages, missing, tuple(sorted({*old, *second})), notices=tuple(notices))


def _refusals(host: Host, wish: Wish, branch: str) -> Iterator[str]:
    """What keeps the packages from being named at all, and what no package manager knows of."""
    if host.release not in OLDEST.get(host.distribution, ()):
        known = "Debian 12, Ubuntu 22.04 or Ubuntu 24.04"
        yield f"the host runs {host.distribution} {host.release}, expected {known}; install one of these"
    elif (host.distribution, wish.source) not in BRANCHES:
        yield (
            f"nvidia_gpu_source is {wish.source}, which on Ubuntu would mix NVIDIA's packages with Canonical's signed "
            "modules; set it to distribution"
        )
    elif not re.fullmatch(r"\d{3}(-server)?" if host.distribution == "ubuntu" else r"\d{3}", branch):
        example = BRANCHES[host.distribution, wish.source]
        yield f"the driver branch is '{branch}', expected one as {example} on {host.distribution}; correct it"
    elif host.distribution == "debian" and wish.source == "distribution" and branch != "535":
        yield (
            f"the driver branch is {branch}, but Debian {host.release} itself has 535 only; set nvidia_gpu_source to "
            "nvidia, or leave the branch empty"
        )
    if host.foreign_files:
        yield (
            f"{', '.join(sorted(host.foreign_files))} came with NVIDIA's own installer and with no package, expected "
            "a driver from packages alone; run nvidia-uninstall on the host, then run again"
        )


def _ubuntu(host: Host, wish: Wish, branch: str, notices: list[str]) -> tuple[str, ...]:
    """Canonical's signed modules for each kernel flavour, and the parts that need no display."""
    kind = "-open" if wish.module == "open" else ""
    userland = (
        f"nvidia-utils-{branch}",
        f"nvidia-compute-utils-{branch}",
        f"libnvidia-encode-{branch}",
        f"libnvidia-decode-{branch}",
    )
    if not wish.kernel:
        return userland
    modules = [f"linux-modules-nvidia-{branch}{kind}-{flavour}" for flavour in _flavours(host.packages)]
    if not modules:
        modules = [f"linux-modules-nvidia-{branch}{kind}-{kernel}" for kernel in host.kernels]
        notices.append(
            "no linux-image-FLAVOUR package follows the kernels here, so the driver's modules are installed for each "
            "kernel that is there and do not follow an upgrade; install linux-image-generic"
        )
    return (f"nvidia-headless-no-dkms-{branch}{kind}", *modules, *userland)


def _flavours(packages: Mapping[str, str]) -> list[str]:
    """Flavours of the kernel metapackages that are installed: generic, generic-hwe-22.04, lowlatency."""
    found = (KERNEL_META.fullmatch(name) for name in packages)
    # a kernel for virtual machines is the generic one with fewer drivers, and takes its modules
    return sorted({re.sub(r"^virtual", "generic", match.group(1)) for match in found if match})


def _debian(host: Host, wish: Wish, branch: str, notices: list[str]) -> tuple[str, ...]:
    """Modules built on the host by DKMS, and the parts that need no display."""
    own = wish.source == "nvidia"
    tools = "nvidia-driver-cuda" if own else "nvidia-smi"
    userland = ("libcuda1", "libnvcuvid1", "libnvidia-encode1", "nvidia-persistenced", tools)
    if not wish.kernel:
        return userland
    if not own:
        notices.append(f"NVIDIA ended the branch {branch}, Debian's own; nvidia_gpu_source=nvidia has 580")
    # NVIDIA's name for the open one, then Debian's
    module = DEBIAN_MODULES[wish.module][0 if own else -1]
    headers = [f"linux-headers-{flavour}" for flavour in _flavours(host.packages)]
    headers = headers or sorted({f"linux-headers-{kernel}" for kernel in host.kernels})
    return (*headers, "dkms", module, *userland)


def _other_branches(host: Host, branch: str) -> Iterator[tuple[str, str]]:
    """Installed packages of a driver that are not of the wanted branch, each with its own branch."""
    number = branch.partition("-")[0]
    for name, version in host.packages.items():
        found = _number(version)
        if host.distribution == "ubuntu":
            match = UBUNTU_DRIVER.fullmatch(name)
            its = match.group(1) if match else branch
            # Canonical turns packages of a branch that ended into empty ones that pull in the next: their version is
            # the next one's. Packages of a kernel have the kernel's version.
            if its != branch and (_number(its) == found or name.startswith("linux-")):
                yield name, its
        elif DEBIAN_DRIVER.fullmatch(name) and found != number:
            yield name, found


def _old_sentence(old: Mapping[str, str], branch: str) -> str:
    branches = ", ".join(sorted(set(old.values())))
    return (
        f"{', '.join(sorted(old))} of the driver branch {branches} {'is' if len(old) == 1 else 'are'} installed, "
        f"expected {branch} alone; say nvidia_gpu_replace_branch=true to have the old branch removed"
    )


def _other_kind(host: Host, wish: Wish) -> Iterator[str]:
    """Installed packages with the kernel module that is not wanted: of two, the kernel loads either."""
    for name in host.packages if wish.kernel else ():
        if host.distribution == "ubuntu":
            match = UBUNTU_MODULE.fullmatch(name)
            kind = ("open" if match.group(1) else "proprietary") if match else wish.module
        else:
            kind = next((kind for kind, names in DEBIAN_MODULES.items() if name in names), wish.module)
        if kind != wish.module:
            yield name


def _second_sentence(names: Sequence[str], wish: Wish) -> str:
    other = "proprietary" if wish.module == "open" else "open"
    return (
        f"{', '.join(names)} {'brings' if len(names) == 1 else 'bring'} NVIDIA's {other} kernel module, expected the "
        f"{wish.module} one alone; say nvidia_gpu_replace_branch=true to have the {other} one removed"
    )


def _unavailable(host: Host, missing: tuple[str, ...], branch: str) -> Iterator[str]:
    """Packages that apt does not have, or has of another branch; told before anything is installed."""
    if host.candidates is None:
        return
    unknown = [name for name in missing if name not in host.candidates]
    if unknown:
        yield (
            f"apt knows no {', '.join(unknown)} that may be installed, expected the branch {branch} in its lists; look "
            "at the branch, at nvidia_gpu_source and at the pins in /etc/apt/preferences.d"
        )
    number = branch.partition("-")[0]
    for name in missing:
        version = host.candidates.get(name, "")
        of_driver = DEBIAN_DRIVER.fullmatch(name) or UBUNTU_DRIVER.fullmatch(name)
        if of_driver and version and _number(version) != number and not name.startswith("linux-"):
            yield f"apt would install {name} {version}, expected the branch {branch}; look at nvidia_gpu_source"


def _number(version: str) -> str:
    """580 of 580.95.05-0ubuntu0.22.04.1, with or without an epoch, and of 580-server."""
    return re.split(r"[.-]", version.rpartition(":")[2])[0]
