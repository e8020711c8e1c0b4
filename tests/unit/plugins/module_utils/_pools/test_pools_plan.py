# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How pools come to be mounted, or why not."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._pools.model import Found, Mounted, Wanted, unit_of
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._pools.plan import difference, fstab_line, plan

UUID, OTHER = "5c9f3d5e-0d0f-4a7e-9d5f-2f6c7d1e8b3a", "00000000-0000-4000-8000-000000000000"
RUST = "/mnt/rust"
KNOWN, ASIS = Wanted(RUST, UUID), Wanted(RUST)
HERE = Mounted("/dev/md127", "xfs", UUID)
READY = Found(RUST, mounted=HERE, fstab=f"UUID={UUID}")
AWAY = Found(RUST, immutable=True, device="/dev/md127", device_filesystem="xfs")


def run(pool: Wanted, found: Found) -> Any:
    return plan([pool], {pool.path: found})


@pytest.mark.parametrize(
    ("pool", "found"),
    [
        (KNOWN, READY),
        (Wanted(RUST, UUID.upper(), "xfs"), READY),
        # a line of the owner's own is left as it is
        (KNOWN, replace(READY, fstab="LABEL=rust")),
        (ASIS, READY),
        (Wanted(RUST, None, "zfs"), Found(RUST, mounted=Mounted("rust", "zfs", ""))),
    ],
)
def test_a_pool_that_is_right_is_left_alone(pool: Wanted, found: Found) -> None:
    assert run(pool, found) == plan([], {})


@pytest.mark.parametrize(
    ("found", "kinds"),
    [
        (AWAY, ["fstab", "mount"]),
        (replace(AWAY, fstab=f"UUID={UUID}"), ["mount"]),
        (replace(AWAY, fstab="/dev/disk/by-label/rust"), ["mount"]),
        (replace(AWAY, kind="absent", immutable=None), ["directory", "fstab", "mount"]),
        (replace(AWAY, immutable=False), ["directory", "fstab", "mount"]),
        # overlay and tmpfs cannot carry the mark
        (replace(AWAY, immutable=None), ["fstab", "mount"]),
        (replace(READY, fstab=""), ["fstab"]),
    ],
)
def test_a_pool_with_a_uuid_is_mounted_now_and_at_every_boot(found: Found, kinds: list[str]) -> None:
    done = run(KNOWN, found)
    assert ([action.kind for action in done.actions], done.problems) == (kinds, ())
    assert all(RUST in action.sentence for action in done.actions)
    assert RUST in difference([KNOWN], {RUST: found}, done.actions)["after"]


@pytest.mark.parametrize(
    ("pool", "found", "part"),
    [
        (KNOWN, Found(RUST, kind="other"), "is no plain directory"),
        (KNOWN, replace(READY, mounted=replace(HERE, uuid=OTHER)), f"(UUID {OTHER}), expected the file system {UUID}"),
        (KNOWN, replace(READY, mounted=Mounted("tmpfs", "tmpfs", "")), "has tmpfs mounted (UUID none)"),
        (Wanted(RUST, None, "zfs"), READY, "is xfs, expected zfs"),
        (KNOWN, replace(READY, mounted=replace(HERE, read_only=True)), "is mounted read-only"),
        (KNOWN, Found(RUST), "no device has the file system"),
        (Wanted(RUST, UUID, "ext4"), AWAY, "/dev/md127 of /mnt/rust holds xfs, expected ext4"),
        (KNOWN, replace(AWAY, entries=3), "holds 3 entries, which the pool would hide"),
        (KNOWN, replace(AWAY, fstab=f"UUID={OTHER}"), f"mounts UUID={OTHER} at {RUST}, expected UUID={UUID}"),
        (KNOWN, replace(READY, fstab_elsewhere="/srv"), f"mounts UUID={UUID} at /srv, expected {RUST}"),
        (
            ASIS,
            Found(RUST),
            "is not mounted, expected its pool, which is never exported as an empty directory; mount it",
        ),
        (ASIS, Found(RUST, fstab="UUID=x"), "/etc/fstab mounts UUID=x there: find out why it does not"),
        (Wanted(RUST, None, "zfs"), Found(RUST, kind="absent"), "import it (zpool import"),
        (ASIS, Found(RUST, mounted=Mounted("rust", "zfs", ""), shared_by_zfs=True), "zfs set sharenfs=off rust"),
    ],
)
def test_what_speaks_against_a_pool(pool: Wanted, found: Found, part: str) -> None:
    done = run(pool, found)
    assert done.actions == ()
    assert len(done.problems) == 1
    assert part in done.problems[0]


