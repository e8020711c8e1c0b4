# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Table cells of workloads and services; see printers.py."""

from __future__ import annotations

from lab.k3s_standin.api.errors import Obj
from lab.k3s_standin.api.printers import _labels, _spec, _status, condition, since

_NONE = "<none>"


def _count(obj: Obj, name: str) -> int:
    return int(_status(obj).get(name) or 0)


def replicas(obj: Obj) -> int:
    return _count(obj, "replicas")


def ready_replicas(obj: Obj) -> int:
    return _count(obj, "readyReplicas")


def updated_replicas(obj: Obj) -> int:
    return _count(obj, "updatedReplicas")


def available_replicas(obj: Obj) -> int:
    return _count(obj, "availableReplicas")


def deployment_ready(obj: Obj) -> str:
    return f"{ready_replicas(obj)}/{_spec(obj).get('replicas', 1)}"


def ds_desired(obj: Obj) -> int:
    return _count(obj, "desiredNumberScheduled")


def ds_current(obj: Obj) -> int:
    return _count(obj, "currentNumberScheduled")


def ds_ready(obj: Obj) -> int:
    return _count(obj, "numberReady")


def ds_updated(obj: Obj) -> int:
    return _count(obj, "updatedNumberScheduled")


def ds_available(obj: Obj) -> int:
    return _count(obj, "numberAvailable")


def node_selector(obj: Obj) -> str:
    return _labels(_spec(obj).get("template", {}).get("spec", {}).get("nodeSelector"))


def service_ip(obj: Obj) -> str:
    return _spec(obj).get("clusterIP") or _NONE


def lb_address(obj: Obj) -> str:
    entries = (_status(obj).get("loadBalancer") or {}).get("ingress") or []
    return ",".join(entry.get("ip") or entry.get("hostname") or "" for entry in entries)


def service_external_ip(obj: Obj) -> str:
    spec = _spec(obj)
    given = ",".join(spec.get("externalIPs") or [])
    if spec.get("type") == "ExternalName":
        return str(spec.get("externalName", ""))
    if spec.get("type") == "LoadBalancer":
        return ",".join(filter(None, [lb_address(obj), given])) or "<pending>"
    return given or _NONE


def service_ports(obj: Obj) -> str:
    texts = []
    for port in _spec(obj).get("ports") or []:
        node_port = f":{port['nodePort']}" if port.get("nodePort") else ""
        texts.append(f"{port['port']}{node_port}/{port.get('protocol', 'TCP')}")
    return ",".join(texts) or _NONE


def service_selector(obj: Obj) -> str:
    return _labels(_spec(obj).get("selector"))


def _short(texts: list[str]) -> str:
    more = f" + {len(texts) - 3} more..." if len(texts) > 3 else ""
    return (",".join(texts[:3]) + more) or _NONE


def endpoints(obj: Obj) -> str:
    texts = []
    for subset in obj.get("subsets") or []:
        for port in subset.get("ports") or [{}]:
            texts += [f"{item['ip']}:{port['port']}" if port else item["ip"] for item in subset.get("addresses") or []]
    return _short(texts)


def slice_ports(obj: Obj) -> str:
    return _short([str(port.get("port", "*")) for port in obj.get("ports") or []]).replace(_NONE, "<unset>")


def slice_endpoints(obj: Obj) -> str:
    return _short([text for item in obj.get("endpoints") or [] for text in item.get("addresses") or []]).replace(
        _NONE, "<unset>"
    )


def job_status(obj: Obj) -> str:
    for kind in ("Complete", "Failed", "Suspended"):
        if condition(obj, kind) == "True":
            return kind
    return "Terminating" if "deletionTimestamp" in obj["metadata"] else "Running"


def job_completions(obj: Obj) -> str:
    return f"{_count(obj, 'succeeded')}/{_spec(obj).get('completions', 1)}"


def job_duration(obj: Obj) -> str:
    start = _status(obj).get("startTime")
    return since(start) if start and not _status(obj).get("completionTime") else ""


def timezone(obj: Obj) -> str:
    return _spec(obj).get("timeZone") or _NONE


def active_jobs(obj: Obj) -> int:
    return len(_status(obj).get("active") or [])


def last_schedule(obj: Obj) -> str:
    moment = _status(obj).get("lastScheduleTime")
    return since(moment) if moment else _NONE


def ingress_class(obj: Obj) -> str:
    return _spec(obj).get("ingressClassName") or _NONE


def ingress_hosts(obj: Obj) -> str:
    return ",".join(rule.get("host") or "*" for rule in _spec(obj).get("rules") or []) or "*"


def ingress_ports(obj: Obj) -> str:
    return "80, 443" if _spec(obj).get("tls") else "80"
