# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Table cells that take more than a path: one small function each, found by name ("@node_status")."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from lab.k3s_standin.api.errors import Obj

_NONE = "<none>"
_ROLE = "node-role.kubernetes.io/"
_MODES = {"ReadWriteOnce": "RWO", "ReadOnlyMany": "ROX", "ReadWriteMany": "RWX", "ReadWriteOncePod": "RWOP"}


def duration(seconds: float) -> str:
    """A time span as kubectl shows it (apimachinery's HumanDuration)."""
    whole = int(seconds)
    if whole < -1:
        return "<invalid>"
    if whole < 0:
        return "0s"
    minutes, hours, days = whole // 60, whole // 3600, whole // 86400
    if whole < 120:
        return f"{whole}s"
    if minutes < 10:
        return f"{minutes}m{whole % 60}s" if whole % 60 else f"{minutes}m"
    if minutes < 180:
        return f"{minutes}m"
    if hours < 8:
        return f"{hours}h{minutes % 60}m" if minutes % 60 else f"{hours}h"
    if hours < 48:
        return f"{hours}h"
    if hours < 192:
        return f"{days}d{hours % 24}h" if hours % 24 else f"{days}d"
    if days < 730:
        return f"{days}d"
    years, rest = divmod(days, 365)
    return f"{years}y{rest}d" if years < 8 and rest else f"{years}y"


def since(timestamp: Any) -> str:
    """The age of a moment."""
    if not timestamp:
        return "<unknown>"
    text = str(timestamp).replace("Z", "+00:00")
    return duration((datetime.now(UTC) - datetime.fromisoformat(text)).total_seconds())


def age(obj: Obj) -> str:
    return since(obj["metadata"].get("creationTimestamp"))


def _spec(obj: Obj) -> Obj:
    return obj.get("spec") or {}


def _status(obj: Obj) -> Obj:
    return obj.get("status") or {}


def condition(obj: Obj, kind: str) -> str:
    """The status of a condition, "" when absent."""
    return next(
        (str(item.get("status")) for item in _status(obj).get("conditions") or [] if item.get("type") == kind), ""
    )


def _labels(labels: Obj | None) -> str:
    return ",".join(f"{key}={value}" for key, value in sorted((labels or {}).items())) or _NONE


def none(obj: Obj) -> str:
    return _NONE


def unset(obj: Obj) -> str:
    return "<unset>"


def node_status(obj: Obj) -> str:
    words = [{"True": "Ready", "": "Unknown"}.get(condition(obj, "Ready"), "NotReady")]
    return ",".join(words + (["SchedulingDisabled"] if _spec(obj).get("unschedulable") else []))


def node_roles(obj: Obj) -> str:
    labels = obj["metadata"].get("labels") or {}
    roles = {key[len(_ROLE) :] for key in labels if key.startswith(_ROLE) and key != _ROLE}
    if labels.get("kubernetes.io/role"):
        roles.add(labels["kubernetes.io/role"])
    return ",".join(sorted(roles)) or _NONE


def _address(obj: Obj, kind: str) -> str:
    return next((item["address"] for item in _status(obj).get("addresses") or [] if item.get("type") == kind), _NONE)


def node_internal_ip(obj: Obj) -> str:
    return _address(obj, "InternalIP")


def node_external_ip(obj: Obj) -> str:
    return _address(obj, "ExternalIP")


def _node_info(obj: Obj, name: str) -> str:
    return (_status(obj).get("nodeInfo") or {}).get(name) or "<unknown>"


def node_os(obj: Obj) -> str:
    return _node_info(obj, "osImage")


def node_kernel(obj: Obj) -> str:
    return _node_info(obj, "kernelVersion")


def node_runtime(obj: Obj) -> str:
    return _node_info(obj, "containerRuntimeVersion")


def _containers(obj: Obj) -> list[Obj]:
    return (_spec(obj).get("template") or {}).get("spec", {}).get("containers") or []


def containers(obj: Obj) -> str:
    return ",".join(item["name"] for item in _containers(obj)) or _NONE


def images(obj: Obj) -> str:
    return ",".join(str(item.get("image", "")) for item in _containers(obj)) or _NONE


def selector(obj: Obj) -> str:
    return _label_selector(_spec(obj).get("selector"))


def pod_selector(obj: Obj) -> str:
    return _label_selector(_spec(obj).get("podSelector"))


def _label_selector(value: Obj | None) -> str:
    if not value or ("matchLabels" not in value and "matchExpressions" not in value):
        return _labels(value)
    texts = [f"{key}={text}" for key, text in sorted((value.get("matchLabels") or {}).items())]
    for item in value.get("matchExpressions") or []:
        operator, values = item["operator"], ",".join(sorted(item.get("values") or []))
        word = {"Exists": item["key"], "DoesNotExist": f"!{item['key']}"}.get(operator)
        texts.append(word or f"{item['key']} {operator.lower()} ({values})")
    return ",".join(texts)


