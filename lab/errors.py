# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one exception the command line turns into a sentence."""

from __future__ import annotations


class LabError(Exception):
    """Something the user can read and mend; the message is one sentence."""
