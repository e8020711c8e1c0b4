# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module as Ansible calls it, on a folder in the place of /etc/apt, with a key from a file."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.testing import patch_module_args

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._files import host
from ansible_collections.fletcherlabs.homelab.plugins.modules import signed_repositories

# made for this test with gpg --quick-gen-key; its secret half was thrown away
KEY = """-----BEGIN PGP PUBLIC KEY BLOCK-----

mDMEawRSKBYJKwYBBAHaRw8BAQdAGi5ZNItzEfM5jJ35ROmaWXHrOlHom5KiDl1a
w4viM+u0F2V4YW1wbGUgPHhAZXhhbXBsZS5uZXQ+iJAEExYIADgWIQQSpZqC7nnh
Y3ebTKsI2gRhMWx74QUCawRSKAIbAwULCQgHAgYVCgkICwIEFgIDAQIeAQIXgAAK
CRAI2gRhMWx74dwUAQD1ZsLwBxIBPR7yv7bBaA4VQyqLCwAQsRARB/9TXvsUuQEA
nM0RD+ThpWBnq2mGSqp9LGCPfOzT6bkUFDFzB8ABrgw=
=5UwL
-----END PGP PUBLIC KEY BLOCK-----
"""
FINGERPRINT = "12A59A82EE79E163779B4CAB08DA0461316C7BE1"


class Caller:
    """Calls the module for a repository whose key lies in a file, and gives back what it printed."""

    def __init__(self, root: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.apt, self.key, self.lists, self.capsys = root / "apt", root / "gpgkey", root / "lists", capsys
        self.apt.mkdir()
        self.lists.mkdir()
        self.key.write_text(KEY)

    def __call__(self, check: bool = False, **more: Any) -> dict[str, Any]:
        arguments = {
            "name": "toolkit",
            "uris": "https://example.net/deb/",
            "key_url": self.key.as_uri(),
            "key_fingerprint": FINGERPRINT,
            "pins": [{"packages": "toolkit*", "pin": "version 1.17.8-1", "priority": 1001}],
        } | more
        given = {key: value for key, value in arguments.items() if value is not None}
        with patch_module_args({"repositories": [given], "_ansible_check_mode": check}), pytest.raises(SystemExit):
            signed_repositories.main()
        result: dict[str, Any] = json.loads(self.capsys.readouterr().out)
        return result

    def files(self) -> list[str]:
        return sorted(str(path.relative_to(self.apt)) for path in self.apt.rglob("*") if path.is_file())


@pytest.fixture
def call(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Caller:
    caller = Caller(tmp_path, capsys)
    monkeypatch.setattr(signed_repositories, "APT", str(caller.apt))
    monkeypatch.setattr(signed_repositories, "LISTS", caller.lists)
    owner = host.user_name(str(os.getuid())), host.group_name(str(os.getgid()))
    monkeypatch.setattr(signed_repositories, "OWNER", owner)
    return caller


FILES = ["keyrings/toolkit.asc", "preferences.d/toolkit", "sources.list.d/toolkit.sources"]


def test_check_real_again_again_in_check(call: Caller) -> None:
    told = call(check=True)
    assert call.files() == []
    done = call()
    (call.lists / "example.net_deb_InRelease").touch()
    again, again_told = call(), call(check=True)
    assert told["changed"] and done["changed"] and not again["changed"] and not again_told["changed"]
    assert told["actions"] == done["actions"] and told["diff"] == done["diff"]
    assert (told["unread"], done["unread"], again["unread"]) == (["toolkit"], ["toolkit"], [])
    assert [action["kind"] for action in done["actions"]] == ["fetch_key", *["make_directory"] * 3, "write", "write"]
    assert call.files() == FILES
    assert (call.apt / FILES[0]).read_text() == KEY
    assert f"Signed-By: {call.apt}/keyrings/toolkit.asc {FINGERPRINT}\n" in (call.apt / FILES[2]).read_text()


def test_a_key_that_is_there_is_not_asked_for_again(call: Caller) -> None:
    call()
    call.key.unlink()
    assert not call()["changed"]


def test_a_key_file_that_was_spoiled_is_fetched_again(call: Caller) -> None:
    call()
    (call.apt / FILES[0]).write_text("nothing\n")
    assert [action["kind"] for action in call()["actions"]] == ["fetch_key"]
    assert (call.apt / FILES[0]).read_text() == KEY


@pytest.mark.parametrize(
    ("content", "has"), [(KEY, f"has the key {FINGERPRINT}"), ("<html>sign in</html>", "has no armored key")]
)
def test_another_key_is_refused_before_anything_is_written(call: Caller, content: str, has: str) -> None:
    call.key.write_text(content)
    result = call(key_fingerprint="C95B321B61E88C1809C4F759DDCAE044F796ECB0")
    assert result["failed"]
    assert f"{has}, expected C95B321B61E88C1809C4F759DDCAE044F796ECB0; find out which is right" in result["msg"]
    assert call.files() == []


def test_a_key_that_cannot_be_had_is_one_sentence(call: Caller) -> None:
    call.key.unlink()
    result = call()
    assert result["failed"] and result["msg"].startswith(f"the key of toolkit cannot be had from {call.key.as_uri()}: ")
    assert call.files() == []


def test_an_interrupted_run_is_taken_up(call: Caller) -> None:
    call()
    # killed before apt read the lists
    again = call()
    assert (again["unread"], again["changed"]) == (["toolkit"], False)


def test_a_short_key_id_is_no_fingerprint(call: Caller) -> None:
    assert "expected 40 hexadecimal digits" in call(key_fingerprint="DDCAE044F796ECB0")["msg"]


def test_the_distributions_keyring_takes_the_place_of_a_key(call: Caller) -> None:
    call()
    call(keyring="/usr/share/keyrings/debian-archive-keyring.gpg", key_url=None, key_fingerprint=None)
    assert call.files() == FILES[1:]
    assert "Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg\n" in (call.apt / FILES[2]).read_text()


def test_pins_alone_have_no_source(call: Caller) -> None:
    # pins too change what apt would install, but no list has to be read for them
    assert not call(uris="", key_url=None, key_fingerprint=None)["unread"]
    assert call.files() == [FILES[1]]


def test_absent_leaves_nothing(call: Caller) -> None:
    call()
    told = call(check=True, state="absent")
    assert call.files() == FILES
    assert call(state="absent")["actions"] == told["actions"]
    assert call.files() == []
    assert not call(state="absent")["changed"]
