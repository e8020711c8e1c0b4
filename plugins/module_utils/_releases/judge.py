# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: what speaks against running releases together; pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from .data import (
    ALPN_FROM,
    COMPONENTS,
    ENDED,
    GATEWAY_KINDS,
    GATEWAY_OF_CILIUM,
    NAMES,
    SERVED,
    SETS,
    TESTED,
)

_MINOR = re.compile(r"v?(\d+)\.(\d+)")


class ReleaseSetError(ValueError):
    """There is no such set or component; the message is one sentence."""


@dataclass(frozen=True)
class Judgement:
    """problems: what cannot start; warnings: what upstream does not test, and what does not work."""

    problems: tuple[str, ...]
    warnings: tuple[str, ...]


def minor_of(version: str) -> str:
    """v1.32.5+k3s1 -> 1.32; raise ReleaseSetError for what is no version."""
    match = _MINOR.match(version)
    if match is None:
        raise ReleaseSetError(f"'{version}' is not a version; write it as its release is called, e.g. 1.15.6")
    return f"{match[1]}.{match[2]}"


def number_of(minor: str) -> tuple[int, int]:
    """1.32 -> (1, 32), which can be compared."""
    major, _dot, rest = minor.partition(".")
    return int(major), int(rest)


def releases_of(name: str, overrides: Mapping[str, str] | None = None) -> dict[str, str]:
    """The set's releases, some replaced; raise ReleaseSetError for a name that is not known."""
    if name not in SETS:
        raise ReleaseSetError(f"homelab_release_set is '{name}', expected {', '.join(SETS)}; name one of them")
    unknown = sorted(set(overrides or {}) - set(COMPONENTS))
    if unknown:
        raise ReleaseSetError(
            f"homelab_release_overrides names {', '.join(unknown)}, expected some of "
            f"{', '.join(COMPONENTS)}; correct it"
        )
    return SETS[name] | dict(overrides or {})


def judge(releases: Mapping[str, str]) -> Judgement:
    """Every sentence about these releases; components that are absent are not judged."""
    warnings = [*_untested(releases), *_ended(releases), *_alpn(releases)]
    return Judgement(tuple(_gateway(releases)), tuple(warnings))


def _gateway(releases: Mapping[str, str]) -> Iterator[str]:
    if not {"cilium", "gateway_api", "gateway_api_channel"} <= releases.keys():
        return
    cilium, channel = releases["cilium"], releases["gateway_api_channel"]
    needed = GATEWAY_KINDS.get(minor_of(cilium))
    served = SERVED.get((minor_of(releases["gateway_api"]), channel))
    if needed is None or served is None:
        return
    missing = [f"{kind} {version}" for kind, version in needed.items() if version not in served.get(kind, ())]
    if missing:
        fix = GATEWAY_OF_CILIUM[minor_of(cilium)]
        yield (
            f"Cilium {cilium} runs no Gateway without {' and '.join(missing)}, which the {channel} channel of "
            f"Gateway API {releases['gateway_api']} does not serve; use {fix} of the experimental channel "
            "(gateway_api and gateway_api_channel in homelab_release_overrides)"
        )


def _untested(releases: Mapping[str, str]) -> Iterator[str]:
    if "k3s" not in releases:
        return
    kubernetes = minor_of(releases["k3s"])
    for component, table in TESTED.items():
        if component not in releases:
            continue
        named = f"{NAMES[component]} {releases[component]}"
        tested = table.get(minor_of(releases[component]))
        if tested is None:
            yield f"{named} on Kubernetes {kubernetes}: nobody wrote down which versions upstream tests it with"
        elif not number_of(tested[0]) <= number_of(kubernetes) <= number_of(tested[1]):
            yield (
                f"{named} is tested by upstream on Kubernetes {tested[0]} to {tested[1]}, not on {kubernetes}: "
                f"it usually runs, and faults are nobody's to fix; {_advice(component, kubernetes)}"
            )


def _advice(component: str, kubernetes: str) -> str:
    wanted = number_of(kubernetes)
    fitting = [minor for minor, (low, high) in TESTED[component].items() if number_of(low) <= wanted <= number_of(high)]
    if not fitting:
        return f"no {NAMES[component]} that is known here is tested on it"
    return f"{NAMES[component]} {', '.join(sorted(fitting, key=number_of))} would be"


def _ended(releases: Mapping[str, str]) -> Iterator[str]:
    for component, ended in ENDED.items():
        if component in releases and minor_of(releases[component]) in ended:
            yield f"{NAMES[component]} {releases[component]} gets no more fixes from upstream, security's included"


def _alpn(releases: Mapping[str, str]) -> Iterator[str]:
    cilium = releases.get("cilium")
    if cilium and number_of(minor_of(cilium)) < number_of(ALPN_FROM):
        yield (
            f"Cilium {cilium} knows neither ALPN nor app protocol of gateways, which begin with {ALPN_FROM}: their "
            "keys in cilium-config do nothing, and HTTP/2 and gRPC through the Gateway stay broken"
        )
