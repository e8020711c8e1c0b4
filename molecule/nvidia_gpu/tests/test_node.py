# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Driver and toolkit on a machine: rehearsed while it is bare, built, built again, spoiled and mended."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.twin import Run, Twin

GPU = "playbooks/gpu.yml"
NODE = "k3s3"
PACKAGES = ("libcuda1", "libnvcuvid1", "libnvidia-encode1", "nvidia-persistenced", "nvidia-smi")
TOOLKIT = (
    "libnvidia-container1", "libnvidia-container-tools", "nvidia-container-toolkit-base", "nvidia-container-toolkit"
)  # fmt: skip
CONTAINERD = "/var/lib/rancher/k3s/agent/etc/containerd/config.toml"
ROLE = "RUNNING HANDLER [fletcherlabs.homelab.nvidia_gpu :"
SOURCE = "/etc/apt/sources.list.d/homelab-nvidia-toolkit.sources"


def play(twin: Twin, *arguments: str, **variables: Any) -> Run:
    extra = ["--extra-vars", json.dumps(variables)] if variables else []
    return twin.play(GPU, *arguments, *extra)


def invocation(twin: Twin) -> str:
    return twin.on(NODE, "systemctl show --property InvocationID --value k3s-agent")


@pytest.fixture(scope="module")
def rehearsal(twin: Twin) -> Run:
    return play(twin, "--check", "--diff")


@pytest.fixture(scope="module")
def built(twin: Twin, rehearsal: Run) -> Run:
    before = invocation(twin)
    run = play(twin)
    assert (run.status, run.changed) == (0, True), run.output
    assert invocation(twin) != before
    return run


def test_a_rehearsal_tells_the_whole_plan_and_touches_nothing(twin: Twin, rehearsal: Run) -> None:
    assert (rehearsal.status, rehearsal.changed) == (0, True), rehearsal.output
    for text in (
        *PACKAGES,
        *(f"{name}=1.17.8-1" for name in TOOLKIT),
        "+blacklist nouveau",
        "+Components: contrib non-free non-free-firmware",
        "+Pin: version 1.17.8-1",
        "+Pin: origin developer.download.nvidia.com",
        f"{ROLE} Restart K3s]",
        '+ "nvidia.com/gpu.present": "true"',
    ):
        assert text in rehearsal.text, text
    folders = "/etc/apt/sources.list.d /etc/apt/preferences.d /etc/apt/keyrings /etc/modprobe.d"
    assert twin.on(NODE, f"find {folders} -name 'homelab-n*' -o -name 'homelab-d*'") == ""
    assert "nvidia.com/gpu.present" not in twin.get("node", NODE)["metadata"]["labels"]


def test_the_parts_of_debian_that_need_no_card_are_installed(twin: Twin, built: Run) -> None:
    host = twin.host(NODE)
    for name in PACKAGES:
        assert host.package(name).is_installed, name
        assert host.package(name).version.startswith("535."), name
    for name in TOOLKIT:
        assert host.package(name).version == "1.17.8-1", name
    # nothing with a display came along
    for name in ("nvidia-driver", "xserver-xorg-core"):
        assert not host.package(name).is_installed, name


def test_the_kernel_part_could_be_installed_on_a_machine(twin: Twin, built: Run) -> None:
    """A container has no kernel of its own, so apt says it without doing it."""
    packages = "linux-headers-amd64 dkms nvidia-kernel-dkms"
    told = twin.on(NODE, f"apt-get install --simulate --no-install-recommends {packages}")
    assert "\nInst nvidia-kernel-dkms (535." in told
    assert "\nRemv " not in told


def test_pins_keep_the_toolkit_at_its_version_and_strangers_out(twin: Twin, built: Run) -> None:
    policy = twin.on(NODE, "apt-cache policy nvidia-container-toolkit libnvidia-something-else")
    toolkit, stranger = policy.split("libnvidia-something-else:")
    assert "Candidate: 1.17.8-1" in toolkit and "1.18.0-1 -1" in toolkit
    assert "Candidate: (none)" in stranger


def test_apt_takes_no_other_key_for_the_repository(twin: Twin, built: Run) -> None:
    fingerprint = (twin.state / "toolkit.fingerprint").read_text()
    source = twin.host(NODE).file(SOURCE).content_string
    assert f"Signed-By: /etc/apt/keyrings/homelab-nvidia-toolkit.asc {fingerprint}\n" in source
    # the same file with the key, another fingerprint
    twin.on(
        NODE, f"mkdir -p /tmp/other/lists/partial; sed 's/{fingerprint}/{'A' * 40}/' {SOURCE} > /tmp/other/x.sources"
    )
    options = (
        "-o Dir::Etc::SourceList=/dev/null -o Dir::Etc::SourceParts=/tmp/other -o Dir::State::Lists=/tmp/other/lists"
    )
    told = twin.on(NODE, f"apt-get update {options} 2>&1; true")
    assert "is not signed" in told or "not available" in told, told


