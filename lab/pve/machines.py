# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Virtual machines: their configuration, their power, their snapshots."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Any

from lab.pve.drives import Drives
from lab.pve.errors import ApiError, TaskError, invalid
from lab.pve.faults import Faults
from lab.pve.guests import Guests
from lab.pve.store import Store
from lab.pve.tasks import Log, Tasks

Vm = dict[str, Any]
DRIVE = re.compile(r"(ide[0-3]|scsi([12]?\d|30)|sata[0-5]|virtio(\d|1[0-5]))")
# A running machine keeps these until it is stopped and started.
PENDING = ("cores", "sockets", "memory", "cpu", "balloon", "scsihw", "vga")
# key -> the privilege that setting it takes; qm.conf(5) has more keys, which nobody here sets
PRIVILEGE = {
    r"cores|sockets|cpu|cpuunits|cpulimit|vcpus|numa": "VM.Config.CPU",
    r"memory|balloon": "VM.Config.Memory",
    r"net\d": "VM.Config.Network",
    r"ciuser|cipassword|sshkeys|ipconfig\d|nameserver|searchdomain|ciupgrade": "VM.Config.Cloudinit",
    r"scsihw|machine|vga|serial\d|bios|acpi|rng0|tablet|kvm|hotplug": "VM.Config.HWType",
    r"name|onboot|startup|tags|description|boot|agent|ostype|protection|autostart|freeze|template|localtime":
        "VM.Config.Options",
}  # fmt: skip
SNAPSHOT = re.compile(r"[A-Za-z][A-Za-z0-9_-]{1,39}")


def privilege_of(key: str, value: str) -> str:
    """What setting a key takes; upstream's complaint for a key that it does not know."""
    if DRIVE.fullmatch(key):
        if "media=cdrom" in value:
            return "VM.Config.CDROM"
        return "VM.Config.Cloudinit" if value.partition(",")[0].endswith(":cloudinit") else "VM.Config.Disk"
    for pattern, privilege in PRIVILEGE.items():
        if re.fullmatch(pattern, key):
            return privilege
    raise invalid(key, "property is not defined in schema and the schema does not allow additional properties")


def with_address(interface: str, vmid: int) -> str:
    """A network device with a MAC address of Proxmox's own range where none is named."""
    model, comma, rest = interface.partition(",")
    return interface if "=" in model else f"{model}=BC:24:11:00:{vmid // 256 % 256:02X}:{vmid % 256:02X}{comma}{rest}"


