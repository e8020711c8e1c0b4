# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tasks with UPIDs: they run in threads, and end in OK or in a sentence."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

from lab.pve.errors import ApiError, TaskError
from lab.pve.faults import Faults
from lab.pve.store import Store

# tells how the work goes, line by line
Log = Callable[[str], None]
Work = Callable[[Log], None]


class Tasks:
    """The node's tasks, finished and running."""

    def __init__(self, store: Store, faults: Faults) -> None:
        self._store, self._faults = store, faults
        self._threads: dict[str, threading.Thread] = {}
        for task in self._all.values():
            if task["status"] == "running":
                # upstream's word for a worker that is gone without a last line
                task.update(status="stopped", exitstatus="unexpected status")
        self._store.save()

    @property
    def _all(self) -> dict[str, dict[str, Any]]:
        found: dict[str, dict[str, Any]] = self._store.document["tasks"]
        return found

    def start(self, kind: str, identity: str, user: str, work: Work) -> str:
        """Begin a task; return its UPID."""
        with self._store.lock:
            number, now = len(self._all) + 1, int(time.time())
            upid = f"UPID:{self._store.node}:{number:08X}:{number:08X}:{now:08X}:{kind}:{identity}:{user}:"
            task = {
                "upid": upid, "node": self._store.node, "pid": number, "pstart": number, "starttime": now,
                "type": kind, "id": identity, "user": user, "status": "running", "log": [],
            }  # fmt: skip
            self._all[upid] = task
            self._store.save()
        thread = threading.Thread(target=self._run, args=(task, work), daemon=True)
        self._threads[upid] = thread
        thread.start()
        return upid

    def _run(self, task: dict[str, Any], work: Work) -> None:
        try:
            work(task["log"].append)
            end, last = "OK", "TASK OK"
        except (TaskError, ApiError) as error:
            end, last = str(error), f"TASK ERROR: {error}"
        except Exception as error:
            end, last = f"{type(error).__name__}: {error}", f"TASK ERROR: {error}"
        with self._store.lock:
            task["log"].append(last)
            task.update(status="stopped", exitstatus=end, endtime=int(time.time()))
            self._store.save()

    def status(self, upid: str) -> dict[str, Any]:
        """A task as upstream shows it."""
        return {key: value for key, value in self._find(upid).items() if key not in ("log", "endtime")}

    def log(self, upid: str) -> list[dict[str, Any]]:
        """The lines of a task, counted from one."""
        return [{"n": number, "t": line} for number, line in enumerate(self._find(upid)["log"], 1)]

    def listed(self, vmid: str | None = None) -> list[dict[str, Any]]:
        """The newest tasks first."""
        found = [task for task in reversed(self._all.values()) if vmid in (None, task["id"])]
        # a list gives the exit status of ended tasks as their status
        return [self.status(task["upid"]) | {"status": task.get("exitstatus", "running")} for task in found[:50]]

    def _find(self, upid: str) -> dict[str, Any]:
        if upid not in self._all:
            raise ApiError(400, "Parameter verification failed.", {"upid": f"no such task '{upid}'"})
        return self._all[upid]

    def wait(self) -> None:
        """Until every task of this process has ended; for tests."""
        for thread in list(self._threads.values()):
            thread.join()
