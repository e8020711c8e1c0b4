# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: what brings the cluster's Cilium from what it is to what it should be; pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._releases.data import SERVED
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._releases.judge import minor_of, number_of
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._releases.plan import backwards, jump

from .._action import Action
from .._owner import flux_owner
from .model import NAMESPACE, RELEASE, Wish
from .objects import PEERING_POLICY, Object, name_of, objects_for
from .release import Release
from .values import differing, values_for

BUNDLE = "gateway.networking.k8s.io/bundle-version"
CHANNEL = "gateway.networking.k8s.io/channel"


@dataclass(frozen=True)
class Found:
    """What the cluster has; objects by the names that objects.name_of gives them."""

    releases: tuple[Release, ...] = ()
    # HelmRelease objects of Flux for Cilium: their names and values
    flux: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    # definitions of Gateway API by plural
    definitions: Mapping[str, Object] = field(default_factory=dict)
    objects: Mapping[str, Object] = field(default_factory=dict)
    policies: tuple[Object, ...] = ()
    nodes: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Plan:
    """What to do, what is left to others, and what forbids everything."""

    owner: str
    actions: tuple[Action, ...]
    notices: tuple[str, ...]
    problems: tuple[str, ...]
    objects: tuple[Object, ...]
    remove: tuple[Object, ...]

    def targets(self, kind: str) -> list[str]:
        """Of all steps of one kind."""
        return [action.target for action in self.actions if action.kind == kind]


def plan(wish: Wish, found: Found, definitions: Sequence[str]) -> Plan:
    """Problems forbid all actions; where Flux owns Cilium, it owns everything here."""
    if found.flux:
        return Plan("flux", (), tuple(_compared(wish, found)), (), (), ())
    problems, foreign = list(_problems(wish, found)), list(_foreign(wish, found, definitions))
    wanted = [item for item in objects_for(wish) if not flux_owner(found.objects.get(name_of(item)))]
    apply = [item for item in wanted if not covers(found.objects.get(name_of(item)), item)]
    remove = _replaced(wish, found)
    notices = [*foreign, *_unlabelled(wish, found), *_rivals(wish, found)]
    if problems:
        return Plan("ansible", (), tuple(notices), tuple(problems), (), ())
    actions = [
        *_forgotten(found),
        *_definitions(wish, found, definitions),
        *_release(wish, found),
        *(Action("apply", name_of(item), _applied(item, found)) for item in apply),
        *(Action("remove", name_of(item), f"remove {name_of(item)}: BGPv2 takes its place") for item in remove),
    ]
    return Plan("ansible", tuple(actions), tuple(notices), (), tuple(apply), tuple(remove))


def covers(found: Any, wanted: Any) -> bool:
    """Whether everything wanted is there; what the API added does not count."""
    if isinstance(wanted, Mapping):
        return isinstance(found, Mapping) and all(covers(found.get(key), value) for key, value in wanted.items())
    if isinstance(wanted, list):
        return (
            isinstance(found, list)
            and len(found) == len(wanted)
            and all(covers(there, here) for there, here in zip(found, wanted))
        )
    return bool(found == wanted)


def current(found: Found) -> Release | None:
    """The revision that runs."""
    deployed = [release for release in found.releases if release.status == "deployed"]
    return deployed[-1] if deployed else None


def unfinished(found: Found) -> list[Release]:
    """Revisions that were begun after the one that runs and never finished: Helm would refuse to go on."""
    newest = current(found)
    return [
        release
        for release in found.releases
        if (release.status.startswith("pending-") or release.status == "failed")
        and (newest is None or release.revision > newest.revision)
    ]


def _compared(wish: Wish, found: Found) -> Iterator[str]:
    for name, values in found.flux.items():
        yield f"Cilium belongs to Flux (HelmRelease {name}), so chart, values and objects are left to it"
        keys = differing(values_for(wish), values)
        if keys:
            yield (
                f"the HelmRelease {name} has other values than the inventory gives: {', '.join(keys)}; "
                "write them again with cilium_values_file, or change the inventory"
            )


def _problems(wish: Wish, found: Found) -> Iterator[str]:
    yield from _stored(wish, found)
    release = current(found)
    if release:
        for judged in (backwards, jump):
            sentence = judged("cilium", release.chart, wish.version)
            if sentence:
                yield sentence


def _stored(wish: Wish, found: Found) -> Iterator[str]:
    """Objects that lie in a version which the new definition does not have: the API would refuse it."""
    served = SERVED.get((minor_of(wish.gateway_api), wish.channel), {})
    for kind, versions in served.items() if wish.gateway else ():
        plural = f"{kind.lower()}s"
        item = found.definitions.get(plural)
        if flux_owner(item) or _newer(item, wish):
            continue
        lost = sorted(set(((item or {}).get("status") or {}).get("storedVersions") or ()) - set(versions))
        if lost:
            name = f"{plural}.gateway.networking.k8s.io"
            yield (
                f"{name} has objects stored as {', '.join(lost)}, which Gateway API {wish.gateway_api} does not have, "
                f"so the API would refuse its definition; write them again (kubectl get {name} -A -o yaml | kubectl "
                f"replace -f -), then take {', '.join(lost)} out of its status.storedVersions"
            )


