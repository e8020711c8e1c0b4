# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: the releases of the site, typed."""

from __future__ import annotations

import re
from collections.abc import Mapping

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._inventory.reader import Form, Reader
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._releases.data import COMPONENTS, SETS

K3S = Form(
    "a version of K3s", re.compile(r"v\d+\.\d+\.\d+\+k3s\d+"), "write it as its release is called, e.g. v1.32.5+k3s1"
)
GATEWAY_API = Form("a version of Gateway API", re.compile(r"v\d+\.\d+\.\d+"), "write it as its tag, e.g. v1.1.0")
VERSION = Form("a version", re.compile(r"\d+\.\d+\.\d+"), "write all three numbers, e.g. 1.15.6")
CHANNELS = ("standard", "experimental")


def parse_releases(place: Reader, k3s: Reader, name: Reader, overrides: Reader) -> dict[str, str]:
    """Versions by component; K3s as it is to be installed, whatever the set says."""
    found: dict[str, str] = {}
    named = name.absent or name.choice(tuple(SETS)) is not None
    known = not isinstance(overrides.value, Mapping) or set(overrides.value) <= set(COMPONENTS)
    overrides.mapping(COMPONENTS, required=False)
    if not (named and known):
        # nothing follows from such a set, K3s' version included
        return found
    for component in COMPONENTS if not place.absent and place.mapping(COMPONENTS).is_mapping else ():
        entry = place[component]
        if component == "gateway_api_channel":
            value = entry.choice(CHANNELS, required=False)
        elif component == "k3s":
            continue
        else:
            value = entry.text(GATEWAY_API if component == "gateway_api" else VERSION, required=False)
        if value:
            found[component] = value
    version = k3s.text(K3S)
    return found | {"k3s": version} if version else found
