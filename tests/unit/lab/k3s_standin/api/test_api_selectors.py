# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest

from lab.k3s_standin.api import selectors
from lab.k3s_standin.api.errors import ApiError, Obj

LABELS = {"app": "web", "tier": "front", "example.com/role": "x"}

CASES = [
    ("", True),
    ("app=web", True),
    ("app==web", True),
    ("app=db", False),
    ("app!=db", True),
    ("missing!=x", True),
    ("app", True),
    ("!app", False),
    ("!missing", True),
    ("app in (web, db)", True),
    ("app notin (web,db)", False),
    ("missing notin (a)", True),
    ("missing in (a)", False),
    ("app=web,tier=front", True),
    ("app in (web,db),tier=back", False),
    ("example.com/role=x", True),
    ("app=", False),
]

FIELDS = [
    ("pods", "spec.nodeName=n1", True),
    ("pods", "spec.nodeName!=n1", False),
    ("pods", "metadata.name=p,metadata.namespace=d", True),
    ("pods", "status.phase!=Running", True),
    ("nodes", "spec.unschedulable=false", True),
    ("secrets", "type=Opaque", False),
]

POD: Obj = {"metadata": {"name": "p", "namespace": "d", "labels": LABELS}, "spec": {"nodeName": "n1"}, "type": "x"}


@pytest.mark.parametrize(("selector", "expected"), CASES)
def test_label_selector(selector: str, expected: bool) -> None:
    predicate = selectors.parse("pods", selector, "")
    assert (predicate is None or predicate(POD)) is expected


@pytest.mark.parametrize(("key", "selector", "expected"), FIELDS)
def test_field_selector(key: str, selector: str, expected: bool) -> None:
    predicate = selectors.parse(key, "", selector)
    assert predicate is not None and predicate(POD) is expected


@pytest.mark.parametrize(("label", "field"), [("a b c", ""), ("", "spec.unknown=1"), ("", "nonsense")])
def test_selector_that_makes_no_sense_is_a_bad_request(label: str, field: str) -> None:
    with pytest.raises(ApiError) as refusal:
        selectors.parse("pods", label, field)
    assert refusal.value.code == 400


def test_selector_object_with_expressions() -> None:
    matches = selectors.from_object(
        {
            "matchLabels": {"app": "web"},
            "matchExpressions": [
                {"key": "tier", "operator": "In", "values": ["front"]},
                {"key": "gone", "operator": "DoesNotExist"},
            ],
        }
    )
    assert matches(LABELS)
    assert not matches({**LABELS, "gone": "1"})


def test_absent_selector_object_matches_nothing_and_an_empty_one_everything() -> None:
    assert not selectors.from_object(None)(LABELS)
    assert selectors.from_object({})(LABELS)
