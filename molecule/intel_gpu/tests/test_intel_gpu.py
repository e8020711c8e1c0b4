# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A small twin with one GPU of Intel, in this order: bare, built, changed, offered, left to others."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.twin import Run, Twin

    from .conftest import Plugins

WORKER = "k3s1"
PACKAGES = ("firmware-misc-nonfree", "intel-media-va-driver-non-free", "vainfo")
SOURCES, PARAMETER = "/etc/apt/sources.list.d/homelab-intel-gpu.sources", "/etc/modprobe.d/homelab-i915.conf"
PRESENT, SHARED = "intel.feature.node.kubernetes.io/gpu", "homelab.fletcherlabs.net/intel-gpu-shared"
OURS = "intel-gpu-plugin-shared-10"
LOW_POWER = ("--extra-vars", "intel_gpu_low_power_encode=true")
HUC = "i915/kbl_huc_4.0.0.bin"
GPU = "UHD Graphics 630 at 0000:00:02.0"


def play(twin: Twin, *arguments: str) -> Run:
    return twin.play("playbooks/gpu.yml", *arguments)


def values(**variables: Any) -> tuple[str, str]:
    return "--extra-vars", json.dumps(variables)


def initramfs_calls(twin: Twin) -> list[str]:
    return twin.on(WORKER, "cat /var/log/update-initramfs.double 2> /dev/null || true").splitlines()


def labels(twin: Twin) -> dict[str, str]:
    found: dict[str, str] = twin.get("node", WORKER)["metadata"]["labels"]
    return found


def test_a_rehearsal_on_a_bare_host_without_a_cluster_tells_the_whole_plan(twin: Twin, plugins: Plugins) -> None:
    run = play(twin, "--check", "--diff", *LOW_POWER, *values(homelab_kubeconfig="/nonexistent"))
    assert (run.status, run.changed) == (0, True), run.output
    assert f"k3s1 would get {', '.join(PACKAGES)} from {SOURCES}" in run.text
    assert "Components: non-free non-free-firmware" in run.output
    assert "options i915 enable_guc=2" in run.output
    assert "Build the initial file system with i915's parameters" in run.text
    assert "with it come the labels of k3s1, DaemonSet intel-gpu-plugin-shared-10" in run.text
    assert twin.on(WORKER, f"ls {SOURCES} {PARAMETER} 2> /dev/null || true") == ""
    assert initramfs_calls(twin) == []
    assert not twin.host(WORKER).package("vainfo").is_installed


def test_a_bus_that_differs_from_the_inventory_stops_all(twin: Twin) -> None:
    run = play(twin, *values(gpu_declared=[{"vendor": "nvidia", "model": "T4"}]))
    assert run.status != 0
    assert "no machine has been changed, since" in run.text
    assert f"k3s1: {GPU} is on the PCI bus and not described" in run.text
    assert "k3s1: T4 (nvidia) is described and not on the PCI bus, found are: 8086:9bc8 at 0000:00:02.0" in run.text
    assert not twin.host(WORKER).package("vainfo").is_installed


def test_a_build_installs_for_real_and_a_second_run_changes_nothing(twin: Twin, plugins: Plugins) -> None:
    run = play(twin, "--diff")
    assert (run.status, run.changed) == (0, True), run.output
    host = twin.host(WORKER)
    for package in PACKAGES:
        assert host.package(package).is_installed, package
    assert host.file("/usr/lib/x86_64-linux-gnu/dri/iHD_drv_video.so").exists
    assert "Components: non-free non-free-firmware" in host.file(SOURCES).content_string
    # a generation that needs no parameter, so that nothing of the boot is touched
    assert not host.file(PARAMETER).exists
    assert initramfs_calls(twin) == []
    assert "k3s1: 0000:00:02.0 has no device node" in run.text
    again = play(twin)
    assert (again.status, again.changed) == (0, False), again.output
    # a program of the driver is there, and nothing for it to ask
    assert "Failed to open the given device" in host.run("vainfo --display drm --device /dev/dri/renderD128").stdout


def test_the_plugin_is_in_the_api_as_upstream_has_it(twin: Twin, plugins: Plugins) -> None:
    assert list(plugins.ours()) == [OURS]
    pod = plugins.ours()[OURS]
    (container,) = pod["containers"]
    assert container["image"] == "docker.io/intel/intel-gpu-plugin:0.32.0"
    assert container["args"] == ["-shared-dev-num=10"]
    paths = {volume["hostPath"]["path"]: volume["hostPath"]["type"] for volume in pod["volumes"]}
    # what is not there is not made: the kubelet's folder least of all
    assert {path for path, kind in paths.items() if kind != "Directory"} == {"/var/run/cdi"}
    assert "/var/lib/kubelet/device-plugins" in paths
    assert pod["nodeSelector"] == {"kubernetes.io/arch": "amd64", PRESENT: "true", SHARED: "10"}
    assert (labels(twin)[PRESENT], labels(twin)[SHARED]) == ("true", "10")
    assert PRESENT not in twin.get("node", "k3s-master1")["metadata"]["labels"]