def test_one_dead_pool_stops_the_others_before_anything_is_touched() -> None:
    dead = Wanted("/mnt/dead", OTHER)
    done = plan([KNOWN, dead], {RUST: AWAY, "/mnt/dead": Found("/mnt/dead")})
    assert (done.actions, len(done.problems)) == ((), 1)


@pytest.mark.parametrize(
    ("found", "part"),
    [
        (replace(READY, fstab="/dev/md127"), "a name that may be another disk's"),
        (replace(READY, fstab="/dev/sdb1"), "a name that may be another disk's"),
        (replace(READY, fstab=""), "is mounted, but not by /etc/fstab"),
    ],
)
def test_what_is_worth_a_warning(found: Found, part: str) -> None:
    done = run(ASIS, found)
    assert (done.actions, done.problems) == ((), ())
    assert part in done.warnings[0]


def test_the_line_keeps_a_boot_going() -> None:
    assert fstab_line(KNOWN, "xfs") == f"UUID={UUID} {RUST} xfs defaults,nofail,x-systemd.device-timeout=120s 0 0"
    own = Wanted(RUST, UUID, options=("noatime", "nofail", "x-systemd.device-timeout=5min"))
    assert fstab_line(own, "ext4") == f"UUID={UUID} {RUST} ext4 noatime,nofail,x-systemd.device-timeout=5min 0 2"


@pytest.mark.parametrize(
    ("path", "unit"),
    [
        # from systemd-escape --path --suffix=mount
        ("/mnt/rust", "mnt-rust.mount"),
        ("/mnt/nvme_storage", "mnt-nvme_storage.mount"),
        ("/mnt/my-pool/", "mnt-my\\x2dpool.mount"),
        ("/", "-.mount"),
        ("/.hidden", "\\x2ehidden.mount"),
    ],
)
def test_units_are_called_as_systemd_does(path: str, unit: str) -> None:
    assert unit_of(path) == unit


MOUNTED = st.none() | st.builds(
    Mounted,
    st.just("/dev/x"),
    st.sampled_from(["xfs", "ext4", "zfs"]),
    st.sampled_from([UUID, OTHER, ""]),
    st.booleans(),
)
FOUND = st.builds(
    Found,
    path=st.just(RUST),
    kind=st.sampled_from(["directory", "absent", "other"]),
    entries=st.integers(0, 2),
    immutable=st.none() | st.booleans(),
    mounted=MOUNTED,
    device=st.sampled_from(["", "/dev/x"]),
    device_filesystem=st.sampled_from(["", "xfs", "ext4"]),
    fstab=st.sampled_from(["", f"UUID={UUID}", f"UUID={OTHER}", "/dev/sdb1"]),
    fstab_elsewhere=st.sampled_from(["", "/srv"]),
    shared_by_zfs=st.booleans(),
)


@given(FOUND, st.sampled_from([None, UUID]), st.sampled_from([None, "xfs", "zfs"]))
def test_no_plan_ever_mounts_over_data_or_without_a_uuid_or_knows_another_step(
    found: Found, uuid: str | None, kind: str | None
) -> None:
    done = run(Wanted(RUST, uuid, kind), found)
    kinds = {action.kind for action in done.actions}
    assert kinds <= {"directory", "fstab", "mount"}
    assert not (kinds and done.problems)
    if "mount" in kinds:
        assert uuid
        assert found.device
        assert (found.entries, found.mounted) == (0, None)
