# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The server's own tokens: chosen once, written where upstream writes them, and compared with what joiners send."""

from __future__ import annotations

import hmac
from dataclasses import dataclass

from lab.k3s_standin import files, tokens
from lab.k3s_standin.config import ConfigError
from lab.k3s_standin.paths import Paths


@dataclass(frozen=True)
class Credentials:
    """Passwords of the two users of the supervisor."""

    server: str
    agent: str

    def role(self, user: str, password: str) -> str:
        """What a user and password may do: "server", "agent" or nothing.

        The server token lets agents in as well (fact A9), and a short token comes without a user's name.
        """
        if user in ("", "server", "node") and hmac.compare_digest(password.encode(), self.server.encode()):
            return "server"
        if user in ("", "node") and hmac.compare_digest(password.encode(), self.agent.encode()):
            return "agent"
        return ""


def choose(paths: Paths, server_token: str, agent_token: str) -> Credentials:
    """Configured tokens, else the one of an earlier start, else a new one."""
    if not server_token:
        try:
            server_token = (paths.server / "token").read_text().strip()
        except FileNotFoundError:
            server_token = tokens.new_password()
    try:
        server = _password(server_token)
        return Credentials(server, _password(agent_token) if agent_token else server)
    except tokens.TokenError as error:
        raise ConfigError(str(error)) from error


def write(paths: Paths, credentials: Credentials) -> None:
    """Write token files in the secure form, 0600."""
    ca_file = (paths.tls / "server-ca.crt").read_bytes()
    server = tokens.Token("", "server", credentials.server).secure(ca_file)
    agent = tokens.Token("", "node", credentials.agent).secure(ca_file)
    files.write_if_changed(paths.server / "token", server + "\n")
    files.link(paths.server / "node-token", "token")
    if credentials.agent == credentials.server:
        files.link(paths.server / "agent-token", "token")
    else:
        # A link left by an earlier start without an agent token must not be written through.
        if (paths.server / "agent-token").is_symlink():
            (paths.server / "agent-token").unlink()
        files.write_if_changed(paths.server / "agent-token", agent + "\n")
    lines = [f"{credentials.agent},node,node,k3s:agent", f"{credentials.server},server,server,k3s:server"]
    files.write_if_changed(paths.server / "cred/passwd", "\n".join(lines) + "\n")


def check(paths: Paths, server_token: str) -> None:
    """Refuse a secure token that names another CA, or any CA before there is one."""
    expected = tokens.parse(server_token).ca_hash if server_token else ""
    ca_file = paths.tls / "server-ca.crt"
    try:
        if expected and not ca_file.exists():
            raise tokens.TokenError(
                "the token names a cluster CA and there is none yet: give the first server the short form"
            )
        if expected:
            tokens.parse(server_token).matches(ca_file.read_bytes())
    except tokens.TokenError as error:
        raise ConfigError(str(error)) from error


def _password(text: str) -> str:
    token = tokens.parse(text)
    # Any text may be a server's password, also one that looks like a bootstrap token.
    return token.bootstrap or token.password
