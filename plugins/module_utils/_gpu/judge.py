# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: what is wrong with a machine's GPUs, and whether a reboot is wanted and safe; pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from .model import Declared, Found, Gpu, Verdict

# GPUs that the inventory can describe; others belong to nobody here.
DESCRIBED = ("intel", "nvidia")


def judge(found: Found, declared: Sequence[Declared] | None) -> Verdict:
    """All sentences about one machine. Without a declaration nothing is compared with it."""
    described = declared or ()
    wants_nvidia = any(gpu.vendor == "nvidia" for gpu in described) or has_driver(found)
    return Verdict(
        tuple(_differences(found, declared)) if declared is not None else (),
        tuple(_driver_problems(found)),
        tuple(_reboot_reasons(found, wants_nvidia)),
        tuple(_reboot_blockers(found)),
    )


def has_driver(found: Found) -> bool:
    """Whether NVIDIA's driver is there for any kernel."""
    return bool(found.modules or found.nvidia_loaded)


def _differences(found: Found, declared: Sequence[Declared]) -> Iterator[str]:
    """Cards that are described and not on the bus, the reverse, and those that a virtual machine has."""
    left = [gpu for gpu in found.gpus if gpu.vendor in DESCRIBED]
    shown = ", ".join(f"{gpu.pci_id} at {gpu.address}" for gpu in left) or "none"
    # those with an id first, so that one without takes no card that another one names
    for wish in sorted(declared, key=lambda each: each.pci_id is None):
        match = next((gpu for gpu in left if _is(gpu, wish)), None)
        if match is None:
            remedy = "turn it on in the firmware's setup" if wish.vendor == "intel" else "seat the card"
            yield (
                f"{wish.model} ({wish.pci_id or wish.vendor}) is described and not on the PCI bus, found are: {shown}; "
                f"{remedy}, or remove it from homelab_machine.gpus"
            )
            continue
        left.remove(match)
        if match.driver == "vfio-pci":
            yield (
                f"{match.name} is bound to vfio-pci, which gives it to a virtual machine, and pods of this machine "
                "cannot have it; release it there, or describe it with the virtual machine"
            )
    # a hypervisor need not describe what it only hands on
    for gpu in left:
        if gpu.driver != "vfio-pci":
            yield (
                f"{gpu.name} is on the PCI bus and not described; add {{vendor: {gpu.vendor}, "
                f'model: {gpu.model or "its name"}, pci_id: "{gpu.pci_id}"}} to homelab_machine.gpus'
            )


def _is(gpu: Gpu, wish: Declared) -> bool:
    return gpu.pci_id == wish.pci_id if wish.pci_id else gpu.vendor == wish.vendor


def _driver_problems(found: Found) -> Iterator[str]:
    libraries, module = found.nvidia_userland, found.module_of(found.running_kernel)
    if len(libraries) > 1:
        yield f"libraries of NVIDIA drivers {' and '.join(libraries)} are there at once; remove all but one branch"
    elif libraries and module and module.version and module.version != libraries[0]:
        yield (
            f"NVIDIA's libraries are of {libraries[0]} and the module on disk is of {module.version}; "
            "install both from one branch and one repository"
        )
    if module and not found.nvidia_loaded and found.secure_boot and module.signed is False:
        yield (
            f"Secure Boot is on and the nvidia module of {module.kernel} has no signature, so that the kernel refuses "
            "it; use the distribution's signed modules, or enrol a key of your own at the console"
        )
    answer = found.nvidia_answer
    if answer and answer.status:
        said = answer.complaint.splitlines()[0] if answer.complaint else "it printed nothing"
        yield f"nvidia-smi ended with status {answer.status}: {said}"


def _reboot_reasons(found: Found, wants_nvidia: bool) -> Iterator[str]:
    running, booting = found.module_of(found.running_kernel), found.module_of(found.next_kernel)
    if found.nvidia_loaded and running and running.version and running.version != found.nvidia_loaded:
        yield f"the nvidia module that runs is {found.nvidia_loaded} and the one on disk is {running.version}"
    for gpu in found.gpus:
        if gpu.ecc and gpu.ecc.pending is not None and gpu.ecc.current != gpu.ecc.pending:
            words = {True: "on", False: "off", None: "unknown"}
            yield f"ECC of {gpu.name} is {words[gpu.ecc.current]} and is to be {words[gpu.ecc.pending]}"
    if found.nouveau_loaded and wants_nvidia:
        held = ", ".join(gpu.name for gpu in found.gpus if gpu.driver == "nouveau") or "no card"
        yield f"nouveau is loaded, where NVIDIA's driver is wanted, and holds {held}"
    if booting and not running and not found.nvidia_loaded:
        yield f"the kernel that runs, {found.running_kernel}, has no nvidia module, and the next one has"
    if found.enable_guc is not None and found.enable_guc_configured not in (None, found.enable_guc):
        yield f"i915 runs with enable_guc={found.enable_guc} and is to run with {found.enable_guc_configured}"
    for gpu in found.gpus:
        for each in (gpu.guc, gpu.huc):
            if each and each.file in found.firmware_there:
                yield f"the firmware {each.file} was missing when {gpu.name} started and is there now"


def _reboot_blockers(found: Found) -> Iterator[str]:
    """What would take a GPU away that works, or that could: the kernel that boots next has to know it."""
    kernel = found.next_kernel
    if kernel is None or not has_driver(found):
        return
    module = found.module_of(kernel)
    if module is None:
        yield (
            f"the next kernel {kernel} has no nvidia module; install it (or the headers that DKMS builds it with) "
            "before a reboot"
        )
    elif found.secure_boot and module.signed is False:
        yield (
            f"Secure Boot is on and the nvidia module of the next kernel {kernel} has no signature, so that it would "
            "not be loaded; install signed modules before a reboot"
        )
