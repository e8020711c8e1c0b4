#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: signed_repositories
short_description: Have apt repositories whose keys are known by their fingerprints
version_added: 0.1.0
author: FletcherLabs (@fletcherlabs)
description:
  - Writes the keys, sources and pins of all repositories of one concern in one call.
  - A key is fetched once, and refused before anything is written unless it has the wanted fingerprint. The source names
    the same fingerprint, so that apt takes no signature of another key either, whatever is in the file.
  - Needs no GnuPG on the host, and trusts a key for its own repository alone.
extends_documentation_fragment:
  - fletcherlabs.homelab.attributes
options:
  repositories:
    description: The repositories.
    type: list
    elements: dict
    required: true
    version_added: 0.1.0
    suboptions:
      name:
        description: Name of the files.
        type: str
        required: true
        version_added: 0.1.0
      uris:
        description: Where the repository is. Without it there are pins alone.
        type: str
        default: ""
        version_added: 0.1.0
      suites:
        description: Suites, or a directory that ends with a slash.
        type: str
        default: /
        version_added: 0.1.0
      components:
        description: Components of the suites.
        type: list
        elements: str
        default: []
        version_added: 0.1.0
      key_url:
        description: Where its key is. Asked only while the host does not have the key.
        type: str
        version_added: 0.1.0
      key_fingerprint:
        description: Fingerprint of the key, 40 hexadecimal digits.
        type: str
        default: ""
        version_added: 0.1.0
      keyring:
        description: A keyring that is there anyhow, such as the distribution's own, in place of a key.
        type: path
        version_added: 0.1.0
      pins:
        description: Records of apt's preferences. Of several that fit a version, the first counts.
        type: list
        elements: dict
        default: []
        version_added: 0.1.0
        suboptions:
          packages:
            description: Names or patterns of packages, separated by spaces.
            type: str
            required: true
            version_added: 0.1.0
          pin:
            description: Which versions, as V(version 1.17.8-1) or V(origin nvidia.github.io).
            type: str
            required: true
            version_added: 0.1.0
          priority:
            description: Priority. A negative one keeps the packages out.
            type: int
            required: true
            version_added: 0.1.0
      state:
        description: Whether the repository should be there.
        type: str
        choices: [present, absent]
        default: present
        version_added: 0.1.0
"""

EXAMPLES = r"""
- name: Have NVIDIA's container toolkit
  fletcherlabs.homelab.signed_repositories:
    repositories:
      - name: nvidia-container-toolkit
        uris: https://nvidia.github.io/libnvidia-container/stable/deb/amd64/
        key_url: https://nvidia.github.io/libnvidia-container/gpgkey
        key_fingerprint: C95B321B61E88C1809C4F759DDCAE044F796ECB0
        pins:
          - {packages: nvidia-container-toolkit*, pin: version 1.17.8-1, priority: 1001}
"""

RETURN = r"""
actions:
  description: What was done, or would be done in check mode.
  type: list
  elements: dict
  returned: success
  sample:
    - kind: fetch_key
      target: /etc/apt/keyrings/nvidia-container-toolkit.asc
      sentence: fetch the key C95B321B61E88C1809C4F759DDCAE044F796ECB0 from https://nvidia.github.io/libnvidia-container/gpgkey
unread:
  description: Names of the repositories that apt has yet to read, now or since an interrupted run.
  type: list
  elements: str
  returned: success
  sample: [nvidia-container-toolkit]
reasons:
  description: Why nothing was written, one sentence each.
  type: list
  elements: str
  returned: failure
