# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What brings a server to the new token, as a table."""

from __future__ import annotations

import pytest

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._token.plan import (
    Found,
    TokenError,
    finished,
    kind_of,
    plan,
)


@pytest.mark.parametrize(
    ("found", "elsewhere", "kinds"),
    [
        (Found("old", "old", "old"), False, ["rotate"]),
        # another server has done it: this one is only to be restarted
        (Found("old", "old", "old"), True, []),
        # cut off after the rotation, or finished
        (Found("new", "old", "new"), False, []),
        (Found("new", "new", "new"), False, []),
        # it crashed before its file was written, and waits in a restart loop
        (Found("none", "old", "new"), False, ["recover"]),
        (Found("none", "new", "old"), False, ["recover"]),
    ],
)
def test_steps(found: Found, elsewhere: bool, kinds: list[str]) -> None:
    assert [action.kind for action in plan(found, "s1", elsewhere)] == kinds


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (Found("other", "new", "other"), "s1 accepts neither the new nor the old server token; give the one"),
        (Found("none", "new", "other"), "s1 does not answer, and its /var/lib/rancher/k3s/server/token is neither"),
        (Found("none", "new", "none"), "start its k3s.service"),
    ],
)
def test_refusals_say_what_to_do(found: Found, words: str) -> None:
    with pytest.raises(TokenError, match=words):
        plan(found, "s1", rotated_elsewhere=False)


def test_a_recovery_names_the_token_that_the_server_recorded() -> None:
    assert "with the new server token" in plan(Found("none", "old", "new"), "s1", False)[0].sentence


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("fresh\n", "new"),
        ("K10abc::server:fresh\n", "new"),
        ("stale", "old"),
        ("K10abc::server:stale", "old"),
        ("K10abc::server:else", "other"),
        ("", "other"),
        (None, "none"),
    ],
)
def test_a_token_counts_by_its_password(text: str | None, kind: str) -> None:
    assert kind_of(text, "fresh", "stale") == kind


def test_without_an_old_token_nothing_is_the_old_one() -> None:
    assert kind_of("", "fresh", None) == "other"
    assert kind_of("", "fresh", "") == "other"


def test_finished_needs_both_the_process_and_its_file() -> None:
    assert finished(Found("new", "new", "new"))
    assert not finished(Found("new", "old", "new"))
    assert not finished(Found("old", "new", "old"))
