# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A few machines as network namespaces on one bridge, probed all at once."""

from __future__ import annotations

import contextlib
import itertools
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._probe.faults import Host
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._probe.model import Nic, Peer, Service, Wanted
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._probe.verdict import Verdict, judge
from tests import namespace_probe

ROOT = Path(__file__).resolve().parents[1]
NETWORK = "198.18.250"
ROUTER = f"{NETWORK}.1"
NODES = {"k3s-master1": f"{NETWORK}.30", "k3s1": f"{NETWORK}.21", "k3s2": f"{NETWORK}.23", "r730": f"{NETWORK}.100"}
MEMBERS = ("k3s-master1", "k3s1", "k3s2")
PORTS = {"k3s-master1": "6443,10250,4240,22", "k3s1": "10250,4240,22", "k3s2": "10250,4240,22", "r730": "22"}
NFS = {"r730": 2049}
# the ports of the switch, in the order of the machines
CABLES = {name: f"p{number}" for number, name in enumerate([*NODES, "router"])}
MACS = {name: f"02:00:00:00:02:{number:02x}" for number, name in enumerate(CABLES)}
HOUSE = ("tcp=179,5000", "dns", "ntp=0")
NAMES = {"6443": "api", "10250": "kubelet", "4240": "cilium-health", "22": "ssh"}
NUMBERS = itertools.count()
DOUBLES = ROOT / "tests" / "network_doubles.py"


def run(*argv: str) -> str:
    """Standard output of a command that has to succeed."""
    return subprocess.run(argv, check=True, capture_output=True, text=True).stdout


def unavailable() -> str:
    """Why namespaces cannot be had here; empty where they can."""
    if os.geteuid() != 0:
        return "network namespaces need root"
    missing = [name for name in ("ip", "iptables") if shutil.which(name) is None]
    if missing:
        return f"{' and '.join(missing)} is not installed"
    name = f"try-{os.getpid()}"
    tried = subprocess.run(["ip", "netns", "add", name], capture_output=True, check=False)
    subprocess.run(["ip", "netns", "del", name], capture_output=True, check=False)
    return "" if tried.returncode == 0 else "this machine makes no network namespaces"


def tunnel(number: int, name: str) -> str:
    """Commands that make a member's end of the tunnel; the answering process of the probe before may hold the port."""
    others = [NODES[other] for other in MEMBERS if other != name]
    kind = f"type vxlan id 1 dstport 8472 dev eth0 local {NODES[name]}"
    return "; ".join(
        [
            f"ip link add cilium_host {kind}",
            *(f"bridge fdb append 00:00:00:00:00:00 dev cilium_host dst {other}" for other in others),
            f"ip address add 10.42.{number}.1/16 dev cilium_host",
            "until ip link set cilium_host up 2>/dev/null; do sleep 0.2; done",
        ]
    )


def usual(name: str) -> tuple[str, ...]:
    """The doubles of a machine, or of the router, when all is well."""
    if name == "router":
        return HOUSE
    return (f"tcp={PORTS[name]}", *([f"nfs={NFS[name]}"] if name in NFS else []))


