# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sentences for what community.proxmox, proxmoxer, requests and the node's tasks say."""

from __future__ import annotations

import pytest

from ansible_collections.fletcherlabs.homelab.plugins.filter.proxmox_failure import FilterModule

CASES = [
    ("HTTPSConnectionPool(host='h', port=8006): Max retries exceeded with url: /api2/json/version (Caused by SSLError("
     "SSLCertVerificationError(1, '[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: certificate has expired "
     "(_ssl.c:1006)')))", "renew it on the node with 'pvecm updatecerts --force', then run again"),
    ("[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: unable to get local issuer certificate",
     "not signed by a known CA; set ca_path to a copy of the node's /etc/pve/pve-root-ca.pem"),
    ("certificate verify failed: IP address mismatch, certificate is not valid for '10.0.0.1'", "made for other names"),
    ("Fingerprints did not match. Expected \"aa\", got \"bb\"", "another fingerprint than the inventory"),
    ("403 Forbidden: Permission check failed (/vms/130, VM.Allocate)", "the API token has no VM.Allocate on /vms/130"),
    ("401 Unauthorized: invalid token value!", "the API refuses the token (invalid token value!)"),
    ("Task error: checksum mismatch: got 'aa' != expect 'bb'", "the image has the checksum aa, expected bb"),
    ("Error occurred on task execution: unable to create image: lvcreate error: insufficient free space in thin pool",
     "a storage of the node is full; make room there"),
    ("Unable to update vm k with vmid 130=500 Internal Server Error: VM is locked (snapshot)", "locked (snapshot)"),
    ("Error occurred on task execution: unexpected status", "the node lost the task half-way; run again"),
    ("HTTPSConnectionPool(host='h', port=8006): Read timed out. (read timeout=5)", "did not answer within 5 s"),
    ("('Connection aborted.', RemoteDisconnected('Remote end closed connection without response'))", "does not answer"),
    ("Reached timeout while waiting for starting VM. Last line in task before timeout: [{'n': 1, 't': 'TASK ERROR: kvm "
     "said no'}]", "a task on the node failed ('kvm said no'); mend that, then run again"),
    ("Reached timeout while waiting for starting VM. Last line in task before timeout: [{'n': 1, 't': 'working'}]",
     "did not end in time"),
    ("something\nnew", "the API failed with 'something new'; mend that, then run again"),
    ("", "the API failed with 'it said nothing'"),
]  # fmt: skip


@pytest.mark.parametrize(("message", "expected"), CASES)
def test_one_sentence_each(message: str, expected: str) -> None:
    sentence = FilterModule().filters()["proxmox_failure"]({"msg": message})
    assert expected in sentence
    assert "\n" not in sentence
