# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest

from lab.k3s_standin.api.paths import Target, parse

CASES = [
    ("/api/v1/nodes", Target("", "v1", "nodes")),
    ("/api/v1/nodes/n/status", Target("", "v1", "nodes", None, "n", "status")),
    ("/api/v1/namespaces", Target("", "v1", "namespaces")),
    ("/api/v1/namespaces/x", Target("", "v1", "namespaces", None, "x")),
    ("/api/v1/namespaces/x/finalize", Target("", "v1", "namespaces", None, "x", "finalize")),
    ("/api/v1/namespaces/x/pods", Target("", "v1", "pods", "x")),
    ("/api/v1/namespaces/x/pods/p/eviction", Target("", "v1", "pods", "x", "p", "eviction")),
    ("/apis/apps/v1/deployments", Target("apps", "v1", "deployments")),
    ("/apis/apps/v1/namespaces/x/deployments/d", Target("apps", "v1", "deployments", "x", "d")),
    ("/apis/ex.io/v1/namespaces/x/status", Target("ex.io", "v1", "status", "x")),
    ("/api/v1", None),
    ("/apis/apps/v1", None),
    ("/healthz", None),
    ("/api/v1/nodes/n/status/more", None),
]


@pytest.mark.parametrize(("path", "target"), CASES)
def test_parse(path: str, target: Target | None) -> None:
    assert parse(path) == target
