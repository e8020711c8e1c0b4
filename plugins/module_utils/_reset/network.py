# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: which network parts are Cilium's or K3s' own; pure."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

from .model import Rule

# lxc alone would also be lxcbr0, the bridge of LXC; Cilium's have twelve digits of a hash.
_CILIUM = re.compile(r"^(cilium_[a-z0-9]+|lxc[0-9a-f]{12}|lxc_health)$")
_K3S = re.compile(r"^(cni0|kube-ipvs0|flannel[.-].+)$")
# (priority, mark, table) of the rules that Cilium makes for its proxy; 100 is what it moves priority 0 to.
PROXY_RULES = ((9, "0x200/0xf00", "2004"), (10, "0xa00/0xf00", "2005"))
TABLES = ("2004", "2005")
LOCAL_PRIORITY = 100

_CHAIN = re.compile(r"^(?:OLD_)?(?:CILIUM_|KUBE-|CNI-|FLANNEL-)")
_COMMENT = re.compile(r'--comment (?:"[^"]*(?:cilium|flannel)[^"]*"|\S*(?:cilium|flannel)\S*)', re.IGNORECASE)


def is_cilium_link(name: str) -> bool:
    """Whether Cilium made this network interface."""
    return bool(_CILIUM.match(name))


def is_own_link(name: str) -> bool:
    """Whether Cilium, flannel, a bridge plugin or kube-proxy made this network interface."""
    return is_cilium_link(name) or bool(_K3S.match(name))


def ordered_links(names: Sequence[str]) -> list[str]:
    """Cilium's own first, as K3s demands; then its endpoints, then those of K3s."""
    return sorted(names, key=lambda name: (not is_cilium_link(name), not name.startswith("cilium"), name))


def rules_from(text: str, family: str) -> tuple[Rule, ...]:
    """The output of 'ip -json rule show'."""
    return tuple(_rule(item, family) for item in json.loads(text or "[]"))


def _rule(item: dict[str, Any], family: str) -> Rule:
    mark = item.get("fwmark", "")
    if mark and "fwmask" in item:
        mark = f"{mark}/{item['fwmask']}"
    selecting = set(item) - {"priority", "src", "table", "protocol", "fwmark", "fwmask"}
    plain = not mark and not selecting and item.get("src") == "all"
    return Rule(family, int(item["priority"]), mark, str(item.get("table", "")), plain)


def cilium_rules(rules: Sequence[Rule]) -> list[Rule]:
    """Rules that Cilium made; a plain one that looks up local at its priority is the kernel's own, moved."""
    return [
        rule
        for rule in rules
        if (rule.priority, rule.mark, rule.table) in PROXY_RULES
        or (rule.priority == LOCAL_PRIORITY and rule.plain and rule.table == "local")
    ]


def lacks_first_rule(rules: Sequence[Rule], family: str) -> bool:
    """Whether the kernel's own first rule is missing, without which nothing that is sent to this host arrives."""
    ours = [rule for rule in rules if rule.family == family]
    return bool(ours) and not any(rule.priority == 0 and rule.plain and rule.table == "local" for rule in ours)


def is_own_line(line: str) -> bool:
    """Whether a line of iptables-save belongs to a chain of ours, sends packets to one, or says that it is ours."""
    words = line.split()
    if not words or words[0].startswith(("*", "#")):
        return False
    if words[0].startswith(":"):
        return bool(_CHAIN.match(words[0][1:]))
    # with counters a rule begins with them
    words = words[1:] if words[0].startswith("[") else words
    named = [words[index + 1] for index, word in enumerate(words[:-1]) if word in ("-A", "-j", "-g")]
    return any(_CHAIN.match(name) for name in named) or bool(_COMMENT.search(line))


def own_lines(saved: str) -> list[str]:
    """Lines of iptables-save that a reset takes out."""
    return [line for line in saved.splitlines() if is_own_line(line)]


def without_own(saved: str) -> str:
    """What to restore: only the tables that have lines of ours, without them."""
    kept: list[str] = []
    for table in re.findall(r"^\*.*?^COMMIT$", saved, re.MULTILINE | re.DOTALL):
        lines = table.splitlines()
        if any(is_own_line(line) for line in lines):
            kept += [line for line in lines if not is_own_line(line)]
    return "".join(f"{line}\n" for line in kept)
