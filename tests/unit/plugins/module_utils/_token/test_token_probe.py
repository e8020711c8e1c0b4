# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a server's answers mean, and what it is asked for."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.fletcherlabs.homelab.plugins.module_utils._token import probe
from ansible_collections.fletcherlabs.homelab.plugins.module_utils._token.plan import TokenError


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe, "_PAUSE_SECONDS", 0)


def server(**statuses: int) -> probe.Ask:
    """Answers each password with its status, others with 401."""
    return lambda method, path, password, body: probe.Answer(statuses.get(password, 401))


@pytest.mark.parametrize(
    ("statuses", "kind"),
    [
        ({"fresh": 200}, "new"),
        ({"stale": 200}, "old"),
        ({}, "other"),
        # the token was right, the core is not ready for the question
        ({"fresh": 500}, "new"),
        ({"stale": 403}, "other"),
        ({"fresh": 0}, "none"),
        ({"fresh": 503}, "none"),
        ({"stale": 503}, "none"),
    ],
)
def test_the_first_token_that_is_not_refused_is_the_one_in_force(statuses: dict[str, int], kind: str) -> None:
    assert probe.accepted(server(**statuses), "fresh", "stale", patience=0) == kind


def test_a_server_that_starts_gets_some_time() -> None:
    statuses = iter([0, 503, 200])
    assert probe.accepted(lambda *_: probe.Answer(next(statuses)), "fresh", None, patience=5) == "new"


def test_the_old_token_is_sent_only_when_the_new_one_was_refused() -> None:
    asked: list[str] = []

    def ask(method: str, path: str, password: str, body: bytes | None) -> probe.Answer:
        asked.append(f"{method} {path} {password}")
        return probe.Answer(200)

    assert probe.accepted(ask, "fresh", "stale", patience=0) == "new"
    assert asked == ["GET /v1-k3s/encrypt/status fresh"]


def test_a_rotation_asks_as_k3s_does_and_a_refusal_hides_both_tokens() -> None:
    asked: list[tuple[str, str, str, bytes | None]] = []

    def ask(method: str, path: str, password: str, body: bytes | None) -> probe.Answer:
        asked.append((method, path, password, body))
        return probe.Answer(500, "first line\nstale is not fresh\n") if len(asked) > 1 else probe.Answer(200)

    probe.rotate(ask, "fresh", "stale", "s1")
    assert asked == [("PUT", "/v1-k3s/token", "stale", b'{"newToken": "fresh"}')]
    with pytest.raises(
        TokenError, match=r"s1 did not replace the server token \(status 500: \*\*\*\* is not \*\*\*\*\)"
    ):
        probe.rotate(ask, "fresh", "stale", "s1")


def test_a_server_that_is_not_there_is_no_answer(tmp_path: Path) -> None:
    answer = probe.asker(1, str(tmp_path / "no-ca.crt"), 1.0)("GET", "/", "pw", None)
    assert answer.status == 0