def pod_ready(obj: Obj) -> str:
    states = _status(obj).get("containerStatuses") or []
    return f"{sum(bool(item.get('ready')) for item in states)}/{len(_spec(obj).get('containers') or [])}"


def pod_status(obj: Obj) -> str:
    if "deletionTimestamp" in obj["metadata"]:
        return "Terminating"
    reason = _status(obj).get("reason") or _status(obj).get("phase") or "Unknown"
    for item in _status(obj).get("containerStatuses") or []:
        state = item.get("state") or {}
        for name in ("waiting", "terminated"):
            reason = (state.get(name) or {}).get("reason") or reason
    return str(reason)


def pod_restarts(obj: Obj) -> str:
    return str(sum(int(item.get("restartCount", 0)) for item in _status(obj).get("containerStatuses") or []))


def pod_ip(obj: Obj) -> str:
    return _status(obj).get("podIP") or _NONE


def pod_node(obj: Obj) -> str:
    return _spec(obj).get("nodeName") or _NONE


def data_count(obj: Obj) -> str:
    return str(len(obj.get("data") or {}) + len(obj.get("binaryData") or {}))


def secrets_count(obj: Obj) -> int:
    return len(obj.get("secrets") or [])


def drivers_count(obj: Obj) -> int:
    return len(_spec(obj).get("drivers") or [])


def webhooks_count(obj: Obj) -> int:
    return len(obj.get("webhooks") or [])


def event_last_seen(obj: Obj) -> str:
    return since(
        (obj.get("series") or {}).get("lastObservedTime")
        or obj.get("lastTimestamp")
        or obj.get("eventTime")
        or obj["metadata"].get("creationTimestamp")
    )


def event_first_seen(obj: Obj) -> str:
    return since(obj.get("firstTimestamp") or obj.get("eventTime") or obj["metadata"].get("creationTimestamp"))


def event_object(obj: Obj) -> str:
    about = obj.get("involvedObject") or obj.get("regarding") or {}
    return f"{str(about.get('kind', '')).lower()}/{about.get('name', '')}"


def event_source(obj: Obj) -> str:
    source = obj.get("source") or {}
    return ", ".join(filter(None, [source.get("component") or obj.get("reportingComponent"), source.get("host")]))


def event_count(obj: Obj) -> str:
    return str((obj.get("series") or {}).get("count") or obj.get("count") or 1)


def phase(obj: Obj) -> str:
    return "Terminating" if "deletionTimestamp" in obj["metadata"] else str(_status(obj).get("phase", ""))


def access_modes(obj: Obj) -> str:
    return ",".join(_MODES.get(mode, mode) for mode in _spec(obj).get("accessModes") or [])


def pv_claim(obj: Obj) -> str:
    claim = _spec(obj).get("claimRef")
    return f"{claim.get('namespace')}/{claim.get('name')}" if claim else ""


def role_ref(obj: Obj) -> str:
    return f"{obj['roleRef'].get('kind')}/{obj['roleRef'].get('name')}"


def owner(obj: Obj) -> str:
    owners = [item for item in obj["metadata"].get("ownerReferences") or [] if item.get("controller")]
    return f"{owners[0]['kind'].lower()}/{owners[0]['name']}" if owners else _NONE


def reclaim_policy(obj: Obj) -> str:
    return obj.get("reclaimPolicy") or "Delete"


def binding_mode(obj: Obj) -> str:
    return obj.get("volumeBindingMode") or "Immediate"


def allow_expansion(obj: Obj) -> bool:
    return bool(obj.get("allowVolumeExpansion"))


def global_default(obj: Obj) -> bool:
    return bool(obj.get("globalDefault"))


def preemption(obj: Obj) -> str:
    return obj.get("preemptionPolicy") or "PreemptLowerPriority"


def api_service(obj: Obj) -> str:
    service = _spec(obj).get("service")
    return f"{service['namespace']}/{service['name']}" if service else "Local"


def available_condition(obj: Obj) -> str:
    return condition(obj, "Available") or "Unknown"


def csr_condition(obj: Obj) -> str:
    return ",".join(item["type"] for item in _status(obj).get("conditions") or []) or "Pending"


def pdb_min(obj: Obj) -> str:
    return str(_spec(obj).get("minAvailable", "N/A"))


def pdb_max(obj: Obj) -> str:
    return str(_spec(obj).get("maxUnavailable", "N/A"))


def pdb_allowed(obj: Obj) -> int:
    return int(_status(obj).get("disruptionsAllowed", 0))
