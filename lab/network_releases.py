# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fill the mirror for the network layer: helm itself, and DOUBLES of Cilium's chart and of the Gateway API.

    python -m lab.network_releases --state .lab/NAME 1.15.6 1.16.19

The digests of the doubles go into the lab's lock of digests, where they take the place of upstream's. Where upstream's
own files are at hand they are taken, and held to the collection's digests: HOMELAB_CILIUM_CHARTS names a folder with
cilium-VERSION.tgz, HOMELAB_GATEWAY_API one with TAG/config/crd/experimental/gateway.networking.k8s.io_KIND.yaml.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import io
import json
import os
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lab.tools import have_tools

CHART = Path(__file__).resolve().parent / "cilium_chart"
HELM = "helm-v3.17.2-linux-amd64.tar.gz"
GROUP = "gateway.networking.k8s.io"
KINDS = {
    "gatewayclasses": "GatewayClass",
    "gateways": "Gateway",
    "httproutes": "HTTPRoute",
    "grpcroutes": "GRPCRoute",
    "referencegrants": "ReferenceGrant",
    "tlsroutes": "TLSRoute",
    "backendtlspolicies": "BackendTLSPolicy",
    "listenersets": "ListenerSet",
}
_GA = {"gatewayclasses": ("v1", "v1beta1"), "gateways": ("v1", "v1beta1"), "httproutes": ("v1", "v1beta1")}
# What the definitions of the experimental channel serve, the stored version first.
SERVED: dict[str, dict[str, tuple[str, ...]]] = {
    "v1.1.0": {
        **_GA,
        "grpcroutes": ("v1", "v1alpha2"),
        "referencegrants": ("v1beta1", "v1alpha2"),
        "tlsroutes": ("v1alpha2",),
    },
    "v1.2.1": {**_GA, "grpcroutes": ("v1",), "referencegrants": ("v1beta1",), "tlsroutes": ("v1alpha2",)},
}
ANYTHING = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}


def fill(state: Path, versions: list[str], helm: Path) -> None:
    """Put all files into the mirror, and their digests into the lock."""
    mirror, digests = state / "mirror", {}
    for version in versions:
        name = f"cilium-{version}.tgz"
        real = upstream("HOMELAB_CILIUM_CHARTS", name)
        digest = _write(mirror / "charts" / name, real or chart(version))
        if real is None:
            digests[f"cilium/{version}/{name}"] = digest
    for version, kinds in SERVED.items():
        for kind, served in kinds.items():
            path = f"{version}/config/crd/experimental/{GROUP}_{kind}.yaml"
            real = upstream("HOMELAB_GATEWAY_API", path)
            double = json.dumps(definition(version, kind, served), indent=2).encode()
            digest = _write(mirror / "gateway-api" / path, real or double)
            if real is None:
                digests[f"gateway-api/{version}/experimental/{kind}.yaml"] = digest
    digest = _write(mirror / "helm" / HELM, archive({"linux-amd64/helm": helm.read_bytes()}))
    _write(mirror / "helm" / f"{HELM}.sha256sum", f"{digest}  {HELM}\n".encode())
    lock = state / "artifacts.lock.json"
    known = json.loads(lock.read_text()) if lock.exists() else {}
    lock.write_text(json.dumps(known | digests, indent=2, sort_keys=True) + "\n")


def upstream(folder: str, name: str) -> bytes | None:
    """A file of upstream's in the folder that a variable of the environment names; None where it is not at hand."""
    path = Path(os.environ.get(folder) or "/nonexistent") / name
    return path.read_bytes() if path.is_file() else None


def chart(version: str) -> bytes:
    """The double of the chart, packaged as that version."""
    files = {path.relative_to(CHART): path.read_bytes() for path in sorted(CHART.rglob("*")) if path.is_file()}
    packaged = {f"cilium/{path}": content for path, content in files.items()}
    packaged["cilium/Chart.yaml"] = packaged["cilium/Chart.yaml"].replace(b"0.0.0", version.encode())
    return archive(packaged)


def definition(version: str, kind: str, served: tuple[str, ...]) -> dict[str, Any]:
    """A definition with upstream's names, versions and marks, and a schema that takes anything."""
    scope = "Cluster" if kind == "gatewayclasses" else "Namespaced"
    marks = {f"{GROUP}/bundle-version": version, f"{GROUP}/channel": "experimental"}
    entries = [
        {
            "name": name,
            "served": True,
            "storage": name == served[0],
            "schema": {"openAPIV3Schema": ANYTHING},
            "subresources": {"status": {}},
        }
        for name in served
    ]
    names = {"kind": KINDS[kind], "plural": kind, "singular": KINDS[kind].lower(), "listKind": f"{KINDS[kind]}List"}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{kind}.{GROUP}", "annotations": marks},
        "spec": {"group": GROUP, "scope": scope, "names": names, "versions": entries},
    }


def archive(files: Mapping[str, bytes]) -> bytes:
    """A compressed tar of these files, the same bytes every time."""
    target = io.BytesIO()
    # mtime is part of the format, and of the digest
    stream = gzip.GzipFile(fileobj=target, mode="wb", compresslevel=1, mtime=0)
    with stream, tarfile.open(fileobj=stream, mode="w") as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(content), 0o755 if name.endswith("/helm") else 0o644
            tar.addfile(member, io.BytesIO(content))
    return target.getvalue()


def _write(path: Path, content: bytes) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return hashlib.sha256(content).hexdigest()


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--state", type=Path, required=True, help="the lab's folder")
    parser.add_argument("versions", nargs="+", help="versions of Cilium")
    options = parser.parse_args()
    fill(options.state, options.versions, have_tools() / "helm")


if __name__ == "__main__":
    main()
