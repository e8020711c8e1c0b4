# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: the few writes that no command does for us. Disks are opened exclusively."""

from __future__ import annotations

import array
import errno
import fcntl
import os
import stat
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from .contents import CLAIM_SIZE, EDGE, THOROUGH, Area, areas, claim_offset, encode_claim, read_contents
from .model import MIB, Claim, Contents, Disk
from .probe import FS_IMMUTABLE_FL, FS_IOC_GETFLAGS
from .probe_contents import reader
from .probe_identity import read_text

BLKRRPART = 0x125F  # linux/fs.h
FS_IOC_SETFLAGS = 0x40086602

# Every primary superblock and boot record lies in the first MiB.
HEAD = MIB


@contextmanager
def exclusive(path: str) -> Iterator[int]:
    """The kernel refuses this (EBUSY) while the disk or a part of it is mounted, in an array, mapped or swapped to."""
    descriptor = os.open(path, os.O_RDWR | os.O_EXCL | os.O_CLOEXEC)
    try:
        yield descriptor
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def is_blank(device: int, size: int) -> bool:
    with reader(f"/proc/self/fd/{device}", size) as read:
        return read_contents(read, size, samples=THOROUGH) == Contents()


def zero(device: int, places: Sequence[Area]) -> None:
    for offset, length in places:
        _put(device, bytes(length), offset)
    os.fsync(device)


def areas_to_erase(sys: Path, disk: Disk) -> list[Area]:
    """The edges of each partition, then all that is sampled, from the end to the start.

    The start goes last: until then a killed erasure leaves a disk that is plainly not blank.
    """
    edges = []
    for name in disk.partitions:
        entry = sys / "block" / disk.name / name
        start, size = (int(read_text(entry / key)) * 512 for key in ("start", "size"))
        length = min(EDGE, size)
        edges += [(start, length), (start + size - length, length)]
    return [*edges, *reversed(areas(disk.size, THOROUGH))]


def forget_partitions(device: int) -> None:
    fcntl.ioctl(device, BLKRRPART)


def put_claim(device: int, size: int, claim: Claim) -> None:
    _put(device, encode_claim(claim), claim_offset(size))


def drop_claim(device: int, size: int) -> None:
    _put(device, bytes(CLAIM_SIZE), claim_offset(size))


def _put(device: int, data: bytes, offset: int) -> None:
    view = memoryview(data)
    while view:
        written = os.pwrite(device, view, offset)
        view, offset = view[written:], offset + written


def make_immutable(path: str) -> str:
    """Why it could not be done; empty when it is done."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        flags = array.array("L", [0])
        fcntl.ioctl(descriptor, FS_IOC_GETFLAGS, flags)
        flags[0] |= FS_IMMUTABLE_FL
        fcntl.ioctl(descriptor, FS_IOC_SETFLAGS, flags)
    except OSError as error:
        if error.errno in (errno.EOPNOTSUPP, errno.ENOTTY, errno.EPERM, errno.EINVAL):
            return error.strerror or str(error)
        raise
    finally:
        os.close(descriptor)
    return ""


def replace_file(path: Path, text: str) -> None:
    """A power cut leaves the old file or the new one, never half of one."""
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            stream.write(text)
            if path.exists():
                found = path.stat()
                os.fchown(descriptor, found.st_uid, found.st_gid)
                os.fchmod(descriptor, stat.S_IMODE(found.st_mode))
            else:
                os.fchmod(descriptor, 0o644)
            stream.flush()
            os.fsync(descriptor)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise
    parent = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(parent)
    finally:
        os.close(parent)
