# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Name servers: which are asked, what is asked, what an answer means."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._probe import check_dns


def test_servers_behind_the_stub_are_asked(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/resolv.conf").write_text("nameserver 127.0.0.53\n")
    assert check_dns.configured(tmp_path) == ["127.0.0.53"]
    (tmp_path / "run/systemd/resolve").mkdir(parents=True)
    (tmp_path / "run/systemd/resolve/resolv.conf").write_text("# comment\nnameserver 192.0.2.53\nnameserver fe80::1\n")
    assert check_dns.configured(tmp_path) == ["192.0.2.53"]
    assert check_dns.configured(tmp_path / "nothing") == []


def test_question() -> None:
    data = check_dns.question(0x1234, "fletcherlabs.net")
    assert data[:6] == bytes.fromhex("123401000001")
    assert data[12:] == b"\x0cfletcherlabs\x03net\x00\x00\x01\x00\x01"


def test_nobody_listens() -> None:
    # 127.255.255.254 is this machine, and no name server binds it
    assert check_dns.ask("127.255.255.254", "example.net", 0.3) == "refused"


@pytest.mark.parametrize(("code", "result"), [(0, "answers"), (3, "answers"), (2, "server failure"), (5, "refused")])
def test_that_there_is_no_such_name_is_an_answer(code: int, result: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(check_dns, "_matching", lambda *_arguments: bytes(3) + bytes([0x80 | code]) + bytes(8))
    assert check_dns.ask("127.0.0.1", "example.net", 0.3) == result
