# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: read the GPUs of a machine and their drivers; from files, and nvidia-smi where it runs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._command import CommandRunner

from .families import CONSOLES, MODELS, family_of, vendor_of
from .intel import firmware_there, firmwares, guc_configured
from .kernel_modules import kernels_of, modules_of
from .model import Answer, Found, Gpu
from .nvidia_smi import QUERY, with_answers

# Class codes of the PCI specification: VGA, 3D without a connector, other display.
DISPLAYS = ("0300", "0302", "0380")
# EFI's global namespace; four bytes of attributes stand before the value.
SECURE_BOOT = "sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"
LIBRARIES = re.compile(r"lib(?:nvidia-ml|cuda)\.so\.(\d+\.\d[\d.]*)")
LIBRARY_FOLDERS = ("usr/lib/*-linux-gnu", "usr/lib/*-linux-gnu/nvidia/*", "usr/lib64", "usr/lib")
GROUPS = ("render", "video")


def probe(root: Path, run: CommandRunner) -> Found:
    """The machine whose file system begins at root."""
    groups = _groups(_read(root / "etc/group") or "")
    gpus = tuple(sorted(_gpus(root, groups), key=lambda gpu: gpu.address))
    loaded, is_open = _loaded(root)
    answer = None
    if loaded and any(gpu.driver == "nvidia" for gpu in gpus):
        status, text, stderr = run(QUERY)
        gpus = with_answers(gpus, text) if status == 0 else gpus
        # not installed is no answer; it prints its complaints to standard output
        answer = None if status == 127 else Answer(status, (text.strip() or stderr.strip()) if status else "")
    return Found(
        gpus=gpus,
        running_kernel=_read(root / "proc/sys/kernel/osrelease") or "unknown",
        kernels=kernels_of(root),
        modules=modules_of(root, run),
        nvidia_loaded=loaded,
        nvidia_open=is_open,
        nvidia_userland=_userland(root),
        nvidia_answer=answer,
        nouveau_loaded=(root / "sys/module/nouveau").is_dir(),
        secure_boot=_secure_boot(root),
        groups=groups,
        enable_guc=_number(_read(root / "sys/module/i915/parameters/enable_guc")),
        enable_guc_configured=guc_configured(root),
        firmware_there=firmware_there(root, gpus),
    )


def _read(path: Path) -> str | None:
    """The text of a file; None when there is none, or when the kernel has nothing to say there."""
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return None


def _number(text: str | None) -> int | None:
    return int(text) if text and re.fullmatch(r"-?\d+", text) else None


def _hex(text: str | None) -> str:
    """Four digits, of 0x10de or 0x030200."""
    return (text or "").removeprefix("0x")[:4]


def _groups(text: str) -> dict[str, int]:
    """Numbers of the groups that own graphics devices, from group(5)."""
    rows = (line.split(":") for line in text.splitlines())
    return {row[0]: int(row[2]) for row in rows if len(row) > 2 and row[0] in GROUPS and row[2].isdigit()}


def _gpus(root: Path, groups: Mapping[str, int]) -> Iterator[Gpu]:
    for device in root.glob("sys/bus/pci/devices/*"):
        pci_class, vendor_id = _hex(_read(device / "class")), _hex(_read(device / "vendor"))
        if pci_class not in DISPLAYS or vendor_id in CONSOLES:
            continue
        pci_id = f"{vendor_id}:{_hex(_read(device / 'device'))}"
        maker = _hex(_read(device / "subsystem_vendor"))
        driver = device / "driver"
        gpu = Gpu(
            address=device.name,
            vendor=vendor_of(vendor_id),
            pci_id=pci_id,
            subsystem=f"{maker}:{_hex(_read(device / 'subsystem_device'))}" if maker else None,
            pci_class=pci_class,
            family=family_of(pci_id),
            model=MODELS.get(pci_id),
            # a link to a folder that may not be there in a capture
            driver=driver.readlink().name if driver.is_symlink() else None,
            card=_node(device, "card"),
        )
        guc, huc = firmwares(root, device.name) if gpu.vendor == "intel" else (None, None)
        yield _with_render_node(replace(gpu, guc=guc, huc=huc), root, device, groups)


def _node(device: Path, kind: str) -> str | None:
    """/dev/dri/card0 or /dev/dri/renderD128 of a device, as the kernel names it."""
    name = next((path.name for path in sorted(device.glob(f"drm/{kind}*"))), None)
    return f"/dev/dri/{name}" if name else None


def _with_render_node(gpu: Gpu, root: Path, device: Path, groups: Mapping[str, int]) -> Gpu:
    node = _node(device, "renderD")
    if node is None:
        return gpu
    try:
        number = (root / node.lstrip("/")).stat().st_gid
    except FileNotFoundError:
        # udev has not made it, as in a container
        return replace(gpu, render_node=node)
    owner = next((name for name, gid in groups.items() if gid == number), None)
    return replace(gpu, render_node=node, render_gid=number, render_group=owner)


def _loaded(root: Path) -> tuple[str | None, bool | None]:
    """Version of the nvidia module that runs, and whether it is the open one."""
    banner = _read(root / "proc/driver/nvidia/version") or ""
    match = re.search(r"Kernel Module(?: for \S+)?\s+(\d+\.[\d.]+)", banner)
    version = _read(root / "sys/module/nvidia/version") or (match.group(1) if match else None)
    return version, ("Open Kernel Module" in banner) if version and banner else None


def _userland(root: Path) -> tuple[str, ...]:
    names = (path.name for folder in LIBRARY_FOLDERS for path in root.glob(f"{folder}/lib*.so.*"))
    return tuple(sorted({match.group(1) for name in names if (match := LIBRARIES.fullmatch(name))}))


def _secure_boot(root: Path) -> bool | None:
    try:
        return (root / SECURE_BOOT).read_bytes()[-1:] == b"\x01"
    except OSError:
        return None
