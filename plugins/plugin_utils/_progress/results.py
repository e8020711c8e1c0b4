# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: how the callback shows a result; what the default callback says well, it still says."""

from __future__ import annotations

import contextlib
import os
import sys
from typing import Any

from ansible import constants as C
from ansible.executor.task_result import CallbackTaskResult
from ansible.playbook.task_include import TaskInclude
from ansible.plugins.callback.default import CallbackModule as DefaultCallback

from ansible_collections.fletcherlabs.homelab.plugins.plugin_utils._progress import text


def colour(name: str) -> str:
    """A colour as the owner has configured it."""
    return str(C.config.get_config_value(name))


def flush() -> None:
    """Show what was said: without a terminal Ansible keeps its output in a buffer."""
    with contextlib.suppress(OSError, ValueError):
        sys.stdout.flush()


class ReadableResults(DefaultCallback):
    """Changes, messages and failures as sentences; what is as it should be with -v only."""

    def __init__(self) -> None:
        super().__init__()
        # host, task, sentence
        self.failures: list[tuple[str, str, str]] = []
        # those of a loop, until it is known whether they are ignored
        self._items: list[tuple[str, str, str]] = []

    def set_options(self, task_keys: Any = None, var_options: Any = None, direct: Any = None) -> None:
        """What is as it should be is shown by -v only."""
        super().set_options(task_keys=task_keys, var_options=var_options, direct=direct)
        if not self._is_verbose():
            self.set_option("display_ok_hosts", False)
            self.set_option("display_skipped_hosts", False)

    def _is_verbose(self) -> bool:
        return bool(self._display.verbosity > 0)

    def ended(self, result: CallbackTaskResult, state: str) -> str:
        """A host has a result: done, failed or unreachable; what is to be said about the time it took."""
        return ""

    def v2_runner_on_ok(self, result: CallbackTaskResult) -> None:
        """Changes and messages; what is ok only with -v, its warnings always."""
        took = self.ended(result, "done")
        if self._is_message(result):
            self._say(result)
        elif not self._is_verbose() and isinstance(result.task, TaskInclude):
            self._warn(result)
        elif self._is_verbose() or result.task.loop:
            self._warn(result)
            super().v2_runner_on_ok(result)
        elif result.result.get("changed", False):
            self._changed(result, took)
        else:
            self._warn(result)
        flush()

    def v2_runner_item_on_ok(self, result: CallbackTaskResult) -> None:
        """The same for one of several."""
        if self._is_message(result):
            self._say(result)
        else:
            self._warn(result)
            super().v2_runner_item_on_ok(result)
            self._list_actions(result)

    def v2_runner_on_skipped(self, result: CallbackTaskResult) -> None:
        """What does not apply, with -v."""
        self.ended(result, "done")
        self._warn(result)
        super().v2_runner_on_skipped(result)

    def v2_runner_item_on_skipped(self, result: CallbackTaskResult) -> None:
        """The same for one of several."""
        self._warn(result)
        super().v2_runner_item_on_skipped(result)

    def v2_playbook_on_include(self, included_file: Any) -> None:
        """What is read in, with -v."""
        if self._is_verbose():
            super().v2_playbook_on_include(included_file)

    def v2_on_file_diff(self, result: CallbackTaskResult) -> None:
        """Whole, as the default callback has them."""
        super().v2_on_file_diff(result)
        flush()

    def _banner(self, result: CallbackTaskResult) -> None:
        if self._last_task_banner != result.task._uuid:
            self._print_task_banner(result.task)

    def _warn(self, result: CallbackTaskResult) -> None:
        """Warnings have the banner of their task, which the default callback leaves out together with what is ok."""
        if result.result.get("warnings") or result.result.get("deprecations"):
            self._banner(result)
        self._handle_warnings_and_exception(result)

    def _changed(self, result: CallbackTaskResult, took: str) -> None:
        self._banner(result)
        self._handle_warnings_and_exception(result)
        self._display.display(f"changed: [{self.host_label(result)}]{took}", color=colour("COLOR_CHANGED"))
        self._list_actions(result)

    def _list_actions(self, result: CallbackTaskResult) -> None:
        if not self._is_verbose() and result.result.get("changed", False):
            for line in text.actions(result.result):
                self._display.display(line, color=colour("COLOR_CHANGED"))

    def _is_message(self, result: CallbackTaskResult) -> bool:
        # debug and assert say so; the latter has a sentence that says nothing
        meant = result.result.get("_ansible_verbose_always", False) is True
        return meant and (self._is_verbose() or result.result.get("msg") != "All assertions passed")

    def _say(self, result: CallbackTaskResult) -> None:
        self._banner(result)
        self._handle_warnings_and_exception(result)
        label, changed = self.host_label(result), result.result.get("changed", False)
        self._clean_results(result.result, result.task.action)
        lines = text.plain(result.result["msg"]) if "msg" in result.result else None
        if lines is None:
            self._display.display(f"{label}:{self._dump_results(result.result)}")
        elif result.task.run_once is True and not changed:
            self._display.display("\n".join(lines))
        else:
            self._display.display(text.labelled(f"changed: [{label}]" if changed else label, lines))

    def v2_runner_on_failed(self, result: CallbackTaskResult, ignore_errors: bool = False) -> None:
        """The sentence first, then where, then all else."""
        self.ended(result, "done" if ignore_errors else "failed")
        if result.task.loop and "results" in result.result:
            # its items have been told one by one
            result.result.pop("exception", None)
            super().v2_runner_on_failed(result, ignore_errors=ignore_errors)
            mine = [entry for entry in self._items if entry[0] == result.host.get_name()]
            self._items = [entry for entry in self._items if entry not in mine]
            self.failures += [] if ignore_errors else mine
            flush()
            return
        told = self._fail(result, f"fatal: [{self.host_label(result)}]: FAILED! => ")
        if ignore_errors:
            self._display.display("...ignoring", color=colour("COLOR_SKIP"))
        else:
            self.failures.append((result.host.get_name(), result.task_name, told.first))
        flush()

    def v2_runner_item_on_failed(self, result: CallbackTaskResult) -> None:
        """The same for one of several."""
        label = self._get_item_label(result.result)
        told = self._fail(result, f"failed: [{self.host_label(result)}] (item={label}) => ")
        self._items.append((result.host.get_name(), result.task_name, f"{label}: {told.first}"))
        flush()

    def v2_runner_on_unreachable(self, result: CallbackTaskResult) -> None:
        """The same for a host that does not answer."""
        self.ended(result, "done" if result.task.ignore_unreachable else "unreachable")
        told = self._fail(result, f"fatal: [{self.host_label(result)}]: UNREACHABLE! => ")
        if result.task.ignore_unreachable:
            self._display.display("...ignoring", color=colour("COLOR_SKIP"))
        else:
            self.failures.append((result.host.get_name(), result.task_name, told.first))
        flush()

    def _fail(self, result: CallbackTaskResult, start: str) -> text.Told:
        self._banner(result)
        if self._is_told_below(result):
            result.result.pop("exception", None)
        self._handle_warnings_and_exception(result)
        self._clean_results(result.result, result.task.action)
        told = text.failure(result.result, everything=self._is_verbose())
        red = colour("COLOR_UNREACHABLE" if "UNREACHABLE" in start else "COLOR_ERROR")
        lines = [start + told.headline, *told.lines]
        where = result.task.get_path()
        if where:
            lines.append(f"    at {os.path.relpath(where)}")
        verbose = self._is_verbose()
        lines += [] if verbose else told.simple()
        data = told.rest if verbose else told.other()
        more = self._dump_results(data).lstrip("\n") if data else ""
        lines += [more] if more.strip() not in ("", "{}") else []
        self._display.display("\n".join(lines), color=red, stderr=self.get_option("display_failed_stderr"))
        return told

    def _is_told_below(self, result: CallbackTaskResult) -> bool:
        """Ansible's own account of an error repeats what a module or plugin says, unless the task itself is wrong."""
        tracebacks = C.config.get_config_value("DISPLAY_TRACEBACK") != ["never"]
        about_task = str(result.result.get("msg", "")).startswith("Task failed") and "unreachable" not in result.result
        return not (about_task or tracebacks or self._display.verbosity > 1)
