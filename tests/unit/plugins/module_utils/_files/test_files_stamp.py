# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is still to be applied: from the stamp of the last run and the steps of this one."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._files import stamp
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._files.model import Found, Wanted
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._files.plan import plan

FOLDER = Found("directory", None, 0o755, "root", "root")
A = Wanted("/etc/a", "file", content="1\n", mode=0o644, owner="root", group="root")
B = Wanted("/etc/b", "file", content="2\n", mode=0o644, owner="root", group="root")
FOUND = {"/etc": FOLDER} | {item.path: Found("file", item.content, 0o644, "root", "root") for item in (A, B)}
ONE = "4355a46b19d348dc2f57c046f8ef63d4538ebb936000f3c9ee954a27460dd865"
APPLIED = {"/etc/a": ONE, "/etc/b": "53c234e5e8472b6ac51c1ae1cab3fe06fad053beb8ebfd8977b010655bfdd3c3"}


@pytest.mark.parametrize(
    ("wanted", "found", "applied", "expected"),
    [
        pytest.param([A, B], FOUND, APPLIED, [], id="all applied"),
        pytest.param([A, B], FOUND, {}, ["/etc/a", "/etc/b"], id="no stamp"),
        pytest.param([A, B], FOUND, {"/etc/a": ONE}, ["/etc/b"], id="written, then interrupted"),
        pytest.param([A, B], FOUND, APPLIED | {"/etc/b": ONE}, ["/etc/b"], id="applied with other content"),
        pytest.param([A], FOUND, APPLIED, ["/etc/b"], id="no longer wanted"),
        pytest.param(
            [A, B], FOUND | {"/etc/a": Found("file", "x\n", 0o644, "root", "root")}, APPLIED, ["/etc/a"], id="altered"
        ),
        pytest.param(
            [A, B], FOUND | {"/etc/a": Found("file", "1\n", 0o600, "root", "root")}, APPLIED, [], id="mode only"
        ),
        pytest.param([Wanted("/etc/a", "file", present=False), B], FOUND, APPLIED, ["/etc/a"], id="removed"),
        pytest.param([Wanted("/etc/a", "file", present=False)], FOUND, {}, ["/etc/a"], id="removed, no stamp"),
    ],
)
def test_pending(wanted: list[Wanted], found: dict[str, Found], applied: dict[str, str], expected: list[str]) -> None:
    assert stamp.pending(wanted, applied, plan(wanted, found)) == expected


def test_a_file_about_to_change_is_struck_out_of_the_stamp() -> None:
    altered = FOUND | {"/etc/a": Found("file", "x\n", 0o644, "root", "root")}
    assert stamp.still_applied(APPLIED, plan([A, B], altered)) == {"/etc/b": APPLIED["/etc/b"]}
    assert stamp.still_applied(APPLIED, plan([A, B], FOUND)) == APPLIED


def test_stamp_survives_writing_and_reading(tmp_path: Path) -> None:
    file = tmp_path / "stamp"
    file.write_text(stamp.stamp_content(stamp.digests([B, A])))
    assert stamp.read_stamp(str(file)) == APPLIED
    assert file.read_text().splitlines()[0] == f"{ONE}  /etc/a"


def test_no_stamp_reads_as_nothing_applied(tmp_path: Path) -> None:
    assert stamp.read_stamp(None) == {}
    assert stamp.read_stamp(str(tmp_path / "none")) == {}
