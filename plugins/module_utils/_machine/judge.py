# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: whether a machine as found can be built as described."""

from __future__ import annotations

from collections.abc import Iterator

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._inventory.model import SYSTEMS
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._machine.model import Expected, Found, Verdict
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._machine.probe import KUBELET

# K3s publishes binaries for these that this collection was tried with.
ARCHITECTURES = ("x86_64", "aarch64")
PYTHON = (3, 9)
# K3s' documented minimum is 2 GB for a server and 512 MB for an agent; firmware and kernel keep a part of that.
MEMORY_MIB = {"server": 1800, "agent": 450, "none": 0}
# The unit each role may have. Any other is a K3s that this inventory does not know of: a worker with a server's unit
# once had a control plane of its own.
UNIT = {"server": "k3s.service", "agent": "k3s-agent.service", "none": ""}
# Where the kubelet itself mounts volumes.
OWN_FOLDERS = (f"{KUBELET}/pods/", f"{KUBELET}/plugins/")


def judge(found: Found, expected: Expected) -> Verdict:
    """All that speaks against the machine, and all that differs from its description."""
    checks = (_platform, _resources, _clock, _units, _identity)
    sentences = [sentence for check in checks for sentence in check(found, expected)]
    problems = [f"{expected.name}: {sentence}" for sentence in (*sentences, *kubelet_problems(found))]
    notices = [f"{expected.name}: {sentence}" for sentence in _differences(found, expected)]
    return Verdict(tuple(problems), tuple(notices))


def _platform(found: Found, expected: Expected) -> Iterator[str]:
    if found.system not in SYSTEMS:
        yield f"runs {found.system}, expected one of {', '.join(SYSTEMS)}; install one of them"
    if found.architecture not in ARCHITECTURES:
        yield f"is a {found.architecture}, expected {' or '.join(ARCHITECTURES)}; use another machine"
    if found.init != "systemd":
        yield f"was started by '{found.init}', expected systemd; boot it with systemd as process 1"
    if found.python < PYTHON:
        version = ".".join(map(str, found.python))
        yield f"has Python {version}, expected 3.9 or newer; install it, and set ansible_python_interpreter to it"


def _resources(found: Found, expected: Expected) -> Iterator[str]:
    memory = MEMORY_MIB[expected.role]
    if found.memory_mib < memory:
        yield f"has {found.memory_mib} MiB of memory, expected {memory} for a K3s {expected.role}; add memory"
    if expected.role != "none" and found.root_free_mib < expected.root_free_mib:
        yield f"has {found.root_free_mib} MiB free on /, expected {expected.root_free_mib}; free some"


def _clock(found: Found, expected: Expected) -> Iterator[str]:
    if expected.clock is None:
        return
    offset = found.clock - expected.clock
    if abs(offset) > expected.clock_limit:
        side = "ahead of" if offset > 0 else "behind"
        yield (
            f"its clock is {abs(offset):.0f} s {side} the controller's, expected at most {expected.clock_limit} s; "
            "set the wrong one of the two (timedatectl set-ntp true)"
        )


def _units(found: Found, expected: Expected) -> Iterator[str]:
    role = f"is a K3s {expected.role}" if expected.role != "none" else "is no member of the cluster"
    for unit in found.units:
        if unit != UNIT[expected.role]:
            yield f"{role} in the inventory and has {unit}; stop and remove that unit, or correct homelab_groups"


def kubelet_problems(found: Found) -> Iterator[str]:
    """What is wrong with the kubelet's folder: nobody but the kubelet mounts anything there (incidents I-05, I-07)."""
    if found.kubelet_link is not None:
        yield f"{KUBELET} is a link to {found.kubelet_link}, expected a folder; remove the link"
    for target in sorted(set(found.kubelet_fstab)):
        yield f"/etc/fstab mounts {target}, which belongs to the kubelet; remove the entry and unmount it"
    # where the machine is a container, its engine may give the kubelet's whole folder a place of its own
    own = {KUBELET} if found.container else set()
    foreign = {target for target in found.kubelet_mounts if not target.startswith(OWN_FOLDERS)} - own
    for target in sorted(foreign):
        yield f"something is mounted at {target}, which belongs to the kubelet; unmount it"
    repeated = {target for target in found.kubelet_mounts if found.kubelet_mounts.count(target) > 1} - foreign
    if repeated:
        first = min(repeated)
        yield f"{len(repeated)} of the kubelet's mounts are there more than once, {first} first; unmount the doubles"


def _identity(found: Found, expected: Expected) -> Iterator[str]:
    if _is_renamed(found, expected) and _missing_macs(found, expected) == expected.macs != ():
        yield (
            f"the machine at its address calls itself '{found.hostname}' and has none of the MAC addresses of "
            f"{expected.name}; find out which machine it is, and correct homelab_machine or the machine"
        )


def _differences(found: Found, expected: Expected) -> Iterator[str]:
    if _is_renamed(found, expected):
        yield f"calls itself '{found.hostname}'"
    for mac in _missing_macs(found, expected):
        yield f"has no interface with the MAC address {mac}; found are {', '.join(found.macs) or 'none'}"
    # A container runs the image it was made from, whatever it stands for.
    if expected.system and found.system != expected.system and not found.container:
        yield f"runs {found.system}, described as {expected.system}; correct homelab_machine.os"


def _is_renamed(found: Found, expected: Expected) -> bool:
    return found.hostname.partition(".")[0].lower() != expected.name.lower()


def _missing_macs(found: Found, expected: Expected) -> tuple[str, ...]:
    # The interfaces of a container are made with it, so they say nothing about the machine it stands for.
    return () if found.container else tuple(mac for mac in expected.macs if mac not in found.macs)
