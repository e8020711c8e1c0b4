# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json

import pytest

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._backup.manifest import (
    BackupError,
    Item,
    Manifest,
    cluster_of,
    common,
    items_from,
    manifest_from,
    missing,
    newer,
    refusals,
    some,
)

V = "v1.32.5+k3s1"
SYSTEM = Item("Namespace", "", "kube-system", "u0")
KEPT = Item("ConfigMap", "default", "kept", "u1")
TABLE = """\
Namespace   <none>      kube-system   u0
ConfigMap   default     kept          u1
Secret      kube-system k3s1.node-password.k3s u2
"""


def manifest(version: str = V) -> Manifest:
    return Manifest("k3s-home", "2025-06-14T12:00:00+00:00", version, "etcd", "u0", {"snapshot": "d"}, (KEPT, SYSTEM))


def test_a_manifest_reads_as_it_was_written() -> None:
    assert manifest_from(manifest().text()) == manifest()


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": 1}', '{"format": 1, "items": [{"kind": "x"}]}'])
def test_what_is_no_manifest_is_one_sentence(text: str) -> None:
    with pytest.raises(BackupError, match="manifest cannot be read"):
        manifest_from(text)


def test_another_format_is_named() -> None:
    with pytest.raises(BackupError, match="made by another release"):
        manifest_from(json.dumps({"format": 2}))


def test_objects_from_kubectls_columns_without_passwords_of_nodes() -> None:
    assert items_from(TABLE) == [SYSTEM, KEPT]
    assert cluster_of(items_from(TABLE)) == "u0"
    with pytest.raises(BackupError, match="no namespace kube-system"):
        cluster_of([KEPT])


def test_only_what_was_there_before_and_after_is_promised() -> None:
    made = Item("ConfigMap", "default", "made-meanwhile", "u3")
    assert common([SYSTEM, KEPT], [KEPT, made]) == (KEPT,)


def test_what_is_missing_and_what_would_be_lost() -> None:
    other = Item("ConfigMap", "default", "kept", "u9")
    assert missing(manifest(), [SYSTEM, other]) == [KEPT]
    assert newer(manifest(), [SYSTEM, other]) == [other]
    assert some([KEPT, SYSTEM], most=1) == "ConfigMap default/kept and 1 more"


@pytest.mark.parametrize(
    ("version", "founded", "count"),
    [
        (V, "K10abc::server:secret\n", 0),
        ("v1.33.1+k3s1", "K10abc::server:secret\n", 0),
        ("v1.31.9+k3s1", "K10abc::server:secret\n", 1),
        (V, "K10abc::server:another\n", 1),
        ("v1.31.9+k3s1", "", 2),
    ],
)
def test_refusals(version: str, founded: str, count: int) -> None:
    assert len(refusals(manifest(), version, founded, "secret")) == count
