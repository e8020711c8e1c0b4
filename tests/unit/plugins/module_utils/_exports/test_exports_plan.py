# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is made and exported, and when the server is told."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._exports.model import Directory, Snapshot, Wanted
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._exports.plan import HEAD, content, difference, plan

MEDIA = Wanted("/mnt/rust/media", "/mnt/rust")
PLEX = Wanted("/mnt/fast/plex", "/mnt/fast")
CLIENTS = ["192.0.2.21", "192.0.2.3"]
FILE = "/etc/exports.d/homelab.exports"
OURS = Directory("directory", 1000, 1000)
TEXT = content([MEDIA, PLEX], CLIENTS)


def table(*exports: Wanted, clients: list[str] | None = None) -> frozenset[Any]:
    """What etab says: the options that were given and those that are the default."""
    rest = {"wdelay", "hide", "secure", "no_pnfs", "sec=sys"}
    return frozenset(
        (each.path, client, frozenset({*each.options, *rest})) for each in exports for client in clients or CLIENTS
    )


RIGHT = Snapshot(
    mounted=frozenset({"/", "/mnt/rust", "/mnt/fast"}),
    directories={MEDIA.path: OURS, PLEX.path: OURS},
    content=TEXT,
    others={},
    running=True,
    table=table(MEDIA, PLEX),
)


def run(found: Snapshot, *wanted: Wanted) -> Any:
    return plan(wanted or (MEDIA, PLEX), CLIENTS, found, FILE)


def test_the_file_says_it_all() -> None:
    assert content([PLEX, MEDIA], CLIENTS[::-1]) == (
        f"{HEAD}/mnt/fast/plex -rw,sync,no_subtree_check,mountpoint=/mnt/fast,fsid={PLEX.fsid},all_squash,"
        f"anonuid=1000,anongid=1000 192.0.2.21 192.0.2.3\n"
        f"/mnt/rust/media -rw,sync,no_subtree_check,mountpoint=/mnt/rust,fsid={MEDIA.fsid},all_squash,"
        f"anonuid=1000,anongid=1000 192.0.2.21 192.0.2.3\n"
    )


def test_an_identity_outlives_everything_but_the_path() -> None:
    # written down, for clients hold handles with it: a change here is a change for every mount
    assert MEDIA.fsid == "59629815-c9f3-5725-a826-b521d6cbd525"
    assert MEDIA.fsid == replace(MEDIA, pool="/mnt", uid=7, squash="none").fsid
    assert MEDIA.fsid != PLEX.fsid


@pytest.mark.parametrize(
    ("export", "expected"),
    [
        (replace(MEDIA, squash="root", uid=7, gid=8), ["root_squash", "anonuid=7", "anongid=8"]),
        (replace(MEDIA, squash="none"), ["no_root_squash"]),
        (replace(MEDIA, nested=True), ["all_squash", "anonuid=1000", "anongid=1000", "crossmnt"]),
    ],
)
def test_as_whom_clients_act(export: Wanted, expected: list[str]) -> None:
    assert list(export.options[5:]) == expected


def test_what_is_right_is_left_alone() -> None:
    assert run(RIGHT) == plan([], [], replace(RIGHT, content=content([], []), table=frozenset()), FILE)


@pytest.mark.parametrize(
    ("found", "kinds"),
    [
        (replace(RIGHT, directories={MEDIA.path: OURS, PLEX.path: Directory("absent")}), ["directory"]),
        (replace(RIGHT, content=None), ["write", "export"]),
        (replace(RIGHT, content=TEXT + "/mnt/rust *(rw)\n"), ["write", "export"]),
        (replace(RIGHT, content=None, running=False, table=frozenset()), ["write"]),
        (replace(RIGHT, running=False, table=frozenset()), []),
        # written by a run that was killed before the server was told
        (replace(RIGHT, table=frozenset()), ["export"]),
        (replace(RIGHT, table=table(MEDIA, PLEX, clients=CLIENTS[:1])), ["export"]),
        (replace(RIGHT, table=table(MEDIA, replace(PLEX, squash="none"))), ["export"]),
        # what was taken off the inventory, or came by hand, below a pool of ours
        (replace(RIGHT, table=RIGHT.table | table(Wanted("/mnt/rust/old", "/mnt/rust"))), ["export"]),
        (replace(RIGHT, table=RIGHT.table | table(MEDIA, clients=["*"])), ["export"]),
        # what is none of our business
        (replace(RIGHT, table=RIGHT.table | table(Wanted("/srv/x", "/srv"))), []),
        (replace(RIGHT, others={"/mnt/rust/iso": "/etc/exports"},
                 table=RIGHT.table | table(Wanted("/mnt/rust/iso", "/mnt/rust"))), []),
    ],
)  # fmt: skip
def test_only_what_differs_is_done(found: Snapshot, kinds: list[str]) -> None:
    done = run(found)
    assert ([action.kind for action in done.actions], done.problems) == (kinds, ())
    changes = difference([MEDIA, PLEX], CLIENTS, found, done.actions)
    assert (changes["before"] != changes["after"]) == bool({"directory", "write"} & set(kinds))


@pytest.mark.parametrize(
    ("found", "part"),
    [
        (replace(RIGHT, mounted=frozenset({"/", "/mnt/fast"})), "the pool /mnt/rust of /mnt/rust/media is not mounted"),
        (replace(RIGHT, directories={MEDIA.path: Directory("other"), PLEX.path: OURS}), "is no plain directory"),
        (replace(RIGHT, others={MEDIA.path: "/etc/exports"}), "/etc/exports exports /mnt/rust/media too"),
    ],
)
def test_one_problem_stops_everything(found: Snapshot, part: str) -> None:
    done = run(replace(found, content=None))
    assert (done.actions, len(done.problems)) == ((), 1)
    assert part in done.problems[0]


def test_a_directory_of_another_owner_is_kept_and_told_of() -> None:
    found = replace(RIGHT, directories={MEDIA.path: Directory("directory", 0, 0), PLEX.path: OURS})
    done = run(found)
    assert done.actions == ()
    assert "/mnt/rust/media was there and belongs to 0:0, while its clients act as 1000:1000" in done.warnings[0]
    assert run(found, replace(MEDIA, squash="root"), PLEX).warnings == ()
