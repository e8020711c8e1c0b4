# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A few machines as network namespaces on one bridge, probed all at once."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._probe.faults import Host
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._probe.model import Nic, Peer, Service, Wanted
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._probe.verdict import Verdict, judge

ROOT = Path(__file__).resolve().parents[1]
NETWORK = "198.18.250"
ROUTER = f"{NETWORK}.1"
NODES = {"k3s-master1": f"{NETWORK}.30", "k3s1": f"{NETWORK}.21", "k3s2": f"{NETWORK}.23", "r730": f"{NETWORK}.100"}
MEMBERS = ("k3s-master1", "k3s1", "k3s2")
PORTS = {"k3s-master1": "6443,10250,4240,22", "k3s1": "10250,4240,22", "k3s2": "10250,4240,22", "r730": "2049,22"}
NAMES = {"6443": "api", "10250": "kubelet", "4240": "cilium-health", "2049": "nfs", "22": "ssh"}
DOUBLES = ROOT / "tests" / "network_doubles.py"
PROBE = """
import json, sys
from pathlib import Path
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._probe import look, look_local, model
# a namespace is none, whatever this machine is
look_local.CONTAINER_MARKS = ()
document = json.loads(sys.argv[1])
for key, kind in (("nics", model.Nic), ("peers", model.Peer), ("services", model.Service)):
    document[key] = tuple(kind(**entry) for entry in document[key])
for key in ("dns", "ntp"):
    document[key] = tuple(document[key])
print(json.dumps(look.full(model.Wanted(**document), Path("/"))))
"""


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


@dataclass
class Town:
    """The machines, their switch and their router."""

    prefix: str = field(default_factory=lambda: f"town{os.getpid()}")
    doubles: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def namespace(self, name: str) -> str:
        """A machine's namespace."""
        return f"{self.prefix}-{name}"

    def build(self) -> None:
        """Every machine with its address, a default route, and its services."""
        run("ip", "netns", "add", self.namespace("switch"))
        run("ip", "-n", self.namespace("switch"), "link", "add", "br0", "type", "bridge")
        run("ip", "-n", self.namespace("switch"), "link", "set", "br0", "up")
        for number, (name, address) in enumerate({**NODES, "router": ROUTER}.items()):
            self._machine(name, address, f"p{number}")
        for name, ports in PORTS.items():
            self.serve(name, f"tcp={ports}")
        self.serve("router", "tcp=179,5000", "dns", "ntp=0")
        time.sleep(0.5)

    def _machine(self, name: str, address: str, port: str) -> None:
        place, switch = self.namespace(name), self.namespace("switch")
        run("ip", "netns", "add", place)
        run("ip", "-n", switch, "link", "add", port, "type", "veth", "peer", "name", "eth0", "netns", place)
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

    def await_port(self, name: str, port: int) -> None:
        """Until a machine's doubles listen."""
        for _attempt in range(100):
            if f":{port:04X} 00000000:0000 0A" in self.on(name, "cat /proc/net/tcp"):
                return
            time.sleep(0.05)
        raise AssertionError(f"{name} does not listen on {port}")

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
        services += [Service("bgp", "router", ROUTER, 179), Service("registry", "registry", ROUTER, 5000)]
        peers = [Peer(other, address, other in MEMBERS) for other, address in NODES.items() if other != name]
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
            seconds=3.2,
            container_network="cilium",
            linger=6.0,
            patience=1.3,
        )
        return replace(wanted, **changes)

    def look(self, deaf: tuple[str, ...] = (), before: str = "", **changes: dict[str, Any]) -> list[Host]:
        """Everything all machines see, but those that nobody reaches; a command may prepare the first one's view."""
        wanted = {name: self.wanted(name, **changes.get(name.replace("-", "_"), {})) for name in NODES}
        started = {name: self._start(wanted[name], before) for name in NODES if name not in deaf}
        answers = {name: process.communicate(timeout=30) for name, process in started.items()}
        for name, (output, errors) in answers.items():
            assert output, f"{name}: {errors}"
        return [Host(wanted[name], json.loads(answers[name][0]) if name in answers else None) for name in NODES]

    def _start(self, wanted: Wanted, before: str) -> subprocess.Popen[str]:
        own = before if wanted.name == "k3s1" else ""
        argv = ["ip", "netns", "exec", self.namespace(wanted.name), "sh", "-c", f'{own or ":"}; exec "$0" -c "$1" "$2"']
        return subprocess.Popen(
            [*argv, sys.executable, PROBE, json.dumps(asdict(wanted))],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": ".collections"},
        )

    def verdicts(self, deaf: tuple[str, ...] = (), before: str = "", **changes: dict[str, Any]) -> list[Verdict]:
        """The judgement on all that."""
        return judge(self.look(deaf, before, **changes))
