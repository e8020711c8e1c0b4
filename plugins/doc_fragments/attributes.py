# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Attributes every module of this collection declares, worded once."""

from __future__ import annotations


class ModuleDocFragment:
    """Attributes for modules that change something."""

    DOCUMENTATION = r"""
options: {}
attributes:
  check_mode:
    description: Can run in C(check_mode) and return changed status prediction without modifying the target.
    support: full
  diff_mode:
    description: Returns details on what has changed, in the vocabulary of the inventory, in diff mode.
    support: full
  platform:
    description: Target OS the action runs on.
    platforms: posix
    support: full
  idempotent:
    description: When run twice in a row with the same arguments, the second run changes nothing.
    support: full
"""

    # for modules that only look
    INFO = r"""
options: {}
attributes:
  check_mode:
    description: Only reads; runs in C(check_mode) as always.
    support: full
  diff_mode:
    description: Changes nothing, so there is no difference to show.
    support: N/A
  platform:
    description: Target OS the action runs on.
    platforms: posix
    support: full
  idempotent:
    description: Changes nothing.
    support: full
"""
