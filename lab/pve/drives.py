# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Volumes on storages, and the drives of a machine that are made of them."""

from __future__ import annotations

import hashlib
import struct
import urllib.request
from typing import Any

from lab.pve.errors import ApiError, TaskError, invalid
from lab.pve.faults import Faults
from lab.pve.store import GIB, Store
from lab.pve.tasks import Log

UNITS = {"K": 1024, "M": 1024**2, "G": GIB, "T": 1024 * GIB}
QCOW2 = b"QFI\xfb"
CLOUD_INIT_SIZE = 4 * 1024**2


def in_bytes(text: str) -> int:
    """A size as upstream writes it: 64G, 4M, or a number of bytes."""
    return int(float(text[:-1]) * UNITS[text[-1]]) if text[-1:] in UNITS else int(text)


def in_words(size: int) -> str:
    """A size as upstream writes it into a drive."""
    for unit in ("T", "G", "M", "K"):
        if size % UNITS[unit] == 0:
            return f"{size // UNITS[unit]}{unit}"
    return str(size)


class Drives:
    """What storages hold."""

    def __init__(self, store: Store, faults: Faults) -> None:
        self._store, self._faults = store, faults

    def storage(self, name: str) -> dict[str, Any]:
        """A storage, or upstream's complaint."""
        if name not in self._store.storages:
            raise ApiError(500, f"storage '{name}' does not exist")
        found: dict[str, Any] = self._store.storages[name]
        return found

    def status(self, name: str) -> dict[str, Any]:
        """A storage as the node sees it."""
        found, free = self.storage(name), self._store.free(name)
        return {
            "storage": name, "type": found["type"], "content": ",".join(found["content"]), "total": found["total"],
            "avail": free, "used": found["total"] - free, "enabled": 1, "active": 1, "shared": 0,
        }  # fmt: skip

    def content(self, name: str) -> list[dict[str, Any]]:
        """The volumes of a storage."""
        return [{"volid": f"{name}:{key}", **value} for key, value in self.storage(name)["volumes"].items()]

    def allocate(self, storage: str, volume: str, size: int, **facts: Any) -> None:
        """A new volume, or what the node says when there is no room."""
        if self._store.free(storage) < size or storage in (self._faults.get("full") or ()):
            room = (
                f"lvcreate 'pve/{volume}' error: insufficient free space in thin pool"
                if self.storage(storage)["type"] == "lvmthin"
                else "No space left on device"
            )
            raise TaskError(f"unable to create image: {room}")
        self.storage(storage)["volumes"][volume] = {"size": size, **facts}
        self._store.save()

    def download(self, storage: str, data: dict[str, Any], log: Log) -> None:
        """The node fetches a file; a digest that is wrong leaves nothing behind."""
        log(f"downloading {data['url']} to {storage}:{data['content']}/{data['filename']}")
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(data["url"], timeout=20) as stream:
                content = stream.read()
        except OSError as error:
            raise TaskError(f"download failed: {error}") from error
        self._faults.half_way("imgdownload")
        wanted, algorithm = data.get("checksum"), data.get("checksum-algorithm")
        found = hashlib.new(algorithm, content).hexdigest() if algorithm else None
        log(f"calculating checksum...got '{found}', expected '{wanted}'")
        if wanted and found != wanted.lower():
            raise TaskError(f"checksum mismatch: got '{found}' != expect '{wanted}'")
        with self._store.lock:
            name = f"{data['content']}/{data['filename']}"
            self.allocate(storage, name, len(content), content=data["content"], virtual=virtual_size(content))

    def make(self, vmid: int, text: str, kind: str) -> str:
        """A drive from what a caller asks for: an existing volume, a new one, one that is imported, or none."""
        volume, *options = text.split(",")
        chosen = dict(part.partition("=")[::2] for part in options)
        if volume in ("none", "cdrom"):
            return text
        storage, _, rest = volume.partition(":")
        if "images" not in self.storage(storage)["content"] and chosen.get("media") != "cdrom":
            raise ApiError(500, f"storage '{storage}' does not support content-type 'images'")
        if rest == "cloudinit":
            self.allocate(storage, f"vm-{vmid}-cloudinit", CLOUD_INIT_SIZE, content="images", vmid=vmid)
            return f"{storage}:vm-{vmid}-cloudinit,media=cdrom,size={in_words(CLOUD_INIT_SIZE)}"
        if not rest.replace(".", "").isdigit():
            return text
        size = self._imported(chosen.pop("import-from")) if "import-from" in chosen else int(float(rest) * GIB)
        self._faults.half_way(kind)
        name = self._next(storage, vmid)
        self.allocate(storage, name, size, content="images", vmid=vmid)
        chosen.pop("size", None)
        return ",".join(
            [f"{storage}:{name}", *(f"{key}={value}" for key, value in chosen.items()), f"size={in_words(size)}"]
        )

    def _imported(self, source: str) -> int:
        storage, _, name = source.partition(":")
        if not name:
            raise invalid("import-from", "only root can use arbitrary paths")
        found = self.storage(storage)["volumes"].get(name)
        if found is None:
            raise TaskError(f"volume '{source}' does not exist")
        if found["content"] not in ("import", "images"):
            raise TaskError(
                f"import from '{source}' - has wrong type '{found['content']}' - needs 'images' or 'import'"
            )
        return int(found["virtual"])

    def _next(self, storage: str, vmid: int) -> str:
        taken = self.storage(storage)["volumes"]
        return next(name for number in range(99) if (name := f"vm-{vmid}-disk-{number}") not in taken)

    def resize(self, text: str, size: str) -> str:
        """A drive that has grown; upstream shrinks none."""
        volume = text.split(",")[0]
        storage, _, name = volume.partition(":")
        found = self.storage(storage)["volumes"][name]
        wanted = found["size"] + in_bytes(size[1:]) if size.startswith("+") else in_bytes(size)
        if wanted < found["size"]:
            raise TaskError("shrinking disks is not supported")
        if self._store.free(storage) < wanted - found["size"] or storage in (self._faults.get("full") or ()):
            raise TaskError(f"lvextend '/dev/pve/{name}' error: insufficient free space in thin pool")
        found["size"] = wanted
        kept = [part for part in text.split(",") if not part.startswith("size=")]
        return ",".join([*kept, f"size={in_words(wanted)}"])

    def drop(self, vmid: int) -> None:
        """Remove the volumes of a machine."""
        for storage in self._store.storages.values():
            for name in [name for name, volume in storage["volumes"].items() if volume.get("vmid") == vmid]:
                del storage["volumes"][name]


def virtual_size(content: bytes) -> int:
    """The size of the disk in an image: of its header where it is qcow2, else of the file."""
    return int(struct.unpack(">Q", content[24:32])[0]) if content[:4] == QCOW2 else len(content)


def cloud_image() -> bytes:
    """A small file with the header of a qcow2 image of 3 GiB, always the same: what the lab's mirror offers."""
    return QCOW2 + struct.pack(">IQIIQ", 3, 0, 0, 16, 3 * GIB) + b"a double of a cloud image\n" * 1024
