# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Containers are kept, started, replaced and removed as the inventory wants it."""

from __future__ import annotations

import ipaddress
import json
import socket
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from lab import gpus, machines
from lab.command import Answer
from lab.engine import Engine
from lab.errors import LabError
from lab.network import have_network
from lab.site import LABEL, Machine, Site

WORKER = Machine("k3s1", "198.18.10.21", ("k3s_agent", "k3s_cluster"))
STORAGE = Machine("r730", "198.18.10.100", ("storage_host",))
SITE = Site(
    "twin", ipaddress.IPv4Network("198.18.10.0/24"), Path("inventory/lab"), "josh", "v1", (WORKER, STORAGE)
)  # fmt: skip


class Docker:
    """Answers like an engine that has these objects, and remembers every call that is not a question."""

    def __init__(self, containers: dict[str, Any], network: dict[str, Any] | None = None, cgroups: str = "1") -> None:
        self.containers, self.network, self.cgroups = containers, network, cgroups
        self.calls: list[list[str]] = []
        self.scripts: list[str] = []

    def __call__(self, argv: Sequence[str], stdin: str) -> Answer:
        words = list(argv[1:])
        if words[:2] == ["container", "inspect"]:
            found = self.containers.get(words[2])
            return Answer(0, json.dumps([found]), "") if found else Answer(1, "[]", "no such container")
        if words[:2] == ["network", "inspect"]:
            return Answer(0, json.dumps([self.network]), "") if self.network else Answer(1, "[]", "no such network")
        if words[0] == "ps":
            return Answer(0, "\n".join(self.containers), "")
        if words[0] == "info":
            return Answer(0, self.cgroups, "")
        if words[0] == "exec":
            self.scripts.append(stdin)
            return Answer(0, "ssh-ed25519 AAAA\n", "")
        self.calls.append(words)
        return Answer(0, "", "")


def container(machine: Machine, **changed: Any) -> dict[str, Any]:
    """What the engine says of a machine that is as it should be, but for changed."""
    wanted = {"image": "image:1", "address": machine.address, "privileged": False, "running": True}
    wanted |= {"binds": []} | changed
    return {
        "Config": {"Image": wanted["image"]},
        "HostConfig": {"Privileged": wanted["privileged"], "Binds": wanted["binds"] or [gpus.volume(SITE, machine)]},
        "State": {"Running": wanted["running"]},
        "NetworkSettings": {"Networks": {"twin": {"IPAMConfig": {"IPv4Address": wanted["address"]}}}},
    }


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lab.site.ROOT", tmp_path)
    # any folder: not every machine that runs the tests has this bus
    monkeypatch.setattr(gpus, "PCI", tmp_path)
    monkeypatch.setattr(machines, "_await_ssh", lambda machine: None)
    SITE.state.mkdir(parents=True)
    (SITE.state / "id_ed25519.pub").write_text("ssh-ed25519 CCCC lab\n")


def have(docker: Docker, privileged: bool = False) -> list[list[str]]:
    """Have all machines; the calls that took, those for one machine together."""
    machines.have_machines(Engine(docker), SITE, "image:1", privileged=privileged)
    return sorted(docker.calls, key=lambda call: call[-1])


def test_machines_that_are_right_stay_as_they_are() -> None:
    docker = Docker({"twin-k3s1": container(WORKER), "twin-r730": container(STORAGE)})
    assert have(docker) == []
    assert (SITE.state / "known_hosts").read_text() == (
        "198.18.10.21 ssh-ed25519 AAAA\n198.18.10.100 ssh-ed25519 AAAA\n"
    )


def test_a_stopped_machine_is_started() -> None:
    docker = Docker({"twin-k3s1": container(WORKER, running=False), "twin-r730": container(STORAGE)})
    assert have(docker) == [["start", "twin-k3s1"]]


@pytest.mark.parametrize(
    "changed", [{"image": "image:0"}, {"address": "198.18.10.9"}, {"privileged": True}, {"binds": ["/x:/y"]}]
)
def test_a_machine_that_is_not_as_described_is_replaced(changed: dict[str, Any]) -> None:
    docker = Docker({"twin-k3s1": container(WORKER, **changed), "twin-r730": container(STORAGE)})
    have(docker)
    assert docker.calls[0] == ["rm", "--force", "--volumes", "twin-k3s1"]
    assert docker.calls[1][:4] == ["run", "--detach", "--name", "twin-k3s1"]
    assert len(docker.calls) == 2


