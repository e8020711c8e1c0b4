# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: the files of one apt repository, and whether apt has read them; pure."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._files.model import Wanted

from .key import fingerprints

FINGERPRINT = re.compile(r"[0-9A-F]{40}")
NAME = re.compile(r"[a-z0-9][a-z0-9-]*")
# what apt reads from a file *.asc
ARMOR = b"-----BEGIN PGP PUBLIC KEY BLOCK-----"


@dataclass(frozen=True)
class Pin:
    """One record of apt's preferences."""

    packages: str
    pin: str
    priority: int


@dataclass(frozen=True)
class Repository:
    """One repository as it is wanted."""

    name: str
    present: bool = True
    uris: str = ""
    suites: str = "/"
    components: tuple[str, ...] = ()
    key_url: str = ""
    fingerprint: str = ""
    keyring: str = ""  # one that is there anyhow, in place of a key of its own
    pins: tuple[Pin, ...] = ()
    folder: str = "/etc/apt"

    @property
    def has_source(self) -> bool:
        """Whether there is more to it than pins."""
        return self.present and bool(self.uris)

    @property
    def key_file(self) -> str:
        """Where its own key is kept."""
        return f"{self.folder}/keyrings/{self.name}.asc"

    @property
    def source_file(self) -> str:
        """Where apt learns of it."""
        return f"{self.folder}/sources.list.d/{self.name}.sources"

    @property
    def pins_file(self) -> str:
        """Where its pins are."""
        return f"{self.folder}/preferences.d/{self.name}"


def faults(wanted: Repository) -> list[str]:
    """What cannot become files of apt, one sentence each."""
    sentences = []
    if not NAME.fullmatch(wanted.name):
        sentences.append(f"name '{wanted.name}' cannot be a file of apt, expected small letters, digits and dashes")
    if not wanted.has_source:
        return sentences
    if not wanted.keyring and not FINGERPRINT.fullmatch(wanted.fingerprint):
        sentences.append(
            f"key_fingerprint of {wanted.name} is '{wanted.fingerprint}', expected 40 hexadecimal digits; "
            "take them from the page of the key's owner"
        )
    if bool(wanted.keyring) == bool(wanted.key_url):
        has = "both key_url and" if wanted.keyring else "neither key_url nor"
        sentences.append(f"{wanted.name} has {has} keyring, expected one of them; apt trusts no other key")
    if wanted.suites.endswith("/") == bool(wanted.components):
        sentences.append(
            f"suites '{wanted.suites}' and components '{' '.join(wanted.components)}' of {wanted.name} do not go "
            "together, expected components for a suite, and none for a directory that ends with /"
        )
    return sentences


def key_problem(wanted: Repository, content: bytes) -> str:
    """Why a file that was fetched is not the wanted key, nothing where it is."""
    found = fingerprints(content) if ARMOR in content else []
    if wanted.fingerprint in found:
        return ""
    has = f"has the key {', '.join(found)}" if found else "has no armored key"
    return f"{wanted.key_url} {has}, expected {wanted.fingerprint}; find out which is right before you go on"


def files_of(wanted: Sequence[Repository], keys: Mapping[str, str], owner: tuple[str, str]) -> list[Wanted]:
    """Directories and files of the repositories; a key only where it was fetched."""
    files: list[Wanted] = []
    for item in wanted:
        if not item.has_source or item.keyring:
            files.append(Wanted(item.key_file, "file", present=False))
        elif item.name in keys:
            # before the source, which apt could not read without it
            files.append(Wanted(item.key_file, "file", True, keys[item.name], 0o644, *owner))
        # before the source, which would give packages meanwhile
        has_pins = item.present and bool(item.pins)
        files.append(Wanted(item.pins_file, "file", has_pins, pins_text(item.pins), 0o644, *owner))
        files.append(Wanted(item.source_file, "file", item.has_source, source_text(item), 0o644, *owner))
    # a rehearsal has no key yet, and tells of its directory all the same
    needed = [file.path for file in files if file.present]
    needed += [item.key_file for item in wanted if item.has_source and not item.keyring]
    folders = {os.path.dirname(path) for path in needed}
    return [*(Wanted(folder, "directory") for folder in sorted(folders)), *files]


def source_text(wanted: Repository) -> str:
    """The repository in deb822 form. apt itself takes no signature of another key than the one named here."""
    signed_by = wanted.keyring or f"{wanted.key_file} {wanted.fingerprint}"
    lines = ["Types: deb", f"URIs: {wanted.uris}", f"Suites: {wanted.suites}"]
    if wanted.components:
        lines.append(f"Components: {' '.join(wanted.components)}")
    lines.append(f"Signed-By: {signed_by}")
    return "\n".join(lines) + "\n"


def pins_text(pins: Iterable[Pin]) -> str:
    """Records of apt's preferences, in the order given: of several that fit a version, the first counts."""
    records = (f"Package: {pin.packages}\nPin: {pin.pin}\nPin-Priority: {pin.priority}\n" for pin in pins)
    return "\n".join(records)


def unread(wanted: Repository, lists: Iterable[str]) -> bool:
    """Whether apt has yet to read one of its suites, by the names in /var/lib/apt/lists."""
    names = list(lists)
    for uri in wanted.uris.split():
        place = list_prefix(uri)
        for suite in wanted.suites.split():
            start = place if suite == "/" else f"{place}dists_{suite.replace('/', '_')}_"
            if not any(name.startswith(start) and name.endswith("Release") for name in names):
                return True
    return False


def list_prefix(uri: str) -> str:
    """How apt begins the names of files from there: without the scheme, slashes as underscores."""
    rest = re.sub(r"^[a-z+]+:(//)?", "", uri)
    return f"{rest.rstrip('/')}/".replace("/", "_")
