# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: a host's network is as it was again, unless somebody who reached it confirms."""

# Nothing of Ansible here, and no other file of ours: host_uplink copies this one to the host, where it runs alone.
from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

FOLDER = Path("/var/lib/fletcherlabs-homelab/uplink")
UNITS = Path("/etc/systemd/system")
SERVICE = "homelab-uplink-boot.service"
TIMER = "homelab-uplink-restore"
SWITCH = "homelab-uplink-switch"
SETTLE_SECONDS = 8.0
# a connection that is older than the change must not confirm it
CALM_SECONDS = 2.0
# of addresses and of what networkd itself put there; it puts that there again
OWN_PROTOCOLS = ("static", "dhcp", "ra", "redirect")

# path -> content and mode, or None for a file that is not to be there
Files = Mapping[str, Any]
Change = dict[str, Any]
Route = dict[str, Any]


def pending() -> Change | None:
    """The change that nobody has confirmed yet."""
    try:
        return dict(json.loads((FOLDER / "pending.json").read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None


@contextlib.contextmanager
def locked() -> Iterator[None]:
    """One at a time: who confirms too late finds the change undone, and never half undone."""
    handle = os.open(FOLDER.parent, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def switch(token: str) -> None:
    """Write the new files and have networkd take them up."""
    with locked():
        change = pending()
        if change is not None and change["token"] == token:
            routes = _take_up(change, "before", "after")
            # who confirms has to have come over the new network
            told = {**change, "routes": routes, "switched": time.time()}
            write(str(FOLDER / "pending.json"), json.dumps(told), 0o600)


def restore(token: str) -> None:
    """Have everything as it was before the change; nothing where another change is under way."""
    with locked():
        change = pending()
        if change is not None and change["token"] == token:
            _take_up(change, "after", "before")
            _forget()
            _tidy(reload=True)


def at_boot() -> None:
    """Have the files as they were, before anything reads them."""
    with locked():
        change = pending()
        if change is not None:
            _write(change["before"])
            _generate(change)
            _forget()
        _tidy(reload=False)


def is_switched(token: str) -> bool | None:
    """Whether the new network has been there for a moment; None where the change is undone already."""
    change = pending()
    if change is None or change["token"] != token:
        return None
    return time.time() - change.get("switched", time.time()) >= CALM_SECONDS


def confirm(token: str) -> bool:
    """The change stays; false where it is undone already."""
    with locked():
        change = pending()
        if change is None or change["token"] != token or "switched" not in change:
            return False
        _forget()
        _tidy(reload=True)
        return True


def _forget() -> None:
    # from here on the files as they are now count
    (FOLDER / "pending.json").unlink()
    _sync(FOLDER)


def _tidy(reload: bool) -> None:
    link, unit = UNITS / "sysinit.target.wants" / SERVICE, UNITS / SERVICE
    there = unit.exists()
    link.unlink(missing_ok=True)
    unit.unlink(missing_ok=True)
    shutil.rmtree(FOLDER, ignore_errors=True)
    if reload:
        _run("systemctl", "stop", f"{TIMER}.timer")
        if there:
            _run("systemctl", "daemon-reload")


def _take_up(change: Change, old: str, new: str) -> list[Route]:
    carrier = change["carrier"][new]
    # those of before, where the network in between had no place for them
    routes = change.get("routes") or _foreign_routes(change["carrier"][old])
    _write(change[new])
    _generate(change)
    for device in change["made"] if new == "before" else ():
        # networkd removes no device that it made; its parts are free again with that
        _run("ip", "link", "delete", device)
    _run("networkctl", "reload")
    _settle(change, carrier, new, old)
    gateway = change["gateway"][old]
    if gateway and gateway != change["gateway"][new]:
        _run("ip", "route", "delete", "default", "via", gateway, "dev", carrier)
    for route in routes:
        _put(route, carrier)
    return routes


def _generate(change: Change) -> None:
    if change["netplan"]:
        _run("netplan", "generate")


def _settle(change: Change, carrier: str, new: str, old: str) -> None:
    """Wait for the addresses; KeepConfiguration= leaves those of before, so they are taken away here."""
    wanted = set(change["addresses"][new])
    if not _await(carrier, wanted):
        _run("networkctl", "reconfigure", carrier)
        _await(carrier, wanted)
    gone = set(change["addresses"][old]) - wanted if wanted else set()
    for address in sorted(gone & set(_addresses(carrier))):
        with contextlib.suppress(OSError):
            # else the kernel removes the second address of a network with the first
            Path(f"/proc/sys/net/ipv4/conf/{carrier}/promote_secondaries").write_text("1", encoding="ascii")
        _run("ip", "address", "delete", address, "dev", carrier)
    if gone and not _await(carrier, wanted, 1.0):
        _run("networkctl", "reconfigure", carrier)
        _await(carrier, wanted)


def _await(carrier: str, wanted: set[str], seconds: float = SETTLE_SECONDS) -> bool:
    """Whether the addresses come; without any wanted, whether one comes by DHCP."""
    end = time.monotonic() + seconds
    while True:
        there = set(_addresses(carrier))
        if wanted <= there and there:
            return True
        if time.monotonic() > end:
            return False
        time.sleep(0.2)


def _addresses(device: str) -> list[str]:
    found = _json("ip", "-json", "-4", "address", "show", "dev", device)
    return [f"{entry['local']}/{entry['prefixlen']}" for link in found for entry in link.get("addr_info", [])]


def _foreign_routes(device: str) -> list[Route]:
    """Routes that somebody else put there: the kernel drops them where the last address of an interface goes."""
    found = _json("ip", "-json", "-4", "route", "show", "table", "all", "dev", device)
    return [route for route in found if _is_foreign(route)]


def _is_foreign(route: Route) -> bool:
    of_address = route.get("protocol") == "kernel" and route.get("scope") == "link" and "prefsrc" in route
    return not (
        of_address
        or route.get("protocol") in OWN_PROTOCOLS
        or route.get("table") == "local"
        or route.get("dst") == "default"
        or route.get("type", "unicast") != "unicast"
        or "nexthops" in route
    )


def _put(route: Route, device: str) -> None:
    argv = ["ip", "route", "replace", route["dst"], "dev", device]
    for word, key in (("via", "gateway"), ("proto", "protocol"), ("metric", "metric"), ("table", "table")):
        argv += [word, str(route[key])] if key in route else []
    argv += ["scope", str(route["scope"])] if "scope" in route and "gateway" not in route else []
    here = [address.partition("/")[0] for address in _addresses(device)]
    argv += ["src", route["prefsrc"]] if route.get("prefsrc") in here else []
    argv += ["onlink"] if "onlink" in route.get("flags", []) else []
    _run(*argv)


def _write(files: Files) -> None:
    for path, wanted in files.items():
        if wanted is None:
            Path(path).unlink(missing_ok=True)
        else:
            write(path, wanted["content"], wanted["mode"])


def write(path: str, content: str, mode: int = 0o644) -> None:
    """Replace a file as a whole, and have it on the disk."""
    folder = os.path.dirname(path)
    os.makedirs(folder, exist_ok=True)
    temporary = os.path.join(folder, f".homelab-{os.path.basename(path)}")
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as stream:
        stream.write(content)
        os.fchmod(handle, mode)
        stream.flush()
        os.fsync(handle)
    os.rename(temporary, path)
    _sync(Path(folder))


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _json(*argv: str) -> list[dict[str, Any]]:
    try:
        return list(json.loads(_run(*argv) or "[]"))
    except ValueError:
        return []


def _run(*argv: str) -> str:
    """Standard output; what fails is told to the journal, and the rest is tried all the same."""
    try:
        done = subprocess.run(
            argv, capture_output=True, text=True, check=False, timeout=20, env={**os.environ, "LC_ALL": "C"}
        )
    except (OSError, subprocess.SubprocessError) as error:
        sys.stderr.write(f"{' '.join(argv)}: {error}\n")
        return ""
    if done.returncode != 0:
        sys.stderr.write(f"{' '.join(argv)} ended with status {done.returncode}: {done.stderr.strip()}\n")
    return done.stdout


def main(arguments: Sequence[str]) -> None:
    """What the units run."""
    if arguments[0] == "boot":
        at_boot()
    else:
        {"switch": switch, "restore": restore}[arguments[0]](arguments[1])


if __name__ == "__main__":
    main(sys.argv[1:])
