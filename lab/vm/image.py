# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The disk that every virtual machine's system starts from: Debian, or a cloud image named by the user."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from lab.command import ROOT, Runner, must, run
from lab.console import step
from lab.errors import LabError
from lab.setup import have_programs
from lab.tools import PACKAGE, have_tools

RECIPE = ROOT / "lab" / "image"
FILES = ("packages", "packages.vm", "customize.vm")
FOLDER = ROOT / ".lab" / "vm-images"
# What the first stage of the boot needs to find any system disk and any root file system of the lab.
BOOT_MODULES = ("virtio_pci", "virtio_blk", "nvme", "ahci", "mptsas", "sd_mod", "ext4")
# Sparse; the machine's own disk may be larger, the root partition is not.
ROOT_BYTES = 20 << 30
# Where the partition begins: mke2fs and the partition table must agree.
OFFSET = 1 << 20
LABEL = "lab-root"


@dataclass(frozen=True)
class Image:
    """A system disk to put overlays on; kernel and initrd where the machine boots without a boot loader."""

    disk: Path
    format: str
    kernel: Path | None = None
    initrd: Path | None = None


def have_vm_image(cloud_image: Path | None = None, runner: Runner = run) -> Image:
    """The image, built at the first call."""
    if cloud_image is not None:
        return _given(cloud_image, runner)
    folder = FOLDER / _digest()
    image = _own(folder)
    if folder.is_dir():
        return image
    have_programs(("mmdebstrap", "mke2fs", "sfdisk"), runner)
    FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=FOLDER, prefix=".building-") as name:
        building = Path(name)
        with step("making a Debian system for virtual machines with mmdebstrap (two minutes)"):
            _make_system(building / "root", runner)
        with step("writing it to a disk"):
            _make_disk(building, runner)
        shutil.rmtree(building / "root")
        building.chmod(0o755)
        building.rename(folder)
        building.mkdir()
    return image


def _own(folder: Path) -> Image:
    return Image(folder / "disk.raw", "raw", folder / "vmlinuz", folder / "initrd.img")


def same_image(disk: Path, runner: Runner = run) -> Image:
    """The image that a lab's system disks are layers over, even if the recipe has changed since."""
    if not disk.exists():
        raise LabError(
            f"the image {disk} is gone, and the lab's system disks are layers over it; run 'down', then 'up'"
        )
    return _own(disk.parent) if (disk.parent / "vmlinuz").exists() else _given(disk, runner)


def _digest() -> str:
    digest = hashlib.sha256(repr((BOOT_MODULES, ROOT_BYTES, OFFSET, PACKAGE)).encode())
    for file in FILES:
        digest.update((RECIPE / file).read_bytes())
    return digest.hexdigest()[:12]


def _given(path: Path, runner: Runner) -> Image:
    have_programs(("qemu-img",), runner)
    if not path.is_file():
        raise LabError(f"there is no cloud image {path}; name a file such as a distribution's generic cloud qcow2")
    with path.open("rb") as stream:
        kind = "qcow2" if stream.read(4) == b"QFI\xfb" else "raw"
    return Image(path.resolve(), kind)


def _make_system(root: Path, runner: Runner) -> None:
    packages = ",".join(f"{(RECIPE / 'packages').read_text()}\n{(RECIPE / 'packages.vm').read_text()}".split())
    modules = "\\n".join(BOOT_MODULES)
    early = (
        'mkdir -p "$1/etc/initramfs-tools/conf.d"; '
        "printf 'MODULES=list\\nCOMPRESS=zstd\\n' > \"$1/etc/initramfs-tools/conf.d/lab.conf\"; "
        f"printf '{modules}\\n' > \"$1/etc/initramfs-tools/modules\""
    )
    late = f"chroot \"$1\" sh -s < '{RECIPE / 'customize.vm'}'"
    kubectl = have_tools(runner) / "kubectl"
    place = "/usr/local/libexec/k3s-standin"
    must(runner, [
        "mmdebstrap", "--quiet", "--variant=minbase", f"--include={packages}", f"--essential-hook={early}",
        f"--customize-hook={late}", f"--customize-hook=upload '{kubectl}' {place}/kubectl",
        f"--customize-hook=chmod 0755 \"$1\"{place}/kubectl", "--skip=cleanup/apt/lists", "--format=directory",
        "bookworm", str(root),
    ])  # fmt: skip


def _make_disk(folder: Path, runner: Runner) -> None:
    """A partitioned disk without a loop device: the file system is written at the partition's offset."""
    root, disk = folder / "root", folder / "disk.raw"
    for target, pattern in (("vmlinuz", "vmlinuz-*"), ("initrd.img", "initrd.img-*")):
        found = sorted((root / "boot").glob(pattern))
        if not found:
            raise LabError(f"the system in {root} has no /boot/{pattern}; expected linux-image-amd64 to bring it")
        shutil.copy(found[-1], folder / target)
        (folder / target).chmod(0o644)
    with disk.open("wb") as stream:
        # room for the backup of the partition table behind the partition
        stream.truncate(OFFSET + ROOT_BYTES + (1 << 20))
    table = f"label: gpt\nstart={OFFSET // 512}, size={ROOT_BYTES // 512}, type=linux, name={LABEL}\n"
    must(runner, ["sfdisk", "--quiet", str(disk)], table)
    # a new sparse file is zero already: neither now nor at the first mount need inode tables be written
    options = f"offset={OFFSET},assume_storage_prezeroed=1"
    must(runner, ["mke2fs", "-q", "-F", "-t", "ext4", "-L", LABEL, "-d", str(root), "-E", options,
                  str(disk), f"{ROOT_BYTES // 1024}k"])  # fmt: skip


def remove_vm_images() -> None:
    """Remove every system disk the lab has built."""
    shutil.rmtree(FOLDER, ignore_errors=True)
