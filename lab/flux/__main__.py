# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run the doubles of source-controller, kustomize-controller and flux-operator: python -m lab.flux --kubeconfig FILE.

Each works only while the cluster says that its Deployment in flux-system has a pod that is ready, as upstream's would.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._cluster.client import Cluster, ClusterError
from lab.command import ROOT
from lab.console import say
from lab.flux.kustomize import Kustomizations
from lab.flux.objects import Obj
from lab.flux.operator import Instances
from lab.flux.source import Sources

DEPLOYMENTS = "/apis/apps/v1/namespaces/flux-system/deployments"
KINDS = {
    "FluxInstance": "/apis/fluxcd.controlplane.io/v1/fluxinstances",
    "GitRepository": "/apis/source.toolkit.fluxcd.io/v1/gitrepositories",
    "Kustomization": "/apis/kustomize.toolkit.fluxcd.io/v1/kustomizations",
}
PAUSE_SECONDS = 0.3


def listed(cluster: Cluster, kind: str) -> list[Obj]:
    """The objects of a kind, each with its header, which lists leave out."""
    header = {"apiVersion": "/".join(KINDS[kind].split("/")[2:4]), "kind": kind}
    return [{**item, **header} for item in (cluster.find(KINDS[kind]) or {}).get("items", ())]


def runs(cluster: Cluster, name: str) -> bool:
    """Whether a controller has a pod."""
    found = cluster.find(f"{DEPLOYMENTS}/{name}") or {}
    return bool((found.get("status") or {}).get("readyReplicas"))


def main() -> None:
    """Until somebody ends it."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--kubeconfig", required=True)
    options = parser.parse_args()
    say("DOUBLES of Flux's source-controller and kustomize-controller and of flux-operator, not the real ones")
    cluster = Cluster(options.kubeconfig)
    with tempfile.TemporaryDirectory() as folder:
        instances = Instances(cluster)
        sources = Sources(cluster, Path(folder))
        layers = Kustomizations(cluster, sources, str(ROOT / ".lab" / "bin" / "kubectl"))
        while True:
            try:
                if runs(cluster, "flux-operator"):
                    instances.sync(listed(cluster, "FluxInstance"))
                if runs(cluster, "source-controller"):
                    sources.sync(listed(cluster, "GitRepository"))
                if runs(cluster, "kustomize-controller"):
                    layers.sync(listed(cluster, "Kustomization"), listed(cluster, "GitRepository"))
            except ClusterError as error:
                say(f"double of Flux: {error}")
            time.sleep(PAUSE_SECONDS)


if __name__ == "__main__":
    main()
