# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""host_uplink on a host that is a folder and a script of programs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.testing import patch_module_args

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._uplink import guard, probe
from ansible_collections.fletcherlabs.homelab.plugins.modules import host_uplink

MAC = "6c:1f:f7:1b:e8:c8"
WANTED = {
    "interface": "lan0", "mac": MAC.upper().replace(":", "-"), "address": "192.168.10.21/24", "gateway": "192.168.10.1",
    "dns": ["192.168.10.1"],
}  # fmt: skip
OWN = "/etc/systemd/network/05-homelab-lan0.network"


class Host:
    """A host with one interface that networkd configures by DHCP."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.calls: list[list[str]] = []
        self.gateway = "192.168.10.1"
        self.answers: list[str] = []
        self.active = "inactive"
        for name in ("etc/systemd/network", "run/systemd/netif/links"):
            (root / name).mkdir(parents=True)
        self.configured_by("/run/systemd/network/80-dhcp.network")

    def configured_by(self, file: str) -> None:
        (self.root / "run/systemd/netif/links/2").write_text(f"ADMIN_STATE=configured\nNETWORK_FILE={file}\n")

    def __call__(self, argv: Sequence[str]) -> tuple[int, str, str]:
        self.calls.append(list(argv))
        if argv[:2] == ["systemctl", "is-active"]:
            return 0, f"{self.active}\n", ""
        if argv[-2:] == ["address", "show"]:
            info = [{"family": "inet", "local": "192.168.10.21", "prefixlen": 24}]
            entry = {"ifname": "lan0", "ifindex": 2, "address": MAC, "flags": ["UP"], "addr_info": info}
            return 0, json.dumps([{"ifname": "lo", "ifindex": 1, "flags": ["LOOPBACK"]}, entry]), ""
        if argv[-2:] == ["show", "default"]:
            return 0, json.dumps([{"dst": "default", "gateway": self.gateway, "dev": "lan0"}]), ""
        return 0, "", ""

    def who_has(self, _interface: str, _mac: str, _source: str, targets: list[str]) -> dict[str, list[str]]:
        return dict.fromkeys(targets, self.answers)


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Host:
    host = Host(tmp_path)
    monkeypatch.setattr(host_uplink, "ROOT", tmp_path)
    monkeypatch.setattr(host_uplink, "run_program", host)
    monkeypatch.setattr(probe, "who_has", host.who_has)
    monkeypatch.setattr(guard, "FOLDER", tmp_path / "lib/uplink")
    monkeypatch.setattr(guard, "UNITS", tmp_path / "units")
    monkeypatch.setattr(guard, "_run", lambda *argv: host(argv)[1])
    # the files that it would write are those of this machine
    monkeypatch.setattr(guard, "_take_up", lambda *_: [])
    (tmp_path / "units").mkdir()
    (tmp_path / "lib").mkdir()
    return host


def call(capsys: pytest.CaptureFixture[str], **options: Any) -> dict[str, Any]:
    with patch_module_args({**WANTED, **options}), pytest.raises(SystemExit):
        host_uplink.main()
    result: dict[str, Any] = json.loads(capsys.readouterr().out)
    return result


def test_a_change_is_rehearsed_begun_and_confirmed(
    host: Host, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    rehearsal = call(capsys, _ansible_check_mode=True)
    assert rehearsal["changed"] and not rehearsal["token"]
    assert guard.pending() is None
    done = call(capsys)
    assert (done["actions"], done["diff"]) == (rehearsal["actions"], rehearsal["diff"])
    units = [argv for argv in host.calls if argv[0] == "systemd-run"]
    # the one that undoes it is there before the one that does it
    assert [argv[-2] for argv in units] == ["restore", "switch"]
    assert all(argv[-1] == done["token"] for argv in units)
    assert (guard.UNITS / "sysinit.target.wants" / guard.SERVICE).is_symlink()
    change = guard.pending() or {}
    assert (list(change["before"]), change["before"][OWN]) == ([OWN], None)
    compile((guard.FOLDER / "guard.py").read_text(), "guard.py", "exec")

    # too early, then in time
    early = call(capsys, state="confirmed", token=done["token"])
    assert (early["changed"], early["confirmed"]) == (False, False)
    guard.write(str(guard.FOLDER / "pending.json"), json.dumps({**change, "switched": 0.0}))
    monkeypatch.setattr(host_uplink, "gateway_answers", lambda _wanted: True)
    assert call(capsys, state="confirmed", token=done["token"])["confirmed"]
    assert guard.pending() is None


def test_a_change_is_not_kept_where_its_gateway_is_not_there(
    host: Host, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    token = call(capsys)["token"]
    guard.write(str(guard.FOLDER / "pending.json"), json.dumps({**(guard.pending() or {}), "switched": 0.0}))
    monkeypatch.setattr(host_uplink, "gateway_answers", lambda _wanted: False)
    (problem,) = call(capsys, state="confirmed", token=token)["problems"]
    assert problem == "the change of the network is not kept, since its gateway 192.168.10.1 answers no ARP"
    host.gateway = "192.168.10.9"
    (problem,) = call(capsys, state="confirmed", token=token)["problems"]
    assert "the default route goes to 192.168.10.9 by lan0, expected 192.168.10.1 by lan0" in problem
    assert guard.pending() is not None


@pytest.mark.usefixtures("host")
def test_a_confirmation_that_comes_too_late_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    answer = call(capsys, state="confirmed", token="gone")
    assert answer["problems"] == ["the change of the network is undone, for its confirmation came too late; run again"]


def test_what_is_there_already_is_one_look(host: Host, capsys: pytest.CaptureFixture[str]) -> None:
    change = (call(capsys), guard.pending())[1] or {}
    (guard.FOLDER / "pending.json").unlink()
    (host.root / OWN[1:]).write_text(change["after"][OWN]["content"])
    host.configured_by(OWN)
    host.calls.clear()
    again = call(capsys)
    assert (again["changed"], again["actions"], again["token"], again["diff"]) == (False, [], "", [])
    assert not [argv for argv in host.calls if argv[0] == "systemd-run"]


def test_a_change_that_a_killed_run_left_without_guard_is_undone_first(
    host: Host, capsys: pytest.CaptureFixture[str]
) -> None:
    first = call(capsys)
    second = call(capsys)
    assert second["token"] not in ("", first["token"])
    assert (guard.pending() or {})["token"] == second["token"]


def test_reasons_are_told_before_anything_is_touched(host: Host, capsys: pytest.CaptureFixture[str]) -> None:
    host.answers = ["00:00:5e:00:53:77"]
    answer = call(capsys, address="192.168.11.30/24", mac="00:00:5e:00:53:01")
    assert len(answer["problems"]) == 3
    assert "192.168.11.30 is in use by another machine (MAC address 00:00:5e:00:53:77)" in answer["msg"]
    assert guard.pending() is None


def test_netplans_files_are_read_and_one_that_is_no_yaml_is_named(
    host: Host, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = host.root / "etc/netplan"
    folder.mkdir()
    host.configured_by("/run/systemd/network/10-netplan-lan0.network")
    file = folder / "00-installer-config.yaml"
    file.write_text("network: {version: 2, ethernets: {lan0: {dhcp4: true}}}\n")
    done = call(capsys, _ansible_check_mode=True, _ansible_diff=True)
    assert [action["target"] for action in done["actions"]] == [
        "/etc/systemd/network/10-netplan-lan0.network.d/homelab-uplink.conf",
        "/etc/netplan/00-installer-config.yaml", "/etc/netplan/90-homelab-uplink.yaml", "lan0",
    ]  # fmt: skip
    file.write_text("network: [\n")
    answer = call(capsys)
    assert answer["msg"].startswith("/etc/netplan/00-installer-config.yaml is no YAML (")


@pytest.mark.parametrize(
    ("path", "text", "manager"),
    [
        ("etc/network/interfaces", "auto lan0\niface lan0 inet dhcp\n", "ifupdown"),
        ("etc/network/interfaces.d/lan", "iface lan0 inet static\n", "ifupdown"),
        ("run/NetworkManager/devices/2", "[device]\nmanaged=true\n", "NetworkManager"),
    ],
)
def test_another_manager_is_named(
    host: Host, capsys: pytest.CaptureFixture[str], path: str, text: str, manager: str
) -> None:
    (host.root / path).parent.mkdir(parents=True)
    (host.root / path).write_text(text)
    assert f"lan0 is managed by {manager}, expected" in call(capsys)["msg"]
