# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Upgrades, in the order in which they happen to one cluster."""

from __future__ import annotations

import json

from tests.twin import Run, Twin

OLD, NEW = "v1.32.5+k3s1", "v1.32.6+k3s1"
NODES = ("k3s-master1", "k3s1", "k3s2")


def upgrade(twin: Twin, version: str, *more: str) -> Run:
    return twin.play("playbooks/upgrade_cluster.yml", "-e", f"homelab_k3s_version={version}", *more)


def versions(twin: Twin) -> list[str]:
    items = {item["metadata"]["name"]: item for item in twin.get("nodes")["items"]}
    return [items[name]["status"]["nodeInfo"]["kubeletVersion"] for name in NODES]


def budget(twin: Twin) -> str:
    """A pod on k3s1 that may not be evicted; returns the document to delete."""
    labels = {"app": "held"}
    pod = {"spec": {"nodeName": "k3s1", "containers": [{"name": "c", "image": "i"}]}, "metadata": {"labels": labels}}
    spec = {"replicas": 1, "selector": {"matchLabels": labels}, "template": pod}
    held = {"name": "held", "namespace": "default"}
    items = [
        {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": held, "spec": spec},
        {
            "apiVersion": "policy/v1",
            "kind": "PodDisruptionBudget",
            "metadata": held,
            "spec": {"minAvailable": 1, "selector": {"matchLabels": labels}},
        },
    ]
    document = json.dumps({"apiVersion": "v1", "kind": "List", "items": items})
    twin.kubectl("apply", "-f", "-", stdin=document)
    twin.kubectl("rollout", "status", "deployment/held", "--timeout=60s")
    return document


def test_nothing_to_do(twin: Twin) -> None:
    run = upgrade(twin, OLD)
    assert run.status == 0 and not run.changed, run.output[-3000:]
    assert f"every node runs {OLD}: nothing to do" in run.text


def test_what_cannot_work_is_refused_for_every_node_at_once(twin: Twin) -> None:
    older = upgrade(twin, "v1.31.9+k3s1")
    assert older.status != 0 and not older.changed
    assert "k3s-master1 runs v1.32.5+k3s1, newer than v1.31.9+k3s1; K3s goes back only with" in older.text
    assert "k3s2 runs v1.32.5+k3s1, newer than v1.31.9+k3s1" in older.text
    skipped = upgrade(twin, "v1.34.1+k3s1")
    assert skipped.status != 0 and not skipped.changed
    assert "2 minor versions ahead; Kubernetes goes one at a time: upgrade to a v1.33 release first" in skipped.text


def test_a_build_changes_no_version(twin: Twin) -> None:
    run = twin.play("site.yml", "-e", f"homelab_k3s_version={NEW}")
    assert run.status != 0
    assert "k3s-master1 runs v1.32.5+k3s1, the inventory wants v1.32.6+k3s1; upgrade_cluster.yml does that" in run.text
    assert versions(twin) == [OLD] * 3


def test_a_release_that_cannot_be_had_stops_before_any_node_is_drained(twin: Twin) -> None:
    run = upgrade(twin, "v1.32.99+k3s1")
    assert run.status != 0 and "does not exist (404)" in run.text
    assert not any(item["spec"].get("unschedulable") for item in twin.get("nodes")["items"])


def test_check_mode_shows_the_plan_alone(twin: Twin) -> None:
    run = upgrade(twin, NEW, "--check")
    assert run.status == 0 and not run.changed, run.output[-3000:]
    assert f'"server k3s-master1: {OLD} -> {NEW}", "agent k3s1: {OLD} -> {NEW}"' in run.text
    assert versions(twin) == [OLD] * 3


def test_a_node_that_cannot_be_emptied_stops_the_rest_and_the_next_run_goes_on(twin: Twin) -> None:
    document = budget(twin)
    run = upgrade(twin, NEW, "-e", "drain_timeout=5")
    assert run.status != 0 and "k3s1 was not empty after 5 s, since pods may not be evicted" in run.text
    assert versions(twin) == [NEW, OLD, OLD]
    assert not twin.get("node", "k3s1")["spec"].get("unschedulable")
    twin.kubectl("delete", "-f", "-", stdin=document)
    again = upgrade(twin, NEW)
    assert again.status == 0, again.output[-3000:]
    assert versions(twin) == [NEW] * 3
    assert not upgrade(twin, NEW).changed


def test_the_way_back_is_refused_without_the_owners_word(twin: Twin) -> None:
    run = twin.play("playbooks/rollback_cluster.yml", "-e", f"homelab_k3s_version={OLD}")
    assert run.status != 0 and not run.changed
    assert "confirm is '', expected 'k3s-home': what was written since the backup is lost" in run.text


def test_back_to_the_backup_of_the_older_release(twin: Twin) -> None:
    twin.kubectl("create", "configmap", "made-since", "--from-literal=a=b")
    arguments = ("playbooks/rollback_cluster.yml", "-e", f"homelab_k3s_version={OLD}", "-e", "confirm=k3s-home")
    planned = twin.play(*arguments, "--check")
    assert planned.status == 0 and not planned.changed and f"put {OLD} in place of {NEW}" in planned.text
    assert "lost, since it is not in the backup: ConfigMap default/made-since" in planned.text
    run = twin.play(*arguments)
    assert run.status == 0, run.output[-3000:]
    assert "the cluster has all" in run.text
    assert versions(twin) == [OLD] * 3
    assert "made-since" not in twin.kubectl("get", "configmaps", "--output=name")
