# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From wanted and found files to steps: one table of steps, one of refusals."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._files.model import FilesError, Found, Wanted
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._files.plan import difference, plan

FOLDER = Found("directory", None, 0o755, "root", "root")
THERE = Found("file", "a = 1\n", 0o644, "root", "root")
LINK = Found("link", target="/elsewhere")
FILE = Wanted("/etc/a.conf", "file", content="a = 1\n", mode=0o644, owner="root", group="root")
DIRECTORY = Wanted("/etc/d", "directory")
SYMLINK = Wanted("/etc/l", "link", content="a.conf")


@pytest.mark.parametrize(
    ("wanted", "found", "sentences"),
    [
        pytest.param([FILE], {}, ["write /etc/a.conf (0644 root:root)"], id="absent file"),
        pytest.param([FILE], {"/etc/a.conf": THERE}, [], id="as wanted"),
        pytest.param(
            [FILE],
            {"/etc/a.conf": replace(THERE, content="a = 2\n")},
            ["change the content of /etc/a.conf"],
            id="other content",
        ),
        pytest.param(
            [FILE],
            {"/etc/a.conf": replace(THERE, content="a = 1\r\n", mode=0o600)},
            ["change the content of /etc/a.conf and set mode 0644 (is 0600)"],
            id="other line ends and mode",
        ),
        pytest.param(
            [FILE],
            {"/etc/a.conf": replace(THERE, mode=0o666, owner="josh")},
            ["set mode 0644 (is 0666) and owner root:root (is josh:root) of /etc/a.conf"],
            id="other mode and owner",
        ),
        pytest.param(
            [replace(FILE, present=False)], {"/etc/a.conf": THERE}, ["remove /etc/a.conf"], id="file wanted no more"
        ),
        pytest.param([replace(FILE, present=False)], {}, [], id="nothing to remove"),
        pytest.param([DIRECTORY], {}, ["make the directory /etc/d (0755 root:root)"], id="absent directory"),
        pytest.param(
            [DIRECTORY], {"/etc/d": replace(FOLDER, mode=0o700, owner="josh")}, [], id="what is not said is kept"
        ),
        pytest.param(
            [replace(DIRECTORY, mode=0o700)],
            {"/etc/d": FOLDER},
            ["set mode 0700 (is 0755) of /etc/d"],
            id="what is said is set",
        ),
        pytest.param([SYMLINK], {"/etc/l": LINK}, ["link /etc/l to a.conf"], id="link elsewhere"),
        pytest.param([SYMLINK], {"/etc/l": replace(LINK, target="a.conf")}, [], id="link as wanted"),
        pytest.param(
            [SYMLINK, replace(FILE, path="/etc/d/e/f"), Wanted("/etc/d/e", "directory"), FILE, DIRECTORY],
            {},
            [
                "make the directory /etc/d (0755 root:root)",
                "make the directory /etc/d/e (0755 root:root)",
                "write /etc/d/e/f (0644 root:root)",
                "write /etc/a.conf (0644 root:root)",
                "link /etc/l to a.conf",
            ],
            id="directories from the outside in, then files as given, then links",
        ),
    ],
)
def test_plan(wanted: list[Wanted], found: dict[str, Found], sentences: list[str]) -> None:
    assert [action.sentence for action in plan(wanted, {"/etc": FOLDER, **found})] == sentences


