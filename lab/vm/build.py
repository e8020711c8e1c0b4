# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From nothing to virtual machines that answer, and the commands on single ones."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from lab.command import Runner, run
from lab.console import say
from lab.engine import Engine
from lab.errors import LabError
from lab.network import have_network
from lab.nodeimage import have_image
from lab.releases import Release, choose_release
from lab.runs import assert_unchanged, play, table
from lab.serve import have_mirror
from lab.setup import have_engine
from lab.site import Machine, Site
from lab.tools import have_tools
from lab.vm.hardware import hardware_of
from lab.vm.image import Image, have_vm_image, same_image
from lab.vm.machines import Rack, have_programs_for_machines
from lab.vm.nics import change_nic
from lab.vm.qemu import pid_of


def machines(engine: Engine, site: Site, nodes: Sequence[str] = (), cloud_image: Path | None = None) -> None:
    """Network and bare machines: those named, or all."""
    chosen = [named(site, node) for node in nodes] or list(site.machines)
    have_engine()
    have_programs_for_machines()
    image = _image(site, cloud_image)
    have_network(engine, site)
    Rack(engine, site, image).up(chosen)
    for machine in chosen:
        say(f"lab: ssh -i {site.state}/id_ed25519 -o UserKnownHostsFile={site.state}/known_hosts "
            f"{site.admin_user}@{machine.address}")  # fmt: skip


def up(engine: Engine, site: Site, cloud_image: Path | None = None) -> None:
    """All machines with the release mirror, site.yml on them, and a second run that changes nothing."""
    machines(engine, site, (), cloud_image)
    release = _have_release(engine, site)
    play(site)
    say("lab: the second run has to change nothing")
    assert_unchanged(site, play(site))
    say(status(site))
    say(release.words)


def _have_release(engine: Engine, site: Site) -> Release:
    have_tools()
    image = have_image(engine)
    release = choose_release(site.k3s_version, engine, image, in_containers=False)
    say(f"lab: {release.words}")
    have_mirror(engine, site, image, release)
    return release


def _image(site: Site, cloud_image: Path | None) -> Image:
    """The image the lab was begun with: layers stand on it."""
    note = site.state / "vms" / "image"
    if note.exists():
        if cloud_image is not None and str(cloud_image.resolve()) != note.read_text():
            raise LabError(f"the lab '{site.name}' was begun with {note.read_text()}; run 'down' to begin with another")
        return same_image(Path(note.read_text()))
    image = have_vm_image(cloud_image)
    note.parent.mkdir(parents=True, exist_ok=True)
    note.write_text(str(image.disk))
    return image


def named(site: Site, node: str) -> Machine:
    """The machine of that name."""
    for machine in site.machines:
        if machine.name == node:
            return machine
    known = ", ".join(machine.name for machine in site.machines)
    raise LabError(f"{site.inventory} has no machine '{node}'; its machines are {known}")


def stop(engine: Engine, site: Site) -> None:
    """End all machines and remove what they leave; nothing where there is none."""
    if (site.state / "vms").is_dir():
        Rack(engine, site, Image(Path(), "raw")).remove()


def on_machine(engine: Engine, site: Site, options: argparse.Namespace, runner: Runner = run) -> None:
    """reset, power, nic and disk: one machine."""
    if site.backend != "vm":
        raise LabError(f"{site.inventory} is a lab of containers; name a lab of virtual machines, such as inventory/vm")
    machine = named(site, options.node)
    rack = Rack(engine, site, _image(site, None), runner)
    if options.command == "reset":
        rack.bare(machine)
        rack.up([machine])
    elif options.command == "power":
        rack.up([machine]) if options.action == "on" else rack.off(machine, cut=options.action == "cut")
    elif options.command == "nic":
        change_nic(rack.folder(machine), hardware_of(machine.name, machine.variables), options.action, options.name)
    else:
        _disk(rack, machine, options)


def _disk(rack: Rack, machine: Machine, options: argparse.Namespace) -> None:
    bays = rack.bays(machine)
    if options.action != "list":
        rack.must_be_off(machine)
    if options.action == "shuffle":
        bays.shuffle(options.seed)
    elif options.action == "swap":
        bays.swap(*_serials(options, 2))
    elif options.action == "pull":
        bays.pull(*_serials(options, 1))
    elif options.action == "replace":
        say(f"lab: the new disk is {bays.replace(_serials(options, 1)[0], options.data).serial}")
    rows = [
        (disk.bus, disk.serial, disk.model, f"{disk.size // 1000**3} GB", "system" if disk.system else "data")
        for disk in bays.read()
    ]
    say(table(("BUS", "SERIAL", "MODEL", "SIZE", "USE"), rows))


def _serials(options: argparse.Namespace, count: int) -> list[str]:
    serials: list[str] = options.serials
    if len(serials) != count:
        raise LabError(f"'disk {options.action}' takes {count} serial number(s); {len(serials)} were given")
    return serials


def status(site: Site) -> str:
    """One row per machine: does it run, does it answer."""
    rows = []
    for machine in site.machines:
        folder = site.state / "vms" / machine.name
        made = "bare" if not (folder / "bays.json").exists() else "off" if pid_of(folder) is None else "on"
        rows.append(
            (machine.name, machine.address, ",".join(machine.groups), "never started" if made == "bare" else made)
        )
    return table(("MACHINE", "ADDRESS", "ROLE", "POWER"), rows)
