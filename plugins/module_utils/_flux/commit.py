# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: the files with which Git keeps Flux itself, as flux bootstrap would commit them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from .._action import Action
from .._gitops.read import dump_all
from .model import Object, Wish
from .objects import sync_objects

COMPONENTS, SYNC, TOP = "gotk-components.yaml", "gotk-sync.yaml", "kustomization.yaml"


def texts(wish: Wish) -> dict[str, str]:
    """File names and their contents; no Secret is among them."""
    kustomization: Object = {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "resources": [COMPONENTS, SYNC],
    }
    return {
        COMPONENTS: f"---\n# Flux Version: v{wish.version}\n{dump_all(wish.components)}",
        SYNC: f"---\n{dump_all(sync_objects(wish))}",
        TOP: f"---\n{dump_all([kustomization])}",
    }


def differing(folder: Path, wanted: Mapping[str, str]) -> dict[str, str]:
    """Files that are to be written; a kustomization.yaml that is there holds its owner's patches and stays."""
    found = {name: (folder / name).read_text(encoding="utf-8") for name in wanted if (folder / name).is_file()}
    return {
        name: text for name, text in wanted.items() if found.get(name) != text and (name != TOP or TOP not in found)
    }


def actions(folder: Path, names: Iterable[str]) -> list[Action]:
    """One for each file."""
    return [Action("write", str(folder / name), f"write {folder / name}, for you to commit") for name in names]


def write(folder: Path, files: Mapping[str, str]) -> None:
    """Each whole or not at all."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        part = folder / f".{name}.part"
        part.write_text(text, encoding="utf-8")
        part.rename(folder / name)
