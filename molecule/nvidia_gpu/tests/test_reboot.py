# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reboots of a GPU node: told, refused and done. Kernels and module are empty files, since a container has none."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.twin import Run, Twin

NODE = "k3s3"
MODULES = "/lib/modules/6.1.0-50-amd64"
NEXT, NEWER = "/boot/vmlinuz-6.1.0-50-amd64", "/boot/vmlinuz-6.1.0-51-amd64"


def play(twin: Twin, **variables: Any) -> Run:
    # the role asks for no reboot of a container
    wanted = {"__nvidia_gpu_reboot": "{{ __nvidia_gpu_now.reboot_required }}", **variables}
    return twin.play("playbooks/gpu.yml", "--extra-vars", json.dumps(wanted))


def boot(twin: Twin) -> str:
    """Tells a container's boots apart."""
    return twin.on(NODE, "cut -d ' ' -f 22 /proc/1/stat")


@pytest.fixture(scope="module", autouse=True)
def driver(twin: Twin) -> Iterator[None]:
    """A driver for the kernel that boots next."""
    file = "updates/dkms/nvidia-current.ko"
    twin.on(
        NODE, f"mkdir -p {MODULES}/updates/dkms; touch {MODULES}/{file} {NEXT}; echo {file}: > {MODULES}/modules.dep"
    )
    yield
    twin.on(NODE, f"rm -r {MODULES} {NEXT}")


def test_no_gpu_node_goes_down_for_a_kernel_without_its_module(twin: Twin) -> None:
    before = boot(twin)
    twin.on(NODE, f"touch {NEWER}")
    run = twin.play("playbooks/reboot_nodes.yml", "--limit", NODE)
    twin.on(NODE, f"rm {NEWER}")
    assert run.status != 0
    assert "k3s3 is not rebooted, since the next kernel 6.1.0-51-amd64 has no nvidia module" in run.text
    assert boot(twin) == before
    # nor was it emptied
    assert not twin.get("node", NODE)["spec"].get("unschedulable")


def test_a_reboot_that_is_wanted_is_told_and_not_done(twin: Twin) -> None:
    before = boot(twin)
    run = play(twin, nvidia_gpu_wait=1)
    assert (run.status, run.changed) == (0, False), run.output
    assert "k3s3 needs a reboot, since the kernel that runs" in run.text
    assert "allow it with -e nvidia_gpu_reboot_allowed=true, or run playbooks/reboot_nodes.yml" in run.text
    assert "k3s3 can offer no card before the reboot that the driver needs" in run.text
    assert boot(twin) == before


def test_a_reboot_that_is_allowed_is_done_with_the_node_empty_and_open_again(twin: Twin) -> None:
    before = boot(twin)
    run = play(twin, nvidia_gpu_reboot_allowed=True)
    assert (run.status, run.changed) == (0, True), run.output
    assert boot(twin) != before
    for step in ("Empty it", "Wait until it is Ready", "Let it take pods again"):
        assert f"reboot_node | {step}" in run.text, step
    assert not twin.get("node", NODE)["spec"].get("unschedulable")
