# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the role leaves behind, and what a real networkd does to the container network with and without the guards."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from testinfra.host import Host

GUARDS = "/etc/systemd/networkd.conf.d/homelab.conf"
UPLINK = "/etc/systemd/network/50-uplink.network"
CONTAINERS = "/etc/systemd/network/05-homelab-containers.network"
RULES = ("from all lookup local", "fwmark 0x200/0xf00 lookup 2004")
ROUTE = "10.97.0.0/24"
POD_ROUTE = "10.98.0.0/24"
EVERYTHING = {*RULES, ROUTE, POD_ROUTE}


def test_files_made_by_hand_and_of_a_replaced_adapter_are_gone_and_others_stay(host: Host) -> None:
    files = host.check_output("ls /etc/systemd/network").split()
    assert files == ["05-homelab-containers.network", "10-homelab-lan0.link", "20-owner.link"]


def test_what_was_applied_is_recorded_and_true(host: Host) -> None:
    host.check_output("sha256sum --check --strict /var/lib/fletcherlabs-homelab/node_network")


def test_udev_names_the_adapter_as_the_inventory_does(host: Host) -> None:
    link = host.file("/etc/systemd/network/10-homelab-lan0.link").content_string
    assert "\nPermanentMACAddress=00:00:5e:00:53:18\n" in link
    # an interface of a container has no permanent address, so the rest of the file is tried by the current one
    mac = host.file("/sys/class/net/eth0/address").content_string.strip()
    host.check_output("mkdir -p /run/systemd/network")
    tried = link.replace("PermanentMACAddress=00:00:5e:00:53:18", f"MACAddress={mac}")
    host.check_output("printf %s > /run/systemd/network/09-tried.link", tried)
    answer = host.run("udevadm test-builtin net_setup_link /sys/class/net/eth0")
    assert "ID_NET_NAME=lan0" in answer.stdout, answer.stdout + answer.stderr
    assert "Unknown" not in answer.stderr


def test_the_udev_rule_is_read_without_complaint_and_names_one_device_only(host: Host) -> None:
    answer = host.run("udevadm test /sys/class/net/lo")
    said = [line for line in (answer.stdout + answer.stderr).splitlines() if "70-homelab" in line]
    assert said == ["Reading rules file: /etc/udev/rules.d/70-homelab-usb-network.rules"]
    rules = host.file("/etc/udev/rules.d/70-homelab-usb-network.rules").content_string.splitlines()[1:]
    assert len(rules) == 1
    for part in ('ATTR{idVendor}=="0bda"', 'ATTR{idProduct}=="8156"', 'ATTR{power/control}="on"'):
        assert part in rules[0]


def test_no_key_is_void(host: Host) -> None:
    host.check_output("systemctl restart systemd-networkd.service")
    said = host.check_output("journalctl --unit systemd-networkd.service --output cat")
    assert "05-homelab" not in said
    assert "Unknown key" not in said.rpartition("Stopped systemd-networkd")[2]


def test_networkd_was_reloaded_and_not_restarted(host: Host) -> None:
    said = host.check_output("journalctl --unit systemd-networkd.service --output cat")
    before_tests = said.split("Stopping ")[0]
    assert before_tests.count("Started ") == 1


@pytest.fixture
def network(host: Host) -> Iterator[Host]:
    """An uplink that networkd configures, and beside it what Cilium puts there: two rules, a route, an interface."""
    pairs = "ip link add uplink0 type veth peer name uplink1 && ip link add lxcpod type veth peer name peerpod"
    host.check_output(pairs + " && ip link set uplink1 up && ip link set peerpod up")
    unit = "[Match]\nName=uplink0\n[Network]\nAddress=192.0.2.2/24\nLinkLocalAddressing=no\nIPv6AcceptRA=no\n"
    host.check_output("mkdir -p /etc/systemd/networkd.conf.d && printf %s > " + UPLINK, unit)
    yield host
    host.run(
        f"rm -f {GUARDS} {UPLINK}; ip link del uplink0; ip link del lxcpod; ip rule del pref 9; ip rule del pref 100"
    )
    host.check_output("systemctl restart systemd-networkd.service")


def begin(host: Host) -> None:
    """networkd with the files as they are now, and then the container network."""
    host.check_output("systemctl restart systemd-networkd.service")
    settled(host)
    host.check_output("ip rule add lookup local pref 100 && ip rule add fwmark 0x200/0xf00 lookup 2004 pref 9")
    host.check_output(f"ip link set lxcpod up && ip route replace {POD_ROUTE} dev lxcpod")
    host.check_output(f"ip route replace {ROUTE} dev uplink0")
    assert foreign(host) == EVERYTHING


def settled(host: Host) -> None:
    deadline = time.monotonic() + 20
    while "configured" not in host.check_output("networkctl list --no-legend uplink0").split():
        assert time.monotonic() < deadline, host.check_output("networkctl list --no-legend")
        time.sleep(0.3)
    time.sleep(1)


def foreign(host: Host) -> set[str]:
    """What is there of that which networkd did not put there; every machine has a rule of preference 0."""
    rules = [line for line in host.check_output("ip rule").splitlines() if not line.startswith("0:")]
    routes = host.check_output("ip route")
    found = {rule for rule in RULES if any(rule in line for line in rules)}
    return found | {route for route in (ROUTE, POD_ROUTE) if route in routes}


def change_uplink(host: Host) -> None:
    """What `netplan apply` comes to: the file of an interface is written again, and networkd reads it."""
    host.check_output(f"touch {UPLINK} && networkctl reload")
    time.sleep(1)
    settled(host)


def test_without_the_guards_a_reload_takes_foreign_rules_away(network: Host) -> None:
    begin(network)
    change_uplink(network)
    # what is on an interface that networkd has nothing to do with stays
    assert foreign(network) == {POD_ROUTE}


def test_with_the_guards_rules_outlive_a_reload_a_restart_and_a_lost_carrier(network: Host) -> None:
    network.check_output(f"cp /root/networkd.conf {GUARDS}")
    begin(network)
    network.check_output("systemctl restart systemd-networkd.service")
    settled(network)
    assert foreign(network) == EVERYTHING
    change_uplink(network)
    # a foreign route of the interface that is configured anew goes even so (systemd 252); VXLAN needs none there
    assert foreign(network) >= {*RULES, POD_ROUTE}
    network.check_output("ip link set uplink1 down && sleep 4 && ip link set uplink1 up")
    settled(network)
    assert foreign(network) >= {*RULES, POD_ROUTE}


def test_the_roles_own_file_is_read_without_touching_the_container_network(network: Host) -> None:
    begin(network)
    network.check_output(f"touch {CONTAINERS} && networkctl reload")
    time.sleep(2)
    assert foreign(network) == EVERYTHING


def test_networkd_leaves_the_interface_of_a_pod_to_the_container_network(network: Host) -> None:
    # a file of the owner that would match everything, as some images bring it
    greedy = "/etc/systemd/network/80-greedy.network"
    network.check_output("printf '[Match]\\nName=*\\n[Network]\\nLinkLocalAddressing=no\\n' > " + greedy)
    try:
        begin(network)
        states = {
            line.split()[1]: line.split()[-1]
            for line in network.check_output("networkctl list --no-legend").splitlines()
        }
        assert states["lxcpod"] == "unmanaged"
        assert states["peerpod"] != "unmanaged"
    finally:
        network.check_output("rm " + greedy)
