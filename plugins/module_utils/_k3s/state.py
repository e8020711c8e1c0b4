# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: what of K3s is on a host, and whether it may become what the inventory wants."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

_VERSION = re.compile(r"v(\d+)\.(\d+)\.(\d+)\+k3s(\d+)")
_ROOT_DIR = re.compile(r"(?<![\w-])(?:--)?root-dir\s*=")
UNITS = {"server": "k3s.service", "agent": "k3s-agent.service"}


@dataclass(frozen=True)
class K3sState:
    """K3s on one host; None where something is not there."""

    version: str | None
    sha256: str | None
    units: tuple[str, ...]
    # the real path of the kubelet's folder when it is not what K3s and Longhorn expect
    kubelet_link: str | None
    # files beside ours in config.yaml.d that move the kubelet's folder
    moving_files: tuple[str, ...] = ()


def version_in(text: str) -> str | None:
    """The K3s version a text mentions, None when there is none."""
    match = _VERSION.search(text)
    return match[0] if match else None


def parse_version(text: str) -> tuple[int, int, int, int] | None:
    """The four numbers of a K3s version, None when there is none in the text."""
    match = _VERSION.search(text)
    return (int(match[1]), int(match[2]), int(match[3]), int(match[4])) if match else None


def moves_kubelet(text: str) -> bool:
    """Whether K3s configuration, or one argument of the kubelet, sets the kubelet's root-dir."""
    lines = (line.partition("#")[0] for line in text.splitlines())
    return any(_ROOT_DIR.search(line) for line in lines)


def refusals(
    state: K3sState, role: str, wanted: str, host: str, kubelet_args: Sequence[str] = (), change: str = "upgrade"
) -> list[str]:
    """Why K3s on this host must not be touched, one sentence each; 'change' is none, upgrade or rollback."""
    return [
        *_wrong_role(state, role, host),
        *_wrong_change(state, wanted, host, change),
        *_wrong_kubelet_folder(state, host, kubelet_args),
    ]


def _wrong_role(state: K3sState, role: str, host: str) -> list[str]:
    reasons = []
    for other, unit in UNITS.items():
        if other != role and unit in state.units:
            reasons.append(
                f"{host} has {unit}, but the inventory wants it as {role}; it would be the wrong kind of node: "
                f"put it into group k3s_{other}, or tear it down first"
            )
    return reasons


def _wrong_change(state: K3sState, wanted: str, host: str, change: str) -> list[str]:
    # with its datastore restored, K3s may go back
    reasons = [] if change == "rollback" else _wrong_step(state, wanted, host)
    if change == "none" and not reasons and state.version and state.version != wanted:
        reasons.append(
            f"{host} runs {state.version}, the inventory wants {wanted}; upgrade_cluster.yml does that with a backup "
            "and one drained node at a time"
        )
    return reasons


def _wrong_step(state: K3sState, wanted: str, host: str) -> list[str]:
    reasons = []
    found, target = parse_version(state.version or ""), parse_version(wanted)
    if found and target and found[:2] > target[:2]:
        reasons.append(
            f"{host} runs {state.version}, the inventory wants {wanted}; K3s cannot go back a minor version "
            "in place, only with the datastore of that version: raise homelab_k3s_version, or use rollback_cluster.yml"
        )
    if found and target and target[0] == found[0] and target[1] - found[1] > 1:
        reasons.append(
            f"{host} runs {state.version}, the inventory wants {wanted}; Kubernetes goes one minor version at a time: "
            f"set homelab_k3s_version to a v{found[0]}.{found[1] + 1} release first"
        )
    return reasons


def _wrong_kubelet_folder(state: K3sState, host: str, kubelet_args: Sequence[str]) -> list[str]:
    places = [f"the wanted kubelet-arg '{text}'" for text in kubelet_args if moves_kubelet(text)]
    places += [f"{path} on {host}" for path in state.moving_files]
    reasons = [
        f"{place} sets the kubelet's root-dir, expected none: K3s keeps it in /var/lib/kubelet, where CSI drivers look "
        "for it; take root-dir out"
        for place in places
    ]
    if state.kubelet_link:
        reasons.append(
            f"/var/lib/kubelet on {host} is a symbolic link to {state.kubelet_link}, expected a directory; "
            "CSI drivers would not find their sockets: stop K3s and move the directory back"
        )
    return reasons
