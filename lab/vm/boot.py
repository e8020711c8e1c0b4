# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The script a machine runs early in each boot: its name, address, keys and what QEMU cannot emulate."""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from lab.vm.hardware import Disk, Hardware, Nic

# QEMU's network adapter on USB tells its system another first byte than it was given.
USB_FIRST = "40"
NIC_DRIVERS = {"usb": "xhci_pci cdc_ether rndis_host", "virtio": "virtio_pci virtio_net", "pci": "e1000e"}
SETUP = r"""
set -u
echo '{name}' > /etc/hostname
hostname '{name}'
grep -q ' {name}$' /etc/hosts 2>/dev/null || echo '127.0.1.1 {name}' >> /etc/hosts
id '{user}' >/dev/null 2>&1 || useradd --create-home --shell /bin/bash '{user}'
install -d -m 0700 -o '{user}' -g '{user}' '/home/{user}/.ssh'
echo '{key}' > '/home/{user}/.ssh/authorized_keys'
chown '{user}:{user}' '/home/{user}/.ssh/authorized_keys'
echo '{user} ALL=(ALL) NOPASSWD: ALL' > '/etc/sudoers.d/{user}'
chmod 0440 '/etc/sudoers.d/{user}'
rm -f /etc/ssh/ssh_host_*
(umask 077; cat > /etc/ssh/ssh_host_ed25519_key) <<'KEY'
{host_key}KEY
echo '{host_public}' > /etc/ssh/ssh_host_ed25519_key.pub

# the interface that carries the address, under the name and with the MAC it has at home
find_nic() {{
    for each in /sys/class/net/*; do
        case $(cat "$each/address") in {mac}|{usb_mac}) basename "$each"; return 0;; esac
    done
    return 1
}}
# not when udev comes round to it: in software emulation that takes a minute
modprobe -a {drivers} 2>/dev/null || :
attempt=0
until [ "$(cat '/sys/class/net/{nic}/address' 2>/dev/null)" = '{mac}' ]; do
    attempt=$((attempt + 1))
    [ $attempt -lt 600 ] || {{ echo 'lab-setup: no interface has the MAC {mac}' >&2; exit 1; }}
    # again when udev gave it another name in between
    if nic=$(find_nic); then
        ip link set dev "$nic" down
        ip link set dev "$nic" address {mac}
        [ "$nic" = '{nic}' ] || ip link set dev "$nic" name '{nic}'
    else
        sleep 0.2
    fi
done
install -d /etc/systemd/network
{others}
cat > /etc/systemd/network/10-lab.network <<'NETWORK'
[Match]
Name={nic}

[Network]
Address={address}/{prefix}
Gateway={gateway}
LinkLocalAddressing=no
IPv6AcceptRA=no
NETWORK
{extra}
[ -L /etc/resolv.conf ] || printf '{resolvers}' > /etc/resolv.conf

# QEMU's NVMe controller has one model for all; what the kernel says of a disk is what the inventory says
model() {{
    for each in /sys/class/nvme/nvme* /sys/class/nvme-subsystem/nvme-subsys*; do
        [ -e "$each/serial" ] && [ "$(tr -d ' ' < "$each/serial")" = "$1" ] || continue
        install -d /run/lab
        printf '%-40s\n' "$2" > "/run/lab/model-$1"
        mountpoint -q "$(readlink -f "$each/model")" || mount --bind "/run/lab/model-$1" "$(readlink -f "$each/model")"
    done
}}
{models}
udevadm trigger --action=change --subsystem-match=block --sysname-match='nvme*' || :
exit 0
"""

# A further interface under its name; nothing waits for it.
OTHER = r"""modprobe -a {drivers} 2>/dev/null || :
for attempt in $(seq 100); do
    for each in /sys/class/net/*; do
        [ "$(cat "$each/address")" = '{mac}' ] || continue
        [ "$(basename "$each")" = '{nic}' ] || ip link set dev "$(basename "$each")" down name '{nic}'
    done
    [ ! -e '/sys/class/net/{nic}' ] || break
    sleep 0.2
done
"""


@dataclass(frozen=True)
class Identity:
    """Who a machine is on the network, and who may come in."""

    address: str
    subnet: ipaddress.IPv4Network
    gateway: str
    user: str
    key: str
    host_key: str
    host_public: str
    resolvers: tuple[str, ...]
    # further lines of the script
    extra: str = ""


def setup_script(hardware: Hardware, bays: Iterable[Disk], who: Identity) -> str:
    """The script for one machine."""
    nvme = [disk for disk in bays if disk.bus == "nvme"]
    return SETUP.format(
        name=hardware.name,
        user=who.user,
        key=who.key,
        host_key=who.host_key,
        host_public=who.host_public,
        mac=hardware.nic.mac,
        usb_mac=USB_FIRST + hardware.nic.mac[2:],
        nic=hardware.nic.name,
        drivers=NIC_DRIVERS.get(hardware.nic.bus, NIC_DRIVERS["pci"]),
        others="".join(_other(nic) for nic in hardware.others),
        address=who.address,
        prefix=who.subnet.prefixlen,
        gateway=who.gateway,
        resolvers="".join(f"nameserver {address}\\n" for address in who.resolvers),
        extra=who.extra,
        models="\n".join(f"model '{disk.serial}' '{_quoted(disk.model)}'" for disk in nvme),
    )


def _other(nic: Nic) -> str:
    return OTHER.format(nic=nic.name, mac=nic.mac, drivers=NIC_DRIVERS.get(nic.bus, NIC_DRIVERS["pci"]))


def _quoted(text: str) -> str:
    return text.replace("'", "'\\''")


def name_servers(*files: Path) -> tuple[str, ...]:
    """Name servers a machine can reach: this machine's, but no resolver on its own loopback."""
    for file in files or (Path("/etc/resolv.conf"), Path("/run/systemd/resolve/resolv.conf")):
        lines = [line.split() for line in file.read_text().splitlines()] if file.exists() else []
        found = [line[1] for line in lines if len(line) > 1 and line[0] == "nameserver"]
        reachable = tuple(address for address in found if not ipaddress.ip_address(address).is_loopback)
        if reachable:
            return reachable
    return ()


def cloud_files(hardware: Hardware, who: Identity, script: str) -> dict[str, str]:
    """What a cloud image looks for on the disk CIDATA: its network, and the same script early in each boot."""
    indented = "".join(f"    {line}\n" for line in script.splitlines())
    interface = {
        "match": {"macaddress": hardware.nic.mac},
        "set-name": hardware.nic.name,
        "addresses": [f"{who.address}/{who.subnet.prefixlen}"],
        "routes": [{"to": "0.0.0.0/0", "via": who.gateway}],
        "nameservers": {"addresses": list(who.resolvers)},
    }
    return {
        "meta-data": json.dumps({"instance-id": hardware.name, "local-hostname": hardware.name}),
        "network-config": json.dumps({"version": 2, "ethernets": {"lan": interface}}),
        "user-data": f"#cloud-config\nbootcmd:\n- |\n{indented}",
    }
