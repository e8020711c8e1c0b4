# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a release that cannot be fetched is told as; the rest is tested through release_file."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from ansible.module_utils.urls import open_url

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._release import fetch
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._release.model import ReleaseError


def opener(url: str, headers: Mapping[str, str]) -> fetch.Response:
    return open_url(url, headers=dict(headers), timeout=5)


def test_a_folder_without_the_release_is_told_from_a_network(tmp_path: object) -> None:
    url = f"file://{tmp_path}/v1.32.5%2Bk3s1/sha256sum-amd64.txt"
    with pytest.raises(ReleaseError) as refused:
        fetch.read_text(opener, url)
    assert str(refused.value).startswith(f"{url} cannot be read: ")
    assert str(refused.value).endswith("; put the release's files there, or name another folder")
