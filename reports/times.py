"""Times as the report writes them: text to the minute with zone, and the date beside it."""

from __future__ import annotations

import re
from datetime import date, datetime, timezone
from typing import Any, Optional

_TIME = re.compile(r"(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d)(?::\d\d(?:\.\d+)?)?(Z|[+-]\d\d:?\d\d)?)?")


def to_minute(text: str) -> tuple[Optional[str], Optional[str]]:
    """Time as ``YYYY-MM-DDThh:mm+08:00`` and date as ``YYYY-MM-DD``; (None, None) if it is no ISO 8601 time.

    A date stays a date, and a time without zone gets none: nothing is invented.
    """
    match = _TIME.fullmatch(text.strip())
    if match is None:
        return None, None
    day, clock, zone = match.groups()
    try:
        date.fromisoformat(day)
    except ValueError:
        return None, None
    if clock is None:
        return day, day
    zone = "+00:00" if zone == "Z" else zone or ""
    if zone and ":" not in zone:
        zone = f"{zone[:3]}:{zone[3:]}"
    return f"{day}T{clock}{zone}", day


def age_key(text: Any) -> tuple[float, str]:
    """Sorts times of any zone from old to new; what is no time comes first."""
    words = str(text or "")
    try:
        at = datetime.fromisoformat(words.replace("Z", "+00:00"))
    except ValueError:
        return float("-inf"), words
    if at.tzinfo is None:
        at = at.replace(tzinfo=timezone.utc)
    return (at - datetime(1970, 1, 1, tzinfo=timezone.utc)).total_seconds(), words
