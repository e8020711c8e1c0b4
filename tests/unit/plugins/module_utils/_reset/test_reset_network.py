# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which interfaces, rules and packet filter lines are K3s' and Cilium's own."""

from __future__ import annotations

import pytest

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._reset.network import (
    cilium_rules,
    is_own_line,
    is_own_link,
    lacks_first_rule,
    ordered_links,
    own_lines,
    rules_from,
    without_own,
)

CILIUM = """[{"priority":9,"src":"all","fwmark":"0x200","fwmask":"0xf00","table":"2004"},
{"priority":10,"src":"all","fwmark":"0xa00","fwmask":"0xf00","table":"2005"},
{"priority":100,"src":"all","table":"local"},{"priority":32766,"src":"all","table":"main"}]"""
OTHERS = """[{"priority":0,"src":"all","table":"local"},{"priority":9,"src":"10.0.0.0","srclen":8,"table":"2004"},
{"priority":10,"src":"all","fwmark":"0x1","table":"2005"},{"priority":100,"src":"all","iif":"eth0","table":"local"}]"""


@pytest.mark.parametrize(
    ("name", "own"),
    [
        *((name, True) for name in ("cilium_host", "cilium_wg0", "lxc0123456789ab", "lxc_health", "cni0")),
        *((name, True) for name in ("flannel.1", "flannel-wg", "kube-ipvs0")),
        *(
            (name, False)
            for name in ("eth0", "lxcbr0", "lxdbr0", "docker0", "cilium", "veth1", "cni-podman0", "flannel")
        ),
    ],
)
def test_links_are_known_by_their_names(name: str, own: bool) -> None:
    assert is_own_link(name) is own


def test_links_of_cilium_itself_go_first() -> None:
    names = ["cni0", "lxc0123456789ab", "cilium_vxlan", "cilium_host"]
    assert ordered_links(names) == ["cilium_host", "cilium_vxlan", "lxc0123456789ab", "cni0"]


def test_rules_of_cilium_are_told_from_those_of_others() -> None:
    selectors = [" ".join(rule.selector) for rule in cilium_rules(rules_from(CILIUM, "-4"))]
    assert selectors == [
        "priority 9 fwmark 0x200/0xf00 lookup 2004",
        "priority 10 fwmark 0xa00/0xf00 lookup 2005",
        "priority 100 lookup local",
    ]
    assert cilium_rules(rules_from(OTHERS, "-4")) == []


def test_missing_first_rule_is_seen_for_each_family() -> None:
    rules = rules_from(CILIUM, "-4") + rules_from(OTHERS, "-6")
    assert lacks_first_rule(rules, "-4")
    assert not lacks_first_rule(rules, "-6")
    assert not lacks_first_rule((), "-4")


@pytest.mark.parametrize(
    ("line", "own"),
    [
        (":CILIUM_POST_nat - [0:0]", True),
        (":OLD_CILIUM_INPUT - [0:0]", True),
        (":KUBE-KUBELET-CANARY - [0:0]", True),
        ("[0:0] -A CNI-HOSTPORT-DNAT -j ACCEPT", True),
        ("-A FORWARD -j FLANNEL-FWD", True),
        ('-A POSTROUTING -s 10.42.0.0/16 -m comment --comment "flanneld masq" -j RETURN', True),
        (":INPUT DROP [0:0]", False),
        (":MY-KUBE-LOG - [0:0]", False),
        ("-A INPUT -s 10.42.0.0/16 -j ACCEPT", False),
        ('-A INPUT -m comment --comment "for KUBE-API" -j ACCEPT', False),
        ("*filter", False),
        ("# CILIUM_", False),
        ("", False),
    ],
)
def test_lines_of_the_packet_filter(line: str, own: bool) -> None:
    assert is_own_line(line) is own


def test_only_tables_with_own_lines_are_restored_and_keep_the_rest() -> None:
    saved = (
        "*nat\n:POSTROUTING ACCEPT [0:0]\n-A POSTROUTING -j MASQUERADE\nCOMMIT\n"
        "*filter\n:INPUT DROP [1:2]\n:KUBE-X - [0:0]\n"
        "-A INPUT -p tcp --dport 22 -j ACCEPT\n-A INPUT -j KUBE-X\nCOMMIT\n"
    )
    assert own_lines(saved) == [":KUBE-X - [0:0]", "-A INPUT -j KUBE-X"]
    assert without_own(saved) == "*filter\n:INPUT DROP [1:2]\n-A INPUT -p tcp --dport 22 -j ACCEPT\nCOMMIT\n"
    assert without_own(without_own(saved)) == ""