class Machines:
    """What the API does with one virtual machine."""

    def __init__(self, store: Store, tasks: Tasks, drives: Drives, guests: Guests, faults: Faults) -> None:
        self._store, self._tasks, self._drives, self._guests = store, tasks, drives, guests
        self._faults = faults

    def find(self, vmid: str) -> Vm:
        """A machine, or upstream's complaint."""
        found: Vm | None = self._store.vms.get(vmid)
        if found is None:
            raise ApiError(500, f"Configuration file 'nodes/{self._store.node}/qemu-server/{vmid}.conf' does not exist")
        return found

    def lock_of(self, vm: Vm) -> str | None:
        """The lock on a machine, its own or a fault's."""
        lock = self._faults.named("lock", str(vm["vmid"])) or vm["config"].get("lock")
        return str(lock) if lock else None

    def unlocked(self, vmid: str) -> Vm:
        """A machine that nobody works on."""
        vm = self.find(vmid)
        if lock := self.lock_of(vm):
            raise ApiError(500, f"VM is locked ({lock})")
        return vm

    def status(self, vm: Vm) -> dict[str, Any]:
        """A machine as status/current and lists show it."""
        config, running = vm["config"], self._guests.running(vm)
        shown = {
            "vmid": vm["vmid"], "name": config["name"], "status": "running" if running else "stopped",
            "qmpstatus": "running" if running else "stopped", "template": int(config.get("template", 0)),
            "cpus": int(config.get("cores", 1)) * int(config.get("sockets", 1)),
            "maxmem": int(config.get("memory", 512)) * 1024**2, "tags": config.get("tags", ""), "uptime": 0,
        }  # fmt: skip
        lock = self.lock_of(vm)
        return {**shown, "lock": lock} if lock else shown

    def create(self, data: dict[str, Any], user: str) -> str:
        """A new machine; its id is taken before the task begins."""
        vmid = int(data.pop("vmid"))
        if str(vmid) in self._store.vms:
            raise ApiError(500, f"unable to create VM {vmid} - VM {vmid} already exists on node '{self._store.node}'")
        data.pop("pool", None)

        def work(log: Log) -> None:
            drives = self._make_drives(vmid, data, "qmcreate", log)
            self._faults.half_way("qmcreate")
            config = {**data, **drives, "digest": "0" * 40}
            self._store.vms[str(vmid)] = {"vmid": vmid, "config": config, "active": {}, "snapshots": {}}
            self._store.save()

        return self._tasks.start("qmcreate", str(vmid), user, work)

    def _make_drives(self, vmid: int, data: dict[str, Any], kind: str, log: Log) -> dict[str, str]:
        made = {key: with_address(str(data[key]), vmid) for key in data if re.fullmatch(r"net\d", key)}
        for key in [key for key in data if DRIVE.fullmatch(key)]:
            made[key] = self._drives.make(vmid, str(data[key]), kind)
            log(f"{key}: successfully created disk '{made[key]}'")
        return made

    def change(self, vmid: str, data: dict[str, Any], log: Log) -> None:
        """Set and delete keys."""
        vm = self.unlocked(vmid)
        deleted = [key for key in str(data.pop("delete", "")).replace(",", " ").split() if key]
        drives = self._make_drives(vm["vmid"], data, "qmconfig", log)
        vm["config"].update(data | drives)
        for key in deleted:
            vm["config"].pop(key, None)
        self._store.save()

    def pending(self, vm: Vm) -> list[dict[str, Any]]:
        """Values that a running machine still has, beside those that it gets at its next start."""
        rows = []
        for key, value in sorted(vm["config"].items()):
            row = {"key": key, "value": value}
            if key in PENDING and self._guests.running(vm) and vm["active"].get(key, value) != value:
                row = {"key": key, "value": vm["active"][key], "pending": value}
            rows.append(row)
        return rows

    def task(self, kind: str, vmid: str, user: str, work: Callable[[Vm], None]) -> str:
        """A task on an unlocked machine."""
        vm = self.unlocked(vmid)

        def run(log: Log) -> None:
            log(f"{kind} {vmid}")
            self._faults.half_way(kind)
            work(vm)
            self._store.save()

        return self._tasks.start(kind, vmid, user, run)

    def start(self, vm: Vm) -> None:
        """Start it with all that was pending."""
        if self._guests.running(vm):
            raise TaskError(f"VM {vm['vmid']} already running")
        vm["active"] = {key: vm["config"][key] for key in PENDING if key in vm["config"]}
        self._guests.start(vm)

    def stop(self, vm: Vm) -> None:
        """Stop it; one that is stopped stays so."""
        if self._guests.running(vm):
            self._guests.stop(vm)

    def restart(self, vm: Vm) -> None:
        """Stop and start it."""
        self.stop(vm)
        self.start(vm)

    def resize(self, vm: Vm, disk: str, size: str) -> None:
        """Let a drive grow."""
        if disk not in vm["config"]:
            raise TaskError(f"disk '{disk}' does not exist")
        vm["config"][disk] = self._drives.resize(vm["config"][disk], size)

    def destroy(self, vm: Vm) -> None:
        """Remove a machine that is stopped."""
        if self._guests.running(vm):
            raise TaskError(f"VM {vm['vmid']} is running - destroy failed")
        self._guests.destroy(vm)
        self._drives.drop(vm["vmid"])
        del self._store.vms[str(vm["vmid"])]

    def clone(self, vm: Vm, newid: int, name: str) -> None:
        """A full copy of a machine that is stopped or a template."""
        config = dict(vm["config"], name=name)
        config.pop("template", None)
        for key in [key for key in config if DRIVE.fullmatch(key) and "media=cdrom" not in config[key]]:
            storage, size = config[key].partition(":")[0], config[key].rpartition("size=")[2]
            made = self._drives.make(newid, f"{storage}:1", "qmclone")
            config[key] = self._drives.resize(made, size) if size != "1G" else made
        self._store.vms[str(newid)] = {"vmid": newid, "config": config, "active": {}, "snapshots": {}}

    def take_snapshot(self, vm: Vm, name: str, description: str) -> None:
        """Keep configuration and disk."""
        self._guests.snapshot(vm, name)
        vm["snapshots"][name] = {
            "name": name, "description": description, "snaptime": int(time.time()), "config": dict(vm["config"]),
            "vmstate": 0,
        }  # fmt: skip

    def check_snapshot(self, vmid: str, name: str, there: bool) -> None:
        """Complaints that come before a task."""
        vm = self.find(vmid)
        if not SNAPSHOT.fullmatch(name):
            raise invalid("snapname", "invalid format - invalid configuration ID")
        if there and name not in vm["snapshots"]:
            raise ApiError(500, f"snapshot '{name}' does not exist")
        if not there and name in vm["snapshots"]:
            raise ApiError(500, f"snapshot name '{name}' already used")

    def snapshots(self, vm: Vm) -> list[dict[str, Any]]:
        """The snapshots, oldest first, and last what upstream calls current."""
        kept = [{key: value for key, value in found.items() if key != "config"} for found in vm["snapshots"].values()]
        now = {"name": "current", "description": "You are here!", "running": int(self._guests.running(vm))}
        return [*kept, now]

    def roll_back(self, vm: Vm, name: str) -> None:
        """The machine as it was, and stopped."""
        self._guests.rollback(vm, name)
        vm["config"] = dict(vm["snapshots"][name]["config"])
        vm["active"] = {}

    def drop_snapshot(self, vm: Vm, name: str) -> None:
        """Forget a snapshot."""
        self._guests.drop_snapshot(vm, name)
        del vm["snapshots"][name]

    def work_of(self, action: str) -> Callable[[Vm], None]:
        """What a word under status/ does."""
        works = {"start": self.start, "stop": self.stop, "shutdown": self.stop, "reboot": self.restart,
                 "reset": self.restart}  # fmt: skip
        if action not in works:
            raise ApiError(501, f"Method 'POST /nodes/{self._store.node}/qemu/status/{action}' not implemented")
        return works[action]