def test_a_machine_that_left_the_inventory_is_removed_and_the_mirror_stays() -> None:
    known = {"twin-k3s1": container(WORKER), "twin-r730": container(STORAGE)}
    docker = Docker(known | {"twin-old": {}, "twin-mirror": {}})
    assert have(docker) == [["rm", "--force", "--volumes", "twin-old"]]


def test_a_new_machine_has_its_address_and_two_capabilities_only() -> None:
    docker = Docker({"twin-r730": container(STORAGE)})
    (call,) = have(docker)
    assert call[call.index("--ip") + 1] == "198.18.10.21"
    assert call[call.index("--label") + 1] == f"{LABEL}=twin"
    assert [word for word in call if "cap-add" in word] == ["--cap-add=SYS_ADMIN", "--cap-add=NET_ADMIN"]
    assert "--privileged" not in call
    assert call[-1] == "image:1"
    assert "--volume=/sys/fs/cgroup:/sys/fs/cgroup:rw" in call


def test_with_newer_control_groups_this_machines_tree_is_not_mounted() -> None:
    docker = Docker({"twin-r730": container(STORAGE)}, cgroups="2")
    (call,) = have(docker)
    assert "--cgroupns=private" in call
    assert not any(word.startswith("--volume=/sys/fs/cgroup") for word in call)
    assert call[-3:] == ["sh", "-c", "mount -o remount,rw /sys/fs/cgroup && exec /lib/systemd/systemd"]


def test_real_k3s_gets_privileged_members_and_nothing_else_does() -> None:
    docker = Docker({})
    calls = {call[call.index("--name") + 1]: call for call in have(docker, privileged=True)}
    assert "--privileged" in calls["twin-k3s1"]
    assert "--privileged" not in calls["twin-r730"]


def test_only_members_get_the_network_marker_and_all_get_the_key() -> None:
    docker = Docker({"twin-k3s1": container(WORKER), "twin-r730": container(STORAGE)})
    have(docker)
    assert sum(machines.CNI_MARKER in script for script in docker.scripts) == 1
    assert all("echo 'ssh-ed25519 CCCC lab'" in script for script in docker.scripts)


def network(subnet: str = "198.18.10.0/24", lab: str = "twin") -> dict[str, Any]:
    return {"Labels": {LABEL: lab}, "IPAM": {"Config": [{"Subnet": subnet}]}}


def test_the_network_is_made_once() -> None:
    docker = Docker({}, None)
    have_network(Engine(docker), SITE)
    assert docker.calls == [
        ["network", "create", "--label", f"{LABEL}=twin", "--subnet", "198.18.10.0/24", "--gateway", "198.18.10.1",
         "twin"]
    ]  # fmt: skip
    docker = Docker({}, network())
    have_network(Engine(docker), SITE)
    assert docker.calls == []


def test_a_network_with_another_range_is_replaced_with_its_machines() -> None:
    docker = Docker({"twin-k3s1": {}}, network("198.18.11.0/24"))
    have_network(Engine(docker), SITE)
    assert [call[:2] for call in docker.calls] == [["rm", "--force"], ["network", "rm"], ["network", "create"]]


def test_a_network_of_somebody_else_is_left_alone() -> None:
    docker = Docker({}, network(lab="other"))
    with pytest.raises(LabError, match="a Docker network named 'twin' is there that is not a lab's"):
        have_network(Engine(docker), SITE)
    assert docker.calls == []


@pytest.mark.parametrize(("banner", "answer"), [(b"SSH-2.0-OpenSSH\r\n", ""), (b"HTTP/1.1 400\r\n", "answered b'HTTP")])
def test_ssh_is_told_from_something_else(banner: bytes, answer: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def greet() -> None:
            peer, _ = server.accept()
            peer.sendall(banner)
            peer.close()

        threading.Thread(target=greet, daemon=True).start()
        real = socket.create_connection
        monkeypatch.setattr(
            "socket.create_connection", lambda address, timeout: real(server.getsockname(), timeout=timeout)
        )
        assert machines.answers_ssh("198.18.10.21")[: len(answer) or None] == answer