@dataclass
class Town:
    """The machines, their switch and their router."""

    prefix: str = field(default_factory=lambda: f"town{os.getpid()}-{next(NUMBERS)}")
    doubles: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    probes: dict[str, subprocess.Popen[str]] = field(default_factory=dict)

    def namespace(self, name: str) -> str:
        """A machine's namespace."""
        return f"{self.prefix}-{name}"

    def build(self) -> None:
        """Every machine with its address, a default route, and its services."""
        run("ip", "netns", "add", self.namespace("switch"))
        run("ip", "-n", self.namespace("switch"), "link", "add", "br0", "type", "bridge")
        run("ip", "-n", self.namespace("switch"), "link", "set", "br0", "up")
        for name, address in {**NODES, "router": ROUTER}.items():
            self._machine(name, address, CABLES[name])
            self.serve(name, *usual(name))
        self.probes = {name: namespace_probe.start(self.namespace(name)) for name in NODES}
        for name in CABLES:
            self.await_doubles(name)

    def _machine(self, name: str, address: str, port: str) -> None:
        place, switch = self.namespace(name), self.namespace("switch")
        run("ip", "netns", "add", place)
        ends = ("add", port, "type", "veth", "peer", "name", "eth0", "address", MACS[name], "netns", place)
        run("ip", "-n", switch, "link", *ends)
        run("ip", "-n", switch, "link", "set", port, "master", "br0", "up")
        run("ip", "-n", place, "link", "set", "lo", "up")
        run("ip", "-n", place, "address", "add", f"{address}/24", "dev", "eth0")
        run("ip", "-n", place, "link", "set", "eth0", "up")
        folder = self.files(name)
        folder.mkdir(parents=True)
        (folder / "resolv.conf").write_text(f"nameserver {ROUTER}\n")
        if name != "router":
            run("ip", "-n", place, "route", "add", "default", "via", ROUTER)

    def remove(self) -> None:
        """Nothing stays."""
        for name in list(self.doubles):
            self.stop(name)
        for probe in self.probes.values():
            namespace_probe.end(probe)
        for name in (*NODES, "router", "switch"):
            subprocess.run(["ip", "netns", "del", self.namespace(name)], capture_output=True, check=False)
            shutil.rmtree(self.files(name), ignore_errors=True)
        with contextlib.suppress(OSError):
            Path("/etc/netns").rmdir()

    def files(self, name: str) -> Path:
        """What ip-netns(8) places over a machine's /etc."""
        return Path("/etc/netns") / self.namespace(name)

    def serve(self, name: str, *what: str) -> None:
        """Start a machine's doubles."""
        argv = ["ip", "netns", "exec", self.namespace(name), sys.executable, str(DOUBLES), *what]
        self.doubles[name] = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def stop(self, name: str) -> None:
        """End a machine's doubles."""
        process = self.doubles.pop(name)
        process.kill()
        process.wait()

    @contextlib.contextmanager
    def serving(self, name: str, *what: str) -> Iterator[None]:
        """Other doubles than usual on a machine."""
        self.stop(name)
        self.serve(name, *what)
        try:
            self.await_doubles(name)
            yield
        finally:
            self.stop(name)
            self.serve(name, *usual(name))
            self.await_doubles(name)

    @contextlib.contextmanager
    def frozen(self, name: str) -> Iterator[None]:
        """Doubles that hang; the kernel goes on taking connections for them."""
        self.doubles[name].send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self.doubles[name].send_signal(signal.SIGCONT)

    @contextlib.contextmanager
    def tunnels(self) -> Iterator[None]:
        """The kernel's VXLAN between the members, as Cilium has it, and a process that is called as its agent is."""
        agent = 'open("/proc/self/comm", "w").write("cilium-agent"); print(flush=True); input()'
        process = subprocess.Popen(
            [sys.executable, "-c", agent], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        try:
            assert process.stdout is not None and process.stdout.readline()
            for number, name in enumerate(MEMBERS):
                self.on(name, tunnel(number, name))
            yield
        finally:
            for name in MEMBERS:
                self.on(name, "ip link del cilium_host 2>/dev/null || true")
            process.kill()
            process.communicate()

    def await_doubles(self, name: str) -> None:
        """Until a machine's doubles listen on a port of TCP, the last thing that they do."""
        for _attempt in range(200):
            if " 00000000:0000 0A " in self.on(name, "cat /proc/net/tcp"):
                return
            time.sleep(0.05)
        raise AssertionError(f"the doubles of {name} do not listen")

    def hold(self, name: str, port: int) -> subprocess.Popen[str]:
        """Another program on a machine's UDP port, as the kernel's VXLAN is."""
        # the answering process of the probe before may still hold it
        code = f"""
import socket, time
place = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for attempt in range(100):
    try:
        place.bind(("", {port}))
        break
    except OSError:
        time.sleep(0.1)
print("bound", flush=True)
input()
"""
        argv = ["ip", "netns", "exec", self.namespace(name), sys.executable, "-c", code]
        process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None and process.stdout.readline() == "bound\n"
        return process

    def on(self, name: str, command: str) -> str:
        """Run a command on a machine."""
        return run("ip", "netns", "exec", self.namespace(name), "sh", "-c", command)

    @contextlib.contextmanager
    def fault(self, name: str, command: str, undo: str) -> Iterator[None]:
        """A command, undone afterwards."""
        self.on(name, command)
        try:
            yield
        finally:
            self.on(name, undo)

    def wanted(self, name: str, **changes: Any) -> Wanted:
        """What a machine is to look at."""
        services = [
            Service(NAMES[port], host, NODES[host], int(port))
            for host, ports in PORTS.items()
            for port in ports.split(",")
        ]
        services += [Service("nfs", host, NODES[host], port) for host, port in NFS.items()]
        services += [Service("bgp", "router", ROUTER, 179), Service("registry", "registry", ROUTER, 5000)]
        peers = [Peer(other, address, other in MEMBERS) for other, address in NODES.items() if other != name]
        slow = namespace_probe.slowness()
        wanted = Wanted(
            name=name,
            address=NODES[name],
            nics=(Nic("eth0", None, 2500, True),),
            gateway=ROUTER,
            dns=(ROUTER,),
            ntp=(ROUTER,),
            peers=tuple(peers),
            services=tuple(service for service in services if service.host != name),
            tunnel=name in MEMBERS,
            controller_time=time.time(),
            seconds=3.2 * slow,
            container_network="cilium",
            linger=6.0,
            patience=1.3 * slow,
        )
        return replace(wanted, **changes)

    def look(self, deaf: tuple[str, ...] = (), before: str = "", **changes: dict[str, Any]) -> list[Host]:
        """Everything all machines see, but those that nobody reaches; a command may prepare the first one's view."""
        wanted = {name: self.wanted(name, **changes.get(name.replace("-", "_"), {})) for name in NODES}
        probes = {name: probe for name, probe in self.probes.items() if name not in deaf}
        with contextlib.ExitStack() as stack:
            if before:
                probes["k3s1"] = namespace_probe.start(self.namespace("k3s1"), before)
                stack.callback(namespace_probe.end, probes["k3s1"])
            for name, probe in probes.items():
                namespace_probe.ask(probe, wanted[name])
            answers = {name: namespace_probe.answer_of(probe) for name, probe in probes.items()}
        return [Host(wanted[name], answers.get(name)) for name in NODES]

    def verdicts(self, deaf: tuple[str, ...] = (), before: str = "", **changes: dict[str, Any]) -> list[Verdict]:
        """The judgement on all that."""
        return judge(self.look(deaf, before, **changes))
