# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The guard on its own, as it runs on a host: a folder for the host's files, and a script of programs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._uplink import guard

POD = {"dst": "10.42.1.0/24", "gateway": "192.168.10.23", "protocol": "kernel", "flags": []}
ROUTES = [
    {"dst": "default", "gateway": "192.168.10.1", "protocol": "boot", "flags": []},
    {"dst": "192.168.10.0/24", "protocol": "kernel", "scope": "link", "prefsrc": "192.168.10.21", "flags": []},
    {"dst": "10.8.0.0/16", "gateway": "192.168.10.9", "protocol": "static", "flags": []},
    {"type": "local", "dst": "192.168.10.21", "table": "local", "protocol": "kernel", "scope": "host"},
    POD,
]


class Host:
    """Answers programs; networkd gives the interface what its file says."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "etc" / "uplink.network"
        self.file.parent.mkdir()
        self.file.write_text("old")
        self.calls: list[str] = []
        self.addresses = {"lan0": ["192.168.10.21/24"]}
        self.dead = False

    def __call__(self, *argv: str) -> str:
        self.calls.append(" ".join(argv))
        if argv[:2] == ("networkctl", "reload") and not self.dead:
            wanted = "192.168.10.31/24" if self.file.exists() and self.file.read_text() == "new" else "192.168.10.21/24"
            self.addresses["lan0"] = sorted({*self.addresses["lan0"], wanted})
        if argv[:3] == ("ip", "address", "delete"):
            self.addresses[argv[-1]].remove(argv[3])
        if "-json" in argv and "address" in argv:
            entries = [each.split("/") for each in self.addresses.get(argv[-1], [])]
            return json.dumps([{"addr_info": [{"local": one, "prefixlen": int(two)} for one, two in entries]}])
        return json.dumps(ROUTES) if "-json" in argv else ""


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Host:
    host = Host(tmp_path)
    monkeypatch.setattr(guard, "FOLDER", tmp_path / "lib" / "uplink")
    monkeypatch.setattr(guard, "UNITS", tmp_path / "units")
    monkeypatch.setattr(guard, "SETTLE_SECONDS", 0.3)
    monkeypatch.setattr(guard, "_run", host)
    (tmp_path / "units" / "sysinit.target.wants").mkdir(parents=True)
    (tmp_path / "units" / guard.SERVICE).write_text("unit")
    (tmp_path / "units" / "sysinit.target.wants" / guard.SERVICE).symlink_to("x")
    return host


def begin(host: Host, **more: Any) -> None:
    change = {
        "token": "t1", "before": {str(host.file): {"content": "old", "mode": 0o644}},
        "after": {str(host.file): {"content": "new", "mode": 0o644}}, "netplan": False, "made": [],
        "carrier": {"before": "lan0", "after": "lan0"}, "gateway": {"before": "192.168.10.1", "after": "192.168.10.1"},
        "addresses": {"before": ["192.168.10.21/24"], "after": ["192.168.10.31/24"]},
    }  # fmt: skip
    guard.write(str(guard.FOLDER / "pending.json"), json.dumps({**change, **more}), 0o600)


def is_at_rest() -> bool:
    units = [guard.UNITS / guard.SERVICE, guard.UNITS / "sysinit.target.wants" / guard.SERVICE]
    return not guard.FOLDER.exists() and not any(path.exists() or path.is_symlink() for path in units)


def test_a_confirmed_change_stays_and_leaves_nothing_else(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    begin(host)
    guard.switch("t1")
    assert (host.file.read_text(), host.addresses) == ("new", {"lan0": ["192.168.10.31/24"]})
    # a connection may be as old as the change
    assert guard.is_switched("t1") is False
    monkeypatch.setattr(guard, "CALM_SECONDS", 0)
    assert guard.is_switched("t1")
    assert guard.confirm("t1")
    assert is_at_rest()
    guard.restore("t1")
    assert host.file.read_text() == "new"


def test_a_change_that_nobody_confirmed_is_undone(host: Host) -> None:
    begin(host)
    guard.switch("t1")
    guard.main(["restore", "t1"])
    assert (host.file.read_text(), host.addresses) == ("old", {"lan0": ["192.168.10.21/24"]})
    assert is_at_rest()
    assert not guard.confirm("t1")
    assert guard.is_switched("t1") is None


def test_a_change_is_not_confirmed_before_it_was_made(host: Host) -> None:
    begin(host)
    assert guard.is_switched("t1") is False
    assert not guard.confirm("t1")
    assert guard.pending() is not None


def test_the_timer_of_an_earlier_change_touches_no_later_one(host: Host) -> None:
    begin(host)
    guard.switch("t1")
    guard.main(["restore", "t0"])
    assert (host.file.read_text(), guard.pending() is None) == ("new", False)
    guard.main(["switch", "t0"])
    assert not guard.confirm("t0")


def test_a_boot_finds_the_old_files_before_networkd_starts(host: Host) -> None:
    begin(host, netplan=True)
    guard.switch("t1")
    host.calls.clear()
    guard.main(["boot"])
    assert host.file.read_text() == "old"
    # netplan's own generator ran before any unit
    assert host.calls == ["netplan generate"]
    assert is_at_rest()
    guard.main(["boot"])
    assert host.calls == ["netplan generate"]


def test_a_file_that_was_not_there_goes_again(host: Host) -> None:
    begin(host, before={str(host.file): None})
    guard.switch("t1")
    guard.restore("t1")
    assert not host.file.exists()


def test_routes_of_others_are_put_there_again_and_no_others(host: Host) -> None:
    begin(host)
    guard.switch("t1")
    put = [call for call in host.calls if call.startswith("ip route replace")]
    assert put == ["ip route replace 10.42.1.0/24 dev lan0 via 192.168.10.23 proto kernel"]


def test_the_gateway_of_the_network_that_was_left_is_no_default_route_any_more(host: Host) -> None:
    begin(host, gateway={"before": "192.168.10.254", "after": "192.168.10.1"})
    guard.switch("t1")
    assert "ip route delete default via 192.168.10.254 dev lan0" in host.calls
    host.calls.clear()
    guard.restore("t1")
    assert "ip route delete default via 192.168.10.1 dev lan0" in host.calls


def test_a_bond_that_was_made_for_the_change_goes_with_it(host: Host) -> None:
    host.addresses["bond0"] = ["192.168.10.21/24"]
    begin(
        host, made=["bond0"], carrier={"before": "lan0", "after": "bond0"},
        addresses={"before": ["192.168.10.21/24"], "after": ["192.168.10.21/24"]},
    )  # fmt: skip
    guard.switch("t1")
    assert not [call for call in host.calls if "link delete" in call]
    guard.restore("t1")
    order = [call for call in host.calls if call in ("ip link delete bond0", "networkctl reload")]
    assert order == ["networkctl reload", "ip link delete bond0", "networkctl reload"]


def test_an_address_that_does_not_come_is_asked_for_once_more(host: Host) -> None:
    begin(host)
    host.dead = True
    guard.switch("t1")
    assert "networkctl reconfigure lan0" in host.calls
