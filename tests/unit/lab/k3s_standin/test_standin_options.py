# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from pathlib import Path

import pytest

from lab.k3s_standin import options
from lab.k3s_standin.config import ConfigError, Settings
from lab.k3s_standin.paths import Paths


@pytest.mark.parametrize(
    "label",
    [
        "node-type=compute",
        "example.org/x=1",
        "node.longhorn.io/create-default-disk=config",
        "node.kubernetes.io/anything=1",
        "kubelet.kubernetes.io/x=1",
        "topology.kubernetes.io/zone=a",
        "empty=",
    ],
)
def test_labels_a_kubelet_may_set_are_taken(label: str) -> None:
    key, _, value = label.partition("=")
    assert options.check_labels([label]) == {key: value}


@pytest.mark.parametrize("label", ["node-role.kubernetes.io/worker", "kubernetes.io/role", "x.k8s.io/y", "k8s.io/z"])
def test_reserved_labels_are_refused_as_upstream_refuses_them(label: str) -> None:
    with pytest.raises(ConfigError) as caught:
        options.check_labels(["fine=1", f"{label}=true"])
    assert str(caught.value).startswith(
        f"unknown 'kubernetes.io' or 'k8s.io' labels specified with --node-labels: [{label}]"
    )


def test_all_reserved_labels_are_named_at_once() -> None:
    with pytest.raises(ConfigError, match=r"\[kubernetes.io/a kubernetes.io/b\]"):
        options.check_labels(["kubernetes.io/b=1", "kubernetes.io/a=1"])


@pytest.mark.parametrize(
    ("taint", "wanted"),
    [
        ("gpu=nvidia:NoSchedule", ("gpu", "nvidia", "NoSchedule")),
        (
            "node-role.kubernetes.io/control-plane:NoSchedule",
            ("node-role.kubernetes.io/control-plane", "", "NoSchedule"),
        ),
        ("a=b:PreferNoSchedule", ("a", "b", "PreferNoSchedule")),
    ],
)
def test_taints_are_read(taint: str, wanted: tuple[str, str, str]) -> None:
    assert options.check_taints([taint]) == (wanted,)


@pytest.mark.parametrize("taint", ["a=b", "a=b:Never", ":NoSchedule"])
def test_wrong_taints_are_refused(taint: str) -> None:
    with pytest.raises(ConfigError, match="invalid taint spec"):
        options.check_taints([taint])


def _settings(**values: str) -> Settings:
    return Settings("agent", {name.replace("_", "-"): [value] for name, value in values.items()})


def test_node_name_is_lowered_and_checked(tmp_path: Path) -> None:
    paths = Paths(tmp_path)
    assert options.node(_settings(node_name="K3s1", node_ip="192.0.2.1"), paths).name == "k3s1"
    with pytest.raises(ConfigError, match="invalid node name 'a_b'"):
        options.node(_settings(node_name="a_b", node_ip="192.0.2.1"), paths)


def test_node_id_is_appended_and_kept(tmp_path: Path) -> None:
    settings, paths = _settings(node_name="n", node_ip="192.0.2.1", with_node_id="true"), Paths(tmp_path)
    first = options.node(settings, paths).name
    assert first.startswith("n-") and len(first) == len("n-") + 8
    assert options.node(settings, paths).name == first


@pytest.mark.parametrize(
    ("url", "message"),
    [("http://a:6443", "only https:// URLs are supported"), ("https://", "expected https://HOST:PORT")],
)
def test_server_url_must_be_https(url: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        options.server_url(_settings(server=url))


def test_token_comes_from_its_file(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("secret\n")
    assert options.token(_settings(token_file=str(tmp_path / "token"))) == "secret"
    assert options.token(_settings(token="direct", token_file="/nowhere")) == "direct"
