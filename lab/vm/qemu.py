# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Running machines: start, power button, power cut, and which accelerator really works here."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from lab.console import say
from lab.errors import LabError
from lab.vm.image import FOLDER, Image

PROBE_SECONDS = 20
# which accelerator works, and in which boot of this machine that was found out
NOTE = FOLDER / "accelerator"
STOP_SECONDS = 300
# logind hears the button only once it runs, which is after SSH answers
PRESS_SECONDS = 15


def accelerator(image: Image, boots: Callable[[Image], bool] | None = None, note: Path = NOTE) -> str:
    """kvm where it boots a kernel, else tcg; the answer is kept until this machine is booted again."""
    this_boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    with suppress(OSError, ValueError):
        seen, _space, answer = note.read_text().partition(" ")
        if seen == this_boot and answer in ("kvm", "tcg"):
            return answer
    answer = "kvm" if (boots or _kvm_boots)(image) else "tcg"
    if answer == "tcg":
        say("lab: KVM boots no kernel here: machines run in software emulation, about ten times slower")
    note.parent.mkdir(parents=True, exist_ok=True)
    note.write_text(f"{this_boot} {answer}")
    return answer


def _kvm_boots(image: Image) -> bool:
    """Whether the kernel comes as far as looking for its first program; without a kernel, whether the firmware runs."""
    if not os.access("/dev/kvm", os.R_OK | os.W_OK):
        return False
    argv = ["qemu-system-x86_64", "-accel", "kvm", "-cpu", "host", "-machine", "q35", "-m", "256", "-no-reboot"]
    argv += ["-nodefaults", "-display", "none"]
    with tempfile.TemporaryDirectory() as folder:
        console = Path(folder) / "console"
        if image.kernel is not None:
            argv += ["-kernel", str(image.kernel), "-append", "console=ttyS0 panic=-1", "-serial", f"file:{console}"]
            return _prints(argv, console, "Kernel panic")
        argv += [
            "-chardev",
            f"file,id=firmware,path={console}",
            "-device",
            "isa-debugcon,iobase=0x402,chardev=firmware",
        ]
        return _prints(argv, console, "SeaBIOS")


def _prints(argv: list[str], console: Path, wanted: str) -> bool:
    process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + PROBE_SECONDS
        while True:
            ended = process.poll() is not None
            if console.exists() and wanted in console.read_text(errors="replace"):
                return True
            if ended or time.monotonic() > deadline:
                return False
            time.sleep(0.2)
    finally:
        process.kill()
        process.wait()


def pid_of(folder: Path) -> int | None:
    """The process that plays the machine of a folder, if it runs."""
    try:
        pid = int((folder / "pid").read_text())
        command = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace")
    except (OSError, ValueError):
        return None
    # after a boot of this machine the number may be another program's
    return pid if "qemu-system" in command and str(folder) in command else None


def start(argv: list[str], folder: Path) -> None:
    """Start a machine; it goes on without us."""
    (folder / "pid").unlink(missing_ok=True)
    done = subprocess.run(argv, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    if done.returncode != 0:
        complaint = (done.stderr.strip() or "it printed nothing").splitlines()[-1]
        raise LabError(f"QEMU did not start {folder.name}: {complaint}")


def cut_power(folder: Path) -> None:
    """End a machine at once, as a power cut would."""
    pid = pid_of(folder)
    if pid is None:
        return
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
    _await_end(folder, 20)


def press_power_button(folder: Path) -> None:
    """Have the machine shut itself down."""
    deadline = time.monotonic() + STOP_SECONDS
    while pid_of(folder) is not None:
        if time.monotonic() > deadline:
            raise LabError(f"{folder.name} did not shut down within {STOP_SECONDS} s; 'power cut' ends it at once")
        ask(folder, "system_powerdown")
        _await_end(folder, PRESS_SECONDS)


def _await_end(folder: Path, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while pid_of(folder) is not None:
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True


def ask(folder: Path, command: str, **arguments: Any) -> Any:
    """One command of QEMU's machine protocol."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(10)
        try:
            connection.connect(str(folder / "qmp"))
            stream = connection.makefile("rw")
            stream.readline()
            for name, details in (("qmp_capabilities", {}), (command, arguments)):
                stream.write(json.dumps({"execute": name, "arguments": details}) + "\n")
                stream.flush()
                answer = json.loads(stream.readline())
                while "event" in answer:
                    answer = json.loads(stream.readline())
        except (OSError, ValueError) as error:
            raise LabError(f"{folder.name} does not answer QEMU's protocol: {error}") from error
    if "error" in answer:
        raise LabError(f"{folder.name} refuses '{command}': {answer['error'].get('desc')}")
    return answer.get("return")
