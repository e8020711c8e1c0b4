# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's own network, apart from everything else."""

from __future__ import annotations

from lab.engine import Engine
from lab.errors import LabError
from lab.site import LABEL, Site


def have_network(engine: Engine, site: Site) -> None:
    """The network with the inventory's range; one with an older range goes, together with the machines on it."""
    found = engine.network(site.name)
    if found is not None:
        if found["Labels"].get(LABEL) != site.name:
            raise LabError(
                f"a Docker network named '{site.name}' is there that is not a lab's; "
                f"rename the lab (lab_name in {site.inventory}) or remove that network"
            )
        if [part.get("Subnet") for part in found["IPAM"]["Config"]] == [str(site.subnet)]:
            return
        engine.remove(engine.containers(site.name))
        engine.call("network", "rm", site.name)
    engine.call(
        "network", "create", "--label", f"{LABEL}={site.name}", "--subnet", str(site.subnet),
        "--gateway", site.gateway, site.name,
    )  # fmt: skip
