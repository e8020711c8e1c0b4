# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from pathlib import Path

import pytest

from lab.k3s_standin.config import ConfigError, Settings, load


def _load(
    tmp_path: Path,
    files: dict[str, str],
    arguments: tuple[str, ...] = (),
    environment: dict[str, str] | None = None,
    command: str = "server",
) -> Settings:
    for name, content in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(content)
    warnings: list[str] = []
    settings = load(command, arguments, environment or {}, tmp_path / "config.yaml", warnings.append)
    (tmp_path / "warnings").write_text("".join(warnings))
    return settings


MAIN, ONE, TWO = "config.yaml", "config.yaml.d/10-one.yaml", "config.yaml.d/20-two.yaml"


@pytest.mark.parametrize(
    ("files", "arguments", "wanted"),
    [
        ({MAIN: "node-label: [a=1, b=2]"}, (), ["a=1", "b=2"]),
        ({MAIN: "node-label: a=1"}, (), ["a=1"]),
        ({MAIN: "node-label: a=1", ONE: "node-label: [b=2]"}, (), ["b=2"]),
        ({MAIN: "node-label: a=1", TWO: "node-label: [c=3]", ONE: "node-label: [b=2]"}, (), ["c=3"]),
        ({MAIN: "node-label: a=1", ONE: "node-label+: [b=2]"}, (), ["a=1", "b=2"]),
        ({MAIN: "node-label: a=1", ONE: "node-label+: [b=2]", TWO: "node-label: [c=3]"}, (), ["c=3"]),
        ({ONE: "node-label+: [b=2]", TWO: "node-label+: [c=3]"}, (), ["b=2", "c=3"]),
        ({MAIN: "node-label: [a=1, b=2]"}, ("--node-label", "x=9"), ["x=9"]),
        ({MAIN: "node-label: [a=1]"}, ("--node-label=x=9", "--node-label=y=8"), ["x=9", "y=8"]),
        ({MAIN: "node-label: [a=1]", "config.yaml.d/ignored.txt": "node-label: [z=0]"}, (), ["a=1"]),
    ],
)
def test_lists_merge_as_upstream_merges_them(
    tmp_path: Path, files: dict[str, str], arguments: tuple[str, ...], wanted: list[str]
) -> None:
    assert _load(tmp_path, files, arguments).list("node-label") == wanted


@pytest.mark.parametrize(
    ("files", "arguments", "environment", "wanted"),
    [
        ({}, (), {"K3S_TOKEN": "env"}, "env"),
        ({MAIN: "token: file"}, (), {"K3S_TOKEN": "env"}, "file"),
        ({MAIN: "token: file"}, ("-t", "word"), {"K3S_TOKEN": "env"}, "word"),
        ({MAIN: "t: short"}, (), {}, "short"),
        ({}, (), {}, ""),
    ],
)
def test_command_line_beats_file_beats_environment(
    tmp_path: Path, files: dict[str, str], arguments: tuple[str, ...], environment: dict[str, str], wanted: str
) -> None:
    assert _load(tmp_path, files, arguments, environment).text("token") == wanted


def test_another_configuration_file_brings_its_own_directory(tmp_path: Path) -> None:
    files = {MAIN: "token: a", "other.yaml": "token: b", "other.yaml.d/x.yml": "node-name: n"}
    settings = _load(tmp_path, files, environment={"K3S_CONFIG_FILE": str(tmp_path / "other.yaml")})
    assert (settings.text("token"), settings.text("node-name")) == ("b", "n")


def test_switches_and_numbers_are_read(tmp_path: Path) -> None:
    settings = _load(tmp_path, {MAIN: "cluster-init: true\nhttps-listen-port: 7443"}, ("--disable-agent",))
    assert settings.flag("cluster-init") and settings.flag("disable-agent") and not settings.flag("rootless")
    assert settings.number("https-listen-port") == 7443
    assert settings.number("lb-server-port") == 6444


def test_server_skips_an_unknown_key_with_a_warning(tmp_path: Path) -> None:
    settings = _load(tmp_path, {MAIN: "tokn: x\nnode-name: n"})
    assert settings.text("node-name") == "n"
    assert (tmp_path / "warnings").read_text() == "Unknown flag --tokn found in config.yaml, skipping\n"


@pytest.mark.parametrize(
    ("files", "arguments", "command", "message"),
    [
        ({MAIN: "tokn: x"}, (), "agent", "flag provided but not defined: -tokn"),
        ({MAIN: "cluster-init: true"}, (), "agent", "flag provided but not defined: -cluster-init"),
        ({}, ("--tokn", "x"), "server", "flag provided but not defined: -tokn"),
        ({}, ("--token",), "server", "flag needs an argument: -token"),
        ({MAIN: "- a"}, (), "server", "holds a list, expected a mapping"),
        ({MAIN: "a: [b"}, (), "server", "failed to read configuration file"),
        ({}, ("--config", "/nowhere.yaml"), "server", "failed to read configuration file /nowhere.yaml"),
    ],
)
def test_wrong_settings_are_refused(
    tmp_path: Path, files: dict[str, str], arguments: tuple[str, ...], command: str, message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        _load(tmp_path, files, arguments, command=command)


def test_values_of_the_wrong_type_are_refused(tmp_path: Path) -> None:
    settings = _load(tmp_path, {MAIN: "cluster-init: perhaps\nhttps-listen-port: many"})
    with pytest.raises(ConfigError, match='invalid boolean value "perhaps" for -cluster-init'):
        settings.flag("cluster-init")
    with pytest.raises(ConfigError, match='invalid value "many" for flag -https-listen-port'):
        settings.number("https-listen-port")
