# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From nothing to a lab that is up: the steps in their order."""

from __future__ import annotations

from lab.console import say
from lab.engine import Engine
from lab.limits import have_room
from lab.machines import have_machines
from lab.network import have_network
from lab.nodeimage import have_image
from lab.pve.run import have_pve
from lab.releases import Release, choose_release
from lab.report import report
from lab.runs import assert_unchanged, play
from lab.serve import have_mirror
from lab.setup import have_engine
from lab.site import Site
from lab.tools import have_tools


def machines(engine: Engine, site: Site) -> Release:
    """Network, mirror and bare machines; nothing is built on them yet."""
    have_engine()
    have_tools()
    image = have_image(engine)
    have_network(engine, site)
    release = choose_release(site.k3s_version, engine, image)
    say(f"lab: {release.words}")
    have_room(engine, site)
    have_machines(engine, site, image, privileged=release.real)
    have_mirror(engine, site, image, release)
    if site.has_pve:
        have_pve(engine, site, image, privileged=release.real)
    return release


def up(engine: Engine, site: Site) -> None:
    """The whole lab: machines, the build, a second run that changes nothing, and what is up."""
    release = machines(engine, site)
    play(site)
    say("lab: the second run has to change nothing")
    assert_unchanged(site, play(site))
    say("")
    say(report(engine, site))
    say("")
    say(release.words)
