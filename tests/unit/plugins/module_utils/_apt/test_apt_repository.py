# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of a repository, and whether apt has read it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._apt.repository import (
    Pin,
    Repository,
    faults,
    files_of,
    pins_text,
    source_text,
    unread,
)

FLAT = Repository(
    "toolkit",
    uris="https://nvidia.github.io/libnvidia-container/stable/deb/amd64/",
    key_url="https://nvidia.github.io/libnvidia-container/gpgkey",
    fingerprint="A" * 40,
)
DEBIAN = Repository(
    "nonfree",
    uris="http://deb.debian.org/debian",
    suites="bookworm bookworm-updates",
    components=("contrib", "non-free"),
    keyring="/k.gpg",
)


def test_a_flat_repository_is_signed_by_one_key() -> None:
    assert source_text(FLAT) == (
        "Types: deb\nURIs: https://nvidia.github.io/libnvidia-container/stable/deb/amd64/\nSuites: /\n"
        f"Signed-By: /etc/apt/keyrings/toolkit.asc {'A' * 40}\n"
    )


def test_a_suite_has_components_and_may_have_the_distributions_keyring() -> None:
    assert source_text(DEBIAN) == (
        "Types: deb\nURIs: http://deb.debian.org/debian\nSuites: bookworm bookworm-updates\n"
        "Components: contrib non-free\nSigned-By: /k.gpg\n"
    )


def test_pins_keep_their_order() -> None:
    pins = [Pin("nvidia-*", "version 580.*", 1001), Pin("*", "origin example.net", -1)]
    assert pins_text(pins) == (
        "Package: nvidia-*\nPin: version 580.*\nPin-Priority: 1001\n\n"
        "Package: *\nPin: origin example.net\nPin-Priority: -1\n"
    )


@pytest.mark.parametrize(
    ("wanted", "sentence"),
    [
        (replace(FLAT, name="NVIDIA.list"), "name 'NVIDIA.list' cannot be a file of apt"),
        (replace(FLAT, fingerprint="DDCAE044F796ECB0"), "is 'DDCAE044F796ECB0', expected 40 hexadecimal digits"),
        (replace(FLAT, components=("main",)), "do not go together"),
        (replace(DEBIAN, components=()), "do not go together"),
    ],
)
def test_what_apt_could_not_read_is_one_sentence(wanted: Repository, sentence: str) -> None:
    (problem,) = faults(wanted)
    assert sentence in problem


@pytest.mark.parametrize("wanted", [FLAT, DEBIAN, Repository("pins-alone", pins=(Pin("a", "version 1", 1),))])
def test_what_is_right_has_no_fault(wanted: Repository) -> None:
    assert faults(wanted) == []


@pytest.mark.parametrize(
    ("wanted", "has"),
    [(replace(FLAT, key_url=""), "neither key_url nor"), (replace(DEBIAN, key_url="x"), "both key_url and")],
)
def test_a_repository_has_one_key(wanted: Repository, has: str) -> None:
    assert faults(wanted) == [f"{wanted.name} has {has} keyring, expected one of them; apt trusts no other key"]


def test_a_key_and_the_pins_are_there_before_the_source() -> None:
    pinned = replace(FLAT, pins=(Pin("a", "version 1", 1),))
    files = files_of([pinned, replace(DEBIAN, present=False)], {"toolkit": "key\n"}, ("root", "root"))
    assert [(file.path, file.present) for file in files] == [
        ("/etc/apt/keyrings", True),
        ("/etc/apt/preferences.d", True),
        ("/etc/apt/sources.list.d", True),
        ("/etc/apt/keyrings/toolkit.asc", True),
        ("/etc/apt/preferences.d/toolkit", True),
        ("/etc/apt/sources.list.d/toolkit.sources", True),
        ("/etc/apt/keyrings/nonfree.asc", False),
        ("/etc/apt/preferences.d/nonfree", False),
        ("/etc/apt/sources.list.d/nonfree.sources", False),
    ]


@pytest.mark.parametrize(
    ("wanted", "lists", "expected"),
    [
        (FLAT, [], True),
        (FLAT, ["nvidia.github.io_libnvidia-container_stable_deb_amd64_Packages"], True),
        (FLAT, ["nvidia.github.io_libnvidia-container_stable_deb_amd64_InRelease"], False),
        (replace(FLAT, uris="file:/srv/double/"), ["_srv_double_InRelease"], False),
        (DEBIAN, ["deb.debian.org_debian_dists_bookworm_InRelease"], True),
        (
            DEBIAN,
            [
                "deb.debian.org_debian_dists_bookworm_InRelease",
                "deb.debian.org_debian_dists_bookworm-updates_InRelease",
            ],
            False,
        ),
        (Repository("pins-alone"), [], False),
    ],
)
def test_a_repository_is_unread_until_every_suite_is_in_apts_lists(
    wanted: Repository, lists: list[str], expected: bool
) -> None:
    assert unread(wanted, lists) is expected
