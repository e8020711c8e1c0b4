# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""No secret in clear in any file that git holds or would take; with --history in none that it ever held."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.run.secret_kinds import VAULT, findings
from tests.run.steps import ROOT
from tests.run.tree import checkout_files

# git ignores it, and a change of .gitignore or `git add --force` would not
IGNORED_SECRETS = "inventory/*/group_vars/all/secrets.yml"


@dataclass(frozen=True)
class Allowed:
    """Secrets of one kind that a file has to hold, and why that is safe."""

    file: str
    kind: str
    reason: str


# Tests put made-up keys together when they run, which needs no entry here.
ALLOWED: tuple[Allowed, ...] = ()


@dataclass(frozen=True)
class Found:
    """One secret in one place; which one it is, nobody says."""

    file: str
    line: int
    kind: str
    # of history: where it is
    blob: str = ""

    def sentence(self) -> str:
        """What was found and what to do, without the secret."""
        place = f"{self.file}:{self.line}"
        if self.blob:
            return (
                f"{place}: {self.kind} in git's history, expected none; replace it where it is used, "
                f"and find its commit with 'git log --all --find-object={self.blob[:12]}'"
            )
        if self.kind == VAULT:
            return f"{place}: {self.kind}, expected its first line to say so; run 'ansible-vault encrypt {self.file}'"
        return (
            f"{place}: {self.kind}, expected none in the repository; take it out or encrypt it, "
            "and replace it where it is used if it was ever committed"
        )


def scan(files: Sequence[tuple[str, str]], allowed: Sequence[Allowed] = ALLOWED) -> list[str]:
    """A sentence for each secret of these names and texts, and for each permission that nothing needs any more."""
    found = [Found(name, line, kind) for name, text in files for line, kind in findings(name, text)]
    permitted = {(entry.file, entry.kind) for entry in allowed}
    problems = [one.sentence() for one in found if (one.file, one.kind) not in permitted]
    held = {(one.file, one.kind) for one in found}
    return problems + [
        f"{entry.file}: {entry.kind} is allowed and not there any more, expected no permission that nothing needs; "
        "take the entry out of tests/run/secret_scan.py"
        for entry in allowed
        if (entry.file, entry.kind) not in held
    ]


def checkout_texts(root: Path) -> Iterator[tuple[str, str]]:
    """Every file that git holds or would take, and the owner's secrets, which it would not."""
    local = {str(path.relative_to(root)) for path in root.glob(IGNORED_SECRETS)}
    for name in sorted(local | set(checkout_files(root))):
        yield name, (root / name).read_text(encoding="utf-8", errors="replace")


def history(root: Path, allowed: Sequence[Allowed] = ALLOWED) -> list[str]:
    """A sentence for each secret of each file in every commit, branch, tag and stash."""
    permitted = {(entry.file, entry.kind) for entry in allowed}
    return [
        Found(name, line, kind, blob).sentence()
        for blob, name, text in history_texts(root)
        for line, kind in findings(name, text)
        if (name, kind) not in permitted
    ]


def history_texts(root: Path) -> Iterator[tuple[str, str, str]]:
    """Each blob that a reference reaches, under one of its names, with its text."""
    listing = _git(root, "rev-list", "--objects", "--all", "--reflog").decode(errors="replace")
    names = dict(line.split(" ", 1) for line in listing.splitlines() if " " in line)
    argv = ["git", "cat-file", "--batch", "--buffer"]
    wanted = "".join(f"{blob}\n" for blob in names).encode()
    stream = subprocess.run(argv, cwd=root, input=wanted, check=True, capture_output=True).stdout
    position = 0
    for blob, name in names.items():
        end = stream.index(b"\n", position)
        _identity, kind, size = stream[position:end].decode().split(" ")
        content = stream[end + 1 : end + 1 + int(size)]
        position = end + 2 + int(size)
        if kind == "blob":
            yield blob, name, content.decode("utf-8", errors="replace")


def _git(root: Path, *argv: str) -> bytes:
    return subprocess.run(["git", *argv], cwd=root, check=True, capture_output=True).stdout


def main(arguments: Sequence[str]) -> int:
    """Exit status 1 when anything is found, 2 for an unknown argument."""
    if list(arguments) not in ([], ["--history"]):
        print("usage: python -m tests.run.secret_scan [--history]", file=sys.stderr)
        return 2
    problems = history(ROOT) if arguments else scan(list(checkout_texts(ROOT)))
    print("\n".join([*problems, f"{len(problems)} secrets found"]))
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
