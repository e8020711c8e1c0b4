# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._disks.fstab import (
    clashes,
    line_for,
    merge_line,
    parse_fstab,
    render_fstab,
)
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._disks.model import Selector, Tier, Volume

TEXT = """\
# /etc/fstab: static file system information.
UUID=aaaa / ext4 errors=remount-ro 0 1

/swap.img	none	swap	sw	0	0
192.168.10.100:/mnt/rust/media /mnt/my\\040media nfs4 ro
"""


def volume(filesystem: str = "ext4", options: tuple[str, ...] = ()) -> Volume:
    tier = Tier("optane", 1, Selector(), "/mnt/optane-{n}", filesystem, options)
    return Volume(tier, 1, "S1", "1111")


def test_lines_of_others_survive_byte_for_byte() -> None:
    assert render_fstab(parse_fstab(TEXT)) == TEXT
    merged = render_fstab(merge_line(parse_fstab(TEXT), volume()))
    assert merged == TEXT + line_for(volume()).raw + "\n"


def test_escaped_fields_are_read() -> None:
    assert [line.mount for line in parse_fstab(TEXT) if line.kind == "nfs4"] == ["/mnt/my media"]


def test_a_line_goes_by_uuid_and_lets_the_boot_go_on() -> None:
    assert line_for(volume()).raw == (
        "UUID=1111 /mnt/optane-1 ext4 defaults,nofail,x-systemd.device-timeout=120s,x-homelab.volume=optane-1 0 2"
    )
    own = volume("xfs", ("noatime", "nofail", "x-systemd.device-timeout=5s"))
    assert line_for(own).raw == (
        "UUID=1111 /mnt/optane-1 xfs noatime,nofail,x-systemd.device-timeout=5s,x-homelab.volume=optane-1 0 0"
    )


def test_merging_twice_is_merging_once() -> None:
    once = merge_line(parse_fstab(TEXT), volume())
    assert merge_line(once, volume()) == once


def test_an_old_line_of_ours_is_replaced_in_its_place() -> None:
    old = "UUID=dead /mnt/old ext4 defaults,x-homelab.volume=optane-1 0 2\n"
    merged = render_fstab(merge_line(parse_fstab(old + TEXT + old), volume()))
    assert merged == line_for(volume()).raw + "\n" + TEXT


def test_a_line_by_hand_for_the_same_file_system_is_taken_over() -> None:
    for spec in ("UUID=1111", "LABEL=optane-1"):
        lines = parse_fstab(f"{spec} /mnt/optane-1 ext4 defaults 0 2\n")
        assert clashes(lines, volume()) == []
        assert render_fstab(merge_line(lines, volume())) == line_for(volume()).raw + "\n"


def test_a_line_of_another_volume_is_not_taken_over() -> None:
    lines = parse_fstab("UUID=1111 /mnt/optane-1 ext4 defaults,x-homelab.volume=optane-2 0 2\n")
    assert len(clashes(lines, volume())) == 1
    assert len(merge_line(lines, volume())) == 2


def test_a_line_for_something_else_at_our_place_is_a_clash() -> None:
    lines = parse_fstab("UUID=9999 /mnt/optane-1 ext4 defaults 0 2\n")
    [clash] = clashes(lines, volume())
    assert clash.startswith("/etc/fstab already mounts UUID=9999 at /mnt/optane-1, where optane-1 is wanted")
