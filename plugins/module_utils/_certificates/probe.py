# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: find and read the certificates of K3s on a host."""

from __future__ import annotations

import os

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._certificates.judge import Certificate, parse
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._command import CommandRunner

# The API server makes these anew at each start and nobody else uses them.
_SKIPPED = "temporary-certs"


def certificate_files(data: str) -> list[str]:
    """Certificates in use: those of the server with all folders below, those of the agent without its backups."""
    found = []
    for folder, below, names in os.walk(os.path.join(data, "server", "tls")):
        below[:] = [name for name in below if name != _SKIPPED]
        found += [os.path.join(folder, name) for name in names if name.endswith(".crt")]
    agent = os.path.join(data, "agent")
    if os.path.isdir(agent):
        found += [os.path.join(agent, name) for name in os.listdir(agent) if name.endswith(".crt")]
    return sorted(found)


def read(run: CommandRunner, path: str) -> Certificate:
    """The first certificate of a file."""
    argv = ["openssl", "x509", "-in", path, "-noout", "-subject", "-enddate", "-ext", "basicConstraints"]
    status, output, stderr = run(argv)
    if status != 0:
        lines = stderr.strip().splitlines() or ["it is no certificate"]
        return Certificate(path, problem=lines[0])
    return parse(path, output)
