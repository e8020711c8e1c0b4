# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Paths of the node, its storages and its tasks."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from lab.pve.api import Api, Call, route
from lab.pve.errors import ApiError, invalid
from lab.pve.tasks import Log


@route("GET", "/version")
def version(api: Api, _call: Call) -> Any:
    return {"version": api.version, "release": ".".join(api.version.split(".")[:2]), "repoid": "lab-stand-in"}


@route("GET", "/access/permissions")
def permissions(api: Api, call: Call) -> Any:
    path = call.data.get("path")
    paths = [path] if path else ["/", "/vms", "/storage", "/nodes", "/sdn", "/access"]
    return {each: dict.fromkeys(api.access.privileges(call.user, each), 1) for each in paths}


@route("GET", "/nodes")
def nodes(api: Api, _call: Call) -> Any:
    return [{"node": api.store.node, "status": "online", "type": "node", "id": f"node/{api.store.node}"}]


@route("GET", "/nodes/{node}/status", "/nodes/{node}", "Sys.Audit")
def node_status(api: Api, _call: Call) -> Any:
    return {"pveversion": f"pve-manager/{api.version}/lab", "uptime": 1}


@route("GET", "/nodes/{node}/certificates/info")
def certificates(api: Api, _call: Call) -> Any:
    return [{"filename": "pve-root-ca.pem", "pem": (api.store.folder / "certificates" / "ca.pem").read_text()}]


@route("GET", "/cluster/nextid")
def next_id(api: Api, call: Call) -> Any:
    if wanted := call.data.get("vmid"):
        if wanted in api.store.vms:
            raise invalid("vmid", f"VM {wanted} already exists")
        return wanted
    return str(next(number for number in range(100, 10**9) if str(number) not in api.store.vms))


@route("GET", "/cluster/resources")
def resources(api: Api, call: Call) -> Any:
    rows = [
        {**api.machines.status(vm), "id": f"qemu/{vm['vmid']}", "type": "qemu", "node": api.store.node}
        for vm in api.visible(call.user)
    ]
    if call.data.get("type") in (None, "node"):
        rows += nodes(api, call)
    return rows


@route("GET", "/storage")
def storages(api: Api, _call: Call) -> Any:
    return [
        {"storage": name, "type": each["type"], "content": ",".join(each["content"])}
        for name, each in api.store.storages.items()
    ]


@route("GET", "/nodes/{node}/storage")
def node_storages(api: Api, call: Call) -> Any:
    return [
        api.drives.status(name)
        for name in api.store.storages
        if api.access.may(call.user, f"/storage/{name}", "Datastore.Audit")
    ]


@route("GET", "/nodes/{node}/storage/{storage}/status", "/storage/{storage}", "Datastore.Audit")
def storage_status(api: Api, call: Call) -> Any:
    return api.drives.status(call.path["storage"])


@route("GET", "/nodes/{node}/storage/{storage}/content", "/storage/{storage}", "Datastore.Audit")
def content(api: Api, call: Call) -> Any:
    found = api.drives.content(call.path["storage"])
    wanted = call.data.get("content")
    return [volume for volume in found if wanted in (None, volume["content"])]


@route("POST", "/nodes/{node}/storage/{storage}/download-url", "/storage/{storage}", "Datastore.AllocateTemplate")
def download(api: Api, call: Call) -> Any:
    storage, data = call.path["storage"], call.data
    api.access.need(call.user, f"/nodes/{api.store.node}", "Sys.AccessNetwork")
    known = ("iso", "vztmpl", "import") if api.imports else ("iso", "vztmpl")
    if data.get("content") not in known:
        raise invalid(
            "content", f"value '{data.get('content')}' does not have a value in the enumeration '{', '.join(known)}'"
        )
    if data["content"] not in api.drives.storage(storage)["content"]:
        raise ApiError(500, f"storage '{storage}' is not configured for content-type '{data['content']}'")
    if data["content"] == "import" and not re.search(r"\.(qcow2|raw|vmdk|ova)$", data["filename"]):
        raise invalid("filename", "wrong file extension")
    work: Callable[[Log], None] = lambda log: api.drives.download(storage, data, log)  # noqa: E731
    return api.tasks.start("imgdownload", data["filename"], call.user, work)


@route("GET", "/nodes/{node}/tasks")
def tasks(api: Api, call: Call) -> Any:
    return api.tasks.listed(call.data.get("vmid"))


@route("GET", "/nodes/{node}/tasks/{upid}/status")
def task_status(api: Api, call: Call) -> Any:
    return api.tasks.status(call.path["upid"])


@route("GET", "/nodes/{node}/tasks/{upid}/log")
def task_log(api: Api, call: Call) -> Any:
    return api.tasks.log(call.path["upid"])
