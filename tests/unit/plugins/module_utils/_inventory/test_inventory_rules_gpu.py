# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What GPUs and the wishes for them may not say together."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._inventory.parse import parse
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._inventory.rules import check
from tests.unit.plugins.module_utils._inventory.inventory_samples import inventory, put

GPUS, WISH = "k3s1.homelab_machine.gpus", "k3s1.homelab_node.gpu"
PLACE = "k3s1: homelab_node.gpu"
T4 = {"vendor": "nvidia", "model": "Tesla T4", "pci_id": "10de:1eb8"}
P40 = {"vendor": "nvidia", "model": "Tesla P40", "pci_id": "10de:1b38"}
RTX = {"vendor": "nvidia", "model": "RTX 4090", "pci_id": "10de:2684"}
BLACKWELL = {"vendor": "nvidia", "model": "RTX 5090", "pci_id": "10de:2b85"}
UHD = {"vendor": "intel", "model": "UHD Graphics 630"}

CASES: list[tuple[list[dict[str, Any]], Any, list[str]]] = [
    ([T4], {"replicas": 4, "branch": "580-server"}, []),
    ([T4, RTX], {"replicas": 2, "branch": "610", "kernel_module": "open"}, []),
    ([T4, UHD], {"replicas": 48, "shared": 10, "low_power_encode": True}, []),
    ([T4], {"replicas": 1}, []),
    # an id that nobody knows says nothing about drivers
    ([{**T4, "pci_id": "10de:0001"}, {"vendor": "nvidia", "model": "some card"}], {"branch": "470"}, []),
    ([T4], {"replicas": 300}, [
        f"{PLACE}.replicas: 300 pods on one GPU, expected at most 48, since each takes some 300 MiB of its memory "
        "before it does anything; write 1 to 48"]),
    ([UHD], {"shared": 49}, [
        f"{PLACE}.shared: 49 pods on one GPU, expected at most 48, since each takes some 300 MiB of its memory "
        "before it does anything; write 1 to 48"]),
    ([UHD], {"replicas": 4}, [
        f"{PLACE}.replicas shares a GPU of nvidia, and homelab_machine.gpus names none; remove it"]),
    ([T4], {"shared": 10}, [
        f"{PLACE}.shared shares a GPU of intel, and homelab_machine.gpus names none; remove it"]),
    ([], {"shared": 10}, [
        f"{PLACE} is there, but homelab_machine.gpus names no GPU; describe it there, or remove the wish"]),
    ([UHD], {"branch": "580-server"}, [
        f"{PLACE}.branch is about NVIDIA's driver, and homelab_machine.gpus names no such card; remove it"]),
    ([T4], {"branch": "581"}, [
        f"{PLACE}.branch: '581' is no known branch of NVIDIA's driver; "
        "the branches are 470, 535, 550, 565, 570, 575, 580, 590, 595, 610, 615"]),
    ([P40], {"branch": "580-server"}, []),
    ([T4, P40], {"branch": "595"}, [
        f"{PLACE}.branch: 595 knows no Tesla P40 (pascal) any more; the last that does is 580"]),
    ([RTX], {"branch": "470-server"}, [
        f"{PLACE}.branch: 470 does not know RTX 4090 (ada) yet; the first that does is 520"]),
    ([P40], {"kernel_module": "open"}, [
        f"{PLACE}.kernel_module: Tesla P40 is pascal, and the open module needs turing; write proprietary"]),
    ([BLACKWELL], {"branch": "580"}, [
        f"{PLACE}.kernel_module: RTX 5090 (blackwell) has the open module only; write kernel_module: open"]),
]  # fmt: skip

SHAPES: list[tuple[Any, str]] = [
    ({"replicas": 0},
     f"{PLACE}.replicas: '0' is not a whole number from 1; write digits without quotes or unit, e.g. 8"),
    ({"branch": "latest"},
     f"{PLACE}.branch: 'latest' is not a branch of NVIDIA's driver; "
     'write it in quotes, e.g. "580-server" on Ubuntu'),
    ({"replica": 4},
     f"{PLACE}.replica is not known (did you mean replicas?); "
     "the keys here are replicas, branch, source, kernel_module, shared, low_power_encode"),
    ({"source": "runfile"}, f"{PLACE}.source: 'runfile' is not known; write one of distribution, nvidia"),
    ({"low_power_encode": "yes"},
     f"{PLACE}.low_power_encode: 'yes' is not true or false; write true or false without quotes"),
]  # fmt: skip


@pytest.mark.parametrize(("gpus", "wish", "expected"), CASES)
def test_what_gpus_may_not_say(gpus: list[dict[str, Any]], wish: Any, expected: list[str]) -> None:
    machines, site = inventory()
    put(machines, GPUS, gpus)
    put(machines, WISH, wish)
    found, shape = parse(machines, site)
    assert [problem.sentence for problem in shape] == []
    assert check(found) == expected


@pytest.mark.parametrize(("wish", "expected"), SHAPES)
def test_a_wish_of_the_wrong_shape(wish: Any, expected: str) -> None:
    machines, site = inventory()
    put(machines, WISH, wish)
    assert [problem.sentence for problem in parse(machines, site)[1]] == [expected]


def test_the_owner_of_the_device_plugins() -> None:
    machines, site = inventory()
    problems = parse(machines, site | {"homelab_gpu_owner": "helm"})[1]
    assert [problem.sentence for problem in problems] == [
        "homelab_gpu_owner: 'helm' is not known; write one of ansible, flux"
    ]
