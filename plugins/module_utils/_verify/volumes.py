# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: rows about what claims storage in the cluster, and who gives it; pure."""

from __future__ import annotations

from collections.abc import Iterator

from .._cilium.status import condition_of
from .model import BAD, NOTE, OFF, Object, Row, World, age, full_name, moment, some, verdict
from .storage import tiers_of

DRIVER = "driver.longhorn.io"
DEFAULTS = ("storageclass.kubernetes.io/is-default-class", "storageclass.beta.kubernetes.io/is-default-class")


def rows(world: World) -> Iterator[Row]:
    """Classes, volumes and claims, and Longhorn where it is there."""
    yield from _classes(world)
    yield _released(world)
    yield _claims(world)
    if world.objects.get("volumes") is None:
        yield Row("storage", "longhorn", "installed", OFF, "the cluster has no Longhorn")
        return
    yield from _drivers(world)
    yield _volumes(world)
    yield from _longhorn_nodes(world)


def _classes(world: World) -> Iterator[Row]:
    classes = world.named("storageclasses")
    catalogue, offers = world.site.get("homelab_tiers") or {}, set()
    for machine in world.members():
        offers |= {(catalogue.get(name) or {}).get("storage_class") for name, _count in tiers_of(world.wish(machine))}
    missing = sorted(name for name in offers if name and name not in classes)
    longhorn = world.objects.get("volumes") is not None
    if longhorn or not missing:
        said = [f"there is no StorageClass {name}; ansible-playbook playbooks/storage.yml" for name in missing]
        yield verdict("storage", "classes", "present", said, "each tier has its StorageClass")
    else:
        yield Row("storage", "classes", "present", NOTE, f"{some(missing)} come with Longhorn, which is not there yet")
    defaults = sorted(name for name, item in classes.items() if _is_default(item))
    wanted = world.site.get("homelab_default_storage_class") or ""
    problems = []
    if len(defaults) > 1:
        problems.append(f"{some(defaults)} are all the default, expected one; take the mark off the others")
    elif wanted and defaults != [wanted] and (longhorn or wanted in classes):
        problems.append(f"the default is {some(defaults) or 'none'}, expected {wanted}; playbooks/storage.yml sets it")
    yield verdict("storage", "classes", "default", problems, f"the default is {some(defaults) or 'none'}")


def _is_default(item: Object) -> bool:
    annotations = item["metadata"].get("annotations") or {}
    return any(annotations.get(key) == "true" for key in DEFAULTS)


def _released(world: World) -> Row:
    problems = []
    for item in world.items("persistentvolumes"):
        phase = (item.get("status") or {}).get("phase")
        if phase in ("Released", "Failed"):
            claim = (item.get("spec") or {}).get("claimRef") or {}
            problems.append(
                f"{item['metadata']['name']} is {phase} and bound to nobody since {claim.get('namespace')}/"
                f"{claim.get('name')} was deleted; save what is on it, then remove its claimRef.uid, or the volume"
            )
    return verdict("storage", "volumes", "released", problems, "no PersistentVolume is Released or Failed")


def _claims(world: World) -> Row:
    lazy = {
        name
        for name, item in world.named("storageclasses").items()
        if item.get("volumeBindingMode") == "WaitForFirstConsumer"
    }
    problems = []
    for item in world.items("persistentvolumeclaims"):
        phase = (item.get("status") or {}).get("phase") or "Pending"
        spec = item.get("spec") or {}
        since = world.now - (moment(item["metadata"].get("creationTimestamp")) or world.now)
        waits = phase == "Pending" and (
            spec.get("storageClassName") in lazy or since < world.limits.settle_minutes * 60
        )
        if phase != "Bound" and not waits:
            wants = spec.get("volumeName") or f"a volume of the class {spec.get('storageClassName') or '(none)'}"
            problems.append(
                f"{full_name(item)} is {phase} for {age(since)} and wants {wants}; kubectl describe tells why"
            )
    return verdict("storage", "claims", "bound", problems, "all claims are bound")


def _drivers(world: World) -> Iterator[Row]:
    csi = world.named("csinodes")
    for machine in world.members():
        if not tiers_of(world.wish(machine)):
            continue
        name = world.node_name(machine)
        has = [driver["name"] for driver in ((csi.get(name) or {}).get("spec") or {}).get("drivers") or ()]
        problems = (
            []
            if DRIVER in has
            else [
                f"its CSINode lists {some(has) or 'no driver'}, expected {DRIVER}; look at longhorn-csi-plugin on "
                f"{name}, and that nobody gave Longhorn another kubelet root than /var/lib/kubelet"
            ]
        )
        yield verdict("storage", machine, "csi-driver", problems, f"its CSINode lists {DRIVER}")


def _volumes(world: World) -> Row:
    problems = []
    for item in world.items("volumes"):
        status = item.get("status") or {}
        if status.get("robustness") in ("degraded", "faulted"):
            claim = (status.get("kubernetesStatus") or {}).get("pvcName") or "no claim"
            advice = (
                "wait for its rebuild, or add a disk" if status["robustness"] == "degraded" else "restore its backup"
            )
            problems.append(f"{item['metadata']['name']} ({claim}) is {status['robustness']}; {advice}")
    count = len(world.items("volumes"))
    return verdict("storage", "longhorn", "volumes", problems, f"all {count} volumes have their replicas")


def _longhorn_nodes(world: World) -> Iterator[Row]:
    nodes = world.named("longhorn-nodes")
    for machine in world.members():
        if not tiers_of(world.wish(machine)):
            continue
        node = nodes.get(world.node_name(machine))
        if node is None:
            yield Row(
                "storage", machine, "longhorn-disks", BAD, "Longhorn does not know the node; look at longhorn-manager"
            )
            continue
        problems = []
        disks = (node.get("status") or {}).get("diskStatus") or {}
        for name in sorted((node.get("spec") or {}).get("disks") or {}):
            ready = condition_of({"status": disks.get(name) or {}}, "Ready")
            if name in disks and ready.get("status") != "True":
                problems.append(f"Longhorn's disk {name} is not Ready ({ready.get('message') or 'no reason given'})")
        yield verdict("storage", machine, "longhorn-disks", problems, "Longhorn's disks are Ready")
