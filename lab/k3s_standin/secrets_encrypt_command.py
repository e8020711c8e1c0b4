# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`k3s secrets-encrypt status|enable|disable|rotate-keys`: through the supervisor, with the server token (fact A15)."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from typing import Any

from lab.k3s_standin import rest, server_access, tokens
from lab.k3s_standin.paths import Paths

_CHANGES: dict[str, tuple[dict[str, Any], str]] = {
    "enable": ({"enable": True}, "secrets-encryption enabled"),
    "disable": ({"enable": False}, "secrets-encryption disabled"),
    "rotate-keys": ({"stage": "rotate_keys"}, "keys rotated, reencryption started"),
}


def main(words: Sequence[str]) -> int:
    """Run one subcommand."""
    wish = _parser().parse_args(words[1:])
    try:
        client = server_access.connect(wish.server, wish.token, Paths(data_dir=wish.data_dir))
        if wish.command == "status":
            _print(client.json("GET", "/v1-k3s/encrypt/status"), wish.output)
        else:
            body, done = _CHANGES[wish.command]
            client.request("PUT", "/v1-k3s/encrypt/config", body)
            print(done)
    except (OSError, rest.Refused, tokens.TokenError) as error:
        message = error.message if isinstance(error, rest.Refused) else str(error)
        print(f"Error: see server log for details: {message}", file=sys.stderr)
        return 1
    return 0


def _print(state: dict[str, Any], output: str) -> None:
    if output == "json":
        print(json.dumps(state, indent="\t"))
        return
    if "enable" not in state:
        print("Encryption Status: Disabled, no configuration file found")
        return
    print(f"Encryption Status: {'Enabled' if state['enable'] else 'Disabled'}")
    print(f"Current Rotation Stage: {state['stage']}")
    print(f"Server Encryption Hashes: {state.get('hasherror') or 'All hashes match'}")
    print("\nActive  Key Type  Name\n------  --------  ----")
    rows = [("*", state["activekey"])] if state["activekey"] else []
    for mark, key in [*rows, *((" ", name) for name in state["inactivekeys"])]:
        kind, _, name = key.partition(" ")
        print(f" {mark:<6} {kind:<8}  {name}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="k3s secrets-encrypt", description="Control secrets encryption")
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument("--data-dir", "-d", default="")
    shared.add_argument("--server", "-s", default="https://127.0.0.1:6443")
    shared.add_argument("--token", "-t", default="")
    shared.add_argument("--output", "-o", choices=("text", "json"), default="text")
    commands = parser.add_subparsers(dest="command", required=True)
    for name in ("status", *_CHANGES):
        commands.add_parser(name, parents=[shared])
    return parser
