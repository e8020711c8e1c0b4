# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is done for every combination of what lock, cache and release know."""

from __future__ import annotations

import pytest

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._release.model import Known, ReleaseError, plan

GOOD, BAD = "a" * 64, "b" * 64


@pytest.mark.parametrize(
    ("locked", "cached", "released", "kinds"),
    [
        (GOOD, GOOD, None, []),
        (GOOD, None, None, ["download"]),
        (GOOD, BAD, None, ["discard", "download"]),
        # the lock is stronger than what the release says today
        (GOOD, GOOD, BAD, []),
        (None, None, GOOD, ["download", "record"]),
        (None, GOOD, GOOD, ["record"]),
        (None, BAD, GOOD, ["discard", "download", "record"]),
    ],
)
def test_plan(locked: str | None, cached: str | None, released: str | None, kinds: list[str]) -> None:
    assert [action.kind for action in plan(Known("k3s", locked, cached, released))] == kinds


def test_plan_refuses_what_nobody_can_verify() -> None:
    with pytest.raises(ReleaseError, match="nobody can verify k3s"):
        plan(Known("k3s", None, GOOD, None))
