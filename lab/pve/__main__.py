# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The double as a process of its own: python -m lab.pve INVENTORY --image IMAGE."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from lab.engine import Engine
from lab.pve.api import Api
from lab.pve.certificates import have_certificates
from lab.pve.faults import Faults
from lab.pve.guests import Containers
from lab.pve.run import PORT, accounts, folder_of
from lab.pve.server import Server
from lab.pve.store import Store
from lab.site import load_site


def main() -> int:
    """Serve until killed."""
    parser = argparse.ArgumentParser(prog="python -m lab.pve", description=__doc__)
    parser.add_argument("inventory", type=Path)
    parser.add_argument("--lab", help="the lab's name, by which its process is found again")
    parser.add_argument("--image", required=True)
    parser.add_argument("--privileged", action="store_true")
    options = parser.parse_args()
    site = load_site(options.inventory)
    folder = folder_of(site)
    faults = Faults(folder)
    guests = Containers(Engine(), site, options.image, faults, options.privileged)
    api = Api(Store(folder), faults, guests)
    for name, secret, privileges in accounts(folder):
        api.access.account(name, secret, privileges)
    have_certificates(folder / "certificates", site.gateway)
    print(f"the stand-in of the Proxmox VE API serves https://{site.gateway}:{PORT}", flush=True)
    Server((site.gateway, PORT), api, folder / "certificates").serve_forever()
    return 0


if __name__ == "__main__":
    sys.exit(main())
