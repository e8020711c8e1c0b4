# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Metrics that a machine writes of itself, by the unit as systemd runs it."""

from __future__ import annotations

import time

import pytest
from testinfra.host import Host

FILE = "/var/lib/prometheus/node-exporter/homelab_network.prom"


@pytest.fixture(scope="module")
def metrics(host: Host) -> dict[str, float]:
    """What one more run of the unit writes, hardening and all."""
    host.check_output("systemctl start homelab-health.service")
    lines = [line for line in host.file(FILE).content_string.splitlines() if not line.startswith("#")]
    return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in lines}


def test_the_timer_starts_it_by_itself(host: Host) -> None:
    assert host.service("homelab-health.timer").is_running and host.service("homelab-health.timer").is_enabled
    deadline = time.monotonic() + 30
    while "Finished" not in (said := host.check_output("journalctl --unit homelab-health.service --output cat")):
        assert time.monotonic() < deadline, said
        time.sleep(1)
    assert "Failed" not in said and "Traceback" not in said, said


def test_links_are_told_and_one_that_is_gone_has_no_carrier(metrics: dict[str, float]) -> None:
    assert metrics['homelab_network_carrier{interface="eth0"}'] == 1
    assert metrics['homelab_network_carrier{interface="gone0"}'] == 0
    assert metrics['homelab_network_expected_speed_mbps{interface="eth0"}'] == 2500
    assert metrics['homelab_network_errors_total{interface="eth0"}'] == 0


def test_who_answers_pings_and_who_does_not(metrics: dict[str, float]) -> None:
    assert metrics['homelab_network_reachable{target="gateway"}'] == 1
    assert metrics['homelab_network_reachable{target="k3s9"}'] == 0


def test_the_rule_the_certificate_and_the_time_of_the_run(host: Host, metrics: dict[str, float]) -> None:
    assert metrics["homelab_network_local_rule"] == 1
    end = metrics['homelab_certificate_expiry_timestamp_seconds{file="/etc/homelab-test.crt"}']
    assert abs(end - time.time() - 10 * 86400) < 7200
    assert not any("/nowhere.crt" in name for name in metrics)
    assert abs(metrics["homelab_health_last_run_timestamp_seconds"] - time.time()) < 120


def test_the_file_is_whole_and_for_everybody_to_read(host: Host, metrics: dict[str, float]) -> None:
    assert host.file(FILE).mode == 0o644
    assert host.check_output("ls -A /var/lib/prometheus/node-exporter") == "homelab_network.prom"


def test_the_unit_is_hardened(host: Host) -> None:
    exposure = host.check_output("systemd-analyze security --no-pager homelab-health.service").splitlines()[-1]
    assert float(exposure.split(":")[1].split()[0]) < 4, exposure
