# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules on metadata and on the few fields of built-in kinds that clients trip over, with upstream's sentences."""

from __future__ import annotations

import json
import re
from typing import Any

from lab.k3s_standin.api.errors import Invalid, Obj
from lab.k3s_standin.api.resources import Resource

Causes = list[tuple[str, str]]

_LABEL_PATTERN = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_SUBDOMAIN_PATTERN = f"{_LABEL_PATTERN}(\\.{_LABEL_PATTERN})*"
_RFC1035_PATTERN = "[a-z]([-a-z0-9]*[a-z0-9])?"
_VALUE_PATTERN = "(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?"
_NAME_PATTERN = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]"

_SUBDOMAIN_TEXT = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must"
    " start and end"
    f" with an alphanumeric character (e.g. 'example.com', regex used for validation is '{_SUBDOMAIN_PATTERN}')"
)
_LABEL_TEXT = (
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start"
    " and end with an"
    f" alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '{_LABEL_PATTERN}')"
)
_RFC1035_TEXT = (
    "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic"
    " character, and end"
    " with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is"
    f" '{_RFC1035_PATTERN}')"
)
_VALUE_TEXT = (
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must"
    " start and end"
    " with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is"
    f" '{_VALUE_PATTERN}')"
)
_NAME_TEXT = (
    "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric"
    " character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is"
    f" '{_NAME_PATTERN}')"
)
# Kinds whose names are stricter, or laxer (path segments), than a DNS subdomain.
_LABEL_NAMED = frozenset(["namespaces"])
_RFC1035_NAMED = frozenset(["services"])
_PATH_NAMED = frozenset(
    f"{plural}.rbac.authorization.k8s.io" for plural in ("roles", "clusterroles", "rolebindings", "clusterrolebindings")
)
_EFFECTS = ("NoSchedule", "PreferNoSchedule", "NoExecute")
_ANNOTATIONS_LIMIT = 256 * 1024

# Dotted paths that may not change after creation, with upstream's wording.
_IMMUTABLE = {
    **{f"{plural}.apps": ("spec.selector",) for plural in ("deployments", "daemonsets", "statefulsets", "replicasets")},
    "jobs.batch": ("spec.selector", "spec.template"),
    "secrets": ("type",),
    "persistentvolumeclaims": ("spec.storageClassName", "spec.accessModes", "spec.volumeMode"),
    "rolebindings.rbac.authorization.k8s.io": ("roleRef",),
    "clusterrolebindings.rbac.authorization.k8s.io": ("roleRef",),
    "customresourcedefinitions.apiextensions.k8s.io": ("spec.group", "spec.scope", "spec.names.plural"),
}
_FORBIDDEN_UPDATES = {
    "storageclasses.storage.k8s.io": ("parameters", "provisioner", "reclaimPolicy", "volumeBindingMode"),
}


def validate(resource: Resource, obj: Obj, old: Obj | None) -> None:
    """Raise Invalid with every broken rule at once."""
    metadata = obj["metadata"]
    causes = _name(resource, metadata["name"]) if old is None else []
    causes += _labels("metadata.labels", metadata.get("labels") or {})
    causes += _annotations(metadata.get("annotations") or {})
    if resource.key == "nodes":
        causes += _taints((obj.get("spec") or {}).get("taints") or [])
    if resource.key in ("secrets", "configmaps"):
        causes += _data(obj)
    if old is not None:
        causes += _unchanged(resource, old, obj)
    if causes:
        raise Invalid(resource.kind, resource.group, metadata["name"], causes)


def value_at(obj: Any, path: str) -> Any:
    """The value at a dotted path, None when absent."""
    for name in path.split("."):
        obj = obj.get(name) if isinstance(obj, dict) else None
    return obj


def _name(resource: Resource, name: str) -> Causes:
    pattern, text, limit = _SUBDOMAIN_PATTERN, _SUBDOMAIN_TEXT, 253
    if resource.key in _LABEL_NAMED:
        pattern, text, limit = _LABEL_PATTERN, _LABEL_TEXT, 63
    elif resource.key in _RFC1035_NAMED:
        pattern, text, limit = _RFC1035_PATTERN, _RFC1035_TEXT, 63
    elif resource.key in _PATH_NAMED:
        bad = name in (".", "..") or "/" in name or "%" in name
        return [("metadata.name", _invalid(name, "may not contain '/' or '%'"))] if bad else []
    causes: Causes = []
    if len(name) > limit:
        causes.append(("metadata.name", _invalid(name, f"must be no more than {limit} characters")))
    if not re.fullmatch(pattern, name):
        causes.append(("metadata.name", _invalid(name, text)))
    return causes


