# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What ends a start before anything is touched: kernel settings, files that components are pointed at, registries."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from lab.k3s_standin import log
from lab.k3s_standin.config import ConfigError, Settings
from lab.k3s_standin.paths import Paths

# What the kubelet compares with protect-kernel-defaults (fact A14).
KERNEL = {
    "vm/overcommit_memory": 1,
    "vm/panic_on_oom": 0,
    "kernel/panic": 10,
    "kernel/panic_on_oops": 1,
    "kernel/keys/root_maxkeys": 1000000,
    "kernel/keys/root_maxbytes": 25000000,
}
_POINTED_AT = {
    "admission-control-config-file": "AdmissionConfiguration",
    "audit-policy-file": "Policy",
}


def settings(found: Settings, paths: Paths) -> None:
    """Refuse what K3s or its components would refuse; ConfigError with upstream's reason."""
    if found.flag("protect-kernel-defaults"):
        kernel(paths.root)
    registries = read_registries(paths.root / found.text("private-registry").lstrip("/"))
    if found.command == "server":
        api_server_files(found.list("kube-apiserver-arg"))
        if found.flag("embedded-registry") and not registries:
            log.warning("Embedded registry mirror is enabled, but registries.yaml lists no mirrors: nothing is shared")


def kernel(root: Path) -> None:
    """Every setting that differs, in one refusal."""
    wrong = []
    for name, wanted in KERNEL.items():
        value = int((root / "proc/sys" / name).read_text())
        if value != wanted:
            wrong.append(f"invalid kernel flag: {name}, expected value: {wanted}, actual value: {value}")
    if wrong:
        raise ConfigError(f"Failed to start ContainerManager: [{', '.join(wrong)}]")


def api_server_files(arguments: Sequence[str]) -> None:
    """Refuse configuration files of the API server that are missing or of another kind."""
    for argument in arguments:
        name, _, value = argument.partition("=")
        if name not in _POINTED_AT:
            continue
        document = _document(Path(value), f"kube-apiserver: --{name}")
        kind = document.get("kind")
        if kind != _POINTED_AT[name]:
            raise ConfigError(f"kube-apiserver: --{name}: {value} is of kind {kind!r}, expected {_POINTED_AT[name]!r}")


def read_registries(path: Path) -> list[str]:
    """Names of the registries with mirrors; an absent file has none."""
    if not path.exists():
        return []
    document = _document(path, "failed to read private registry configuration")
    mirrors = document.get("mirrors") or {}
    unknown = sorted(set(document) - {"mirrors", "configs", "auths"})
    if unknown or not isinstance(mirrors, dict):
        raise ConfigError(
            f"{path} has {', '.join(unknown) or 'a list as mirrors'}, expected mappings mirrors and configs"
        )
    for name, mirror in mirrors.items():
        endpoints = (mirror or {}).get("endpoint") or []
        bad = [text for text in endpoints if not str(text).startswith(("https://", "http://"))]
        if bad:
            raise ConfigError(f"{path}: mirror {name} has the endpoint {bad[0]!r}, expected an address with https://")
    return [str(name) for name in mirrors]


def _document(path: Path, what: str) -> dict[str, Any]:
    try:
        document = yaml.safe_load(path.read_text())
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigError(f"{what}: {error}") from error
    if document is not None and not isinstance(document, dict):
        raise ConfigError(f"{what}: {path} is no mapping")
    return document or {}