@pytest.mark.parametrize(
    ("wanted", "found", "reason"),
    [
        pytest.param([FILE, FILE], {}, "/etc/a.conf is named 2 times; keep one entry", id="twice"),
        pytest.param(
            [replace(FILE, path="etc/a.conf")],
            {},
            "path 'etc/a.conf' is not a plain absolute path; write it from / without . or .. or a / at its end",
            id="relative",
        ),
        pytest.param(
            [replace(FILE, path="/etc/../etc/a.conf")],
            {},
            "path '/etc/../etc/a.conf' is not a plain absolute path; write it from / without . or .. or a / at its end",
            id="dots",
        ),
        pytest.param(
            [FILE],
            {"/etc/a.conf": FOLDER},
            "/etc/a.conf is a directory, expected a file; move it away",
            id="directory in the way",
        ),
        pytest.param(
            [DIRECTORY], {"/etc/d": THERE}, "/etc/d is a file, expected a directory; move it away", id="file in the way"
        ),
        pytest.param(
            [SYMLINK],
            {"/etc/l": THERE},
            "/etc/l is a file, expected a symbolic link; move it away",
            id="file where a link goes",
        ),
        pytest.param(
            [replace(FILE, present=False)],
            {"/etc/a.conf": FOLDER},
            "/etc/a.conf is a directory, expected a file; move it away",
            id="directory not removed as a file",
        ),
        pytest.param(
            [FILE],
            {"/etc/a.conf": LINK},
            "/etc/a.conf is a symbolic link to /elsewhere, expected a file; remove the link, or name what it points to",
            id="link in the way",
        ),
        pytest.param(
            [replace(FILE, path="/etc/none/a")],
            {},
            "/etc/none, which should hold /etc/none/a, is not there, expected a directory; name it under directories",
            id="no parent",
        ),
        pytest.param(
            [replace(FILE, path="/etc/b/a")],
            {"/etc/b": THERE},
            "/etc/b, which should hold /etc/b/a, is a file, expected a directory; name it under directories",
            id="parent is a file",
        ),
        pytest.param(
            [replace(FILE, content="a = 1")],
            {},
            "the content of /etc/a.conf does not end with a newline; add one",
            id="no newline at the end",
        ),
    ],
)
def test_plan_refuses(wanted: list[Wanted], found: dict[str, Found], reason: str) -> None:
    with pytest.raises(FilesError) as refusal:
        plan(wanted, {"/etc": FOLDER, **found})
    assert refusal.value.reasons == [reason]


def test_plan_names_all_reasons_at_once() -> None:
    with pytest.raises(FilesError) as refusal:
        plan([replace(FILE, content="x"), replace(FILE, path="b")], {"/etc": FOLDER}, ["mode 'x' is unknown"])
    assert len(refusal.value.reasons) == 3
    assert str(refusal.value).startswith("mode 'x' is unknown; ")


def test_difference_shows_content_mode_and_owner() -> None:
    found = {"/etc": FOLDER, "/etc/a.conf": replace(THERE, content="a = 2\n", mode=0o600)}
    assert difference(plan([FILE], found)) == [
        {
            "before_header": "/etc/a.conf",
            "after_header": "/etc/a.conf",
            "before": "a = 2\n# 0600 root:root\n",
            "after": "a = 1\n# 0644 root:root\n",
        }
    ]


def test_difference_of_new_removed_and_linked() -> None:
    wanted = [FILE, Wanted("/etc/b", "file", present=False), SYMLINK]
    shown = difference(plan(wanted, {"/etc": FOLDER, "/etc/b": THERE, "/etc/l": LINK}))
    assert [(entry["before"], entry["after"]) for entry in shown] == [
        ("", "a = 1\n# 0644 root:root\n"),
        ("a = 1\n# 0644 root:root\n", ""),
        ("-> /elsewhere\n", "-> a.conf\n"),
    ]


@pytest.mark.parametrize("found", [{}, {"/etc/a.conf": replace(THERE, content="old secret\n")}], ids=["new", "changed"])
def test_a_secret_is_in_no_part_of_the_plan_a_user_sees(found: dict[str, Found]) -> None:
    actions = plan([replace(FILE, content="new secret\n", secret=True)], {"/etc": FOLDER, **found})
    seen = str(difference(actions)) + str([action.as_dict() for action in actions]) + repr(actions)
    assert actions
    assert "old secret" not in seen
    assert "new secret" not in seen
