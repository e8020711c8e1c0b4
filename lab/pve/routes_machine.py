# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Paths of one virtual machine."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lab.pve.api import Api, Call, route
from lab.pve.errors import ApiError, invalid
from lab.pve.tasks import Log


@route("GET", "/nodes/{node}/qemu")
def machines(api: Api, call: Call) -> Any:
    return [api.machines.status(vm) for vm in api.visible(call.user)]


@route("POST", "/nodes/{node}/qemu")
def create(api: Api, call: Call) -> Any:
    vmid = str(call.data.get("vmid", ""))
    if not vmid.isdigit():
        raise invalid("vmid", "property is missing and it is not optional")
    api.access.need(call.user, f"/vms/{vmid}", "VM.Allocate")
    api.may_set(call, vmid)
    return api.machines.create(call.data, call.user)


@route("DELETE", "/nodes/{node}/qemu/{vmid}", "/vms/{vmid}", "VM.Allocate")
def destroy(api: Api, call: Call) -> Any:
    if api.guests.running(api.machines.unlocked(call.path["vmid"])):
        raise ApiError(500, f"VM {call.path['vmid']} is running - destroy failed")
    return api.machines.task("qmdestroy", call.path["vmid"], call.user, api.machines.destroy)


@route("GET", "/nodes/{node}/qemu/{vmid}/config", "/vms/{vmid}", "VM.Audit")
def config(api: Api, call: Call) -> Any:
    vm = api.machines.find(call.path["vmid"])
    lock = api.machines.lock_of(vm)
    return {**vm["config"], "lock": lock} if lock else vm["config"]


@route("GET", "/nodes/{node}/qemu/{vmid}/pending", "/vms/{vmid}", "VM.Audit")
def pending(api: Api, call: Call) -> Any:
    return api.machines.pending(api.machines.find(call.path["vmid"]))


@route("PUT", "/nodes/{node}/qemu/{vmid}/config")
def change_now(api: Api, call: Call) -> Any:
    api.may_set(call, call.path["vmid"])
    return api.machines.change(call.path["vmid"], call.data, lambda line: None)


@route("POST", "/nodes/{node}/qemu/{vmid}/config")
def change(api: Api, call: Call) -> Any:
    vmid, data = call.path["vmid"], call.data
    api.may_set(call, vmid)
    api.machines.unlocked(vmid)
    work: Callable[[Log], None] = lambda log: api.machines.change(vmid, data, log)  # noqa: E731
    return api.tasks.start("qmconfig", vmid, call.user, work)


@route("PUT", "/nodes/{node}/qemu/{vmid}/resize", "/vms/{vmid}", "VM.Config.Disk")
def resize(api: Api, call: Call) -> Any:
    disk, size = str(call.data.get("disk")), str(call.data.get("size"))
    return api.machines.task(
        "resize", call.path["vmid"], call.user, lambda vm: api.machines.resize(vm, disk, size)
    )  # fmt: skip


@route("POST", "/nodes/{node}/qemu/{vmid}/clone", "/vms/{vmid}", "VM.Clone")
def clone(api: Api, call: Call) -> Any:
    newid, name = str(call.data["newid"]), str(call.data.get("name", f"Copy-of-VM-{call.path['vmid']}"))
    api.access.need(call.user, f"/vms/{newid}", "VM.Allocate")
    if newid in api.store.vms:
        raise ApiError(500, f"unable to create VM {newid}: config file already exists")
    return api.machines.task(
        "qmclone", call.path["vmid"], call.user, lambda vm: api.machines.clone(vm, int(newid), name)
    )  # fmt: skip


@route("GET", "/nodes/{node}/qemu/{vmid}/status/current", "/vms/{vmid}", "VM.Audit")
def current(api: Api, call: Call) -> Any:
    return api.machines.status(api.machines.find(call.path["vmid"]))


@route("POST", "/nodes/{node}/qemu/{vmid}/status/{action}", "/vms/{vmid}", "VM.PowerMgmt")
def power(api: Api, call: Call) -> Any:
    action = call.path["action"]
    return api.machines.task(f"qm{action}", call.path["vmid"], call.user, api.machines.work_of(action))


@route("GET", "/nodes/{node}/qemu/{vmid}/snapshot", "/vms/{vmid}", "VM.Audit")
def snapshots(api: Api, call: Call) -> Any:
    return api.machines.snapshots(api.machines.find(call.path["vmid"]))


@route("POST", "/nodes/{node}/qemu/{vmid}/snapshot", "/vms/{vmid}", "VM.Snapshot")
def snapshot(api: Api, call: Call) -> Any:
    name, text = str(call.data.get("snapname")), str(call.data.get("description", ""))
    api.machines.check_snapshot(call.path["vmid"], name, there=False)
    return api.machines.task(
        "qmsnapshot", call.path["vmid"], call.user, lambda vm: api.machines.take_snapshot(vm, name, text)
    )


@route("POST", "/nodes/{node}/qemu/{vmid}/snapshot/{name}/rollback", "/vms/{vmid}", "VM.Snapshot.Rollback")
def rollback(api: Api, call: Call) -> Any:
    name = call.path["name"]
    api.machines.check_snapshot(call.path["vmid"], name, there=True)
    return api.machines.task("qmrollback", call.path["vmid"], call.user, lambda vm: api.machines.roll_back(vm, name))


@route("DELETE", "/nodes/{node}/qemu/{vmid}/snapshot/{name}", "/vms/{vmid}", "VM.Snapshot")
def drop_snapshot(api: Api, call: Call) -> Any:
    name = call.path["name"]
    api.machines.check_snapshot(call.path["vmid"], name, there=True)
    return api.machines.task(
        "qmdelsnapshot", call.path["vmid"], call.user, lambda vm: api.machines.drop_snapshot(vm, name)
    )


@route("POST", "/nodes/{node}/qemu/{vmid}/agent/ping", "/vms/{vmid}", "VM.Monitor")
def agent_ping(api: Api, call: Call) -> Any:
    _agent(api, call)
    return {"result": {}}


@route("GET", "/nodes/{node}/qemu/{vmid}/agent/network-get-interfaces", "/vms/{vmid}", "VM.Monitor")
def agent_interfaces(api: Api, call: Call) -> Any:
    return {"result": api.guests.interfaces(_agent(api, call))}


def _agent(api: Api, call: Call) -> dict[str, Any]:
    vm = api.machines.find(call.path["vmid"])
    if not str(vm["config"].get("agent", "")).startswith(("1", "enabled=1")):
        raise ApiError(500, "No QEMU guest agent configured")
    if not api.guests.running(vm):
        raise ApiError(500, f"VM {vm['vmid']} is not running")
    if not api.guests.agent_answers(vm):
        raise ApiError(500, "QEMU guest agent is not running")
    return vm