"""

import os
import typing as t
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.urls import open_url

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._apt.key import fingerprints
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._apt.repository import (
    Pin,
    Repository,
    faults,
    files_of,
    key_problem,
    unread,
)
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._files import host
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._files.model import Action, FilesError, Wanted
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._files.plan import difference, plan

PIN = {
    "packages": {"type": "str", "required": True},
    "pin": {"type": "str", "required": True},
    "priority": {"type": "int", "required": True},
}
REPOSITORY = {
    "name": {"type": "str", "required": True},
    "uris": {"type": "str", "default": ""},
    "suites": {"type": "str", "default": "/"},
    "components": {"type": "list", "elements": "str", "default": []},
    "key_url": {"type": "str", "no_log": False},
    "key_fingerprint": {"type": "str", "default": "", "no_log": False},
    "keyring": {"type": "path", "no_log": False},
    "pins": {"type": "list", "elements": "dict", "default": [], "options": PIN},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
}
SPEC = {"repositories": {"type": "list", "elements": "dict", "required": True, "options": REPOSITORY}}
APT = "/etc/apt"
LISTS = Path("/var/lib/apt/lists")
OWNER = ("root", "root")
SECONDS = 30


def wanted_from(asked: dict[str, t.Any]) -> Repository:
    """One repository of the options, typed."""
    return Repository(
        asked["name"],
        asked["state"] == "present",
        asked["uris"],
        asked["suites"],
        tuple(asked["components"]),
        asked["key_url"] or "",
        asked["key_fingerprint"].replace(" ", "").upper(),
        asked["keyring"] or "",
        tuple(Pin(**item) for item in asked["pins"]),
        APT,
    )


def key_is_there(wanted: Repository) -> bool:
    """Whether the key file holds the wanted key."""
    try:
        return wanted.fingerprint in fingerprints(Path(wanted.key_file).read_bytes())
    except OSError:
        return False


def fetch_keys(wanted: list[Repository]) -> dict[str, str]:
    """The keys' files by the names of their repositories; raise FilesError with every one that is not right."""
    keys: dict[str, str] = {}
    problems: list[str] = []
    for item in wanted:
        try:
            content: bytes = open_url(item.key_url, timeout=SECONDS).read()
        except OSError as error:
            problems.append(f"the key of {item.name} cannot be had from {item.key_url}: {error}")
            continue
        problem = key_problem(item, content)
        problems += [problem] if problem else []
        keys[item.name] = content.decode("utf-8", "surrogateescape").rstrip("\n") + "\n"
    if problems:
        raise FilesError(problems)
    return keys


def report(wanted: list[Repository], keyless: list[Repository], actions: list[Action]) -> dict[str, t.Any]:
    """What the user sees; a key is told by where it comes from, before the files."""
    fetched = [
        {
            "kind": "fetch_key",
            "target": item.key_file,
            "sentence": f"fetch the key {item.fingerprint} from {item.key_url}",
        }
        for item in keyless
    ]
    key_files = {item.key_file for item in keyless}
    rest = [action for action in actions if action.wanted.path not in key_files]
    changed = {action.wanted.path for action in actions} | key_files
    lists = os.listdir(LISTS) if LISTS.is_dir() else []
    return {
        "changed": bool(rest or keyless),
        "actions": fetched + [action.as_dict() for action in rest],
        "unread": [
            item.name
            for item in wanted
            if item.has_source and (changed & {item.source_file, item.key_file} or unread(item, lists))
        ],
        "diff": difference(rest),
    }


def main() -> None:
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True)
    wanted = [wanted_from(item) for item in module.params["repositories"]]
    problems = [sentence for item in wanted for sentence in faults(item)]
    if problems:
        module.fail_json(msg="; ".join(problems), reasons=problems)
    keyless = [item for item in wanted if item.has_source and not item.keyring and not key_is_there(item)]
    rehearsal: bool = module.check_mode
    try:
        keys = {} if rehearsal else fetch_keys(keyless)
        files: list[Wanted] = files_of(wanted, keys, OWNER)
        actions = plan(files, host.probe(files))
        if not rehearsal:
            host.apply(actions)
    except FilesError as error:
        module.fail_json(msg=str(error), reasons=error.reasons)
    module.exit_json(**report(wanted, keyless, actions))


if __name__ == "__main__":
    main()
