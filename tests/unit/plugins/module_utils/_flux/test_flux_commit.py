# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A release's file as it is read, and the files with which Git keeps Flux itself."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._flux.cluster import components_in
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._flux.commit import differing, texts, write
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._flux.model import Wish
from lab.flux_releases import double

CONTROLLERS = ["source-controller", "kustomize-controller", "helm-controller", "notification-controller"]


@pytest.mark.parametrize(("file", "sentence"), [
    ("kind: [", "cannot be used: it is no YAML"),
    ("- 1\n", "holds something that is no object of Kubernetes"),
    ("kind: Namespace\nmetadata: {name: x}\n", "has no controller helm-controller, kustomize-controller"),
])  # fmt: skip
def test_a_file_that_is_no_release_is_refused(tmp_path: Path, file: str, sentence: str) -> None:
    (tmp_path / "broken.yaml").write_text(file)
    with pytest.raises(ValueError, match=sentence):
        components_in(str(tmp_path / "broken.yaml"), CONTROLLERS)


def test_what_is_written_is_written_once_and_patches_of_the_owner_stay(tmp_path: Path) -> None:
    (tmp_path / "install.yaml").write_text(double("2.6.1"))
    components = components_in(str(tmp_path / "install.yaml"), CONTROLLERS)
    wanted = texts(Wish("2.6.1", "ssh://git@git.example.net/it", "main", "clusters/x", components=components))
    folder = tmp_path / "checkout" / "flux-system"
    assert set(differing(folder, wanted)) == set(wanted)
    write(folder, wanted)
    assert tuple(yaml.safe_load_all((folder / "gotk-components.yaml").read_text())) == components
    kustomization = folder / "kustomization.yaml"
    assert yaml.safe_load(kustomization.read_text())["resources"] == ["gotk-components.yaml", "gotk-sync.yaml"]
    kustomization.write_text("resources: [gotk-components.yaml, gotk-sync.yaml, patch.yaml]\n")
    (folder / "gotk-sync.yaml").write_text("---\n")
    assert set(differing(folder, wanted)) == {"gotk-sync.yaml"}
    assert sorted(path.name for path in folder.iterdir()) == sorted(wanted)