def _qualified(key: str) -> list[str]:
    prefix, slash, name = key.rpartition("/")
    texts = []
    if slash and not re.fullmatch(_SUBDOMAIN_PATTERN, prefix):
        texts.append(f"prefix part {_SUBDOMAIN_TEXT}")
    if len(name) > 63:
        texts.append("name part must be no more than 63 characters")
    if not name:
        texts.append("name part must be non-empty")
    if not re.fullmatch(_NAME_PATTERN, name):
        texts.append(_NAME_TEXT)
    return texts


def _labels(field: str, labels: dict[str, Any]) -> Causes:
    causes = [(field, _invalid(key, text)) for key in labels for text in _qualified(key)]
    for value in labels.values():
        if not isinstance(value, str):
            causes.append((field, _invalid(value, "must be a string")))
            continue
        if len(value) > 63:
            causes.append((field, _invalid(value, "must be no more than 63 characters")))
        if not re.fullmatch(_VALUE_PATTERN, value):
            causes.append((field, _invalid(value, _VALUE_TEXT)))
    return causes


def _annotations(annotations: dict[str, Any]) -> Causes:
    causes = [("metadata.annotations", _invalid(key, text)) for key in annotations for text in _qualified(key.lower())]
    if sum(len(key) + len(str(value)) for key, value in annotations.items()) > _ANNOTATIONS_LIMIT:
        causes.append(("metadata.annotations", f"Too long: may not be more than {_ANNOTATIONS_LIMIT} bytes"))
    return causes


def _taints(taints: list[Obj]) -> Causes:
    causes: Causes = []
    seen = set()
    for index, taint in enumerate(taints):
        field = f"spec.taints[{index}]"
        causes += [(f"{field}.key", _invalid(taint.get("key"), text)) for text in _qualified(str(taint.get("key", "")))]
        causes += [(f"{field}.value", text) for _, text in _labels("", {"value": taint.get("value") or ""})]
        if taint.get("effect") not in _EFFECTS:
            supported = ", ".join(json.dumps(effect) for effect in _EFFECTS)
            causes.append(
                (
                    f"{field}.effect",
                    f"Unsupported value: {json.dumps(taint.get('effect', ''))}: supported values: {supported}",
                )
            )
        if (mark := (taint.get("key"), taint.get("effect"))) in seen:
            causes.append((field, f"Duplicate value: {json.dumps(taint)}"))
        seen.add(mark)
    return causes


def _data(obj: Obj) -> Causes:
    causes: Causes = []
    for part in ("data", "binaryData"):
        for key, value in (obj.get(part) or {}).items():
            if not re.fullmatch(r"[-._a-zA-Z0-9]+", key):
                text = "a valid config key must consist of alphanumeric characters, '-', '_' or '.'"
                causes.append((f"{part}[{key}]", _invalid(key, text)))
            if not isinstance(value, str):
                causes.append((f"{part}[{key}]", _invalid(value, "must be a string")))
    return causes


def _unchanged(resource: Resource, old: Obj, new: Obj) -> Causes:
    causes = [
        (path, _invalid(value_at(new, path), "field is immutable"))
        for path in _IMMUTABLE.get(resource.key, ())
        if value_at(old, path) is not None and value_at(old, path) != value_at(new, path)
    ]
    causes += [
        (path, f"Forbidden: updates to {path} are forbidden.")
        for path in _FORBIDDEN_UPDATES.get(resource.key, ())
        if old.get(path) != new.get(path)
    ]
    if resource.key in ("secrets", "configmaps") and old.get("immutable"):
        text = "Forbidden: field is immutable when `immutable` is set"
        if not new.get("immutable"):
            causes.append(("immutable", text))
        causes += [(part, text) for part in ("data", "binaryData") if (old.get(part) or {}) != (new.get(part) or {})]
    return causes


def _invalid(value: Any, text: str) -> str:
    return f"Invalid value: {json.dumps(value)}: {text}"
