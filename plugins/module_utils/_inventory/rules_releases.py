# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: releases that cannot run together, and those that upstream does not test."""

from __future__ import annotations

from collections.abc import Iterator

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._inventory.model import Inventory
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._releases.judge import judge


def check_releases(inventory: Inventory) -> Iterator[str]:
    """Pairs that cannot start are refused before anything is installed."""
    yield from judge(inventory.site.releases).problems


def advise_releases(inventory: Inventory) -> Iterator[str]:
    """Pairs outside upstream's support are the owner's to choose, knowingly; a lone K3s is not worth a word."""
    if len(inventory.site.releases) > 1:
        yield from judge(inventory.site.releases).warnings
