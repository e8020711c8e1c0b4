# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to the collection: one sentence for what the API, its tasks and TLS say when something fails; pure."""

from __future__ import annotations

import re
from collections.abc import Callable

COMMUNITY_SECONDS = 5
AGAIN = "then run again"
Sentence = Callable[[re.Match[str]], str]


def _said(text: str) -> Sentence:
    return lambda match: match.expand(text)


# The first that matches counts; what a task says of itself comes before how the call ended.
KNOWN: tuple[tuple[str, Sentence], ...] = (
    (
        r"certificate has expired",
        _said(f"the API's certificate has expired; renew it on the node with 'pvecm updatecerts --force', {AGAIN}"),
    ),
    (
        r"(?:Fingerprints did not match|fingerprint of)[^\n]*",
        _said("the API's certificate has another fingerprint than the inventory; ask its owner, then correct it"),
    ),
    (
        r"IP address mismatch[^\n]*|Hostname mismatch[^\n]*|doesn't match",
        _said("the API's certificate is made for other names; use one of them as api_host, or pvecm updatecerts"),
    ),
    (
        r"CERTIFICATE_VERIFY_FAILED|invalid path: |invalid CA",
        _said(
            "the API's certificate is not signed by a known CA; set ca_path to a copy of the node's "
            "/etc/pve/pve-root-ca.pem, or api_fingerprint"
        ),
    ),
    (
        r"Permission check failed \(([^,]+), ([^)]+)\)",
        _said(rf"the API token has no \2 on \1; give it the role of docs/proxmox.md with pveum, {AGAIN}"),
    ),
    (
        r"401[^:]*: ([^\n]+)",
        _said(r"the API refuses the token (\1); correct api_user, api_token_id or homelab_proxmox_token_secret"),
    ),
    (
        r"checksum mismatch: got '(\w+)' != expect '(\w+)'",
        _said(r"the image has the checksum \1, expected \2; correct homelab_vm.image, nothing of it was kept"),
    ),
    (
        r"(?:insufficient free space|No space left on device|not enough free)",
        _said(f"a storage of the node is full; make room there or choose another, {AGAIN}"),
    ),
    (
        r"VM is locked \(([^)]*)\)",
        _said(rf"the VM is locked (\1) by a task; wait for its end, or say 'qm unlock' when none runs, {AGAIN}"),
    ),
    (
        r"unexpected status|no such task",
        _said("the node lost the task half-way; run again, which looks at what is there first"),
    ),
    (
        r"[Rr]ead timed out",
        _said(
            f"the API did not answer within {COMMUNITY_SECONDS} s, which is as long as community.proxmox waits; it may "
            "still do what it was told, so look at its load, then run again, which looks first"
        ),
    ),
    (
        r"Max retries|Connection (?:refused|aborted|reset)|RemoteDisconnected|timed out|No route to host",
        _said("the API does not answer at its address; start the node or its pveproxy, then run again"),
    ),
    (r"TASK ERROR: ([^'\"\n]+)", _said(rf"a task on the node failed ('\1'); mend that, {AGAIN}")),
    (r"Task error: ([^\n]+)", _said(rf"a task on the node failed ('\1'); mend that, {AGAIN}")),
    (r"Error occurred on task execution: ([^\n]+)", _said(rf"a task on the node failed ('\1'); mend that, {AGAIN}")),
    (r"Reached timeout[^\[]*\[(.*)\]", _said(rf"a task on the node did not end in time (\1); look at it, {AGAIN}")),
)


def sentence_for(message: str) -> str:
    """What happened, and what to do, in one sentence; an unknown message in its own words."""
    for pattern, sentence in KNOWN:
        match = re.search(pattern, message)
        if match:
            return sentence(match)
    own = " ".join(message.split()) or "it said nothing"
    return f"the API failed with '{own}'; mend that, {AGAIN}"
