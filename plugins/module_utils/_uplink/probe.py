# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: how a host is on the network now."""

from __future__ import annotations

import json
import re
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .._command import CommandRunner, check_output
from .._probe.read_arp import who_has
from .model import File, Found, Link, UplinkError, Wanted

try:
    import yaml
except ImportError:
    yaml = None  # type: ignore[assignment]

FOLDERS = ("etc/systemd/network", "etc/netplan")
HEAD = "# Kept by fletcherlabs.homelab.node_network, with the rest of what stood here.\n"
SIGNS = re.compile(r"cilium_|lxc|cni\d|flannel")


def probe(run: CommandRunner, wanted: Wanted, root: Path) -> Found:
    """Links with who configures them, the files that matter, and who answers for the wanted address."""
    networkd = run(["systemctl", "is-active", "--quiet", "systemd-networkd.service"])[0] == 0
    links = _links(run, root, networkd)
    files = _files(root)
    return Found(
        links,
        _default(run),
        networkd,
        files,
        _documents(files),
        _answered(wanted, links),
        any(SIGNS.match(name) for name in links),
    )


def _links(run: CommandRunner, root: Path, networkd: bool) -> dict[str, Link]:
    told = json.loads(check_output(run, ["ip", "-json", "-details", "address", "show"]) or "[]")
    permanent = _permanent(root)
    return {
        entry["ifname"]: _link(entry, permanent, root, networkd)
        for entry in told
        if entry.get("ifname") and "LOOPBACK" not in entry.get("flags", [])
    }


def _link(entry: Mapping[str, Any], permanent: Mapping[str, str], root: Path, networkd: bool) -> Link:
    name = str(entry["ifname"])
    about = entry.get("linkinfo") or {}
    bond = about.get("info_data") or {} if about.get("info_kind") == "bond" else {}
    return Link(
        # the parts of a bond all show the bond's
        mac=permanent.get(name) or str(entry.get("address", "")),
        addresses=tuple(
            f"{each['local']}/{each['prefixlen']}"
            for each in entry.get("addr_info", [])
            if each.get("family") == "inet"
        ),
        file=_file_of(root, int(entry["ifindex"])) if networkd else "",
        other_manager=_other_manager(root, name, int(entry["ifindex"])),
        master=str(entry.get("master", "")),
        mode=str(bond.get("mode", "")) or ("other" if about.get("info_kind") in ("bridge", "vlan", "team") else ""),
        primary=str(bond.get("primary", "")),
    )


def _permanent(root: Path) -> dict[str, str]:
    """The MAC addresses that parts of bonds were made with."""
    found: dict[str, str] = {}
    folder = root / "proc/net/bonding"
    for path in folder.iterdir() if folder.is_dir() else ():
        text = path.read_text(encoding="ascii", errors="replace")
        for name, mac in re.findall(r"Slave Interface: (\S+)\n(?:.+\n)*?Permanent HW addr: (\S+)", text):
            found[name] = mac
    return found


def _file_of(root: Path, index: int) -> str:
    # what networkctl status shows as Network File, in every version alike
    path = root / "run/systemd/netif/links" / str(index)
    text = path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""
    match = re.search(r"^NETWORK_FILE=(.+)$", text, re.MULTILINE)
    return match.group(1) if match else ""


def _other_manager(root: Path, name: str, index: int) -> str:
    device = root / "run/NetworkManager/devices" / str(index)
    if device.exists() and re.search(r"^managed=(?:true|1)$", device.read_text(errors="replace"), re.MULTILINE):
        return "NetworkManager"
    folder = root / "etc/network/interfaces.d"
    files = [root / "etc/network/interfaces", *(sorted(folder.iterdir()) if folder.is_dir() else [])]
    words = rf"^\s*(?:iface\s+{re.escape(name)}\s|(?:auto|allow-\S+)\s.*\b{re.escape(name)}\b)"
    if any(re.search(words, file.read_text(errors="replace"), re.MULTILINE) for file in files if file.is_file()):
        return "ifupdown"
    return ""


def _default(run: CommandRunner) -> tuple[str, str] | None:
    found = json.loads(check_output(run, ["ip", "-json", "-4", "route", "show", "default"]) or "[]")
    first = min(found, key=lambda route: route.get("metric", 0), default=None)
    return (str(first.get("dev", "")), str(first.get("gateway", ""))) if first else None


def _files(root: Path) -> dict[str, File]:
    found = {}
    for folder in FOLDERS:
        for path in sorted((root / folder).rglob("*")):
            if path.is_file() and not path.is_symlink() and not path.name.startswith("."):
                mode = stat.S_IMODE(path.stat().st_mode)
                found[f"/{path.relative_to(root)}"] = File(path.read_text(encoding="utf-8", errors="replace"), mode)
    return found


def _documents(files: Mapping[str, File]) -> dict[str, Mapping[str, object]]:
    paths = [path for path in files if path.startswith("/etc/netplan/") and path.endswith(".yaml")]
    if paths and yaml is None:
        raise UplinkError(["netplan's files cannot be read without python3-yaml, which netplan needs too; install it"])
    found: dict[str, Mapping[str, object]] = {}
    for path in paths:
        try:
            document = yaml.safe_load(files[path].content) or {}
        except yaml.YAMLError as error:
            raise UplinkError([f"{path} is no YAML ({str(error).splitlines()[0]}); mend it, or remove it"]) from error
        if not isinstance(document, dict):
            raise UplinkError([f"{path} is no mapping, expected one with the key network; mend it, or remove it"])
        found[path] = document
    return found


def _answered(wanted: Wanted, links: Mapping[str, Link]) -> tuple[str, ...]:
    """Nobody is asked for an address that the host has already."""
    link = links.get(wanted.nic.name)
    if wanted.static is None or link is None or any(wanted.static.address in each.addresses for each in links.values()):
        return ()
    device = link.master or wanted.nic.name
    address = wanted.static.address.partition("/")[0]
    try:
        # without a sender's address, as RFC 5227 probes: nobody's table takes it up
        return tuple(who_has(device, link.mac, address, [address])[address])
    except OSError:
        return ()


def gateway_answers(wanted: Wanted) -> bool:
    """Whether the wanted gateway is there for the device that carries the address now."""
    if wanted.static is None:
        return True
    source, gateway = wanted.static.address.partition("/")[0], wanted.static.gateway
    folder = Path("/sys/class/net") / wanted.carrier
    try:
        mac = (folder / "address").read_text(encoding="ascii").strip()
        return bool(who_has(wanted.carrier, mac, source, [gateway])[gateway])
    except OSError:
        return False


def dump(document: Mapping[str, object]) -> str:
    """A document as netplan reads it."""
    return HEAD + str(yaml.safe_dump(dict(document), default_flow_style=False, sort_keys=False))
