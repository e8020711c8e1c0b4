# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lint the documentation of modules, plugins and roles.

On a copy: antsibull-docs makes one of everything beside galaxy.yml, and in the checkout that is .venv and .lab as well.
"""

from __future__ import annotations

import subprocess
import sys

from tests.run.steps import ROOT
from tests.run.tree import collection_copy

# References into our own collection and those of galaxy.yml; to follow all reads a hundred collections, for minutes.
LINT = ("antsibull-docs", "lint-collection-docs", "--plugin-docs", "--validate-collection-refs=dependent", ".")


def main() -> int:
    """Exit with antsibull-docs' status."""
    with collection_copy(ROOT) as copy:
        return subprocess.run(LINT, cwd=copy).returncode


if __name__ == "__main__":
    sys.exit(main())
