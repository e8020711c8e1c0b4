# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What clients see, before and after the storage host was switched off, and without a pool; in this order."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from testinfra.host import Host

from tests.twin import Twin, environment

SCENARIO = Path(__file__).resolve().parents[1]
CONVERGE = str(SCENARIO / "converge.yml")
SERVER, CLIENT = "r730", "k3s-master1"
MEDIA, PLEX = "/srv/media", "/srv/plex"
UUIDS = {
    "/mnt/nvme_storage": "11111111-0000-4000-8000-000000000001",
    "/mnt/rust": "11111111-0000-4000-8000-000000000002",
}


@pytest.fixture(scope="module")
def twin() -> Twin:
    return Twin(SCENARIO / "inventory")


@pytest.fixture
def server(twin: Twin) -> Host:
    return twin.host(SERVER)


@pytest.fixture
def client(twin: Twin) -> Host:
    return twin.host(CLIENT)


def address(twin: Twin) -> str:
    return str(twin.variables[SERVER]["homelab_machine"]["address"])


def mounts(host: Host) -> dict[str, dict[str, Any]]:
    rows = json.loads(host.check_output("findmnt --json --list --output TARGET,SOURCE,FSTYPE,UUID,OPTIONS"))
    return {row["target"]: row for row in rows["filesystems"]}


def check(twin: Twin, client: Host, path: str) -> str:
    """What nfs_check says of one export."""
    arguments = f"server={address(twin)} exports={path} limit=30 fail=false"
    argv = [
        "ansible",
        "-i",
        str(twin.inventory),
        CLIENT,
        "--become",
        "-m",
        "fletcherlabs.homelab.nfs_check",
        "-a",
        arguments,
    ]
    return subprocess.run(argv, env=environment(), capture_output=True, text=True, check=False).stdout


def await_server(server: Host) -> None:
    """SSH answers before the end of a boot; nothing is started here that the boot does not start."""
    server.check_output("timeout 240 sh -c 'until systemctl is-active --quiet nfs-server.service; do sleep 1; done'")


def test_pools_are_mounted_as_they_were(server: Host) -> None:
    found = mounts(server)
    assert {path: found[path]["uuid"] for path in UUIDS} == UUIDS
    assert found["/mnt/rust"]["source"].startswith("/dev/md")
    assert server.file("/mnt/rust/media/film").content_string == "thirty terabytes\n"
    assert (server.file("/mnt/nvme_storage/plex").uid, server.file("/mnt/nvme_storage/plex").gid) == (1000, 1000)
    lines = [line.split() for line in server.file("/etc/fstab").content_string.splitlines()]
    assert {line[1]: line[0] for line in lines if line[1] in UUIDS} == {p: f"UUID={u}" for p, u in UUIDS.items()}


def test_the_server_runs_as_written(server: Host) -> None:
    assert server.check_output("cat /proc/fs/nfsd/threads") == "32"
    assert server.check_output("cat /proc/fs/nfsd/versions").split() == ["-3", "+4", "-4.0", "-4.1", "+4.2"]
    for disk in server.check_output("lsblk --noheadings --nodeps --output NAME,ROTA").splitlines():
        name, rotates = disk.split()
        wanted = "4096" if rotates == "1" else "128"
        assert server.file(f"/sys/block/{name}/queue/read_ahead_kb").content_string.strip() == wanted, disk


def test_a_client_writes_as_1000_with_version_4_2(twin: Twin, server: Host, client: Host) -> None:
    for place, path in ((MEDIA, "/mnt/rust/media"), (PLEX, "/mnt/nvme_storage/plex")):
        client.check_output("mkdir -p %s", place)
        options = "vers=4.2,hard,noatime,nconnect=4,timeo=600"
        client.check_output(f"mount -t nfs4 -o {options} {address(twin)}:{path} {place}")
    assert client.file(f"{MEDIA}/film").content_string == "thirty terabytes\n"
    assert {"vers=4.2", "hard", "nconnect=4"} <= set(mounts(client)[MEDIA]["options"].split(","))
    client.check_output(f"setpriv --reuid=1000 --regid=1000 --clear-groups sh -c 'echo mine > {PLEX}/config'")
    # apps of LinuxServer start as root and chown what they are to own
    client.check_output(f"echo begun > {PLEX}/start && chown 1000:1000 {PLEX}/start")
    for name in ("config", "start"):
        file = server.file(f"/mnt/nvme_storage/plex/{name}")
        assert (file.uid, file.gid) == (1000, 1000)


def test_nobody_else_may_mount(twin: Twin, server: Host) -> None:
    # the server itself is not among its clients
    done = server.run(f"timeout 60 mount -t nfs4 -o vers=4.2,retry=0 {address(twin)}:/mnt/rust/media /media")
    assert done.rc != 0
    assert "denied" in done.stderr or "No such file" in done.stderr, done.stderr


def test_file_handles_outlive_a_reboot_of_the_server(twin: Twin, client: Host) -> None:
    # a process that holds a file open over the reboot, and writes to it afterwards
    client.check_output(
        f"systemd-run --unit=holder --uid=1000 sh -c "
        f"'exec 3>>{PLEX}/open; echo before >&3; while [ ! -e /run/go ]; do sleep 0.2; done; echo after >&3'"
    )
    before = client.check_output(f"stat --format=%i {PLEX}/config {MEDIA}/film")
    twin.lab("power", "off", SERVER)
    assert "does not serve NFS" in check(twin, client, "/mnt/rust/media")
    twin.lab("power", "on", SERVER)
    server = twin.host(SERVER)
    await_server(server)
    assert client.check_output(f"timeout 240 cat {PLEX}/config") == "mine"
    assert client.check_output(f"timeout 60 stat --format=%i {PLEX}/config {MEDIA}/film") == before
    client.check_output("touch /run/go; timeout 240 sh -c 'while systemctl is-active --quiet holder; do sleep 1; done'")
    assert server.file("/mnt/nvme_storage/plex/open").content_string == "before\nafter\n"
    assert client.run("systemctl is-failed holder").stdout.strip() != "failed"


def test_a_second_run_after_the_reboot_changes_nothing(twin: Twin) -> None:
    run = twin.play(CONVERGE)
    assert (run.status, run.changed) == (0, False), run.output


def test_a_pool_that_is_gone_is_not_exported_and_the_other_one_is(twin: Twin, client: Host) -> None:
    client.check_output(f"umount {MEDIA} {PLEX}")
    twin.lab("power", "off", SERVER)
    for serial in ("NFSSAS01", "NFSSAS02"):
        twin.lab("disk", "pull", SERVER, serial)
    twin.lab("power", "on", SERVER)
    server = twin.host(SERVER)
    assert "/mnt/rust" not in mounts(server)
    assert server.check_output("ls -A /mnt/rust") == ""
    assert server.run("touch /mnt/rust/in-its-place").rc != 0
    await_server(server)
    assert "could not be mounted with NFS 4.2" in check(twin, client, "/mnt/rust/media")
    assert '"problems": []' in check(twin, client, "/mnt/nvme_storage/plex")
    run = twin.play(CONVERGE)
    assert run.status != 0
    assert "no device has the file system 11111111-0000-4000-8000-000000000002 of /mnt/rust" in run.text
    assert server.check_output("ls -A /mnt/rust") == ""
