# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: all checks over one checkout."""

from __future__ import annotations

import os
from collections.abc import Callable, Container, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from .._command import CommandRunner
from .check_names import check_names
from .check_order import check_order
from .check_sops import check_sops
from .check_versions import check_versions
from .model import Document, Finding, Tree
from .read import read_file
from .tree import Walk, kustomization_of

YAML = (".yaml", ".yml")


@dataclass(frozen=True)
class Wish:
    """What a repository is checked against."""

    path: str
    kubernetes: str
    flux: str
    known_secrets: Sequence[str] = ()
    known_namespaces: Sequence[str] = ()


def check(
    root: Path, wish: Wish, unwrap: Callable[[str], bytes | None] | None, build: Callable[[str], str] | None
) -> tuple[Tree, list[Finding]]:
    """Everything that is wrong, by file. `build` gives kustomize's complaint about a folder, or nothing."""
    files = frozenset(_files(root))
    cache: dict[str, tuple[list[Document], list[Finding]]] = {}

    def read(name: str) -> tuple[list[Document], list[Finding]]:
        if name not in cache:
            cache[name] = read_file(root, name)
        return cache[name]

    tree = Walk(files, read).run(wish.path)
    manifests = {name: read(name)[0] for name in files if name.endswith(YAML)}
    findings = set(tree.findings)
    findings |= set(check_order(tree))
    findings |= set(check_names(tree, wish.known_secrets, wish.known_namespaces))
    findings |= set(check_sops(tree, manifests, unwrap))
    findings |= set(check_versions(tree, wish.kubernetes, wish.flux))
    if build is not None:
        findings |= set(
            _built(tree, files, build, {finding.file for finding in findings if finding.rule in ("build", "yaml")})
        )
    return tree, sorted(findings)


def _files(root: Path) -> Iterator[str]:
    for folder, folders, names in os.walk(root):
        folders[:] = [name for name in folders if name != ".git"]
        for name in names:
            yield str((Path(folder) / name).relative_to(root))


def _built(tree: Tree, files: Container[str], build: Callable[[str], str], broken: set[str]) -> Iterator[Finding]:
    """kustomize's own word on each path; where a reason is known already it would only say it again."""
    for folder in sorted({layer.path for layer in tree.layers.values()}):
        name = kustomization_of(folder, files)
        if not name or folder in tree.remote or any(file.startswith(f"{folder}/") for file in broken):
            continue
        complaint = build(folder)
        if complaint:
            yield Finding(name, 1, f"kustomize cannot build this path: {complaint}", "build")


def builder(root: Path, run: CommandRunner) -> Callable[[str], str] | None:
    """kustomize, or kubectl that has it inside; files may lie outside the path, as with Flux."""
    for program in (["kustomize", "build"], ["kubectl", "kustomize"]):
        if run([program[0], "version", *(["--client"] if program[0] == "kubectl" else [])])[0] == 0:
            break
    else:
        return None

    def build(folder: str) -> str:
        status, _output, errors = run([*program, "--load-restrictor=LoadRestrictionsNone", str(root / folder)])
        text = " ".join(errors.split()).replace(f"{root}/", "")
        return text.removeprefix("error: ").removeprefix("Error: ") if status else ""

    return build
