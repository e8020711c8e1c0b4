# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: rows about everything Flux keeps, each with its own message and age; pure."""

from __future__ import annotations

from collections.abc import Iterator

from .._cilium.status import condition_of
from .model import BAD, OK, Object, Row, World, age, full_name, moment, verdict

SOURCES = ("gitrepositories", "ocirepositories", "buckets", "helmrepositories", "helmcharts")
KINDS = (*SOURCES, "kustomizations", "helmreleases")
KIND = {
    "gitrepositories": "GitRepository", "ocirepositories": "OCIRepository", "buckets": "Bucket",
    "helmrepositories": "HelmRepository", "helmcharts": "HelmChart", "kustomizations": "Kustomization",
    "helmreleases": "HelmRelease",
}  # fmt: skip
CONTROLLERS = ("source-controller", "kustomize-controller")


def rows(world: World) -> Iterator[Row]:
    """Controllers, then sources, Kustomizations and HelmReleases."""
    if world.objects.get("kustomizations") is None:
        said = "the cluster has no Flux; ansible-playbook playbooks/gitops.yml"
        yield Row("gitops", "flux", "installed", BAD, said)
        return
    yield _controllers(world)
    for plural in KINDS:
        for item in sorted(world.items(plural), key=full_name):
            yield _row(world, plural, item)


def _controllers(world: World) -> Row:
    deployments = {
        item["metadata"]["name"]: item
        for item in world.items("deployments")
        if item["metadata"].get("namespace") == "flux-system"
    }
    problems = [
        f"{name} is not there; ansible-playbook playbooks/gitops.yml" for name in CONTROLLERS if name not in deployments
    ]
    for name, item in sorted(deployments.items()):
        wanted = (item.get("spec") or {}).get("replicas", 1)
        ready = (item.get("status") or {}).get("readyReplicas") or 0
        if ready < wanted:
            problems.append(f"{name} has {ready} of {wanted} pods ready; kubectl -n flux-system logs deploy/{name}")
    return verdict("gitops", "flux", "controllers", problems, f"{len(deployments)} controllers are ready")


def _row(world: World, plural: str, item: Object) -> Row:
    kind, name = KIND[plural], full_name(item)
    problem = _problem(world, kind, item)
    ready = condition_of(item, "Ready")
    if problem:
        return Row("gitops", name, kind, BAD, problem)
    if not ready and plural == "helmrepositories":
        return Row("gitops", name, kind, OK, "is of type oci, which has no state of its own")
    since = moment(ready.get("lastTransitionTime"))
    old = f", for {age(world.now - since)}" if since is not None else ""
    return Row("gitops", name, kind, OK, f"{ready.get('message') or 'ready'}{old}")


def _problem(world: World, kind: str, item: Object) -> str:
    spec, status, metadata = item.get("spec") or {}, item.get("status") or {}, item["metadata"]
    command = f"flux reconcile {_words(kind)} {metadata['name']} -n {metadata.get('namespace')}"
    if spec.get("suspend"):
        resume = f"flux resume {_words(kind)} {metadata['name']} -n {metadata.get('namespace')}"
        return f"is suspended, so Git does not reach the cluster; {resume}"
    ready = condition_of(item, "Ready")
    since = world.now - (moment(ready.get("lastTransitionTime") or metadata.get("creationTimestamp")) or world.now)
    settled = since > world.limits.settle_minutes * 60
    if not ready and kind == "HelmRepository" and spec.get("type") == "oci":
        return ""
    if ready.get("status") == "False":
        return f"fails for {age(since)}: {ready.get('message') or ready.get('reason')}; mend it in Git, then {command}"
    if ready.get("status") != "True" and settled:
        return f"is not Ready for {age(since)} ({ready.get('message') or 'nobody reported'}); {command}"
    if int(status.get("observedGeneration") or 0) < int(metadata.get("generation") or 0) and settled:
        return f"was changed and nobody looked at it since; look at its controller, then {command}"
    return ""


def _words(kind: str) -> str:
    """A kind as the flux command line calls it."""
    return {
        "GitRepository": "source git", "OCIRepository": "source oci", "Bucket": "source bucket",
        "HelmRepository": "source helm", "HelmChart": "source chart", "Kustomization": "kustomization",
        "HelmRelease": "helmrelease",
    }[kind]  # fmt: skip
