# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An API server of the lab for modules that talk to a cluster."""

from __future__ import annotations

import json
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import kubernetes
import pytest

from lab.k3s_standin.api.identity import User
from lab.k3s_standin.api.server import ApiServer
from lab.k3s_standin.api.store import ObjectStore
from lab.k3s_standin.pki import Subject, issue, new_authority

VERSION = "v1.32.5+k3s1"


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    """Where it answers."""
    authority = new_authority("test")
    pair = issue(authority, Subject("k3s", usages=("server",), names=("127.0.0.1",)))
    (tmp_path / "ca.crt").write_text(authority.certificate)
    (tmp_path / "server.crt").write_text(pair.certificate)
    (tmp_path / "server.key").write_text(pair.key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "server.crt", tmp_path / "server.key")
    store = ObjectStore(str(tmp_path / "state.db"))
    users = {"admin": User("admin", ("system:masters",)), "visitor": User("visitor", ())}
    server = ApiServer(
        store,
        VERSION,
        lambda identity: users.get(identity.bearer or ""),
        lambda user, _verb, _resource, _attributes: "system:masters" in user.groups,
        context,
        "127.0.0.1",
        0,
        graceful_pods=True,
    )
    server.start()
    yield f"https://127.0.0.1:{server.port}"
    server.stop()
    store.close()


@pytest.fixture
def kubeconfig_of(tmp_path: Path, url: str) -> Callable[[str], str]:
    """Writes the kubeconfig of a user."""
    return lambda token: write_kubeconfig(tmp_path, url, token)


def write_kubeconfig(folder: Path, url: str, token: str) -> str:
    path = folder / f"{token}.yaml"
    document = {
        "clusters": [{"name": "c", "cluster": {"server": url, "certificate-authority": str(folder / "ca.crt")}}],
        "users": [{"name": "u", "user": {"token": token}}],
        "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
        "current-context": "x",
    }
    path.write_text(json.dumps(document))
    return str(path)


@pytest.fixture
def core(kubeconfig_of: Callable[[str], str]) -> Iterator[Any]:
    """The core API for the test itself."""
    with kubernetes.config.new_client_from_config(kubeconfig_of("admin")) as api:
        yield kubernetes.client.CoreV1Api(api)
