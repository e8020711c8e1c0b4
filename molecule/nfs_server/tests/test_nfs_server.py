# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is written on a storage host, and what is never made. Mounts by clients are the virtual machines' to show."""

from __future__ import annotations

import pytest
from testinfra.host import Host

EXPORTS = "/etc/exports.d/homelab.exports"
ORDER = "/etc/systemd/system/nfs-server.service.d/order-with-mounts.conf"


def test_the_package_is_there(host: Host) -> None:
    assert host.package("nfs-kernel-server").is_installed


@pytest.mark.parametrize(
    ("path", "uid", "gid", "mode"),
    [
        ("/mnt/rust/media", 1000, 1000, 0o755),
        ("/mnt/nvme_storage/plex", 1000, 1000, 0o755),
        ("/mnt/nvme_storage/backups/velero", 1001, 1002, 0o750),
        # on the way, and there before
        ("/mnt/nvme_storage/backups", 0, 0, 0o755),
        ("/mnt/nvme_storage/old", 65534, 65534, 0o711),
    ],
)
def test_directories_belong_to_those_who_use_them(host: Host, path: str, uid: int, gid: int, mode: int) -> None:
    directory = host.file(path)
    assert directory.is_directory
    assert (directory.uid, directory.gid, directory.mode) == (uid, gid, mode)


def test_nothing_else_was_made(host: Host) -> None:
    assert sorted(host.check_output("ls -A /mnt/nvme_storage /mnt/rust").split()) == [
        "/mnt/nvme_storage:", "/mnt/rust:", "backups", "media", "old", "plex"
    ]  # fmt: skip
    # the refused runs left no trace
    assert not host.file("/srv/unmounted").exists
    assert not host.file("/srv/away").exists


def test_exports_are_what_exportfs_itself_reads(host: Host) -> None:
    # exportfs parses the files and prints what it would export; its kernel is not asked
    shown = host.check_output("exportfs -ra 2>/dev/null; cat /var/lib/nfs/etab").splitlines()
    table = {tuple(line.partition("(")[0].split("\t")): line.partition("(")[2].rstrip(")").split(",") for line in shown}
    paths = ["/mnt/nvme_storage/backups/velero", "/mnt/nvme_storage/old", "/mnt/nvme_storage/plex", "/mnt/rust/media"]
    clients = ["192.0.2.21", "192.0.2.30"]
    assert sorted(table) == sorted([*((path, client) for path in paths for client in clients), ("/srv/iso", "*")])
    for path in paths:
        options = table[path, "192.0.2.21"]
        pool = "/".join(path.split("/")[:3])
        assert {"rw", "sync", "no_subtree_check", f"mountpoint={pool}"} <= set(options), options
    assert {"all_squash", "anonuid=1000", "anongid=1000"} <= set(table["/mnt/rust/media", "192.0.2.30"])
    # written down: clients' file handles hold it, so it may never change
    assert "fsid=59629815-c9f3-5725-a826-b521d6cbd525" in table["/mnt/rust/media", "192.0.2.30"]
    velero = set(table["/mnt/nvme_storage/backups/velero", "192.0.2.21"])
    assert {"root_squash", "no_all_squash", "anonuid=1001", "anongid=1002", "crossmnt"} <= velero


def test_the_server_serves_version_4_2_alone(host: Host) -> None:
    values = {
        key: host.check_output("nfsconf --get nfsd %s", key)
        for key in ("threads", "vers3", "vers4", "vers4.0", "vers4.1", "vers4.2", "udp")
    }
    assert values == {
        "threads": "24", "vers3": "n", "vers4": "y", "vers4.0": "n", "vers4.1": "n", "vers4.2": "y", "udp": "n"
    }  # fmt: skip


def test_the_server_waits_for_its_pools_and_not_for_ever(host: Host) -> None:
    # where the role runs the server, it has systemd read its files again
    host.check_output("systemctl daemon-reload")
    shown = host.check_output("systemctl show nfs-server.service --property=After,Wants,Requires,DropInPaths")
    properties = dict(line.split("=", 1) for line in shown.splitlines())
    for unit in ("mnt-rust.mount", "mnt-nvme_storage.mount"):
        assert unit in properties["After"].split()
        assert unit in properties["Wants"].split()
        assert unit not in properties["Requires"].split()
    # ours takes the place of the generator's, which would require every pool
    assert properties["DropInPaths"].split() == [ORDER]
    assert 'RequiresMountsFor="/srv/iso"\n' in host.file(ORDER).content_string


def test_rotating_disks_read_ahead(host: Host) -> None:
    rule = host.file("/etc/udev/rules.d/90-homelab-read-ahead.rules").content_string
    assert 'ATTR{queue/rotational}=="1"' in rule
    assert 'ATTR{queue/read_ahead_kb}="4096"' in rule


def test_what_was_applied_is_recorded_and_true(host: Host) -> None:
    host.check_output("sha256sum --check --strict /var/lib/fletcherlabs-homelab/nfs_server")


def test_files_of_others_are_as_they_were(host: Host) -> None:
    assert "/srv/iso *(ro)" in host.file("/etc/exports").content_string
    assert host.file(EXPORTS).mode == 0o644
