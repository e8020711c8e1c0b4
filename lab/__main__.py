# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's command line: python -m lab up|down|status|machines|image|bench."""

from __future__ import annotations

import argparse
import fcntl
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lab import bench
from lab.console import fail, say
from lab.engine import Engine
from lab.errors import LabError
from lab.machines import have_machines, have_network, remove_lab
from lab.nodeimage import have_image
from lab.releases import Release, choose_release, have_mirror
from lab.report import report
from lab.runs import assert_unchanged, play
from lab.setup import have_engine
from lab.site import ROOT, Site, load_site
from lab.tools import have_tools


@contextmanager
def only_one(site: Site) -> Iterator[None]:
    """Keep two commands from building or removing one lab at once."""
    (ROOT / ".lab").mkdir(exist_ok=True)
    with (ROOT / ".lab" / f"{site.name}.lock").open("w") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise LabError(f"another command is at work on the lab '{site.name}'; wait for it to end") from error
        yield


def machines(engine: Engine, site: Site) -> Release:
    """Network, mirror and bare machines; nothing is built on them yet."""
    have_engine()
    have_tools()
    image = have_image(engine)
    have_network(engine, site)
    release = choose_release(site.k3s_version)
    say(f"lab: {release.words}")
    have_machines(engine, site, image, privileged=release.real)
    have_mirror(engine, site, image, release)
    return release


def up(engine: Engine, site: Site) -> None:
    """The whole lab: machines, the build, a second run that changes nothing, and what is up."""
    release = machines(engine, site)
    play(site)
    say("lab: the second run has to change nothing")
    assert_unchanged(play(site))
    say("")
    say(report(engine, site))
    say("")
    say(release.words)


def bench_labs(engine: Engine, site: Site, large: Path | None) -> None:
    """Build the larger lab if one is asked for, and measure both."""
    second = load_site(large) if large else None
    if second is not None:
        machines(engine, second)
        play(second)
    bench.main(site, second)


def parser() -> argparse.ArgumentParser:
    """The commands and their options."""
    result = argparse.ArgumentParser(prog="python -m lab", description=__doc__)
    commands = result.add_subparsers(dest="command", required=True)
    for name, text in (
        ("setup", "install and start the container engine if it is missing"),
        ("image", "build the node image and print its tag"),
        ("up", "build the whole lab"),
        ("machines", "start bare machines and the mirror"),
        ("status", "say what is up"),
        ("down", "remove every trace of the lab"),
        ("bench", "measure a run that changes nothing"),
    ):
        command = commands.add_parser(name, help=text)
        if name not in ("setup", "image"):
            command.add_argument("--inventory", type=Path, default=Path("inventory/lab"))
        if name == "down":
            command.add_argument("--keep-image", action="store_true", help="keep the node image for the next lab")
        if name == "machines":
            command.add_argument("action", choices=["up"], nargs="?", default="up")
        if name == "bench":
            command.add_argument("--large", type=Path, help="inventory of a second, larger lab to build and measure")
    return result


def dispatch(options: argparse.Namespace) -> None:
    """Run one command."""
    engine = Engine()
    if options.command == "setup":
        have_engine()
    elif options.command == "image":
        have_engine()
        say(have_image(engine))
    else:
        site = load_site(options.inventory)
        with only_one(site):
            if options.command == "up":
                up(engine, site)
            elif options.command == "machines":
                machines(engine, site)
            elif options.command == "status":
                say(report(engine, site))
            elif options.command == "down":
                remove_lab(engine, site, options.keep_image)
                say(f"lab: no trace of '{site.name}' is left")
            elif options.command == "bench":
                bench_labs(engine, site, options.large)
        if options.command == "down":
            (ROOT / ".lab" / f"{site.name}.lock").unlink(missing_ok=True)


def main() -> int:
    """Run the command line; a LabError is one sentence on standard error."""
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
