# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host in a directory: real files, and programs that change what the kernel would show in /proc and /sys."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._reset.probe import Host

POD = "/var/lib/kubelet/pods/8a7f1f9e-0d6c-4a44-9c3e-6c6f2a1f0b11"
MOUNTS = {
    "/": "8:1 / ext4 /dev/sda1",
    "/proc": "0:21 / proc proc",
    "/sys/fs/bpf": "0:30 / bpf bpf",
    "/run": "0:22 / tmpfs tmpfs",
    "/mnt/ssd-1": "8:17 / xfs /dev/sdb1",
    "/mnt/media": "0:55 / nfs4 192.168.10.50:/media",
    "/run/k3s/containerd/io.containerd.runtime.v2.task/k8s.io/ab/rootfs": "0:60 / overlay overlay",
    "/run/netns/cni-1": "0:4 net:[4026532999] nsfs nsfs",
    "/run/cilium/cgroupv2": "0:31 / cgroup2 none",
    f"{POD}/volumes/kubernetes.io~projected/token": "0:61 / tmpfs tmpfs",
    f"{POD}/volumes/kubernetes.io~nfs/media": "0:55 / nfs4 192.168.10.50:/media",
    "/var/lib/kubelet/plugins/kubernetes.io/csi/driver.longhorn.io/ab/globalmount": "8:32 / ext4 /dev/longhorn/pvc-1",
}
FILES = (
    "/sys/fs/bpf/tc/globals/cilium_calls_00001",
    "/sys/fs/bpf/tc/globals/others_map",
    "/sys/fs/bpf/cilium/socketlb/link",
    "/run/cilium/state/ep",
    "/etc/cni/net.d/05-cilium.conflist",
    "/etc/cni/net.d/05-lab.conflist",
    "/etc/cni/net.d/10-calico.conflist.cilium_bak",
    "/opt/cni/bin/cilium-cni",
    "/opt/cni/bin/loopback",
    "/etc/sysctl.d/99-zzz-override_cilium.conf",
    "/etc/sysctl.d/99-homelab.conf",
    "/etc/systemd/system/k3s-agent.service",
    "/etc/systemd/system/k3s-agent.service.env",
    "/etc/systemd/system/k3s-backup.service",
    "/etc/rancher/k3s/config.yaml",
    "/etc/rancher/k3s/token",
    "/etc/rancher/node/password",
    "/var/lib/rancher/k3s/agent/client.crt",
    "/var/lib/rancher/k3s/data/0a1b/bin/containerd",
    "/var/lib/rancher/k3s/storage/pvc-7_default_data/file",
    "/var/lib/kubelet/config",
    "/var/lib/cni/networks/x",
    "/run/flannel/subnet.env",
    "/run/netns/cni-1",
    "/usr/local/bin/k3s",
    "/usr/local/bin/k3s-killall.sh",
    "/usr/local/bin/helm",
    "/var/lib/longhorn/longhorn-disk.cfg",
    "/var/lib/fletcherlabs-homelab/k3s",
    "/var/lib/fletcherlabs-homelab/k3s-tokens",
    "/var/lib/fletcherlabs-homelab/node_base",
    "/mnt/ssd-1/longhorn-disk.cfg",
    "/mnt/media/film",
)
# What a reset may never take: everything here is looked at after each one.
OTHERS = (
    "/sys/fs/bpf/tc/globals/others_map",
    "/etc/cni/net.d/05-lab.conflist",
    "/opt/cni/bin/loopback",
    "/etc/sysctl.d/99-homelab.conf",
    "/etc/systemd/system/k3s-backup.service",
    "/etc/rancher/node/password",
    "/var/lib/rancher/k3s/storage/pvc-7_default_data/file",
    "/usr/local/bin/helm",
    "/usr/local/bin/ctr",
    "/var/lib/longhorn/longhorn-disk.cfg",
    "/var/lib/fletcherlabs-homelab/node_base",
    "/mnt/ssd-1/longhorn-disk.cfg",
    "/mnt/media/film",
    "/etc/fstab",
)
LINKS = ("eth0", "lxcbr0", "cilium_host", "cilium_net", "cilium_vxlan", "lxc0123456789ab", "cni0", "flannel.1")
RULES = [
    {"priority": 9, "src": "all", "fwmark": "0x200", "fwmask": "0xf00", "table": "2004"},
    {"priority": 10, "src": "all", "fwmark": "0xa00", "fwmask": "0xf00", "table": "2005"},
    {"priority": 100, "src": "all", "table": "local"},
    {"priority": 32766, "src": "all", "table": "main"},
]
FILTER = """# Generated
*filter
:INPUT DROP [0:0]
:DOCKER - [0:0]
:CILIUM_INPUT - [0:0]
:KUBE-FIREWALL - [0:0]
[5:300] -A INPUT -p tcp --dport 22 -j ACCEPT
[0:0] -A INPUT -m comment --comment "cilium-feeder: CILIUM_INPUT" -j CILIUM_INPUT
[0:0] -A INPUT -j KUBE-FIREWALL
COMMIT
*nat
:POSTROUTING ACCEPT [0:0]
[1:60] -A POSTROUTING -s 172.17.0.0/16 -j MASQUERADE
COMMIT
"""


