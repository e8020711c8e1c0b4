# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading never stumbles: whatever YAML holds, the answer is a list of sentences."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._inventory.parse import MACHINE_KEYS, parse
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._inventory.reader import did_you_mean
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._inventory.rules import check
from tests.unit.plugins.module_utils._inventory.inventory_samples import SITE, inventory

WORDS = st.sampled_from(["", "k3s1", "k3s_server", "vm", "10.43.0.10", "10.0.0.0/31", "0.0.0.0/0", "[", "6c:1f", "é"])
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | WORDS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(WORDS | st.sampled_from(MACHINE_KEYS), inner, max_size=3)
    ),
    max_leaves=8,
)
VARIABLES = st.sampled_from(["homelab_groups", "homelab_machine", "homelab_node", "homelab_unknown", "group_names"])
PARTS = st.sampled_from([*MACHINE_KEYS, "labels", "taints", "tiers", "name"])


def judge(machines: dict[str, Any], site: dict[str, Any]) -> list[str]:
    model, problems = parse(machines, site)
    return [*(problem.sentence for problem in problems), *check(model)]


@settings(max_examples=300, deadline=None)
@given(VARIABLES, st.none() | PARTS, ANYTHING, st.sampled_from(sorted(SITE)), ANYTHING)
def test_any_document_gets_an_answer(variable: str, part: str | None, value: Any, key: str, other: Any) -> None:
    machines, site = inventory()
    if part and isinstance(machines["k3s1"][variable], dict):
        machines["k3s1"][variable][part] = value
    else:
        machines["k3s1"][variable] = value
    site[key] = other
    assert all("\n" not in sentence and ";" in sentence for sentence in judge(machines, site))


@pytest.mark.parametrize(("word", "hint"), [("metl", " (did you mean metal?)"), ("xyz", ""), ("", "")])
def test_a_hint_is_given_only_for_a_close_word(word: str, hint: str) -> None:
    assert did_you_mean(word, ("metal", "vm")) == hint
