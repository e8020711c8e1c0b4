# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings from flags, configuration files and environment, merged as K3s merges them (fact A6)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from lab.k3s_standin.flags import FLAGS, Flag

Values = dict[str, list[str]]


class ConfigError(Exception):
    """Settings K3s refuses."""


@dataclass(frozen=True)
class Settings:
    """Merged settings of one command; every flag has a value, by default the flag's own."""

    command: str
    values: Mapping[str, Sequence[str]]
    # As upstream shows them in the node-args annotation: in file order, then the command line's.
    arguments: tuple[str, ...] = ()

    def text(self, name: str) -> str:
        """A single value, "" when unset."""
        flag, given = FLAGS[self.command][name], self.values.get(name)
        return given[-1] if given else flag.default

    def number(self, name: str) -> int:
        """A single value as a number."""
        try:
            return int(self.text(name))
        except ValueError:
            raise ConfigError(f'invalid value "{self.text(name)}" for flag -{name}: parse error') from None

    def flag(self, name: str) -> bool:
        """A switch."""
        text = self.text(name).lower()
        if text in ("", "0", "f", "false"):
            return False
        if text in ("1", "t", "true"):
            return True
        raise ConfigError(f'invalid boolean value "{text}" for -{name}: parse error')

    def list(self, name: str) -> list[str]:
        """A repeatable value; commas separate too, as upstream's slices do."""
        given = self.values.get(name) or []
        if name.endswith("-arg"):
            return list(given)
        return [part for text in given for part in text.split(",") if part]


def load(
    command: str,
    arguments: Sequence[str],
    environment: Mapping[str, str],
    default_config: Path,
    warn: Callable[[str], None],
) -> Settings:
    """Read everything; command line beats files, files beat the environment, each key as a whole."""
    flags = FLAGS[command]
    given = parse_arguments(flags, arguments)
    path, named = default_config, False
    if text := (given.get("config") or [environment.get("K3S_CONFIG_FILE", "")])[-1]:
        path, named = Path(text), True
    filed = _known(command, read_files(path, named), warn)
    merged: Values = {
        flag.name: [environment[flag.env]] for flag in flags.values() if flag.env and environment.get(flag.env)
    }
    merged.update(filed)
    merged.update(given)
    shown = [word for name, values in filed.items() if name not in given for word in _words(name, values)]
    return Settings(command, merged, tuple(shown + list(arguments)))


def read_files(path: Path, named: bool) -> Values:
    """Read the configuration file and its .d directory, in alphabetical order."""
    merged: Values = {}
    directory = Path(f"{path}.d")
    files = [path] if named or path.exists() else []
    if directory.is_dir():
        files += sorted(entry for entry in directory.iterdir() if entry.suffix in (".yaml", ".yml") and entry.is_file())
    for file in files:
        for key, values in _read(file).items():
            name = key.removesuffix("+")
            merged[name] = merged.get(name, []) + values if key.endswith("+") else values
    return merged


def parse_arguments(flags: Mapping[str, Flag], arguments: Sequence[str]) -> Values:
    """Parse --name value, --name=value, -x value and switches."""
    shorts = {flag.short: flag for flag in flags.values() if flag.short}
    values: Values = {}
    words = iter(arguments)
    for word in words:
        name, has_value, value = word.lstrip("-").partition("=")
        flag = flags.get(name) or shorts.get(name)
        if not word.startswith("-"):
            raise ConfigError(f"unexpected argument {word!r}")
        if flag is None:
            raise ConfigError(f"flag provided but not defined: -{name}")
        if not has_value:
            value = "true" if flag.kind == "bool" else next(words, "\0")
        if value == "\0":
            raise ConfigError(f"flag needs an argument: -{name}")
        values[flag.name] = [*values.get(flag.name, []), value] if flag.kind == "list" else [value]
    return values


def _read(file: Path) -> Values:
    try:
        document: Any = yaml.safe_load(file.read_text())
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigError(f"failed to read configuration file {file}: {error}") from error
    if document is None:
        return {}
    if not isinstance(document, dict):
        raise ConfigError(
            f"configuration file {file} holds a {type(document).__name__}, expected a mapping of flag names"
        )
    return {
        str(key): [_text(item) for item in value] if isinstance(value, list) else [_text(value)]
        for key, value in document.items()
    }


def _known(command: str, values: Values, warn: Callable[[str], None]) -> Values:
    """Upstream skips unknown keys on servers with a warning; agents hand them to the flag parser, which refuses."""
    flags = FLAGS[command]
    aliases = {flag.short: flag.name for flag in flags.values() if flag.short}
    known: Values = {}
    for key, value in values.items():
        name = aliases.get(key, key)
        if name in flags:
            known[name] = value if flags[name].kind == "list" else value[-1:]
        elif command == "server":
            warn(f"Unknown flag --{key} found in config.yaml, skipping\n")
        else:
            raise ConfigError(f"flag provided but not defined: -{key}")
    return known


def _text(value: Any) -> str:
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _words(name: str, values: Sequence[str]) -> list[str]:
    return [word for value in values for word in (f"--{name}", value)]
