# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A DOUBLE of a mounted NFS share whose server is gone: a file system of FUSE that never answers, so that whoever
touches it waits. Runs a program beside it, in a mount namespace of its own, and ends with its exit status:
python3 hung_share.py FOLDER[:FOLDER] SECONDS PROGRAM ARGUMENT...
"""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys

NEW_NAMESPACE, PRIVATE, RECURSIVE = 0x00020000, 1 << 18, 1 << 14  # sched.h, mount.h
TIMED_OUT = 124


def mount_nothing(folders: list[str]) -> None:
    """Mount it everywhere; the kernel's first call, to which nobody answers, is not waited for by mount itself."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(NEW_NAMESPACE) or libc.mount(b"none", b"/", None, PRIVATE | RECURSIVE, None):
        raise OSError(ctypes.get_errno(), "no mount namespace")
    for folder in folders:
        connection = os.open("/dev/fuse", os.O_RDWR)
        options = f"fd={connection},rootmode=40000,user_id=0,group_id=0,subtype=nfs4".encode()
        if libc.mount(b"192.0.2.100:/mnt/rust", folder.encode(), b"fuse", 0, options):
            raise OSError(ctypes.get_errno(), "no file system of FUSE")


def main(folders: str, seconds: str, *program: str) -> int:
    """The program's exit status, or that of timeout(1)."""
    mount_nothing(folders.split(":"))
    with subprocess.Popen(program, start_new_session=True) as process:
        try:
            return process.wait(float(seconds))
        except subprocess.TimeoutExpired:
            process.kill()
            return TIMED_OUT


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
