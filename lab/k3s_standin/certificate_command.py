# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`k3s certificate check|rotate`: how long certificates on disk are good, and new ones at the next start."""

from __future__ import annotations

import argparse
import datetime
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import yaml
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from lab.k3s_standin import certificate_rotation, log, pki
from lab.k3s_standin.paths import Paths
from lab.k3s_standin.server_tls import RENEW_DAYS

_USAGES = {ExtendedKeyUsageOID.CLIENT_AUTH: "ClientAuth", ExtendedKeyUsageOID.SERVER_AUTH: "ServerAuth"}
_COLUMNS = ("filename", "subject", "usages", "expiryTime", "residualTime", "status")
_HEADERS = ("FILENAME", "SUBJECT", "USAGES", "EXPIRES", "RESIDUAL TIME", "STATUS")
Row = dict[str, str]


def main(words: Sequence[str]) -> int:
    """Run one subcommand."""
    parser = argparse.ArgumentParser(prog="k3s certificate")
    commands = parser.add_subparsers(dest="command", required=True)
    check = commands.add_parser("check", help="Check k3s component certificates on disk")
    check.add_argument("--data-dir", "-d", default="")
    check.add_argument("--output", "-o", choices=("text", "table", "json", "yaml"), default="text")
    rotate = commands.add_parser("rotate", help="Rotate k3s component certificates on disk")
    rotate.add_argument("--data-dir", "-d", default="")
    rotate.add_argument("--service", "-s", action="append", default=[])
    commands.add_parser("rotate-ca", help="not in the lab stand-in yet")
    arguments = parser.parse_args(words[1:])
    if arguments.command == "rotate-ca":
        print("k3s certificate rotate-ca is not in the lab stand-in yet", file=sys.stderr)
        return 1
    paths = Paths(data_dir=arguments.data_dir)
    return _rotate(paths, arguments.service) if arguments.command == "rotate" else _check(paths, arguments.output)


def _rotate(paths: Paths, services: list[str]) -> int:
    try:
        aside = certificate_rotation.rotate(paths, [name for text in services for name in text.split(",") if name])
    except BlockingIOError:
        print("Error: K3s is running; stop it before its certificates are rotated", file=sys.stderr)
        return 1
    except (KeyError, OSError) as error:
        words = f"service {error.args[0]} is not recognized" if isinstance(error, KeyError) else str(error)
        print(f"Error: {words}", file=sys.stderr)
        return 1
    log.info(
        f"Successfully backed up certificates to {aside}, please restart k3s server or agent to rotate certificates"
    )
    return 0


def _check(paths: Paths, output: str) -> int:
    rows = [row for path in _files(paths) for row in _rows(path)]
    if not rows:
        print(f"found no certificates below {paths.data}; run this on a node, as root", file=sys.stderr)
        return 1
    _print(rows, output)
    return 0


def _files(paths: Paths) -> Iterator[Path]:
    for directory in (paths.tls, paths.tls / "etcd", paths.agent):
        yield from sorted(directory.glob("*.crt"))


def _rows(path: Path) -> Iterator[Row]:
    for block in path.read_text().split("-----END CERTIFICATE-----")[:-1]:
        certificate = x509.load_pem_x509_certificate(f"{block}-----END CERTIFICATE-----\n".encode())
        left = pki.expires(certificate) - datetime.datetime.now(datetime.UTC)
        yield {
            "filename": path.name,
            "subject": certificate.subject.rfc4514_string(),
            "usages": ",".join(_usages(certificate)),
            "expiryTime": pki.expires(certificate).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "residualTime": f"{left.days} days",
            "status": _status(left),
        }


def _usages(certificate: x509.Certificate) -> list[str]:
    try:
        value = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound:
        return ["CertSign"]
    return [_USAGES.get(usage, usage.dotted_string) for usage in value]


def _status(left: datetime.timedelta) -> str:
    if left <= datetime.timedelta(0):
        return "EXPIRED"
    return "WARNING" if left <= datetime.timedelta(days=RENEW_DAYS) else "OK"


def _print(rows: list[Row], output: str) -> None:
    if output == "json":
        print(json.dumps(rows, indent=2))
    elif output == "yaml":
        print(yaml.safe_dump(rows, sort_keys=False), end="")
    elif output == "table":
        table = [_HEADERS, tuple("-" * len(name) for name in _HEADERS)]
        table += [tuple(row[name] for name in _COLUMNS) for row in rows]
        widths = [max(len(line[index]) for line in table) for index in range(len(_COLUMNS))]
        for line in table:
            print("   ".join(word.ljust(width) for word, width in zip(line, widths, strict=True)).rstrip())
    else:
        for row in rows:
            word = "ok" if row["status"] == "OK" else row["status"].lower()
            print(f"{row['filename']}: certificate {row['subject']} is {word}, expires at {row['expiryTime']}")
