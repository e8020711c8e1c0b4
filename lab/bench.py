# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""placeholder"""

from __future__ import annotations

from pathlib import Path

from lab.engine import Engine
from lab.site import Site


def main(engine: Engine, site: Site, large: Path | None) -> None: ...
