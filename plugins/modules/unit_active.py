#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: unit_active
short_description: Have a systemd unit run what was written, within a time limit
version_added: 0.1.0
author: FletcherLabs (@fletcherlabs)
description:
  - Enables a unit, starts it, or restarts it when O(outdated) says that it runs with older files than those on disk.
  - Waits until the unit is active. K3s announces readiness to systemd and sets no start limit of its own, so a plain
    start can wait for ever; this one ends after O(timeout) with the last line the unit logged.
  - In check mode tells what it would do even where the unit does not exist yet.
extends_documentation_fragment:
  - fletcherlabs.homelab.attributes
options:
  name:
    description: The unit, with its suffix.
    type: str
    required: true
    version_added: 0.1.0
  outdated:
    description: Whether a running unit has older inputs than those on the disk, and so has to be restarted.
    type: bool
    default: false
    version_added: 0.1.0
  timeout:
    description: How long the unit may take to become active, in seconds.
    type: int
    default: 180
    version_added: 0.1.0
"""

EXAMPLES = r"""
- name: Run K3s with what was written
  fletcherlabs.homelab.unit_active:
    name: k3s.service
    outdated: "{{ written.pending_paths | length > 0 }}"
"""

RETURN = r"""
actions:
  description: What was done, or would be done in check mode.
  type: list
  elements: dict
  returned: always
  sample: [{kind: start, sentence: start k3s.service}]
before:
  description: State of the unit before.
  type: str
  returned: success
  sample: active
"""

import time
import typing as t

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._command import (
    CommandError,
    CommandRunner,
    check_output,
)
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._unit.plan import Unit, parse_show, plan

SPEC = {
    "name": {"type": "str", "required": True},
    "outdated": {"type": "bool", "default": False},
    "timeout": {"type": "int", "default": 180},
}
PROPERTIES = "LoadState,ActiveState,UnitFileState,NeedDaemonReload,InvocationID"
POLL_SECONDS = 0.5


def probe(run: CommandRunner, name: str) -> Unit:
    """The unit as systemd sees it."""
    return parse_show(name, check_output(run, ["systemctl", "show", "--property", PROPERTIES, name]))


def apply(run: CommandRunner, name: str, kinds: list[str]) -> None:
    """Carry out the plan without waiting for the unit."""
    for kind in kinds:
        argv = ["systemctl", "daemon-reload"] if kind == "daemon-reload" else ["systemctl", "--no-block", kind, name]
        check_output(run, argv)


def await_active(run: CommandRunner, name: str, timeout: int, old: str) -> str:
    """Wait until the unit is active, and not in its old invocation; return nothing, or the sentence why it is not."""
    deadline = time.monotonic() + timeout
    while True:
        unit = probe(run, name)
        # just after a restart was asked for, systemd may still show the process that is about to stop
        if unit.active_state == "active" and (not old or unit.invocation != old):
            return ""
        if time.monotonic() > deadline:
            seen = f"{name} is {unit.active_state} after {timeout} s"
            return f"{seen}, expected active; its last line was: {last_line(run, name)}"
        time.sleep(POLL_SECONDS)


def last_line(run: CommandRunner, name: str) -> str:
    """The last thing the unit itself logged (systemd's own remarks say less)."""
    own = f"_SYSTEMD_UNIT={name}"
    _status, output, _stderr = run(["journalctl", own, "--lines", "40", "--output", "cat", "--no-pager"])
    lines = [line for line in output.splitlines() if line.strip()]
    telling = [line for line in lines if "level=fatal" in line or "level=error" in line] or lines
    return telling[-1] if telling else "nothing was logged"


def main() -> None:
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True)
    name = module.params["name"]

    def run(argv: object) -> tuple[int, str, str]:
        return module.run_command(argv)

    try:
        unit = probe(run, name)
        actions = plan(unit, module.params["outdated"])
        problem = ""
        if not module.check_mode:
            kinds = [action.kind for action in actions]
            apply(run, name, kinds)
            problem = await_active(run, name, module.params["timeout"], unit.invocation if "restart" in kinds else "")
    except CommandError as error:
        module.fail_json(msg=str(error), cmd=list(error.argv), rc=error.status, stderr=error.stderr)
    result: dict[str, t.Any] = {
        "changed": bool(actions),
        "actions": [action.as_dict() for action in actions],
        "before": unit.active_state,
    }
    if problem:
        module.fail_json(msg=problem, **result)
    after = "active" if actions else unit.active_state
    module.exit_json(diff={"before": f"{name} {unit.active_state}\n", "after": f"{name} {after}\n"}, **result)


if __name__ == "__main__":
    main()
