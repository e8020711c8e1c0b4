# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from pathlib import Path

import pytest

from lab.k3s_standin import node_object
from lab.k3s_standin.options import Node

NODE = Node("k3s1", ("192.0.2.21",), (), {"node-type": "compute"}, (("gpu", "x", "NoSchedule"),), ("agent",))


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        (["agent", "--token", "secret"], ["agent", "--token", "********"]),
        (["agent", "--token=secret"], ["agent", "--token", "********"]),
        (
            ["server", "-t", "secret", "--agent-token", "other"],
            ["server", "-t", "********", "--agent-token", "********"],
        ),
        (["agent", "--token-file", "/etc/x"], ["agent", "--token-file", "/etc/x"]),
        (["agent", "--node-label=a=b"], ["agent", "--node-label", "a=b"]),
    ],
)
def test_secret_arguments_are_masked(words: list[str], wanted: list[str]) -> None:
    assert node_object.masked(words) == wanted


def test_secret_variables_are_masked() -> None:
    found = node_object.own_annotations(NODE, {"K3S_TOKEN": "secret", "K3S_URL": "https://a", "HOME": "/root"})
    assert found["k3s.io/node-env"] == '{"K3S_TOKEN":"********","K3S_URL":"https://a"}'
    assert "secret" not in str(found)


def _status(ready: bool, previous: list[dict[str, str]], now: str, root: Path) -> list[dict[str, str]]:
    status = node_object.status(NODE, "v1.32.5+k3s1", root, ready, previous, now)
    conditions: list[dict[str, str]] = status["conditions"]
    return conditions


def test_ready_follows_the_network_and_keeps_its_transition_time(tmp_path: Path) -> None:
    first = _status(False, [], "t1", tmp_path)
    assert first[-1]["status"] == "False" and first[-1]["reason"] == "KubeletNotReady"
    assert first[-1]["message"].endswith("Network plugin returns error: cni plugin not initialized")
    second = _status(True, first, "t2", tmp_path)
    assert (second[-1]["status"], second[-1]["lastTransitionTime"]) == ("True", "t2")
    third = _status(True, second, "t3", tmp_path)
    assert (third[-1]["lastTransitionTime"], third[-1]["lastHeartbeatTime"]) == ("t2", "t3")
    assert third[0]["lastTransitionTime"] == "t1"


def test_first_registration_carries_labels_and_taints(tmp_path: Path) -> None:
    made = node_object.new(NODE, {}, {})
    assert made["metadata"]["labels"]["node-type"] == "compute"
    assert made["metadata"]["labels"]["kubernetes.io/hostname"] == "k3s1"
    assert made["spec"]["taints"] == [{"key": "gpu", "value": "x", "effect": "NoSchedule"}]


def test_only_real_differences_count(tmp_path: Path) -> None:
    wanted = node_object.status(NODE, "v", tmp_path, True, [], "t1")
    assert not node_object.differs(node_object.status(NODE, "v", tmp_path, True, [], "t2"), wanted)
    assert not node_object.differs({**wanted, "capacity": {**wanted["capacity"], "nvidia.com/gpu": "1"}}, wanted)
    assert node_object.differs(node_object.status(NODE, "v", tmp_path, False, [], "t1"), wanted)
    assert node_object.differs(node_object.status(NODE, "old", tmp_path, True, [], "t1"), wanted)
    assert node_object.differs({}, wanted)
