# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A DOUBLE of source-controller: it fetches with what lies in the Secret, and with nothing else."""

from __future__ import annotations

import os
import shlex
import subprocess
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._cluster.client import Cluster
from lab.flux.objects import Failure, Obj, is_due, report, secret

OPTIONS = "-F /dev/null -o BatchMode=yes -o IdentitiesOnly=yes -o IdentityAgent=none -o StrictHostKeyChecking=yes"


@dataclass
class Sources:
    """Every GitRepository, with its files in folders of the controller's own."""

    cluster: Cluster
    folder: Path
    _looked: dict[str, float] = field(default_factory=dict)

    def sync(self, items: list[Obj]) -> None:
        """Fetch those that are due."""
        for item in items:
            uid = item["metadata"]["uid"]
            if not item["spec"].get("suspend") and is_due(item, self._looked.get(uid, 0.0)):
                self._looked[uid] = time.monotonic()
                self._reconcile(item)

    def files(self, revision: str) -> Path | None:
        """Where a revision lies, if it was fetched."""
        folder = self.folder / revision.rpartition(":")[2]
        return folder if revision and folder.is_dir() else None

    def _reconcile(self, item: Obj) -> None:
        try:
            revision = self._fetch(item)
        except Failure as failure:
            report(self.cluster, item, failure, "", "")
            return
        stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        artifact = {
            "revision": revision,
            "path": "double",
            "url": "double",
            "digest": "double",
            "lastUpdateTime": stamp,
        }
        message = f"stored artifact for revision '{revision}' (by a double of source-controller)"
        report(self.cluster, item, None, "Succeeded", message, artifact=artifact)

    def _fetch(self, item: Obj) -> str:
        spec, reference = item["spec"], item["spec"].get("ref") or {}
        # flux-operator writes the whole name
        branch = reference.get("branch") or str(reference.get("name", "master")).removeprefix("refs/heads/")
        with tempfile.TemporaryDirectory(dir=self.folder) as work:
            variables = self._variables(item, Path(work))
            bare = f"{work}/bare"
            _git(["init", "--quiet", "--bare", bare], variables, spec["url"])
            fetch = ["-C", bare, "fetch", "--quiet", "--depth=1", spec["url"], f"refs/heads/{branch}:refs/heads/it"]
            _git(fetch, variables, spec["url"])
            commit = _git(["-C", bare, "rev-parse", "refs/heads/it"], variables, spec["url"]).strip()
            target = self.folder / commit
            if not target.exists():
                (Path(work) / "tree").mkdir()
                checkout = ["-C", bare, f"--work-tree={work}/tree", "checkout", "--quiet", "--force", "it", "--", "."]
                _git(checkout, variables, spec["url"])
                (Path(work) / "tree").rename(target)
        # upstream has the whole name where the wish has it
        return f"{reference.get('branch') or reference.get('name', branch)}@sha1:{commit}"

    def _variables(self, item: Obj, work: Path) -> dict[str, str]:
        variables = {"PATH": os.environ["PATH"], "HOME": str(work), "LC_ALL": "C", "GIT_TERMINAL_PROMPT": "0"}
        reference = item["spec"].get("secretRef")
        if not reference:
            return variables
        try:
            values = secret(self.cluster, item["metadata"]["namespace"], reference["name"])
        except KeyError as error:
            name = f"{item['metadata']['namespace']}/{reference['name']}"
            raise Failure("AuthenticationFailed", f"failed to get secret '{name}': not found") from error
        for name, value in values.items():
            (work / name).touch(mode=0o600)
            (work / name).write_bytes(value)
        if item["spec"]["url"].startswith("ssh://"):
            if not {"identity", "known_hosts"} <= set(values):
                raise Failure(
                    "AuthenticationFailed", "invalid 'ssh' auth option: 'identity' and 'known_hosts' required"
                )
            known = f"-o UserKnownHostsFile={work}/known_hosts -o GlobalKnownHostsFile=/dev/null"
            variables["GIT_SSH_COMMAND"] = f"ssh {OPTIONS} {known} -i {work}/identity"
        elif "password" in values:
            reply = " ".join(f"printf '{key}=%s\\n' \"$(cat {work}/{key})\";" for key in ("username", "password"))
            helper = {"GIT_CONFIG_KEY_0": "credential.helper", "GIT_CONFIG_VALUE_0": f"!f() {{ {reply} }}; f"}
            variables |= {"GIT_CONFIG_COUNT": "1", **helper}
        if "ca.crt" in values:
            variables["GIT_SSL_CAINFO"] = str(work / "ca.crt")
        return variables


def _git(arguments: list[str], variables: dict[str, str], url: str) -> str:
    done = subprocess.run(
        ["git", *arguments], env=variables, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
    )
    if done.returncode != 0:
        said = " ".join(done.stderr.split())[-300:] or shlex.join(arguments)
        raise Failure(
            "GitOperationFailed", f"failed to checkout and determine revision: unable to clone '{url}': {said}"
        )
    return done.stdout