def _foreign(wish: Wish, found: Found, definitions: Sequence[str]) -> Iterator[str]:
    for item in objects_for(wish):
        owner = flux_owner(found.objects.get(name_of(item)))
        if owner:
            yield f"{name_of(item)} belongs to Flux ({owner}) and is left to it"
    kept = [kind for kind in definitions if flux_owner(found.definitions.get(kind))]
    if kept:
        owner = flux_owner(found.definitions[kept[0]])
        yield f"the definitions of Gateway API ({', '.join(kept)}) belong to Flux ({owner}) and are left to it"
    newer = [kind for kind in definitions if _newer(found.definitions.get(kind), wish)]
    if newer:
        version = _annotations(found.definitions[newer[0]]).get(BUNDLE)
        yield f"the definitions of Gateway API are those of {version}, newer than {wish.gateway_api}, and are kept"


def _annotations(item: Object | None) -> Mapping[str, str]:
    return ((item or {}).get("metadata") or {}).get("annotations") or {}


def _newer(item: Object | None, wish: Wish) -> bool:
    version = _annotations(item).get(BUNDLE)
    return bool(version) and number_of(minor_of(str(version))) > number_of(minor_of(wish.gateway_api))


def _unlabelled(wish: Wish, found: Found) -> Iterator[str]:
    if wish.bgp and found.nodes:
        key, value = wish.bgp.label
        without = sorted(name for name, labels in found.nodes.items() if labels.get(key) != value)
        if len(without) == len(found.nodes):
            yield f"no node carries {key}={value}, so none speaks BGP; add it to homelab_node.labels"
        elif without:
            yield f"{', '.join(without)} without {key}={value}: no BGP session from there"


def _rivals(wish: Wish, found: Found) -> Iterator[str]:
    ours = [item["metadata"]["name"] for item in _replaced(wish, found)]
    others = [item["metadata"]["name"] for item in found.policies if item["metadata"]["name"] not in ours]
    if wish.bgp and wish.since("1.16") and others:
        yield (
            f"{PEERING_POLICY} {', '.join(others)} is still there and wins over CiliumBGPClusterConfig on the nodes "
            "that both select; remove it where it comes from"
        )


def _replaced(wish: Wish, found: Found) -> list[Object]:
    if not (wish.bgp and wish.since("1.16")):
        return []
    return [item for item in found.policies if item["metadata"]["name"] == "homelab" and not flux_owner(item)]


def _forgotten(found: Found) -> Iterator[Action]:
    for release in unfinished(found):
        yield Action(
            "forget_revision",
            release.secret,
            f"forget revision {release.revision} of {RELEASE}, which is {release.status}: Helm would refuse to go on",
        )


def _definitions(wish: Wish, found: Found, definitions: Sequence[str]) -> Iterator[Action]:
    if not wish.gateway:
        return
    for kind in definitions:
        item = found.definitions.get(kind)
        marks = _annotations(item)
        if (marks.get(BUNDLE), marks.get(CHANNEL)) == (wish.gateway_api, wish.channel):
            continue
        if flux_owner(item) or _newer(item, wish):
            continue
        before = f" in the place of {marks.get(BUNDLE)} ({marks.get(CHANNEL)})" if item else ""
        yield Action("define", kind, f"define {kind} as Gateway API {wish.gateway_api} ({wish.channel}) does{before}")


def _release(wish: Wish, found: Found) -> Iterator[Action]:
    release, values = current(found), values_for(wish)
    if release is None:
        yield Action("release", RELEASE, f"install {RELEASE} {wish.version} in {NAMESPACE}")
    elif release.chart != wish.version:
        yield Action("release", RELEASE, f"upgrade {RELEASE} from {release.chart} to {wish.version}")
    elif release.values != values:
        keys = ", ".join(differing(values, release.values))
        yield Action("release", RELEASE, f"change the values of {RELEASE}: {keys}")


def _applied(item: Object, found: Found) -> str:
    return f"{'change' if name_of(item) in found.objects else 'create'} {name_of(item)}"


def flux_releases(items: Sequence[Object]) -> dict[str, Mapping[str, Any]]:
    """Flux's HelmReleases that keep this very release, with their values."""
    found: dict[str, Mapping[str, Any]] = {}
    for item in items:
        metadata, spec = item["metadata"], item.get("spec") or {}
        target = spec.get("targetNamespace") or metadata["namespace"]
        default = f"{target}-{metadata['name']}" if spec.get("targetNamespace") else metadata["name"]
        if (spec.get("releaseName") or default, target) == (RELEASE, NAMESPACE):
            found[f"{metadata['namespace']}/{metadata['name']}"] = spec.get("values") or {}
    return found
