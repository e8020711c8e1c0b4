# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line: one program under several names, as the real one."""

from __future__ import annotations

import importlib
import os
import pkgutil
import platform
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from lab.k3s_standin import log

# Each is imported when called: an agent must not carry the server's libraries.
_COMMANDS = {
    "token": ("token_command", "Manage tokens"),
    "kubectl": ("tools", "Run kubectl"),
    "crictl": ("tools", "Run crictl"),
    "ctr": ("tools", "Run ctr"),
    "check-config": ("tools", "Run config check"),
    "certificate": ("certificate_command", "Manage K3s certificates"),
    "etcd-snapshot": ("snapshot_command", "Manage etcd snapshots"),
    "secrets-encrypt": ("secrets_encrypt_command", "Control secrets encryption and keys rotation"),
}
_RUNS = {"server": "Run management server", "agent": "Run node agent"}


def version() -> str:
    """The version this build claims."""
    data = pkgutil.get_data("lab.k3s_standin", "VERSION")
    return data.decode().strip() if data else "v0.0.0+k3s0"


def main(argv: Sequence[str]) -> None:
    """Dispatch on the program's name, then on the first argument."""
    name = Path(argv[0]).name
    words = [name, *argv[1:]] if name in ("kubectl", "crictl", "ctr") else list(argv[1:])
    command = words[0] if words else "--help"
    if command in ("--version", "-v", "version"):
        print(f"k3s version {version()} (lab stand-in)\npython version {platform.python_version()}")
    elif command in _RUNS:
        _run(command, words[1:])
    elif command in _COMMANDS:
        module = importlib.import_module(f"lab.k3s_standin.{_COMMANDS[command][0]}")
        main_function: Callable[[Sequence[str]], int] = module.main
        sys.exit(main_function(words))
    elif command in ("--help", "-h", "help"):
        print(_help())
    else:
        sys.exit(f"No help topic for '{command}'")


def _run(command: str, words: Sequence[str]) -> None:
    from lab.k3s_standin import config, paths, tokens

    if "--help" in words or "-h" in words:
        print(_flags_help(command))
        return
    try:
        settings = config.load(command, words, os.environ, paths.Paths().config, log.warning)
        module = importlib.import_module(f"lab.k3s_standin.{command}")
        module.main(settings, version(), os.environ)
    except (config.ConfigError, tokens.TokenError) as error:
        if str(error).startswith("flag provided"):
            print(f"Incorrect Usage: {error}\n")
        log.fatal(str(error))
    except OSError as error:
        # A port that is taken, a disk that is full: upstream ends with one line too, and systemd tries again.
        log.fatal(f"{command} cannot go on: {error}")


def _help() -> str:
    rows = {**_RUNS, **{name: text for name, (_, text) in _COMMANDS.items()}}
    lines = [
        "NAME:",
        "   k3s - Kubernetes, but small and simple (lab stand-in: a test double, it runs no containers)",
        "",
        "USAGE:",
    ]
    lines += [
        "   k3s [global options] command [command options] [arguments...]",
        "",
        "VERSION:",
        f"   {version()} (lab stand-in)",
    ]
    lines += ["", "COMMANDS:", *(f"   {name:<16} {text}" for name, text in rows.items())]
    return "\n".join(lines)


def _flags_help(command: str) -> str:
    from lab.k3s_standin.flags import FLAGS

    lines = ["NAME:", f"   k3s {command} - {_RUNS[command]} (lab stand-in)", "", "OPTIONS:"]
    for flag in FLAGS[command].values():
        names = f"--{flag.name}" + (f", -{flag.short}" if flag.short else "")
        extra = (f" (default: {flag.default})" if flag.default else "") + (f" [${flag.env}]" if flag.env else "")
        lines.append(f"   {names}{'' if flag.kind == 'bool' else ' value'}{extra}")
    return "\n".join(lines)
