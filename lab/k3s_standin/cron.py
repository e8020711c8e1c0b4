# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cron expressions of five fields: minute, hour, day of month, month, day of week."""

from __future__ import annotations

import datetime
from collections.abc import Callable

from lab.k3s_standin.config import ConfigError

_RANGES = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 6))
_NAMED = {"@hourly": "0 * * * *", "@daily": "0 0 * * *", "@midnight": "0 0 * * *", "@weekly": "0 0 * * 0"}


def parse(expression: str) -> Callable[[datetime.datetime], bool]:
    """Whether a minute is one of an expression's; ConfigError for what is no expression."""
    fields = _NAMED.get(expression, expression).split()
    if len(fields) != len(_RANGES):
        raise ConfigError(
            f"failed to parse cron expression {expression!r}: expected exactly 5 fields, found {len(fields)}"
        )
    try:
        minute, hour, day, month, weekday = (
            _values(field, low, high) for field, (low, high) in zip(fields, _RANGES, strict=True)
        )
    except ValueError as error:
        raise ConfigError(f"failed to parse cron expression {expression!r}: {error}") from error
    either_day = fields[2] != "*" and fields[4] != "*"

    def due(moment: datetime.datetime) -> bool:
        days = moment.day in day, moment.isoweekday() % 7 in weekday
        return (
            moment.minute in minute
            and moment.hour in hour
            and moment.month in month
            and (any(days) if either_day else all(days))
        )

    return due


def _values(field: str, low: int, high: int) -> frozenset[int]:
    found: set[int] = set()
    for part in field.split(","):
        span, _, step = part.partition("/")
        first, _, last = span.partition("-")
        start = low if first == "*" else int(first)
        end = high if first == "*" or (step and not last) else int(last or first)
        if not low <= start <= end <= high or (step and int(step) < 1):
            raise ValueError(f"{part} is not in the range {low}-{high}")
        found.update(range(start, end + 1, int(step or 1)))
    return frozenset(found)
