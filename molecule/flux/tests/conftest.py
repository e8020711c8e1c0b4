# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The scenario's twin, its Git server with a repository, and doubles of Flux's controllers that follow it."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyrage
import pytest
import yaml

from lab.site import ROOT
from tests.twin import Run, Twin, environment
from tests.unit.plugins.modules.gitops_repository import DECRYPTION, encrypted, layer, thing

GITOPS = "playbooks/gitops.yml"
CLUSTER, PASSWORD = "clusters/k3s-home", "correct-horse-battery"
WHO = {f"GIT_{role}_{part}": "owner@example.net" for role in ("AUTHOR", "COMMITTER") for part in ("NAME", "EMAIL")}
SERVER = "r730"


@pytest.fixture(scope="session")
def twin() -> Twin:
    return Twin(Path(__file__).resolve().parents[1] / "inventory")


class Site:
    """The owner's side: his keys, his checkout, and runs of the playbook."""

    def __init__(self, twin: Twin) -> None:
        self.twin, self.folder = twin, twin.state / "gitops"
        self.address = str(twin.variables[SERVER]["homelab_machine"]["address"])
        self.url = f"ssh://git@{self.address}:2222/srv/git/flux-k3s.git"
        self.work = self.folder / "work"
        self.age, self.spare = pyrage.x25519.Identity.generate(), pyrage.x25519.Identity.generate()

    @property
    def https(self) -> dict[str, str]:
        """What the inventory says of the same repository over HTTPS."""
        return {
            "homelab_gitops_url": f"https://{self.address}:8443/git/flux-k3s.git",
            "homelab_gitops_deploy_key": "",
            "homelab_gitops_username": "flux",
            "homelab_gitops_token": f"{self.folder}/token",
            "homelab_gitops_ca": f"{self.folder}/ca.pem",
        }

    def play(self, *more: str, **variables: Any) -> Run:
        return self.twin.play(GITOPS, "--extra-vars", json.dumps(variables), *more)

    def new_key(self, name: str) -> str:
        """A key pair in place of the one before; its public half."""
        path = self.folder / name
        path.unlink(missing_ok=True)
        argv = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", str(path)]
        subprocess.run(argv, check=True, input=b"y\n")
        return path.with_name(f"{name}.pub").read_text().strip()

    def admit(self, reader: str) -> None:
        """Have the server take the owner's key, and one that may only read."""
        owner = (self.folder / "owner.key.pub").read_text().strip()
        lines = [
            f'restrict,command="/usr/local/bin/read-write" {owner}',
            f'restrict,command="/usr/local/bin/read-only" {reader}',
        ]
        path = "/srv/git/.ssh/authorized_keys"
        self.twin.on(SERVER, f"printf '%s\\n' '{lines[0]}' '{lines[1]}' > {path}; chown git {path}; chmod 600 {path}")

    def git(self, *arguments: str) -> str:
        command = f"ssh -F /dev/null -i {self.folder}/owner.key -o IdentitiesOnly=yes -o StrictHostKeyChecking=yes"
        command += f" -o UserKnownHostsFile={self.folder}/known_hosts"
        settings = {"GIT_SSH_COMMAND": command, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
        argv = ["git", "-C", str(self.work), *arguments]
        done = subprocess.run(argv, env=os.environ | WHO | settings, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    def put(self, name: str, *documents: dict[str, Any]) -> None:
        path = self.work / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(yaml.safe_dump_all(documents, sort_keys=False))

    def secret(self, *keys: pyrage.x25519.Identity) -> dict[str, Any]:
        secret = thing("v1", "Secret", "web", "web", type="Opaque", stringData={"password": PASSWORD})
        return encrypted(secret, *(key.to_public() for key in keys))

    def push(self, branch: str = "main") -> str:
        """Commit everything to a branch; the commit."""
        self.git("checkout", "--quiet", "-B", branch)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message=change")
        self.git("push", "--quiet", "--force", self.url, f"HEAD:refs/heads/{branch}")
        return self.git("rev-parse", "HEAD")

    def fill(self) -> None:
        """A namespace, a Kustomization that decrypts, and in it a Secret and a ConfigMap."""
        self.work.mkdir(parents=True, exist_ok=True)
        self.git("init", "--quiet")
        apps = layer("apps", f"{CLUSTER}/apps", decryption=DECRYPTION)
        self.put(f"{CLUSTER}/apps.yaml", apps)
        self.put(f"{CLUSTER}/kustomization.yaml", {"resources": ["apps.yaml"]})
        self.put(f"{CLUSTER}/apps/namespace.yaml", thing("v1", "Namespace", "web"))
        self.put(f"{CLUSTER}/apps/settings.yaml", thing("v1", "ConfigMap", "settings", "web", data={"color": "red"}))
        self.put(f"{CLUSTER}/apps/secret.yaml", self.secret(self.age))
        self.push("alone")
        self.put(f"{CLUSTER}/apps/secret.yaml", self.secret(self.age, self.spare))
        self.push()

    def object(self, kind: str, name: str = "flux-system", namespace: str = "flux-system") -> dict[str, Any]:
        return self.twin.get(kind, name, f"--namespace={namespace}")

    def values(self, name: str, namespace: str = "flux-system") -> dict[str, str]:
        data = self.object("secret", name, namespace)["data"]
        return {key: base64.b64decode(value).decode() for key, value in data.items()}

    def color(self, wanted: str) -> str:
        """Of the ConfigMap, once the Kustomization below the first has had its turn."""
        for _attempt in range(40):
            found = str(self.object("configmap", "settings", "web")["data"]["color"])
            if found == wanted:
                break
            time.sleep(0.5)
        return found


@pytest.fixture(scope="session")
def site(twin: Twin) -> Iterator[Site]:
    """With doubles of Flux that run until the tests are over."""
    found = Site(twin)
    found.folder.mkdir(exist_ok=True)
    found.new_key("owner.key")
    found.new_key("stranger.key")
    found.admit(found.new_key("deploy.key"))
    (found.folder / "age.key").write_text(f"{found.age}\n")
    (found.folder / "other.key").write_text(f"{pyrage.x25519.Identity.generate()}\n")
    found.fill()
    log = (found.folder / "doubles.log").open("w")
    argv = [sys.executable, "-m", "lab.flux", "--kubeconfig", str(twin.state / "kubeconfig")]
    paths = environment() | {"PYTHONPATH": f"{ROOT}/.collections:{ROOT}"}
    doubles = subprocess.Popen(argv, cwd=ROOT, env=paths, stdout=log, stderr=subprocess.STDOUT)
    yield found
    doubles.terminate()
    doubles.wait()
    log.close()
