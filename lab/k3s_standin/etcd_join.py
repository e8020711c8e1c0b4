# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Joining as a further server: the other server is checked against the token, then it gives authorities and members."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lab.k3s_standin import rest, tokens
from lab.k3s_standin.config import ConfigError
from lab.k3s_standin.etcd_members import Listed, read

# Settings in which servers must not differ (fact A6).
CRITICAL = (
    "ClusterDNS", "ClusterDomain", "ClusterIPRange", "ServiceIPRange",
    "FlannelBackend", "DisableKubeProxy", "DisableNPC",
)  # fmt: skip


@dataclass(frozen=True)
class Joining:
    """Another server's address, the token, and what this server's own settings come to."""

    url: str
    token: str
    config: Mapping[str, Any]

    def authorities(self) -> dict[str, str]:
        """The cluster's authorities; ConfigError when this server must not join."""
        ca = self._checked_ca()
        theirs = self._ask(ca, "/v1-k3s/config")
        differing = [name for name in CRITICAL if theirs.get(name) != self.config.get(name)]
        if differing:
            shown = ", ".join(f"{name} is {self.config.get(name)}, theirs {theirs.get(name)}" for name in differing)
            raise ConfigError(
                "starting kubernetes: preparing server: failed to validate server configuration: "
                f"critical configuration value mismatch between servers: {shown}"
            )
        contents = self._ask(ca, "/v1-k3s/server-bootstrap")
        return {str(name): str(text) for name, text in contents.items()}

    def members(self, ca: str) -> list[Listed]:
        """Who the members of etcd are."""
        return [read(each) for each in self._ask(ca, "/db/info")["members"]]

    def _checked_ca(self) -> str:
        if not self.token:
            raise ConfigError("starting kubernetes: preparing server: token is required to join a cluster")
        try:
            ca = rest.Rest(self.url, rest.trusting(None)).get("/cacerts")
            tokens.parse(self.token).matches(ca)
            return ca.decode()
        except (OSError, rest.Refused, tokens.TokenError) as error:
            raise self._failed(error) from error

    def _ask(self, ca: str, path: str) -> dict[str, Any]:
        parsed = tokens.parse(self.token)
        pair = f"server:{parsed.password or parsed.bootstrap}"
        headers = {"Authorization": "Basic " + base64.b64encode(pair.encode()).decode()}
        client = rest.Rest(self.url, rest.trusting(ca), headers)
        try:
            answer: dict[str, Any] = json.loads(client.get(path))
            return answer
        except (OSError, rest.Refused) as error:
            raise self._failed(error) from error
        finally:
            client.close()

    def _failed(self, error: Exception) -> ConfigError:
        return ConfigError(f"starting kubernetes: preparing server: failed to validate server {self.url}: {error}")
