# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A USB adapter that is pulled and put back, alone and as the first part of a bond: the tests run in this order."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from lab.machines import answers_ssh
from tests.twin import Run, Twin

SCENARIO = Path(__file__).resolve().parents[1]
UPLINK = str(SCENARIO / "uplink.yml")
DIAGNOSE = "playbooks/diagnose.yml"
NODE, ADDRESS, SIDE_DOOR = "k3s1", "198.18.46.21", "198.18.46.99"
USB = "enx6c1ff71be8c8"
BONDED = ("-e", json.dumps({"node_network_static": True, "node_network_bond": {"backup": "eno1"}}))
# the other port, where the adapter that carries the address is out
BESIDE = ("-e", f"ansible_host={SIDE_DOOR}", "-e", f"ansible_ssh_extra_args='-o HostKeyAlias={ADDRESS}'")


@pytest.fixture(scope="module")
def twin() -> Twin:
    return Twin(SCENARIO / "inventory")


def until(condition: Callable[[], bool], seconds: float, what: str) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"{what} took more than {seconds} s"
        time.sleep(0.5)


def answers(address: str) -> bool:
    return not answers_ssh(address)


def diagnosis(twin: Twin, *arguments: str) -> Run:
    # in software emulation on a busy computer sudo, or the adapter of USB 1.1, is too slow for the limits now and then
    for _ in range(3):
        run = twin.play(DIAGNOSE, *arguments)
        if "UNREACHABLE" not in run.output and "Timed out after" not in run.text:
            break
    return run


def active(twin: Twin) -> str:
    return twin.host(NODE).file("/sys/class/net/bond0/bonding/active_slave").content_string.strip()


def test_an_adapter_that_is_pulled_is_named_in_one_line(twin: Twin) -> None:
    run = twin.play(UPLINK)
    assert run.status == 0, run.output
    assert diagnosis(twin).status == 0
    twin.host(NODE).check_output(f"ip address add {SIDE_DOOR}/24 dev eno1 && ip link set eno1 up")
    until(lambda: answers(SIDE_DOOR), 30, "the other port")
    twin.lab("nic", "unplug", NODE)
    # the adapter answered for that address too, and this machine's table has it for a while
    until(lambda: answers(SIDE_DOOR), 120, "the way over the other port")
    run = diagnosis(twin, *BESIDE)
    assert run.status == 2
    assert f"{NODE}: link {USB} is gone (the kernel said 'cdc_ether " in run.text, run.output
    assert f"{USB}: unregister 'cdc_ether'" in run.text
    assert "plug the adapter in again, or correct homelab_machine.nics" in run.text


def test_put_back_it_has_its_name_and_address_and_there_is_no_verdict(twin: Twin) -> None:
    twin.lab("nic", "plug", NODE)
    until(lambda: answers(ADDRESS), 60, "the address on the adapter")
    run = diagnosis(twin)
    assert run.status == 0, run.output
    twin.host(NODE).check_output("ip address flush dev eno1")


def test_a_bond_is_made_of_the_two_ports_and_kept(twin: Twin) -> None:
    run = twin.play(UPLINK, *BONDED)
    assert run.status == 0 and run.changed, run.output
    assert active(twin) == USB
    host = twin.host(NODE)
    assert host.interface("bond0").addresses[0] == ADDRESS
    assert host.file("/sys/class/net/bond0/address").content_string.strip() == "6c:1f:f7:1b:e8:c8"
    run = twin.play(UPLINK, *BONDED)
    assert run.status == 0 and not run.changed, run.output


def test_traffic_goes_on_without_the_first_adapter_and_the_diagnosis_says_so(twin: Twin) -> None:
    twin.lab("nic", "unplug", NODE)
    until(lambda: answers(ADDRESS), 5, "the way over the backup")
    assert active(twin) == "eno1"
    run = diagnosis(twin)
    assert run.status == 2
    assert f"{NODE}: link bond0 runs on its backup eno1, for {USB} is gone from its bus (the kernel said" in run.text


def test_the_first_adapter_takes_over_again_when_it_is_back(twin: Twin) -> None:
    twin.lab("nic", "plug", NODE)
    until(lambda: active(twin) == USB, 60, "the bond's first adapter")
    twin.lab("nic", "cable-out", NODE, "eno1")
    assert answers(ADDRESS)
    twin.lab("nic", "cable-in", NODE, "eno1")
