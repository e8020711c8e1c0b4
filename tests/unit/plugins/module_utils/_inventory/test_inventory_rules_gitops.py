# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The repository that Flux follows, in the inventory."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._inventory.parse import parse
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._inventory.rules import advice, check

from .inventory_samples import inventory

SSH = {
    "url": "ssh://git@github.com/example/it",
    "deploy_key": "~/deploy.key",
    "known_hosts": ["github.com ssh-ed25519 AAAA"],
    "identity": "~/keys.txt",
}
HTTPS = {"url": "https://github.com/example/it", "token": "~/token", "ca": "/etc/ca.pem", "username": "flux"}


def judged(gitops: dict[str, Any], **values: Any) -> tuple[list[str], list[str]]:
    machines, site = inventory()
    found, shape = parse(machines, site | {f"homelab_gitops_{name}": each for name, each in gitops.items()} | values)
    return [problem.sentence for problem in shape] + check(found), advice(found)


@pytest.mark.parametrize("gitops", [
    {}, SSH, HTTPS,
    {**SSH, "url": "ssh://git@192.0.2.1:2222/it", "known_hosts": ["[192.0.2.1]:2222 ecdsa-sha2-nistp256 AAAA host"]},
    {**SSH, "known_hosts": ["|1|abc=|def= ssh-ed25519 AAAA"]},
    {**SSH, "known_hosts": ["gitlab.com,github.com ssh-ed25519 AAAA"], "known_secrets": ["a/b"], "branch": "main"},
])  # fmt: skip
def test_what_is_in_order(gitops: dict[str, Any]) -> None:
    assert judged(gitops, homelab_secrets_encryption=True) == ([], [])


@pytest.mark.parametrize(("gitops", "said"), [
    ({**SSH, "url": "git@github.com:example/it"}, "homelab_gitops_url: 'git@github.com:example/it' is not a"),
    ({**SSH, "url": "ssh://github.com/example/it"}, "homelab_gitops_url: 'ssh://github.com/example/it' is not a"),
    ({**HTTPS, "url": "https://me:secret@github.com/it"}, "homelab_gitops_url has a password in it; "),
    ({**SSH, "deploy_key": ""}, "homelab_gitops_deploy_key is missing, and homelab_gitops_url is one of SSH"),
    ({**SSH, "deploy_key": "deploy.key"}, "homelab_gitops_deploy_key: 'deploy.key' is not a file; write it"),
    ({**SSH, "token": "~/token"}, "homelab_gitops_token: ~/token opens nothing over SSH"),
    ({**HTTPS, "deploy_key": "~/key"}, "homelab_gitops_deploy_key: ~/key opens nothing over HTTPS"),
    ({**SSH, "known_hosts": []}, "homelab_gitops_known_hosts has no line for github.com, whose keys Flux has to know"),
    ({**SSH, "url": "ssh://git@github.com:2222/it"}, "homelab_gitops_known_hosts has no line for [github.com]:2222"),
    ({**SSH, "known_hosts": ["github.com"]}, "homelab_gitops_known_hosts[0]: 'github.com' is not a line"),
    ({"path": "/clusters"}, "homelab_gitops_path: '/clusters' is not a folder of the repository"),
    ({"path": "a/../.."}, "homelab_gitops_path: 'a/../..' is not a folder of the repository"),
    ({"escrow_confirmed": "yes"}, "homelab_gitops_escrow_confirmed: 'yes' is not true or false"),
])  # fmt: skip
def test_what_cannot_work_is_refused(gitops: dict[str, Any], said: str) -> None:
    problems, _warnings = judged(gitops)
    assert any(sentence.startswith(said) for sentence in problems), problems


def test_a_password_is_not_repeated() -> None:
    assert "secret" not in str(judged({"url": "https://me:secret@github.com/it"}))


@pytest.mark.parametrize(("values", "count"), [
    ({}, 1), ({"homelab_secrets_encryption": True}, 0), ({"homelab_hardening": True}, 0),
])  # fmt: skip
def test_a_key_that_will_lie_readable_on_a_disk_is_worth_a_word(values: dict[str, Any], count: int) -> None:
    _problems, warnings = judged(SSH, **values)
    assert len([each for each in warnings if "will lie readable in the datastore" in each]) == count
