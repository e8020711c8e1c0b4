# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From hardware to QEMU's arguments. Pure, so that what a machine sees can be tested without one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from lab.vm.hardware import Disk, Hardware, Nic
from lab.vm.image import LABEL, Image

# An LSI SAS 1068 of QEMU has eight ports.
SAS_PORTS = 8

# QEMU's NVMe loses a command now and then while others are under way; it hangs for half a minute, and in the end the
# kernel gives the controller up. A queue of two has one command under way. A kernel that checks the timer of an
# emulated machine on a busy computer finds it broken and stops. The lab names the interface, so udev must not. The
# rest spares time at boot.
KERNEL = (
    "ro console=ttyS0 quiet nvme.io_queue_depth=2 no_timer_check panic=5 net.ifnames=0 mitigations=off "
    "random.trust_cpu=on cryptomgr.notests module_blacklist=cfg80211,iTCO_wdt,i2c_i801,pcspkr,drm"
)


@dataclass(frozen=True)
class Place:
    """Where a machine runs: its folder, its network device, how it is accelerated."""

    folder: Path
    tap: str
    accelerator: str
    memory_mib: int = 1024
    cpus: int = 1
    # network devices of the further interfaces
    other_taps: tuple[str, ...] = ()


def arguments(hardware: Hardware, bays: Sequence[Disk], image: Image, place: Place) -> list[str]:
    """QEMU's whole command line."""
    result = ["qemu-system-x86_64", "-name", hardware.name, "-nodefaults", "-display", "none"]
    result += ["-machine", "q35,i8042=off,vmport=off", "-accel", place.accelerator]
    # a newer processor than that has extensions that cost software emulation more than they spare
    result += ["-cpu", "host" if place.accelerator == "kvm" else "Nehalem"]
    result += ["-m", str(place.memory_mib), "-smp", str(place.cpus)]
    result += ["-smbios", _smbios(hardware), "-smbios", f"type=2,manufacturer={_escaped(hardware.vendor)}"]
    result += ["-chardev", f"socket,id=qmp,path={_escaped(str(place.folder / 'qmp'))},server=on,wait=off"]
    result += ["-mon", "chardev=qmp,mode=control"]
    result += ["-serial", f"file:{place.folder / 'console.log'}", "-pidfile", str(place.folder / "pid")]
    result += ["-fw_cfg", f"name=opt/lab/setup,file={_escaped(str(place.folder / 'setup'))}"]
    result += ["-object", "rng-random,id=random,filename=/dev/urandom", "-device", "virtio-rng-pci,rng=random"]
    result += ["-device", "qemu-xhci,id=usb"]
    result += [*_boot(image), *_nics(hardware, place)]
    for argument in _disks(bays, place.folder / "disks", loader=image.kernel is None):
        result += argument
    if image.kernel is None:
        result += ["-drive", f"if=none,id=seed,format=raw,readonly=on,file={_escaped(str(place.folder / 'seed.img'))}"]
        result += ["-device", "usb-storage,drive=seed,removable=on,serial=seed"]
    return [*result, "-daemonize"]


def _smbios(hardware: Hardware) -> str:
    return (
        f"type=1,manufacturer={_escaped(hardware.vendor)},product={_escaped(hardware.product)},"
        f"serial={_escaped(hardware.serial)}"
    )


def _escaped(text: str) -> str:
    """A comma ends a value in QEMU's options unless it is doubled."""
    return text.replace(",", ",,")


def _boot(image: Image) -> list[str]:
    if image.kernel is None:
        return []
    return ["-kernel", str(image.kernel), "-initrd", str(image.initrd), "-append", f"root=LABEL={LABEL} {KERNEL}"]


def _nics(hardware: Hardware, place: Place) -> list[str]:
    result = []
    nics, taps = (hardware.nic, *hardware.others), (place.tap, *place.other_taps)
    for number, (nic, tap) in enumerate(zip(nics, taps, strict=True)):
        device = nic_device(nic, number)
        result += ["-netdev", f"tap,id={device['netdev']},ifname={tap},script=no,downscript=no"]
        result += ["-device", ",".join([device.pop("driver"), *(f"{key}={value}" for key, value in device.items())])]
    return result


def nic_device(nic: Nic, number: int) -> dict[str, str]:
    """An interface as QEMU's protocol plugs it in; the first one is number 0."""
    drivers = {"usb": {"driver": "usb-net", "bus": "usb.0"}, "virtio": {"driver": "virtio-net-pci"}}
    back = {"netdev": f"lan{number or ''}", "mac": nic.mac, "id": f"nic{number}"}
    return {**drivers.get(nic.bus, {"driver": "e1000e"}), **back}


def _disks(bays: Sequence[Disk], folder: Path, loader: bool) -> Iterator[list[str]]:
    sas = [disk for disk in bays if disk.bus == "sas"]
    for controller in range((len(sas) + SAS_PORTS - 1) // SAS_PORTS):
        yield ["-device", f"mptsas1068,id=sas{controller}"]
    ports = dict.fromkeys(("nvme", "sas", "sata", "usb", "virtio"), 0)
    for number, disk in enumerate(bays):
        file = _escaped(str(folder / disk.file))
        # zeros take no room: making a file system on a disk of terabytes must not fill this machine
        yield ["-drive", f"if=none,id=disk{number},format=qcow2,file={file},discard=unmap,detect-zeroes=unmap"]
        first = ",bootindex=0" if loader and disk.system else ""
        yield ["-device", _device(disk, f"disk{number}", ports[disk.bus]) + first]
        ports[disk.bus] += 1


def _device(disk: Disk, drive: str, port: int) -> str:
    if disk.bus == "nvme":
        # QEMU's controller always calls itself "QEMU NVMe Ctrl"; the setup puts the model over that in sysfs.
        intel = ",use-intel-id=on" if disk.model.upper().startswith("INTEL") else ""
        return f"nvme,drive={drive},serial={disk.serial}{intel}"
    if disk.bus == "sas":
        return (
            f"scsi-hd,bus=sas{port // SAS_PORTS}.0,scsi-id={port % SAS_PORTS},drive={drive},vendor={disk.vendor},"
            f"product={_escaped(disk.model[:16])},serial={disk.serial},wwn={disk.wwn},port_wwn={disk.wwn},"
            f"rotation_rate=1"
        )
    if disk.bus == "sata":
        return (
            f"ide-hd,bus=ide.{port},drive={drive},model={_escaped(disk.model[:40])},serial={disk.serial[:20]},"
            f"wwn={disk.wwn},rotation_rate=1"
        )
    if disk.bus == "usb":
        return f"usb-storage,bus=usb.0,drive={drive},serial={disk.serial}"
    return f"virtio-blk-pci,drive={drive},serial={disk.serial[:20]}"
