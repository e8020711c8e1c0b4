# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is found on hosts of all kinds."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._command import CommandError
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._reset.model import ResetError, Wish
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._reset.plan import plan
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._reset.probe import Host, kept, probe
from tests.unit.plugins.module_utils._reset.fake_host import FILTER, FakeHost

BUNDLED = "/var/lib/rancher/k3s/data/current/bin/aux/iptables-save"


@pytest.fixture
def fake(tmp_path: Path) -> FakeHost:
    return FakeHost(tmp_path).build()


def with_answers(fake: FakeHost, answers: dict[str, tuple[int, str, str] | None]) -> Host:
    """The host, with other answers of some programs; None for one that is not installed."""

    def run(argv: Sequence[str]) -> tuple[int, str, str]:
        answer = answers.get(argv[0], answers.get(" ".join(argv), ""))
        if answer is None:
            raise FileNotFoundError(2, "No such file or directory", argv[0])
        return fake.run(argv) if answer == "" else answer

    return Host(run, fake.feed, str(fake.root), fake.kill)


def test_bare_host_has_nothing(tmp_path: Path) -> None:
    fake = FakeHost(tmp_path)
    fake.set_mounts({"/": "8:1 / ext4 /dev/sda1"})
    for family in ("-4", "-6"):
        fake.save(f"rules{family}", '[{"priority": 0, "src": "all", "table": "local"}]')
    found = probe(fake.host())
    assert (found.paths, found.links, found.units, found.processes) == (frozenset(), (), (), ())
    assert plan(Wish("k3s1", "k3s1"), found) == []
    assert kept(fake.host()) == []


def test_tools_are_ours_only_as_links_to_k3s(fake: FakeHost) -> None:
    paths = probe(fake.host()).paths
    assert {"/usr/local/bin/kubectl", "/usr/local/bin/crictl"} <= paths
    assert not {"/usr/local/bin/ctr", "/usr/local/bin/helm"} & paths


def test_nothing_is_looked_for_behind_a_link(fake: FakeHost) -> None:
    for name in ("cilium-cni", "loopback"):
        fake.at(f"/opt/cni/bin/{name}").unlink()
    fake.at("/opt/cni/bin").rmdir()
    fake.write("/mnt/ssd-1/cni/cilium-cni")
    fake.at("/opt/cni/bin").symlink_to(fake.at("/mnt/ssd-1/cni"))
    assert "/opt/cni/bin/cilium-cni" not in probe(fake.host()).paths


def test_link_in_the_place_of_a_directory_is_refused(fake: FakeHost) -> None:
    fake.at("/var/lib/rancher").rename(fake.at("/mnt/ssd-1/rancher"))
    fake.at("/var/lib/rancher").symlink_to("/mnt/ssd-1/rancher")
    with pytest.raises(ResetError) as error:
        plan(Wish("k3s1", "k3s1"), probe(fake.host()))
    assert error.value.reasons == [
        "/var/lib/rancher is a symbolic link to /mnt/ssd-1/rancher, expected a directory; put the directory back in "
        "its place, as nothing is removed through a link"
    ]


def test_port_of_k3s_bridge_is_a_link_of_ours(fake: FakeHost) -> None:
    for port, bridge in (("veth1", "cni0"), ("veth2", "docker0")):
        fake.write(f"/sys/class/net/{port}/address")
        fake.at(f"/sys/class/net/{port}/master").symlink_to(f"../{bridge}")
    links = probe(fake.host()).links
    assert "veth1" in links and "veth2" not in links


def test_host_without_packet_filter_tools_uses_those_of_k3s(fake: FakeHost) -> None:
    answers = {"iptables-save": None, "ip6tables-save": None}
    assert probe(with_answers(fake, answers)).packet_filters == {}
    assert list(probe(with_answers(fake, answers | {BUNDLED: (0, FILTER, "")})).packet_filters) == [BUNDLED]


def test_rules_of_the_older_packet_filter_are_found_too(fake: FakeHost) -> None:
    warning = "# Warning: iptables-legacy tables present, use iptables-legacy-save to see them\n"
    answers = {"iptables-save": (0, warning, ""), "iptables-legacy-save": (0, FILTER, ""), "ip6tables-save": None}
    assert list(probe(with_answers(fake, answers)).packet_filters) == ["iptables-legacy-save"]


def test_kernel_without_ipv6_is_no_fault_and_one_without_ipv4_is(fake: FakeHost) -> None:
    refused = (2, "", "RTNETLINK answers: Operation not supported")
    found = probe(with_answers(fake, {"ip -6 -json rule show": refused, "ip6tables-save": (1, "", "no such table")}))
    assert {rule.family for rule in found.rules} == {"-4"}
    with pytest.raises(CommandError, match="Operation not supported"):
        probe(with_answers(fake, {"ip -4 -json rule show": refused}))


def test_unit_of_a_package_is_stopped_and_not_waited_to_vanish(fake: FakeHost) -> None:
    show = "systemctl show --property LoadState,ActiveState,FragmentPath k3s.service"
    unit = "LoadState=loaded\nActiveState=active\nFragmentPath=/usr/lib/systemd/system/k3s.service\n"
    found = probe(with_answers(fake, {show: (0, unit, "")}))
    kinds = [action.kind for action in plan(Wish("k3s1", "k3s1"), found) if action.target == "k3s.service"]
    assert kinds == ["stop"]


def test_server_is_known_by_its_parts(tmp_path: Path) -> None:
    found = probe(FakeHost(tmp_path).build(server=True).host())
    assert found.datastore == ("/var/lib/rancher/k3s/server/db", "/var/lib/rancher/k3s/server/token")
