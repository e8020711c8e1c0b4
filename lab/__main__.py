# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's command line: python -m lab up|down|status|machines|reset|power|disk|nic|kubectl|bench|image|setup."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from dataclasses import replace
from pathlib import Path
from types import FrameType

from lab import bench, build
from lab.command import ROOT, environment
from lab.console import fail, say
from lab.engine import Engine
from lab.errors import LabError
from lab.lock import only_one
from lab.machines import remove_lab
from lab.nodeimage import have_image, remove_images
from lab.pve.run import remove_pve
from lab.report import report
from lab.setup import have_engine
from lab.site import BACKENDS, Site, load_site
from lab.tools import have_etcd, remove_shared
from lab.vm import build as vm
from lab.vm.nics import ACTIONS

# Commands on one virtual machine.
VM_COMMANDS = ("reset", "power", "disk", "nic")


def parser() -> argparse.ArgumentParser:
    """The commands and their options."""
    result = argparse.ArgumentParser(prog="python -m lab", description=__doc__)
    commands = result.add_subparsers(dest="command", required=True)
    commands.add_parser("setup", help="install and start the container engine if it is missing")
    commands.add_parser("image", help="build the node image and print its tag")
    added = {
        name: commands.add_parser(name, help=text)
        for name, text in (
            ("up", "build the whole lab"),
            ("machines", "start bare machines and the mirror"),
            ("status", "say what is up"),
            ("down", "remove every trace of the lab"),
            ("reset", "make a virtual machine bare again and start it"),
            ("power", "switch a virtual machine on or off, or cut its power"),
            ("disk", "move disks of a virtual machine that is off"),
            ("nic", "pull a network adapter or its cable out of a virtual machine that runs"),
            ("kubectl", "run kubectl on the lab's cluster; its arguments follow --"),
            ("bench", "measure a run that changes nothing"),
        )
    }
    for command in added.values():
        command.add_argument("--inventory", type=Path)
        command.add_argument(
            "--backend", choices=BACKENDS, help="containers or virtual machines; default: the inventory's"
        )
    added["down"].add_argument("--keep-image", action="store_true", help="keep the node image for the next lab")
    added["machines"].add_argument("action", choices=["up"], nargs="?", default="up")
    added["kubectl"].add_argument("arguments", nargs="*")
    _vm_options(added)
    bench.add_options(added["bench"])
    return result


def _vm_options(added: dict[str, argparse.ArgumentParser]) -> None:
    for name in ("up", "machines"):
        added[name].add_argument(
            "--image", type=Path, help="a cloud image for virtual machines, instead of the lab's own"
        )
    added["machines"].add_argument(
        "--node", action="append", default=[], help="this virtual machine only; may be repeated"
    )
    added["power"].add_argument("action", choices=["on", "off", "cut"])
    added["disk"].add_argument("action", choices=["list", "shuffle", "swap", "replace", "pull"])
    added["nic"].add_argument("action", choices=ACTIONS)
    for name in VM_COMMANDS:
        added[name].add_argument("node", metavar="NODE")
    added["nic"].add_argument("name", nargs="?", metavar="INTERFACE", help="the primary one where none is named")
    added["disk"].add_argument("serials", nargs="*", metavar="SERIAL")
    added["disk"].add_argument("--seed", type=int, default=1, help="another order for 'disk shuffle'")
    added["disk"].add_argument("--data", type=Path, help="a folder whose files the disk of 'disk replace' holds")


def _site(options: argparse.Namespace) -> Site:
    """The lab that is meant: the inventory named, else the backend's own."""
    default = ROOT / "inventory" / ("vm" if options.backend == "vm" or options.command in VM_COMMANDS else "lab")
    site = load_site(options.inventory or default)
    return replace(site, backend=options.backend or site.backend)


def kubectl(site: Site, arguments: list[str]) -> None:
    """Become kubectl, with the kubeconfig that site.yml fetched."""
    kubeconfig = site.state / "kubeconfig"
    if not kubeconfig.exists():
        raise LabError(f"the lab '{site.name}' has no kubeconfig yet ({kubeconfig}); build it with 'make lab'")
    program = str(ROOT / ".lab" / "bin" / "kubectl")
    os.execve(program, [program, "--kubeconfig", str(kubeconfig), *arguments], environment())


def down(engine: Engine, site: Site, keep_image: bool) -> None:
    """Remove the lab, and with the last lab what all labs share."""
    with only_one(site, remove=True):
        vm.stop(engine, site)
        remove_pve(engine, site)
        remove_lab(engine, site)
        if not keep_image:
            remove_images(engine)
    if not keep_image:
        remove_shared()
    say(f"lab: no trace of '{site.name}' is left" + (" but the node image" if keep_image else ""))


def dispatch(options: argparse.Namespace) -> None:
    """Run one command."""
    engine = Engine()
    if options.command == "setup":
        have_engine()
        return
    if options.command == "image":
        have_engine()
        image = have_image(engine)
        have_etcd(engine, image)
        say(image)
        return
    site = _site(options)
    if options.command == "status":
        say(vm.status(site) if site.backend == "vm" else report(engine, site))
    elif options.command == "kubectl":
        kubectl(site, options.arguments)
    elif options.command == "down":
        down(engine, site, options.keep_image)
    elif options.command == "bench":
        bench.main(engine, site, options)
    else:
        with only_one(site):
            _build(engine, site, options)


def _build(engine: Engine, site: Site, options: argparse.Namespace) -> None:
    if options.command in VM_COMMANDS:
        vm.on_machine(engine, site, options)
    elif site.backend == "vm" and options.command == "up":
        vm.up(engine, site, options.image)
    elif site.backend == "vm":
        vm.machines(engine, site, options.node, options.image)
    elif options.image or getattr(options, "node", []):
        raise LabError(f"--image and --node are for virtual machines, and {site.inventory} has containers")
    else:
        (build.up if options.command == "up" else build.machines)(engine, site)


def _terminated(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def main() -> int:
    """Run the command line; a LabError is one sentence on standard error."""
    signal.signal(signal.SIGTERM, _terminated)
    try:
        dispatch(parser().parse_args())
    except LabError as error:
        fail(str(error))
        return 1
    except KeyboardInterrupt:
        fail("interrupted; the next call finishes what this one began")
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
