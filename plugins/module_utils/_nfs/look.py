# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: look at NFS servers and mounts with a limit that holds, whatever the kernel waits for."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import struct
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

PORT = 2049
PROGRAM, VERSION, NULL = 100003, 4, 0
LAST_FRAGMENT = 0x80000000
# message type reply, accepted, no credentials, success: RFC 5531
ACCEPTED = struct.pack(">5I", 1, 0, 0, 0, 0)

# Arguments and a limit in seconds -> the exit status and what was said; None where the time was over.
LimitedRunner = Callable[[Sequence[str], float], "tuple[int, str] | None"]


@dataclass(frozen=True)
class NfsMount:
    """An NFS mount of this machine."""

    target: str
    source: str
    options: tuple[str, ...]


def ping(server: str, limit: float, port: int | None = None) -> str:
    """Why the server does not serve NFSv4; empty when it does. The empty call of RFC 7530, which needs no mount."""
    deadline = time.monotonic() + limit
    call = struct.pack(">10I", 0x686F6D65, 0, 2, PROGRAM, VERSION, NULL, 0, 0, 0, 0)
    try:
        with socket.create_connection((server, port or PORT), timeout=limit) as connection:
            connection.sendall(struct.pack(">I", LAST_FRAGMENT | len(call)) + call)
            answer = b""
            while len(answer) < 28:
                connection.settimeout(max(deadline - time.monotonic(), 0.001))
                part = connection.recv(4096)
                if not part:
                    return "it closed the connection without an answer"
                answer += part
    except OSError as error:
        return f"no answer within {limit:g} s" if isinstance(error, TimeoutError) else (error.strerror or str(error))
    return "" if answer[8:28] == ACCEPTED else "it does not offer NFS version 4"


def nfs_mounts(text: str) -> list[NfsMount]:
    """The NFS mounts in a table as /proc/self/mounts; reading it never touches a mount."""
    mounts = []
    for line in text.splitlines():
        source, target, kind, options = (_unescape(field) for field in line.split()[:4])
        if kind in ("nfs", "nfs4"):
            mounts.append(NfsMount(target, source, tuple(options.split(","))))
    return mounts


def _unescape(text: str) -> str:
    return re.sub(r"\\([0-7]{3})", lambda match: chr(int(match.group(1), 8)), text)


def run_limited(argv: Sequence[str], limit: float) -> tuple[int, str] | None:
    """Run argv; after the limit it is killed and, where even that has to wait for a dead server, left behind."""
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(
            argv, stdin=subprocess.DEVNULL, stdout=said, stderr=said, start_new_session=True, env=_environment()
        )
        try:
            status = process.wait(timeout=limit)
        except subprocess.TimeoutExpired:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(timeout=1)
            return None
        said.seek(0)
        return status, said.read().decode(errors="replace").strip()


def _environment() -> dict[str, str]:
    return {**os.environ, "LC_ALL": "C"}


def check_mount(run: LimitedRunner, mount: NfsMount, limit: float) -> str:
    """Why an existing mount is of no use; empty when it answers."""
    answer = run(["stat", "--file-system", "--format=%T", mount.target], limit)
    if answer is None:
        return f"no answer within {limit:g} s"
    status, said = answer
    return "" if status == 0 else said.rpartition(": ")[2]


# In a mount namespace of its own: whatever ends this, nothing stays mounted. Soft, so that the kernel gives up too.
TRIAL = 'mount --types nfs4 --options "$1" "$2" "$3" && stat --file-system --format=%T "$3"'


def try_export(run: LimitedRunner, server: str, path: str, version: str, limit: float, folder: Path) -> str:
    """Why an export cannot be mounted here; empty when it can."""
    options = f"ro,vers={version},soft,timeo={max(int(limit * 5), 1)},retrans=1,retry=0"
    argv = ["unshare", "--mount", "--propagation", "private", "sh", "-c", TRIAL, "sh", options, f"{server}:{path}"]
    answer = run([*argv, str(folder)], limit)
    if answer is None:
        return f"no answer within {limit:g} s"
    status, said = answer
    if status == 0:
        return ""
    return said.splitlines()[-1].rpartition("mount.nfs4: ")[2] if said else f"mount ended with status {status}"
