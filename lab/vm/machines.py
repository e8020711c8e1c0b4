# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Virtual machines in the place of machines: up, bare again, off, on, gone."""

from __future__ import annotations

import hashlib
import os
import shutil
import time
from collections.abc import Sequence
from pathlib import Path

from lab.command import Runner, must, run
from lab.console import say, step
from lab.engine import Engine
from lab.errors import LabError
from lab.machines import CNI, CNI_CONTENT, CNI_MARKER, answers_ssh
from lab.secrets import have_secrets, write_private
from lab.setup import have_programs
from lab.site import Machine, Site
from lab.vm.bays import Bays
from lab.vm.boot import Identity, cloud_files, name_servers, setup_script
from lab.vm.command_line import Place, arguments
from lab.vm.hardware import hardware_of
from lab.vm.image import Image
from lab.vm.qemu import accelerator, cut_power, pid_of, press_power_button, start

SSH_SECONDS = {"kvm": 60, "tcg": 300}
# A UNIX socket's path may have 108 characters.
PATH_LENGTH = 100
MOST_NICS = 4


def have_programs_for_machines() -> None:
    """What virtual machines need beyond the container engine."""
    have_programs(("qemu-system-x86_64", "qemu-img", "mke2fs", "sfdisk", "ip"))
    if os.geteuid() != 0:
        raise LabError(
            "virtual machines get network devices on the lab's bridge, which only root can make: run as root"
        )


class Rack:
    """The virtual machines of one lab."""

    def __init__(self, engine: Engine, site: Site, image: Image, runner: Runner = run) -> None:
        self._engine = engine
        self._site = site
        self._image = image
        self._run = runner

    def folder(self, machine: Machine) -> Path:
        """Everything about one machine: disks, keys, console."""
        return self._site.state / "vms" / machine.name

    def bays(self, machine: Machine) -> Bays:
        """The machine's disks."""
        return Bays(self.folder(machine), self._image, self._run)

    def up(self, machines: Sequence[Machine]) -> None:
        """These machines run and answer SSH; those that do stay as they are, others keep their disks."""
        key = have_secrets(self._site, self._run)
        accel = accelerator(self._image)
        for machine in machines:
            if pid_of(self.folder(machine)) is None:
                self._start(machine, key, accel)
        self._write_known_hosts()
        for machine in machines:
            with step(f"waiting for SSH of {machine.name}"):
                self._await_ssh(machine, SSH_SECONDS[accel])

    def bare(self, machine: Machine) -> None:
        """The machine as it was when it was new: every disk blank, the system just installed."""
        cut_power(self.folder(machine))
        self.bays(machine).bare(hardware_of(machine.name, machine.variables))
        say(f"lab: {machine.name} is bare")

    def off(self, machine: Machine, cut: bool) -> None:
        """Shut down, or cut the power."""
        (cut_power if cut else press_power_button)(self.folder(machine))

    def must_be_off(self, machine: Machine) -> None:
        """Disks change places in a machine without power only."""
        if pid_of(self.folder(machine)) is not None:
            raise LabError(f"{machine.name} is running; 'power off' it before its disks are moved")

    def remove(self) -> None:
        """No process, network device or file of a machine is left."""
        vms = self._site.state / "vms"
        # those too that have left the inventory since
        for folder in sorted(entry for entry in vms.iterdir() if entry.is_dir()):
            cut_power(folder)
            for number in range(MOST_NICS):
                self._run(["ip", "link", "delete", self._tap(folder.name, number)], "")
        shutil.rmtree(vms, ignore_errors=True)

    def _start(self, machine: Machine, key: str, accel: str) -> None:
        folder = self.folder(machine)
        if len(str(folder)) > PATH_LENGTH:
            raise LabError(f"{folder} is too long for a socket's path; use a checkout in a shorter one")
        folder.mkdir(parents=True, exist_ok=True)
        hardware = hardware_of(machine.name, machine.variables)
        bays = self.bays(machine)
        if not bays.read():
            bays.bare(hardware)
        disks = bays.read()
        taps = [self._have_tap(machine, number) for number in range(1 + len(hardware.others))]
        who = self._identity(machine, key)
        script = setup_script(hardware, disks, who)
        write_private(folder / "setup", script)
        if self._image.kernel is None:
            self._make_seed(folder, cloud_files(hardware, who, script))
        memory = int(machine.variables.get("lab_memory_mib") or 1024)
        cpus = int(machine.variables.get("lab_cpus") or 1)
        place = Place(folder, taps[0], accel, memory, cpus, tuple(taps[1:]))
        with step(f"starting {machine.name} ({hardware.vendor} {hardware.product}, {len(disks)} disks, {accel})"):
            start(arguments(hardware, disks, self._image, place), folder)

    def _identity(self, machine: Machine, key: str) -> Identity:
        path = self.folder(machine) / "ssh_host_ed25519_key"
        if not path.with_suffix(".pub").exists():
            path.unlink(missing_ok=True)
            must(self._run, ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", machine.name, "-f", str(path)])
        site = self._site
        return Identity(
            machine.address, site.subnet, site.gateway, site.admin_user, key, path.read_text(),
            path.with_suffix(".pub").read_text().strip(), name_servers(),
            CNI.format(path=CNI_MARKER, content=CNI_CONTENT) if machine.is_member else "",
        )  # fmt: skip

    def _write_known_hosts(self) -> None:
        lines = []
        for machine in self._site.machines:
            public = self.folder(machine) / "ssh_host_ed25519_key.pub"
            if public.exists():
                kind, key, *_ = public.read_text().split()
                lines.append(f"{machine.address} {kind} {key}\n")
        (self._site.state / "known_hosts").write_text("".join(lines))

    def _tap(self, machine: str, number: int = 0) -> str:
        """A network device's name may have 15 characters."""
        parts = f"{self._site.name}/{machine}" + (f"/{number}" if number else "")
        return f"lab{hashlib.sha256(parts.encode()).hexdigest()[:11]}"

    def _have_tap(self, machine: Machine, number: int) -> str:
        network = self._engine.network(self._site.name)
        if network is None:
            raise LabError(f"the lab's network '{self._site.name}' is gone; run 'machines up' again")
        tap = self._tap(machine.name, number)
        self._run(["ip", "link", "delete", tap], "")
        must(self._run, ["ip", "tuntap", "add", "dev", tap, "mode", "tap"])
        must(self._run, ["ip", "link", "set", "dev", tap, "master", f"br-{network['Id'][:12]}", "up"])
        return tap

    def _make_seed(self, folder: Path, files: dict[str, str]) -> None:
        """The small disk on which a cloud image looks for its first instructions."""
        have_programs(("mkfs.vfat", "mcopy"), self._run)
        seed = folder / "seed.img"
        with seed.open("wb") as stream:
            stream.truncate(1 << 20)
        must(self._run, ["mkfs.vfat", "-n", "CIDATA", str(seed)])
        for name, text in files.items():
            write_private(folder / name, text)
            must(self._run, ["mcopy", "-o", "-i", str(seed), str(folder / name), f"::{name}"])

    def _await_ssh(self, machine: Machine, seconds: int) -> None:
        deadline = time.monotonic() + seconds
        while last := answers_ssh(machine.address):
            if pid_of(self.folder(machine)) is None:
                raise LabError(f"{machine.name} has ended; its console is {self.folder(machine) / 'console.log'}")
            if time.monotonic() > deadline:
                raise LabError(
                    f"{machine.name} ({machine.address}) does not answer SSH after {seconds} s ({last}); "
                    f"its console is {self.folder(machine) / 'console.log'}"
                )
            time.sleep(0.3)
