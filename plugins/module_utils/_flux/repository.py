# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: look at a fresh checkout of the repository."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from .._command import CommandRunner
from .._gitops.check import Wish as Checked
from .._gitops.check import builder, check
from .._gitops.model import Finding
from .._gitops.read import read_file
from .objects import follows_source

GIT_SECONDS = 120
COMMITTED = re.compile(r"^# Flux Version: v?(\d+\.\d+\.\d+)", re.MULTILINE)


def run_git(argv: Sequence[str], variables: Mapping[str, str]) -> tuple[int, str, str]:
    """Run git to its end, or for two minutes; 127 where it is not installed."""
    try:
        done = subprocess.run(
            list(argv),
            capture_output=True,
            check=False,
            stdin=subprocess.DEVNULL,
            env=dict(variables),
            timeout=GIT_SECONDS,
        )
    except subprocess.TimeoutExpired:
        return 124, "", f"Operation timed out after {GIT_SECONDS} s"
    except OSError as error:
        return 127, "", f"{argv[0]}: {error.strerror}"
    return done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace")


def findings(
    root: Path, wish: Checked, unwrap: Callable[[str], bytes | None] | None, run: CommandRunner
) -> tuple[tuple[Finding, ...], int]:
    """What gitops_check finds, and how many files are encrypted."""
    _tree, found = check(root, wish, unwrap, builder(root, run))
    names = [
        str((Path(folder) / name).relative_to(root)) for folder, _folders, files in os.walk(root) for name in files
    ]
    manifests = [name for name in names if name.endswith((".yaml", ".yml")) and not name.startswith(".git/")]
    encrypted = [name for name in manifests if any(document.encrypted for document in read_file(root, name)[0])]
    return tuple(found), len(encrypted)


def committed(root: Path, path: str) -> tuple[str, str]:
    """The version of Flux that Git itself brings, and what its gotk-sync.yaml follows; empty where it does not."""
    folder = f"{path}/flux-system"
    components = root / folder / "gotk-components.yaml"
    head = components.read_text(encoding="utf-8", errors="replace")[:2000] if components.is_file() else ""
    match = COMMITTED.search(head)
    sync = read_file(root, f"{folder}/gotk-sync.yaml")[0] if (root / folder / "gotk-sync.yaml").is_file() else []
    follows = [follows_source(document.content) for document in sync if document.kind == "GitRepository"]
    return match[1] if match else "", follows[0] if follows else ""
