# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`k3s token create|list|delete|generate|rotate`: bootstrap tokens by the API, the server token by the supervisor."""

from __future__ import annotations

import argparse
import datetime
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lab.k3s_standin import bootstrap_tokens, rest, server_access, tokens
from lab.k3s_standin.paths import Paths

_PATH = f"/api/v1/namespaces/{bootstrap_tokens.NAMESPACE}/secrets"


def main(words: Sequence[str]) -> int:
    """Run one subcommand."""
    arguments = _parser().parse_args(words[1:])
    try:
        if arguments.command == "generate":
            print(tokens.new_bootstrap())
            return 0
        paths = Paths(data_dir=arguments.data_dir)
        if arguments.command == "rotate":
            return _rotate(paths, arguments)
        return int(arguments.run(_client(paths, arguments.server), paths, arguments))
    except (OSError, rest.Refused, tokens.TokenError) as error:
        message = error.message if isinstance(error, rest.Refused) else str(error)
        print(f"Error: {message}", file=sys.stderr)
        return 1


def _rotate(paths: Paths, arguments: argparse.Namespace) -> int:
    client = server_access.connect(arguments.server, arguments.token, paths)
    client.request("PUT", "/v1-k3s/token", {"newToken": arguments.new_token})
    print("Token rotated, restart k3s nodes with new token")
    return 0


def _create(client: rest.Rest, paths: Paths, arguments: argparse.Namespace) -> int:
    token = arguments.token or tokens.new_bootstrap()
    now = datetime.datetime.now(datetime.UTC)
    secret = bootstrap_tokens.secret(token, bootstrap_tokens.seconds(arguments.ttl), arguments.description, now)
    client.json("POST", _PATH, secret)
    print(tokens.Token("", "", "", token).secure((paths.tls / "server-ca.crt").read_bytes()))
    return 0


def _list(client: rest.Rest, paths: Paths, arguments: argparse.Namespace) -> int:
    rows = [_row(item) for item in client.json("GET", f"{_PATH}?fieldSelector=type={bootstrap_tokens.TYPE}")["items"]]
    if arguments.output == "json":
        print(json.dumps(rows, indent=2))
        return 0
    print("TOKEN                     EXPIRES                USAGES                   DESCRIPTION")
    for row in rows:
        print(f"{row['token']:<25} {row['expires']:<22} {row['usages']:<24} {row['description']}")
    return 0


def _delete(client: rest.Rest, paths: Paths, arguments: argparse.Namespace) -> int:
    for token in arguments.tokens:
        identifier = token.partition("::")[2].partition(".")[0] or token.partition(".")[0]
        client.json("DELETE", f"{_PATH}/bootstrap-token-{identifier}")
        print(f'bootstrap token "{identifier}" deleted')
    return 0


def _row(item: dict[str, Any]) -> dict[str, str]:
    end = bootstrap_tokens.field(item, "expiration")
    return {
        # As upstream: a list shows ids, never secrets.
        "token": f"{bootstrap_tokens.field(item, 'token-id')}.<redacted>",
        "expires": "<expired>" if end and bootstrap_tokens.expired(item) else end or "<never>",
        "usages": "authentication,signing",
        "description": bootstrap_tokens.field(item, "description") or "<none>",
    }


def _client(paths: Paths, server: str) -> rest.Rest:
    certificate: tuple[Path, Path] = (paths.tls / "client-admin.crt", paths.tls / "client-admin.key")
    if not certificate[0].exists():
        raise OSError(f"found no {certificate[0]}; run this on a server, as root")
    return rest.Rest(server, rest.trusting((paths.tls / "server-ca.crt").read_text(), certificate))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="k3s token", description="Manage bootstrap tokens")
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument("--data-dir", "-d", default="")
    shared.add_argument("--server", "-s", default="https://127.0.0.1:6443")
    commands = parser.add_subparsers(dest="command", required=True)
    create = commands.add_parser("create", parents=[shared], help="Create bootstrap tokens on the server")
    create.add_argument("token", nargs="?", default="")
    create.add_argument("--ttl", default="24h0m0s")
    create.add_argument("--description", default="")
    create.set_defaults(run=_create)
    listing = commands.add_parser("list", parents=[shared], help="List bootstrap tokens on the server")
    listing.add_argument("--output", choices=("text", "json"), default="text")
    listing.set_defaults(run=_list)
    delete = commands.add_parser("delete", parents=[shared], help="Delete bootstrap tokens on the server")
    delete.add_argument("tokens", nargs="+")
    delete.set_defaults(run=_delete)
    rotate = commands.add_parser("rotate", parents=[shared], help="Rotate original server token with a new one")
    rotate.add_argument("--token", "-t", default=os.environ.get("K3S_TOKEN", ""))
    rotate.add_argument("--new-token", default="")
    commands.add_parser("generate", help="Generate and print a bootstrap token, but do not create it on the server")
    return parser
