# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Certificates near their end are found and replaced, node by node."""

from __future__ import annotations

import base64
import os
import random
import time
from typing import TYPE_CHECKING

import pytest
import yaml
from cryptography import x509

from tests.twin import kill_controller

if TYPE_CHECKING:
    from tests.twin import Twin

SERVER, WORKER = "k3s-master1", "k3s1"
PLAYBOOK = "playbooks/rotate_certificates.yml"
KUBELET = "/var/lib/rancher/k3s/agent/client-kubelet.crt"
ADMIN = "/var/lib/rancher/k3s/server/tls/client-admin.crt"
# CI has the one point that matters, below; KILLS=10 adds as many random ones
KILLS = int(os.environ.get("KILLS", "0"))


def days(text: bytes) -> int:
    certificate = x509.load_pem_x509_certificate(text)
    return (certificate.not_valid_after_utc - certificate.not_valid_before_utc).days


def left(twin: Twin, machine: str, path: str) -> int:
    return days(twin.on(machine, f"cat {path}").encode())


def age(twin: Twin) -> None:
    """Give both nodes certificates of 100 days, as a node has that was not restarted for months."""
    twin.on(SERVER, "systemctl stop k3s && echo LAB_K3S_LEAF_DAYS=100 > /etc/default/k3s && k3s certificate rotate")
    twin.on(SERVER, "systemctl start k3s && rm /etc/default/k3s")
    twin.on(WORKER, "systemctl restart k3s-agent")
    assert [left(twin, SERVER, ADMIN), left(twin, WORKER, KUBELET)] == [100, 100]


def assert_renewed(twin: Twin) -> None:
    assert [left(twin, SERVER, ADMIN), left(twin, WORKER, KUBELET)] == [365, 365]
    assert twin.host(SERVER).service("k3s").is_running
    assert twin.host(WORKER).service("k3s-agent").is_running
    text = yaml.safe_load((twin.state / "kubeconfig").read_text())["users"][0]["user"]["client-certificate-data"]
    assert days(base64.b64decode(text)) == 365
    twin.kubectl("get", "nodes")


def test_certificates_near_their_end_are_replaced_everywhere(twin: Twin) -> None:
    age(twin)
    keys = [
        twin.on(machine, f"sha256sum {path.replace('.crt', '.key')}")
        for machine, path in ((SERVER, ADMIN), (WORKER, KUBELET))
    ]
    check = twin.play(PLAYBOOK, "--check")
    assert (check.status, check.changed) == (0, True), check.output[-4000:]
    assert [left(twin, SERVER, ADMIN), left(twin, WORKER, KUBELET)] == [100, 100]
    run = twin.play(PLAYBOOK)
    assert run.status == 0, run.output[-4000:]
    assert "client-admin.crt ends in 99 days" in run.text
    assert_renewed(twin)
    now = [
        twin.on(machine, f"sha256sum {path.replace('.crt', '.key')}")
        for machine, path in ((SERVER, ADMIN), (WORKER, KUBELET))
    ]
    assert all(before != after for before, after in zip(keys, now, strict=True))
    again = twin.play(PLAYBOOK)
    assert (again.status, again.changed) == (0, False), again.output[-4000:]
    assert again.text.count("nothing to do, no certificate of k3s") == 2


def test_a_run_that_stopped_k3s_and_was_killed_is_finished_by_the_next(twin: Twin) -> None:
    age(twin)
    twin.on(SERVER, "systemctl stop k3s && k3s certificate rotate")
    run = twin.play(PLAYBOOK)
    assert run.status == 0, run.output[-4000:]
    assert_renewed(twin)


@pytest.mark.parametrize("number", range(KILLS))
def test_killed_anywhere_the_next_run_converges(twin: Twin, number: int) -> None:
    age(twin)
    moment = random.Random(number).uniform(1, 9)
    process = twin.start(PLAYBOOK)
    time.sleep(moment)
    kill_controller(process)
    run = twin.play(PLAYBOOK)
    assert run.status == 0, f"killed after {moment:.1f} s\n{run.output[-4000:]}"
    assert_renewed(twin)
