#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: release_file
short_description: Have a verified copy of a released file
version_added: 0.1.0
author: FletcherLabs (@fletcherlabs)
description:
  - Downloads a file of a release once per site, usually on the controller, and keeps it in a cache.
  - The first download is verified against the checksum file of the release, and its digest is then recorded in a lock
    file that the owner commits. From then on the lock decides. A digest that nobody verified is never written down.
  - An interrupted download is continued by the next run. The cached file appears only when it is complete and verified.
  - Needs no network when the cached file is the one the lock names.
extends_documentation_fragment:
  - fletcherlabs.homelab.attributes
options:
  name:
    description: Name of the artefact in the lock and in the cache, for example C(k3s/v1.32.5+k3s1/k3s).
    type: str
    required: true
    version_added: 0.1.0
  url:
    description:
      - Where the file is; a C(+) in it is escaped.
      - A C(file://) address serves a site without Internet; what lies there is verified just the same.
    type: str
    required: true
    version_added: 0.1.0
  checksum_url:
    description: Where the checksum file of the release is, with lines of digest and name.
    type: str
    version_added: 0.1.0
  checksum_name:
    description: The name of the file in the checksum file.
    type: str
    version_added: 0.1.0
  sha256:
    description:
      - The digest itself, for a release without a checksum file. Empty where nobody knows it; then the lock has to.
    type: str
    default: ""
    version_added: 0.1.0
  lock:
    description: The lock file, JSON with one digest per name.
    type: path
    required: true
    version_added: 0.1.0
  cache:
    description: Folder of downloaded files.
    type: path
    required: true
    version_added: 0.1.0
  timeout:
    description: How long the server may stay silent, in seconds.
    type: int
    default: 30
    version_added: 0.1.0
"""

EXAMPLES = r"""
- name: Have the K3s binary on the controller
  fletcherlabs.homelab.release_file:
    name: k3s/v1.32.5+k3s1/k3s
    url: https://github.com/k3s-io/k3s/releases/download/v1.32.5+k3s1/k3s
    checksum_url: https://github.com/k3s-io/k3s/releases/download/v1.32.5+k3s1/sha256sum-amd64.txt
    checksum_name: k3s
    lock: inventory/home.lock.json
    cache: ~/.cache/fletcherlabs.homelab
  delegate_to: localhost
"""

RETURN = r"""
path:
  description: The verified file in the cache.
  type: str
  returned: success
  sample: /home/josh/.cache/fletcherlabs.homelab/k3s/v1.32.5+k3s1/k3s
sha256:
  description: Its digest.
  type: str
  returned: success
actions:
  description: What was done, or would be done in check mode.
  type: list
  elements: dict
  returned: success
  sample: [{kind: download, sentence: download k3s/v1.32.5+k3s1/k3s}]
"""

import contextlib
import fcntl
import os
from collections.abc import Iterator, Mapping

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.urls import open_url

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._release.fetch import (
    Opener,
    Response,
    download,
    read_text,
    sha256_of,
)
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._release.lock import digest_in, read_lock, write_lock
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._release.model import (
    Action,
    Known,
    ReleaseError,
    expected_digest,
    plan,
)

SPEC = {
    "name": {"type": "str", "required": True},
    "url": {"type": "str", "required": True},
    "checksum_url": {"type": "str"},
    "checksum_name": {"type": "str"},
    "sha256": {"type": "str", "default": ""},
    "lock": {"type": "path", "required": True},
    "cache": {"type": "path", "required": True},
    "timeout": {"type": "int", "default": 30},
}


def escaped(url: str) -> str:
    """GitHub wants the plus sign of a K3s version escaped."""
    return url.replace("+", "%2B")


def opener_with(timeout: int) -> Opener:
    """Open URLs the way Ansible does, proxies and certificates included."""

    def opener(url: str, headers: Mapping[str, str]) -> Response:
        return open_url(url, headers=dict(headers), timeout=timeout, http_agent="fletcherlabs.homelab")

    return opener


def probe(parameters: dict[str, str], path: str, opener: Opener) -> Known:
    """What the lock, the cache and, only if needed, the release say."""
    locked = read_lock(parameters["lock"]).get(parameters["name"])
    released = parameters["sha256"] or None
    if locked is None and released is None and parameters["checksum_url"]:
        url = escaped(parameters["checksum_url"])
        try:
            released = digest_in(read_text(opener, url), parameters["checksum_name"], url)
        except ReleaseError as error:
            raise ReleaseError(
                f"nobody can verify {parameters['name']}: the lock does not name it, and {error}"
            ) from error
    return Known(parameters["name"], locked, sha256_of(path), released)


def apply(actions: list[Action], known: Known, parameters: dict[str, str], path: str, opener: Opener) -> None:
    """Carry out the plan; a file that is not what it should be is removed, so that the next run starts afresh."""
    expected = expected_digest(known)
    for action in actions:
        if action.kind == "discard":
            os.unlink(path)
        elif action.kind == "download":
            incoming = f"{path}.incoming"
            download(opener, escaped(parameters["url"]), incoming)
            found = sha256_of(incoming)
            if found != expected:
                os.unlink(incoming)
                raise ReleaseError(mismatch(known, parameters, found or "", expected))
            os.rename(incoming, path)
        else:
            write_lock(parameters["lock"], read_lock(parameters["lock"]) | {known.name: expected})


def mismatch(known: Known, parameters: dict[str, str], found: str, expected: str) -> str:
    """Why the downloaded file is not used."""
    if known.locked is None:
        source = parameters["checksum_url"] or "the collection"
        return (
            f"{parameters['url']} has sha256 {found}, but {source} says {expected}; "
            "the file was thrown away: run again, and if it happens again do not trust the server"
        )
    return (
        f"{parameters['url']} has sha256 {found}, but the lock {parameters['lock']} says {expected}; "
        f"the file was thrown away: if the release was really replaced, remove the line of '{known.name}' from the lock"
    )


@contextlib.contextmanager
def only_one(path: str, rehearsal: bool) -> Iterator[None]:
    """Keep two runs from writing one cached file at once."""
    if rehearsal:
        yield
        return
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(f"{path}.busy", "w", encoding="utf-8") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        yield


def main() -> None:
    together = [("checksum_url", "checksum_name")]
    module = AnsibleModule(argument_spec=SPEC, required_together=together, supports_check_mode=True)
    rehearsal: bool = module.check_mode
    path = os.path.join(module.params["cache"], module.params["name"])
    opener = opener_with(module.params["timeout"])
    try:
        with only_one(path, rehearsal):
            known = probe(module.params, path, opener)
            actions = plan(known)
            if not rehearsal:
                apply(actions, known, module.params, path, opener)
    except ReleaseError as error:
        module.fail_json(msg=str(error))
    except OSError as error:
        module.fail_json(
            msg=f"{error.filename or path}: {error.strerror}; give the right to write there, or name another"
        )
    after = {known.name: expected_digest(known)}
    module.exit_json(
        changed=bool(actions),
        path=path,
        sha256=after[known.name],
        actions=[action.as_dict() for action in actions],
        diff={"before": {known.name: known.cached if not actions else known.locked}, "after": after},
    )


if __name__ == "__main__":
    main()
