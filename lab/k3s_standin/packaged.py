# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Packaged manifests: what a server writes into server/manifests at every start (fact A8).

The RuntimeClasses of fact A19 are all: Traefik, metrics-server and CoreDNS have nothing to run on here.
"""

from __future__ import annotations

from pathlib import Path

from lab.k3s_standin import files

_RUNTIMES = (
    "nvidia",
    "nvidia-cdi",
    "nvidia-experimental",
    "crun",
    "wasmtime",
    "wasmedge",
    "spin",
    "slight",
    "wws",
    "lunatic",
)
_RUNTIME = """---
apiVersion: node.k8s.io/v1
kind: RuntimeClass
metadata:
  name: {name}
handler: {name}
"""


def write(directory: Path, disabled: frozenset[str]) -> None:
    """Write packaged manifests that are not disabled."""
    directory.mkdir(parents=True, exist_ok=True)
    if "runtimes" not in disabled:
        files.write_if_changed(directory / "runtimes.yaml", "".join(_RUNTIME.format(name=name) for name in _RUNTIMES))
