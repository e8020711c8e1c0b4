# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run `ansible-test sanity` on a throw-away copy of what the collection ships.

ansible-test accepts a collection only at a path that ends in ansible_collections/<namespace>/<name>, and refuses links.
"""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.run.steps import ROOT
from tests.run.tree import collection_copy

# ansible-test makes virtual environments with the pip that its own get-pip.py of this version would install.
PIP_VERSION = "24.2"
PIP_CACHE = Path("~/.ansible/test/cache").expanduser() / f"get_pip_{PIP_VERSION.replace('.', '_')}.py"


@contextlib.contextmanager
def pip_from_the_index() -> Iterator[None]:
    """Put our get_pip.py where ansible-test looks first: the host it would download from has no mirror."""
    if PIP_CACHE.exists():
        yield
        return
    PIP_CACHE.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(Path(__file__).with_name("get_pip.py"), PIP_CACHE)
    try:
        yield
    finally:
        PIP_CACHE.unlink(missing_ok=True)


def main() -> int:
    """Exit with ansible-test's status."""
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    with collection_copy(ROOT) as copy, pip_from_the_index():
        return subprocess.run(["ansible-test", "sanity", "--python", python], cwd=copy).returncode


if __name__ == "__main__":
    sys.exit(main())
