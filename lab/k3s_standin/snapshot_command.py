# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`k3s etcd-snapshot save|ls|delete|prune`: asks the running server, with the supervisor's certificate."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lab.k3s_standin import config, log, rest
from lab.k3s_standin.paths import Paths
from lab.k3s_standin.snapshots import PREFIX

Rows = list[dict[str, Any]]


def main(words: Sequence[str]) -> int:
    """Run one subcommand."""
    wish = _parser().parse_args(words[1:])
    paths = Paths(data_dir=wish.data_dir)
    # upstream reads the server's configuration for these commands too
    settings = config.load("server", [], os.environ, paths.config, log.warning)
    operation = {"ls": "list", "l": "list"}.get(wish.command, wish.command)
    body = {
        "operation": operation,
        "name": wish.names if operation == "delete" else [wish.name],
        "retention": wish.snapshot_retention or settings.number("etcd-snapshot-retention"),
    }
    try:
        rows: Rows = _client(paths, wish.server).json("POST", PREFIX, body)["items"]
    except (OSError, rest.Refused) as error:
        log.fatal(error.message if isinstance(error, rest.Refused) else str(error))
    _tell(operation, rows, wish.output)
    return 0


def _tell(operation: str, rows: Rows, output: str) -> None:
    if operation == "list" and output == "json":
        print(json.dumps({"items": rows}))
    elif operation == "list":
        print("Name Location Size Created")
        for row in rows:
            print(f"{row['name']} {row['location']} {row['size']} {row['created']}")
    else:
        word = {"save": "saved", "delete": "deleted", "prune": "deleted"}[operation]
        for row in rows:
            log.info(f"Snapshot {row['name']} {word}.")


def _client(paths: Paths, server: str) -> rest.Rest:
    certificate: tuple[Path, Path] = (paths.tls / "client-supervisor.crt", paths.tls / "client-supervisor.key")
    if os.geteuid() != 0 and not os.environ.get("LAB_K3S_ROOT"):
        sys.exit("k3s etcd-snapshot must be run as root")
    if not certificate[0].exists():
        raise OSError(f"found no {certificate[0]}; run this on a server")
    return rest.Rest(server, rest.trusting((paths.tls / "server-ca.crt").read_text(), certificate))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="k3s etcd-snapshot", description="Manage etcd snapshots")
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument("--data-dir", "-d", default="")
    shared.add_argument("--etcd-server", "--server", "-s", dest="server", default="https://127.0.0.1:6443")
    shared.add_argument("--name", default="on-demand")
    shared.add_argument("--snapshot-retention", "--etcd-snapshot-retention", type=int, default=0)
    shared.add_argument("--output", "-o", choices=("table", "json"), default="table")
    commands = parser.add_subparsers(dest="command", required=True)
    for name, text in (
        ("save", "Trigger an immediate etcd snapshot"),
        ("ls", "List snapshots"),
        ("list", "List snapshots"),
        ("l", "List snapshots"),
        ("prune", "Remove snapshots that match the name prefix that exceed the configured retention count"),
    ):
        commands.add_parser(name, parents=[shared], help=text)
    delete = commands.add_parser("delete", parents=[shared], help="Delete given snapshot(s)")
    delete.add_argument("names", nargs="+")
    return parser