class FakeHost:
    """Lies in root; everything it knows is in files there, so that it outlives the process that used it."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def host(self) -> Host:
        """What probe and apply work on."""
        return Host(self.run, self.feed, str(self.root), self.kill)

    def at(self, path: str) -> Path:
        return self.root / path.lstrip("/")

    def write(self, path: str, text: str = "x") -> None:
        self.at(path).parent.mkdir(parents=True, exist_ok=True)
        self.at(path).write_text(text)

    def build(self, server: bool = False) -> FakeHost:
        """A worker of a cluster with Cilium, as a broken uninstall may leave it."""
        for path in FILES:
            self.write(path)
        self.write("/etc/fstab", "/dev/sda1 / ext4 defaults 0 1\n/dev/sdb1 /mnt/ssd-1 xfs nofail 0 2\n")
        for name, target in (("kubectl", "k3s"), ("crictl", "/usr/local/bin/k3s"), ("ctr", "/usr/bin/docker-ctr")):
            self.at(f"/usr/local/bin/{name}").symlink_to(target)
        wants = self.at("/etc/systemd/system/multi-user.target.wants")
        wants.mkdir()
        (wants / "k3s-agent.service").symlink_to("/etc/systemd/system/k3s-agent.service")
        for mount in MOUNTS:
            self.at(mount).parent.mkdir(parents=True, exist_ok=True)
            if mount != "/run/netns/cni-1":
                self.at(mount).mkdir(exist_ok=True)
        self.set_mounts(MOUNTS)
        for link in LINKS:
            self.write(f"/sys/class/net/{link}/address")
        self.save("rules-4", json.dumps(RULES))
        self.save("rules-6", json.dumps([{"priority": 0, "src": "all", "table": "local"}]))
        self.save("table--4-2004", "local default dev lo scope host\n")
        self.save("iptables-save", FILTER)
        self.save("ip6tables-save", FILTER.replace("CILIUM_INPUT", "X").replace("KUBE-FIREWALL", "Y"))
        self.save("k3s-agent.service", "active")
        self.process(1, 0, "/sbin/init")
        self.process(70, 1, "/var/lib/rancher/k3s/data/0a1b/bin/containerd-shim-runc-v2", "0::/kubepods/pod1")
        self.process(71, 70, "/pause", "0::/kubepods/pod1")
        self.process(80, 1, "/usr/sbin/sshd")
        if server:
            self.write("/var/lib/rancher/k3s/server/db/etcd/member")
            self.write("/var/lib/rancher/k3s/server/token")
        return self

    def process(self, number: int, parent: int, program: str, group: str = "0::/init.scope") -> None:
        self.write(f"/proc/{number}/stat", f"{number} (some name) S {parent} 0 0")
        self.write(f"/proc/{number}/cmdline", f"{program}\0--flag\0")
        self.write(f"/proc/{number}/cgroup", f"{group}\n")

    def set_mounts(self, mounts: dict[str, str]) -> None:
        """Write the table; the parent of each is the deepest one above it."""
        numbers = {point: 20 + place for place, point in enumerate(mounts)}
        lines = []
        for point, text in mounts.items():
            device, inner, kind, source = text.split(" ")
            above = [each for each in mounts if each != point and (point + "/").startswith(each.rstrip("/") + "/")]
            parent = numbers[max(above, key=len)] if above else 1
            lines.append(f"{numbers[point]} {parent} {device} {inner} {point} rw - {kind} {source} rw\n")
        self.write("/proc/self/mountinfo", "".join(lines))

    def mounts(self) -> list[str]:
        return [line.split(" ")[4] for line in self.at("/proc/self/mountinfo").read_text().splitlines()]

    def save(self, name: str, text: str) -> None:
        self.write(f"/kernel/{name}", text)

    def state(self, name: str) -> str:
        path = self.at(f"/kernel/{name}")
        return path.read_text() if path.exists() else ""

    def kill(self, number: int) -> None:
        shutil.rmtree(self.at(f"/proc/{number}"), ignore_errors=True)

    def run(self, argv: Sequence[str]) -> tuple[int, str, str]:
        """The programs of the host; one that is not known here is not installed."""
        program, *rest = argv
        if program == "timeout":
            return self._umount(rest[-1])
        if program == "ip":
            return self._ip(rest)
        if program == "systemctl":
            return self._systemctl(rest)
        if program in ("iptables-save", "ip6tables-save"):
            return 0, self.state(program), ""
        raise FileNotFoundError(2, "No such file or directory", program)

    def feed(self, argv: Sequence[str], text: str) -> tuple[int, str, str]:
        saver = argv[0].replace("-restore", "-save")
        # a table that is not named stays as it is, as with the real program
        tables = dict(_tables(self.state(saver))) | dict(_tables(text))
        self.save(saver, "".join(f"{table}COMMIT\n" for table in tables.values()))
        return 0, "", ""

    def _umount(self, point: str) -> tuple[int, str, str]:
        lines = self.at("/proc/self/mountinfo").read_text().splitlines(keepends=True)
        if any(line.split(" ")[4].startswith(point + "/") for line in lines):
            return 32, "", f"umount: {point}: target is busy."
        self.write("/proc/self/mountinfo", "".join(line for line in lines if line.split(" ")[4] != point))
        return 0, "", ""

    def _ip(self, argv: Sequence[str]) -> tuple[int, str, str]:
        if argv[:2] == ["link", "delete"]:
            # a pair has two ends
            for name in {"cilium_host": ["cilium_host", "cilium_net"]}.get(argv[2], [argv[2]]):
                shutil.rmtree(self.at(f"/sys/class/net/{name}"))
            return 0, "", ""
        words = [word for word in argv if word != "-json"]
        family, subject, verb = words[:3]
        if subject == "rule":
            return self._rule(family, verb, words[3:])
        name = f"table-{family}-{words[-1]}"
        if verb == "flush":
            self.save(name, "")
        return (0 if self.state(name) or verb == "flush" else 2), self.state(name), ""

    def _rule(self, family: str, verb: str, words: Sequence[str]) -> tuple[int, str, str]:
        rules = json.loads(self.state(f"rules{family}"))
        wish = dict(zip(words[::2], words[1::2], strict=True))
        if verb == "add":
            rules.insert(0, {"priority": int(wish["priority"]), "src": "all", "table": wish["lookup"]})
        if verb == "delete":
            mark = wish.get("fwmark", "").split("/")[0]
            left = [
                rule
                for rule in rules
                if (str(rule["priority"]), rule["table"], rule.get("fwmark", ""))
                != (wish["priority"], wish["lookup"], mark)
            ]
            if left == rules:
                return 2, "", "RTNETLINK answers: No such file or directory"
            rules = left
        if not any(rule["table"] == "local" for rule in rules):
            raise AssertionError("nothing sent to this host arrives any more")
        if verb == "show":
            return 0, json.dumps(rules), ""
        self.save(f"rules{family}", json.dumps(rules))
        return 0, "", ""

    def _systemctl(self, argv: Sequence[str]) -> tuple[int, str, str]:
        unit = argv[-1]
        if argv[0] == "stop":
            self.save(unit, "inactive")
        if argv[0] == "show":
            file = f"/etc/systemd/system/{unit}"
            load = "loaded" if self.at(file).exists() else "not-found"
            return 0, f"LoadState={load}\nActiveState={self.state(unit) or 'inactive'}\nFragmentPath={file}\n", ""
        return 0, "", ""


def _tables(text: str) -> Iterator[tuple[str, str]]:
    for table in text.split("COMMIT\n"):
        _before, star, body = table.partition("*")
        if star:
            yield body.split("\n", 1)[0], f"*{body}"