def test_nouveau_is_kept_out_and_the_initial_file_system_built_once(twin: Twin, built: Run) -> None:
    assert "\nblacklist nouveau\n" in twin.host(NODE).file("/etc/modprobe.d/homelab-nouveau.conf").content_string
    assert twin.on(NODE, "cat /var/log/update-initramfs.double") == "-u -k all"


def test_unattended_upgrades_leave_driver_and_kernel_alone(twin: Twin, built: Run) -> None:
    shown = twin.on(NODE, "apt-config dump Unattended-Upgrade::Package-Blacklist")
    for name in ("^nvidia-", "^linux-image", "^systemd"):
        assert f'"{name}"' in shown


def test_k3s_found_the_runtime(twin: Twin, built: Run) -> None:
    assert "runtimes.'nvidia']" in twin.on(NODE, f"cat {CONTAINERD}")
    assert f"{ROLE} Have the runtime in containerd's configuration]" in built.text


def test_a_second_run_changes_nothing_and_restarts_nothing(twin: Twin, built: Run) -> None:
    before = invocation(twin)
    run = play(twin)
    assert (run.status, run.changed) == (0, False), run.output
    assert "RUNNING HANDLER" not in run.text
    assert invocation(twin) == before
    assert twin.on(NODE, "cat /var/log/update-initramfs.double") == "-u -k all"


def test_what_must_not_be_mixed_is_told_at_once_before_anything_is_touched(twin: Twin, built: Run) -> None:
    twin.on(NODE, "touch /usr/bin/nvidia-uninstall; rm /etc/modprobe.d/homelab-nouveau.conf")
    try:
        run = play(
            twin, nvidia_gpu_toolkit_version="1.16.2-1", nvidia_gpu_source="distribution", nvidia_gpu_branch="570"
        )
    finally:
        twin.on(NODE, "rm /usr/bin/nvidia-uninstall")
    assert run.status != 0
    for sentence in (
        "/usr/bin/nvidia-uninstall came with NVIDIA's own installer and with no package",
        "the driver branch is 570, but Debian 12 itself has 535 only",
        "nvidia_gpu_toolkit_version is 1.16.2-1, expected 1.17.8 or newer, which closes CVE-2025-23266",
    ):
        assert sentence in run.text, run.output
    assert not twin.host(NODE).file("/etc/modprobe.d/homelab-nouveau.conf").exists


def test_debians_driver_is_not_replaced_by_nvidias_without_a_word(twin: Twin, built: Run) -> None:
    run = play(twin, nvidia_gpu_source="nvidia")
    assert run.status != 0
    assert "of the driver branch 535 are installed, expected 580 alone; say nvidia_gpu_replace_branch=true" in run.text
    assert not twin.host(NODE).file("/etc/apt/sources.list.d/homelab-nvidia-driver.sources").exists


def test_a_wrong_key_is_refused_before_the_source_is_there(twin: Twin, built: Run) -> None:
    # for the next test, while there is a source to have it from
    twin.on(NODE, "apt-get install --yes --quiet nvidia-container-toolkit-base=1.18.0-1")
    twin.on(NODE, f"rm /etc/apt/keyrings/homelab-nvidia-toolkit.asc {SOURCE}")
    run = play(twin, nvidia_gpu_toolkit_key_fingerprint="C95B321B61E88C1809C4F759DDCAE044F796ECB0")
    assert run.status != 0
    assert "expected C95B321B61E88C1809C4F759DDCAE044F796ECB0; find out which is right before you go on" in run.text
    assert not twin.host(NODE).file(SOURCE).exists


def test_what_was_spoiled_or_interrupted_is_mended_in_one_run(twin: Twin, built: Run) -> None:
    """Sources, key and a file are gone by now; as after kills, nothing was built or restarted. The toolkit is newer."""
    twin.on(NODE, f"rm /var/lib/fletcherlabs-homelab/nvidia_gpu; sed -i '/nvidia/d' {CONTAINERD}")
    before = invocation(twin)
    run = play(twin)
    assert (run.status, run.changed) == (0, True), run.output
    assert twin.on(NODE, "cat /var/log/update-initramfs.double").splitlines() == ["-u -k all"] * 2
    assert invocation(twin) != before
    assert "runtimes.'nvidia']" in twin.on(NODE, f"cat {CONTAINERD}")
    assert twin.host(NODE).package("nvidia-container-toolkit-base").version == "1.17.8-1"