def test_low_power_encoding_touches_the_boot_once_each_way_whatever_interrupts_a_run(twin: Twin) -> None:
    run = play(twin, *LOW_POWER)
    assert (run.status, run.changed) == (0, True), run.output
    assert "options i915 enable_guc=2" in twin.on(WORKER, f"cat {PARAMETER}")
    assert initramfs_calls(twin) == ["-u -k all"]
    # as after a run that was cut off between writing and applying
    twin.on(WORKER, "sed -i '/homelab-i915/d' /var/lib/fletcherlabs-homelab/intel_gpu")
    assert play(twin, *LOW_POWER).changed
    assert len(initramfs_calls(twin)) == 2
    again = play(twin, *LOW_POWER)
    assert (again.status, again.changed) == (0, False), again.output
    back = play(twin)
    assert (back.status, back.changed) == (0, True), back.output
    assert twin.on(WORKER, f"ls {PARAMETER} 2> /dev/null || true") == ""
    assert len(initramfs_calls(twin)) == 3


def test_a_node_that_offers_nothing_is_named(twin: Twin) -> None:
    run = play(twin, *values(intel_gpu_wait=5))
    assert run.status != 0
    assert "k3s1 offers 0 x gpu.intel.com/i915, expected 10 (1 GPU x 10)" in run.text
    assert "leave /var/lib/kubelet alone" in run.text


def test_another_number_of_shares_is_another_set_of_pods(twin: Twin, plugins: Plugins) -> None:
    plugins.offer(WORKER, "gpu.intel.com/i915", 4)
    run = play(twin, *values(gpu_intel_nodes=[{"name": WORKER, "cards": 1, "shared": 4}], intel_gpu_wait=5))
    assert (run.status, run.changed) == (0, True), run.output
    assert list(plugins.ours()) == ["intel-gpu-plugin-shared-4"]
    assert labels(twin)[SHARED] == "4"


def test_a_reboot_that_a_gpu_needs_is_told_and_happens_only_when_allowed(twin: Twin, plugins: Plugins) -> None:
    # what debugfs shows of a GPU that started before its firmware was installed; a boot ends it
    info = f"HuC firmware: {HUC}\n\tstatus: MISSING\n\tversion: wanted 4.0, found 0.0\n"
    folder = "/sys/kernel/debug/dri/0"
    twin.on(
        WORKER,
        f"mount -t tmpfs none /sys/kernel/debug && mkdir -p {folder}/gt0/uc && "
        f"echo 'i915 dev=0000:00:02.0' > {folder}/name && printf '{info}' > {folder}/gt0/uc/huc_info",
    )
    boot = twin.on(WORKER, "cut -d ' ' -f 22 /proc/1/stat")
    told = play(twin)
    assert told.status == 0, told.output
    assert f"k3s1 waits for a reboot, since the firmware {HUC} was missing when {GPU} started" in told.text
    assert "allow it with -e intel_gpu_reboot_allowed=true" in told.text
    assert twin.on(WORKER, "cut -d ' ' -f 22 /proc/1/stat") == boot
    # the shares are as the inventory says again
    assert list(plugins.ours()) == [OURS]
    run = play(twin, *values(intel_gpu_reboot_allowed=True))
    assert (run.status, run.changed) == (0, True), run.output
    assert twin.on(WORKER, "cut -d ' ' -f 22 /proc/1/stat") != boot
    assert twin.get("node", WORKER)["spec"].get("unschedulable") is None


def test_a_plugin_of_nobody_we_know_is_refused(twin: Twin, plugins: Plugins) -> None:
    plugins.put("by-hand")
    run = play(twin)
    plugins.remove("by-hand")
    assert run.status != 0
    assert (
        "the cluster has the device plugin by-hand in default, which neither Flux nor this collection keeps" in run.text
    )
    assert list(plugins.ours()) == [OURS]


def test_flux_is_given_way(twin: Twin, plugins: Plugins) -> None:
    left = play(twin, *values(homelab_gpu_owner="flux"))
    assert (left.status, left.changed) == (0, False), left.output
    assert "homelab_gpu_owner is flux, so the device plugin is left to Flux" in left.text
    plugins.put("from-git", labels={"helm.toolkit.fluxcd.io/name": "intel"})
    run = play(twin)
    assert (run.status, run.changed) == (0, True), run.output
    assert "Flux keeps the device plugin from-git, so it is left alone" in run.text
    # two would register in turns
    assert list(plugins.ours()) == ["from-git"]
    assert labels(twin)[PRESENT] == "true"
    plugins.remove("from-git")


def test_intels_operator_is_given_way(twin: Twin, plugins: Plugins) -> None:
    group = "deviceplugin.intel.com"
    schema = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
    names = {"plural": "gpudeviceplugins", "singular": "gpudeviceplugin", "kind": "GpuDevicePlugin"}
    version = {"name": "v1", "served": True, "storage": True, "schema": schema}
    definition = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"gpudeviceplugins.{group}"},
        "spec": {"group": group, "scope": "Cluster", "names": names, "versions": [version]},
    }
    plugins.apply(definition)
    twin.kubectl("wait", "--for=condition=Established", "--timeout=60s", f"crd/gpudeviceplugins.{group}")
    plugins.apply({"apiVersion": f"{group}/v1", "kind": "GpuDevicePlugin", "metadata": {"name": "gpu"}, "spec": {}})
    run = play(twin)
    assert run.status == 0, run.output
    assert "Intel's operator keeps the device plugin gpu, so it is left alone" in run.text
    assert plugins.ours() == {}
