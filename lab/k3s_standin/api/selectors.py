# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Label and field selectors: parsed once, then asked for each object."""

from __future__ import annotations

import re
from collections.abc import Callable

from lab.k3s_standin.api.errors import ApiError, Obj, bad_request

Predicate = Callable[[Obj], bool]
_Labels = dict[str, str]

_SET = re.compile(r"^(\S+)\s+(in|notin)\s*\(([^)]*)\)$")
_EQUAL = re.compile(r"^([^=!\s]+)\s*(==|=|!=)\s*(\S*)$")
_FIELD = re.compile(r"^([^=!\s]+)(==|=|!=)(.*)$")
_KEY = re.compile(r"^([A-Za-z0-9.-]+/)?[A-Za-z0-9]([A-Za-z0-9_.-]*[A-Za-z0-9])?$")

# What can be selected on, besides metadata.name and metadata.namespace; the value is the default of an absent field.
FIELDS: dict[str, dict[str, str]] = {
    "pods": {
        "spec.nodeName": "",
        "spec.restartPolicy": "Always",
        "spec.schedulerName": "default-scheduler",
        "spec.serviceAccountName": "",
        "spec.hostNetwork": "false",
        "status.phase": "",
        "status.podIP": "",
        "status.nominatedNodeName": "",
    },
    "nodes": {"spec.unschedulable": "false"},
    "namespaces": {"status.phase": ""},
    "secrets": {"type": ""},
    "services": {"spec.clusterIP": "", "spec.type": ""},
    "events": {
        "involvedObject.kind": "",
        "involvedObject.namespace": "",
        "involvedObject.name": "",
        "involvedObject.uid": "",
        "involvedObject.apiVersion": "",
        "involvedObject.resourceVersion": "",
        "involvedObject.fieldPath": "",
        "reason": "",
        "reportingComponent": "",
        "source": "",
        "type": "",
    },
    "replicasets.apps": {"status.replicas": "0"},
    "replicationcontrollers": {"status.replicas": "0"},
    "jobs.batch": {"status.successful": "0"},
    "certificatesigningrequests.certificates.k8s.io": {"spec.signerName": ""},
}


def parse(key: str, label_selector: str, field_selector: str) -> Predicate | None:
    """Both selectors as one predicate on objects; None when everything matches."""
    labels = parse_labels(label_selector)
    fields = _parse_fields(key, field_selector)
    if labels is None and not fields:
        return None

    def matches(obj: Obj) -> bool:
        if labels is not None and not labels(obj["metadata"].get("labels") or {}):
            return False
        return all((_field(obj, path, default) == value) == equal for path, equal, value, default in fields)

    return matches


def parse_labels(selector: str) -> Callable[[_Labels], bool] | None:
    """A label selector in its text form as a predicate on labels; None when it is empty."""
    terms = [_term(text) for text in _split(selector)]
    return (lambda labels: all(term(labels) for term in terms)) if terms else None


def from_object(selector: Obj | None) -> Callable[[_Labels], bool]:
    """A LabelSelector object as a predicate on labels; an absent one matches nothing, an empty one everything."""
    if selector is None:
        return lambda labels: False
    wanted: _Labels = selector.get("matchLabels") or {}
    expressions = [_expression(item) for item in selector.get("matchExpressions") or []]
    return lambda labels: (
        all(labels.get(key) == value for key, value in wanted.items()) and all(test(labels) for test in expressions)
    )


def _expression(item: Obj) -> Callable[[_Labels], bool]:
    key, values = item["key"], set(item.get("values") or [])
    tests: dict[str, Callable[[_Labels], bool]] = {
        "In": lambda labels: labels.get(key) in values,
        "NotIn": lambda labels: labels.get(key) not in values,
        "Exists": lambda labels: key in labels,
        "DoesNotExist": lambda labels: key not in labels,
    }
    return tests[item["operator"]]


def _split(selector: str) -> list[str]:
    # Commas inside parentheses belong to a set of values.
    return [part.strip() for part in re.split(r",(?![^(]*\))", selector) if part.strip()]


def _term(text: str) -> Callable[[_Labels], bool]:
    if match := _SET.match(text):
        key, operator, listed = match.groups()
        values = {value.strip() for value in listed.split(",")}
        _check_key(key)
        if operator == "in":
            return lambda labels: labels.get(key) in values
        return lambda labels: labels.get(key) not in values
    if match := _EQUAL.match(text):
        key, operator, value = match.groups()
        _check_key(key)
        if operator == "!=":
            return lambda labels: labels.get(key) != value
        return lambda labels: labels.get(key) == value
    absent = text.startswith("!")
    key = text[1:].strip() if absent else text
    _check_key(key)
    return lambda labels: (key in labels) != absent


def _check_key(key: str) -> None:
    if not _KEY.match(key):
        raise bad_request(f'unable to parse requirement: "{key}" is not a qualified label name')


def _parse_fields(key: str, selector: str) -> list[tuple[str, bool, str, str]]:
    answer = []
    for text in filter(None, (part.strip() for part in selector.split(","))):
        match = _FIELD.match(text)
        if match is None:
            raise bad_request(f'invalid selector: "{text}"; can\'t understand "{text}"')
        path, operator, value = match.groups()
        known = {"metadata.name": "", "metadata.namespace": "", **FIELDS.get(key, {})}
        if path not in known:
            raise ApiError(400, "BadRequest", f"field label not supported: {path}")
        answer.append((path, operator != "!=", value, known[path]))
    return answer


def _field(obj: Obj, path: str, default: str) -> str:
    value: object = obj
    for part in path.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    if isinstance(value, bool):
        return str(value).lower()
    return default if value is None else str(value)
