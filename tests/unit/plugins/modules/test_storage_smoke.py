# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""storage_smoke against the API server of the lab; the test plays provisioner and kubelet."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from typing import Any

import kubernetes
import pytest
from ansible.module_utils.testing import patch_module_args

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._verify.smoke import NAMESPACE
from ansible_collections.fletcherlabs.homelab.plugins.modules import storage_smoke

Call = Callable[..., dict[str, Any]]
POLICY = "persistentVolumeReclaimPolicy"


class Kubelet(threading.Thread):
    """Ends pods with the words of a volume; a broken class never gets one, a forgetful one loses what was written."""

    def __init__(self, core: Any) -> None:
        super().__init__(daemon=True)
        self.core, self.over = core, threading.Event()
        self.source = "/dev/longhorn/pvc-1"
        self.broken: set[str] = set()
        self.forgetful: set[str] = set()
        self.tokens: dict[str, str] = {}
        self.policies: dict[str, str] = {}

    def run(self) -> None:
        while not self.over.wait(0.05):
            try:
                pods = json.loads(self.core.list_namespaced_pod(NAMESPACE, _preload_content=False).data)["items"]
                for pod in pods:
                    if (pod.get("status") or {}).get("phase") not in ("Succeeded", "Failed"):
                        self.end(pod)
                volumes = json.loads(self.core.list_persistent_volume(_preload_content=False).data)["items"]
                self.policies |= {item["metadata"]["name"]: item["spec"].get(POLICY, "") for item in volumes}
            except kubernetes.client.ApiException:
                continue

    def end(self, pod: dict[str, Any]) -> None:
        role, _dash, name = pod["metadata"]["name"].partition("-")
        if name in self.broken:
            return
        if role == "write":
            self.tokens[name] = pod["spec"]["containers"][0]["env"][0]["value"]
            body = {"spec": {"volumeName": f"pv-{name}"}}
            self.core.patch_namespaced_persistent_volume_claim(name, NAMESPACE, body, _preload_content=False)
        message = f"{self.source} /data ext4 rw 0 0\n"
        if role == "read" and name not in self.forgetful:
            message += self.tokens[name]
        terminated = {"terminated": {"exitCode": 0, "message": message}}
        status = {"phase": "Succeeded", "containerStatuses": [{"name": role, "state": terminated}]}
        self.core.patch_namespaced_pod_status(
            pod["metadata"]["name"], NAMESPACE, {"status": status}, _preload_content=False
        )


@pytest.fixture
def kubelet(core: Any) -> Iterator[Kubelet]:
    classes = kubernetes.client.StorageV1Api(core.api_client)
    for name in ("longhorn", "other"):
        body = {"metadata": {"name": name}, "provisioner": "driver.longhorn.io", "reclaimPolicy": "Retain"}
        classes.create_storage_class(body, _preload_content=False)
        spec = {
            "capacity": {"storage": "1Gi"},
            "accessModes": ["ReadWriteOnce"],
            POLICY: "Retain",
            "hostPath": {"path": "/x"},
        }
        core.create_persistent_volume({"metadata": {"name": f"pv-{name}"}, "spec": spec}, _preload_content=False)
    thread = Kubelet(core)
    thread.start()
    yield thread
    thread.over.set()
    thread.join()


@pytest.fixture
def call(
    kubeconfig_of: Callable[[str], str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Call:
    monkeypatch.setattr(storage_smoke, "POLL_SECONDS", 0.05)
    monkeypatch.setattr(storage_smoke, "GONE_SECONDS", 10)

    def run(**more: Any) -> dict[str, Any]:
        arguments = {"kubeconfig": kubeconfig_of("admin"), "timeout": 10} | more
        with patch_module_args(arguments), pytest.raises(SystemExit):
            storage_smoke.main()
        result: dict[str, Any] = json.loads(capsys.readouterr().out)
        return result

    return run


def spaces(core: Any) -> list[str]:
    items = json.loads(core.list_namespace(_preload_content=False).data)["items"]
    return [item["metadata"]["name"] for item in items]


def test_each_class_is_written_and_read_and_nothing_stays(call: Call, kubelet: Kubelet, core: Any) -> None:
    result = call()
    assert [(row["subject"], row["status"]) for row in result["rows"]] == [("longhorn", "ok"), ("other", "ok")]
    assert NAMESPACE not in spaces(core)
    assert kubelet.policies == {"pv-longhorn": "Delete", "pv-other": "Delete"}, "a class that retains leaves nothing"
    assert len(set(kubelet.tokens.values())) == 1


def test_a_volume_on_the_nodes_own_disk_is_found(call: Call, kubelet: Kubelet) -> None:
    kubelet.source = "/dev/nvme0n1p2"
    (row,) = call(classes=["longhorn"])["rows"]
    assert row["status"] == "bad"
    assert "no device of Longhorn: writes go to the node's own disk; look at the kubelet root" in row["said"]


def test_a_class_without_volumes_and_one_that_forgets(call: Call, kubelet: Kubelet, core: Any) -> None:
    kubelet.broken, kubelet.forgetful = {"other"}, {"longhorn"}
    rows = {row["subject"]: row["said"] for row in call(timeout=2)["rows"]}
    assert rows["longhorn"].startswith("what one pod wrote is not what the next one read")
    assert rows["other"].startswith("the pod that was to write did not end in 2 s")
    assert NAMESPACE not in spaces(core)


@pytest.mark.usefixtures("kubelet")
def test_what_an_interrupted_run_left_is_removed_first(call: Call, core: Any) -> None:
    mark = {"homelab.fletcherlabs.net/smoke": "true"}
    core.create_namespace({"metadata": {"name": NAMESPACE, "labels": mark}}, _preload_content=False)
    assert [row["status"] for row in call()["rows"]] == ["ok", "ok"]


@pytest.mark.usefixtures("kubelet")
def test_somebody_elses_namespace_stays(call: Call, core: Any) -> None:
    core.create_namespace({"metadata": {"name": NAMESPACE}}, _preload_content=False)
    assert "is somebody else's; remove or rename it" in call()["msg"]
    assert NAMESPACE in spaces(core)


@pytest.mark.usefixtures("kubelet")
def test_a_class_that_is_not_there_and_check_mode(call: Call, core: Any) -> None:
    assert call(classes=["nvme"])["msg"] == "there is no class nvme; found are longhorn, other"
    assert call(_ansible_check_mode=True)["rows"] == []
    assert NAMESPACE not in spaces(core)
