# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The bundled tools: kubectl is the real one; those that need containers or come later say so in one sentence."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from lab.k3s_standin import images
from lab.k3s_standin.paths import Paths

_BUNDLED = "/usr/local/libexec/k3s-standin/kubectl"
_MODULES = ("overlay", "br_netfilter")
_EMPTY = {
    "crictl": {
        "ps": "CONTAINER  IMAGE  CREATED  STATE  NAME  ATTEMPT  POD ID  POD",
        "pods": "POD ID  CREATED  STATE  NAME  NAMESPACE  ATTEMPT  RUNTIME",
        "images": "IMAGE  TAG  IMAGE ID  SIZE",
    },
    "ctr": {"containers": "CONTAINER    IMAGE    RUNTIME    ", "images": "REF TYPE DIGEST SIZE PLATFORMS LABELS"},
}


def main(words: Sequence[str]) -> int:
    """Run one tool."""
    tool = words[0]
    if tool == "kubectl":
        _kubectl(words[1:])
    if tool == "check-config":
        return _check_config()
    return _containers(tool, words[1:])


def _kubectl(words: Sequence[str]) -> NoReturn:
    program = _BUNDLED if os.access(_BUNDLED, os.X_OK) else _other_kubectl()
    if not program:
        sys.exit(f"k3s kubectl: found no kubectl, neither at {_BUNDLED} nor in PATH; put one there")
    environment = dict(os.environ)
    kubeconfig = Paths().kubeconfig
    # As upstream: the administrator's file is the default on a server only.
    if not environment.get("KUBECONFIG") and kubeconfig.exists():
        environment["KUBECONFIG"] = str(kubeconfig)
    os.execve(program, ["kubectl", *words], environment)


def _other_kubectl() -> str | None:
    own = Path(sys.argv[0]).resolve()
    for directory in os.get_exec_path():
        found = shutil.which("kubectl", path=directory)
        # A link kubectl -> k3s would call this program again, for ever.
        if found and Path(found).resolve() != own:
            return found
    return None


def _containers(tool: str, words: Sequence[str]) -> int:
    command = next((word for word in words if not word.startswith("-")), "")
    header = _EMPTY[tool].get(command)
    if header is None:
        print(f"k3s {tool} {command}: the lab stand-in runs no containers, so it lists none", file=sys.stderr)
        return 1
    print(header)
    if (tool, command) == ("crictl", "images"):
        print("\n".join(images.rows(Paths())))
    return 0


def _check_config() -> int:
    loaded = {path.name for path in Path("/sys/module").iterdir()}
    print("Verifying that this machine can run the lab stand-in (it starts no containers):")
    for name in _MODULES:
        print(f"- module {name}: {'loaded' if name in loaded else 'not loaded'}")
    print("STATUS: pass")
    return 0
