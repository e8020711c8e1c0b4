# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Programs are run to their end, and nothing they print is lost."""

from __future__ import annotations

import sys

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._command import run_program


def test_status_and_both_outputs_come_back() -> None:
    program = "import sys; print('out'); print('err', file=sys.stderr); sys.exit(3)"
    assert run_program([sys.executable, "-c", program]) == (3, "out\n", "err\n")


def test_a_program_that_is_silent_for_long_and_ends_with_its_answer_is_heard() -> None:
    program = "import time; time.sleep(1.2); print('answer')"
    assert run_program([sys.executable, "-c", program])[1] == "answer\n"


def test_messages_come_in_one_language() -> None:
    assert run_program([sys.executable, "-c", "import os; print(os.environ['LC_ALL'])"])[1] == "C\n"


def test_a_program_that_is_not_installed_ends_as_in_a_shell() -> None:
    status, output, complaint = run_program(["no-such-program", "--help"])
    assert (status, output) == (127, "")
    assert complaint.startswith("no-such-program: ")
