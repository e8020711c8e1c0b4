# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a node looks like that somebody tried to uninstall by hand: leftovers of Cilium, mounts, data of others."""

from __future__ import annotations

PODS = "/var/lib/kubelet/pods/8a7f1f9e-0d6c-4a44-9c3e-6c6f2a1f0b11/volumes"
SHIM = "/var/lib/rancher/k3s/data/lab/bin/containerd-shim-runc-v2"

# Files and mounts that a reset must leave as they are -> what is in them.
DATA = {
    "/mnt/ssd-1/longhorn-disk.cfg": "on a file system of its own",
    "/var/lib/longhorn/longhorn-disk.cfg": "on the root disk",
    "/var/lib/rancher/k3s/storage/pvc-1_default_data/file": "volume of the local-path provisioner",
    "/etc/cni/net.d/05-lab.conflist": "",
    "/etc/rancher/node/password": "",
}

# What it must take.
GONE = (
    "/etc/cni/net.d/05-cilium.conflist",
    "/etc/cni/net.d/10-old.conflist.cilium_bak",
    "/etc/rancher/k3s",
    "/etc/sysctl.d/99-zzz-override_cilium.conf",
    "/etc/systemd/system/k3s-agent.service",
    "/opt/cni/bin/cilium-cni",
    "/run/cilium",
    "/run/k3s",
    "/run/netns/cni-0a1b",
    "/sys/fs/bpf/cilium",
    "/sys/fs/bpf/tc/globals/cilium_calls_00001",
    "/usr/local/bin/k3s",
    "/usr/local/bin/kubectl",
    "/var/lib/kubelet",
    "/var/lib/rancher/k3s/agent",
    "/var/lib/rancher/k3s/data",
)

# Pairs of veth, as not every kernel has links of the kind dummy.
LINKS = """
ip link add cilium_host type veth peer name cilium_net
ip link add cilium_vxlan type veth peer name peer1
ip link add lxc0123456789ab type veth peer name peer2
ip link add lxcbr0 type bridge
ip link add cni0 type bridge
"""
# Cilium moves the kernel's own first rule: a reset that only deletes cuts the host off.
RULES = """
ip rule add priority 9 fwmark 0x200/0xf00 lookup 2004
ip rule add priority 10 fwmark 0xa00/0xf00 lookup 2005
ip rule add priority 100 from all lookup local
ip rule del priority 0 from all lookup local
ip route add local default dev lo table 2004
"""
PACKET_FILTER = """
apt-get install --yes --no-install-recommends iptables >/dev/null 2>&1
iptables -P FORWARD DROP
iptables -A INPUT -p tcp --dport 22 -j ACCEPT
for tool in iptables ip6tables; do
    $tool -N CILIUM_INPUT
    $tool -A INPUT -m comment --comment 'cilium-feeder: CILIUM_INPUT' -j CILIUM_INPUT
    $tool -t mangle -N KUBE-KUBELET-CANARY
done
"""
# bpffs and control groups for real where the kernel lets a container mount them.
CILIUM_FILES = """
mountpoint -q /sys/fs/bpf || mount -t bpf bpf /sys/fs/bpf 2>/dev/null || mount -t tmpfs none /sys/fs/bpf
mkdir -p /sys/fs/bpf/tc/globals/cilium_calls_00001 /sys/fs/bpf/tc/globals/others /sys/fs/bpf/cilium/socketlb
mkdir -p /run/cilium/cgroupv2 /run/cilium/state
mount -t cgroup2 none /run/cilium/cgroupv2 2>/dev/null || mount -t tmpfs none /run/cilium/cgroupv2
mkdir -p /opt/cni/bin /etc/cni/net.d
touch /etc/cni/net.d/05-cilium.conflist /etc/cni/net.d/10-old.conflist.cilium_bak
touch /opt/cni/bin/cilium-cni /opt/cni/bin/loopback /etc/sysctl.d/99-zzz-override_cilium.conf
"""
MOUNTS = f"""
mkdir -p /run/k3s/containerd/ab/rootfs {PODS}/kubernetes.io~projected/token
mount -t tmpfs none /run/k3s/containerd/ab/rootfs
mount -t tmpfs none {PODS}/kubernetes.io~projected/token
mkdir -p {PODS}/kubernetes.io~projected/token/inner
mount -t tmpfs none {PODS}/kubernetes.io~projected/token/inner
ip netns add cni-0a1b
"""
PROCESSES = f"""
mkdir -p $(dirname {SHIM})
cp /bin/bash {SHIM}
setsid {SHIM} -c 'sleep 3601 & sleep 3602' >/dev/null 2>&1 </dev/null &
"""
OTHERS = """
mkdir -p /mnt/ssd-1 && { mountpoint -q /mnt/ssd-1 || mount -t tmpfs none /mnt/ssd-1; }
mkdir -p /var/lib/longhorn /var/lib/rancher/k3s/storage/pvc-1_default_data
"""
OTHERS += "".join(f"echo '{text}' > {path}\n" for path, text in DATA.items() if text)

ALL = "set -e\n" + LINKS + RULES + PACKET_FILTER + CILIUM_FILES + MOUNTS + PROCESSES + OTHERS
