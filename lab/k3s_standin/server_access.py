# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How commands on a server reach its supervisor: with the server token, after the token has vouched for the CA."""

from __future__ import annotations

import base64

from lab.k3s_standin import rest, tokens
from lab.k3s_standin.paths import Paths


def connect(server: str, token: str, paths: Paths) -> rest.Rest:
    """A client that holds the server token: the one given, or the one this server wrote at its start."""
    text = token or (paths.server / "token").read_text().strip()
    parsed = tokens.parse(text)
    ca = rest.Rest(server, rest.trusting(None)).get("/cacerts")
    parsed.matches(ca)
    pair = f"server:{parsed.password or parsed.bootstrap}"
    authorization = "Basic " + base64.b64encode(pair.encode()).decode()
    return rest.Rest(server, rest.trusting(ca.decode()), {"Authorization": authorization})
