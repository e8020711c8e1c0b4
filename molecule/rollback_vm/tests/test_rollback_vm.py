# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A server made through the API, taken back to a snapshot, and made again after it was destroyed."""

from __future__ import annotations

from lab.engine import Engine
from tests.hypervisor import MASTER, Hypervisor
from tests.releases import have_release
from tests.twin import Run, Twin

NEW = "v1.32.6+k3s1"


def well(run: Run) -> Run:
    assert run.status == 0, run.output[-4000:]
    return run


def configmaps(twin: Twin) -> set[str]:
    return {item["metadata"]["name"] for item in twin.get("configmaps")["items"]}


def ready(twin: Twin) -> dict[str, str]:
    return {
        node["metadata"]["name"]: next(
            item["status"] for item in node["status"]["conditions"] if item["type"] == "Ready"
        )
        for node in twin.get("nodes")["items"]
    }


def test_site_begins_with_no_server_at_all(twin: Twin, pve: Hypervisor) -> None:
    pve.forget()
    assert pve.state["vms"] == {}
    well(twin.play())
    assert pve.config["tags"] == "homelab" and ready(twin) == {MASTER: "True", "k3s1": "True"}
    again = well(twin.play())
    assert not again.changed, again.output[-4000:]


def test_a_way_back_takes_the_datastore_along_and_the_workers_follow(twin: Twin, pve: Hypervisor) -> None:
    twin.kubectl("create", "configmap", "older", "--from-literal=a=b")
    well(twin.play("playbooks/snapshot_vm.yml", "-e", f"node={MASTER}"))
    name = next(iter(pve.state["vms"]["130"]["snapshots"]))
    twin.kubectl("create", "configmap", "younger", "--from-literal=a=b")
    before = twin.on("k3s1", "systemctl show -P InvocationID k3s-agent")
    back = ("playbooks/rollback_vm.yml", "-e", f"node={MASTER}", "-e", f"snapshot={name}")
    refused = twin.play(*back)
    assert refused.status != 0 and "confirm is '', expected 'k3s-master1': what was written since" in refused.text
    planned = well(twin.play(*back, "--check"))
    assert f"k3s-master1: go back to {name} and start it" in planned.text and "younger" in configmaps(twin)
    well(twin.play(*back, "-e", f"confirm={MASTER}"))
    assert {"older"} <= configmaps(twin) and "younger" not in configmaps(twin)
    assert ready(twin) == {MASTER: "True", "k3s1": "True"}
    assert twin.on("k3s1", "systemctl show -P InvocationID k3s-agent") != before
    unknown = twin.play(*back[:-1], "snapshot=nothing", "-e", f"confirm={MASTER}")
    assert f"{MASTER} has no snapshot 'nothing' (there: {name}); say -e snapshot=NAME" in unknown.text


def test_a_server_that_is_only_off_is_started_and_not_rebuilt(twin: Twin, pve: Hypervisor) -> None:
    Engine().call("stop", "--time", "5", twin.site.container(MASTER))
    refused = twin.play("playbooks/rebuild_node.yml", "-e", f"node={MASTER}")
    assert refused.status != 0, refused.output[-4000:]
    assert "k3s-master1 is VM 130 and off, so what it holds is still there" in refused.text
    well(twin.play("playbooks/vm.yml", "-e", f"node={MASTER}"))
    twin.host(MASTER).check_output("systemctl is-active ssh")


def test_a_server_that_is_destroyed_is_made_again_and_restored(twin: Twin, pve: Hypervisor) -> None:
    well(twin.play("playbooks/back_up_cluster.yml"))
    pve.forget()
    run = well(twin.play("playbooks/rebuild_node.yml", "-e", f"node={MASTER}"))
    assert "k3s-master1 is dead" in run.text and "make VM 130 on pve" in run.text
    assert "older" in configmaps(twin) and ready(twin) == {MASTER: "True", "k3s1": "True"}
    assert not well(twin.play()).changed


def kept(pve: Hypervisor) -> list[str]:
    """Why the snapshots that are there were made, the oldest first."""
    return [name.split("-")[1] for name in pve.state["vms"]["130"]["snapshots"]]


def test_the_server_is_kept_before_rebuild_restore_and_upgrade_and_three_stay(twin: Twin, pve: Hypervisor) -> None:
    have_release(twin, NEW)
    well(twin.play("playbooks/snapshot_vm.yml", "-e", f"node={MASTER}"))
    well(twin.play("playbooks/rebuild_node.yml", "-e", f"node={MASTER}", "-e", "force=true"))
    assert kept(pve) == ["manual", "rebuild"]
    well(twin.play("playbooks/restore_cluster.yml", "-e", "backup=newest", "-e", "confirm=k3s-home"))
    assert kept(pve) == ["manual", "rebuild", "restore"] and "older" in configmaps(twin)
    well(twin.play("playbooks/upgrade_cluster.yml", "-e", f"homelab_k3s_version={NEW}"))
    assert kept(pve) == ["rebuild", "restore", "upgrade"]
    versions = {node["status"]["nodeInfo"]["kubeletVersion"] for node in twin.get("nodes")["items"]}
    assert versions == {NEW} and set(ready(twin).values()) == {"True"}
