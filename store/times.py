"""Moments as text: ISO 8601 with zone, read leniently and written strictly."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from ..model.errors import CityGapError

_CHINA = timezone(timedelta(hours=8), "Asia/Shanghai")


def zone(name: str) -> tzinfo:
    """The time zone of that name.

    Raises
    ------
    CityGapError
        ``no_zone`` if this Python knows no such zone.
    """
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as error:
        # Windows brings no zone table; China has had one offset and no daylight saving since 1991.
        if name == "Asia/Shanghai":
            return _CHINA
        raise CityGapError(
            "no_zone",
            f"there is no time zone {name!r}",
            remedy="Use a name such as Asia/Shanghai, or install the package tzdata.",
        ) from error


def moment(text: str, local: tzinfo) -> datetime:
    """The moment that a text names; a date is the end of its day, a time without zone is local.

    Raises
    ------
    CityGapError
        ``bad_time`` if it names none.
    """
    words = text.strip()
    try:
        if len(words) == 10:
            return datetime.combine(date.fromisoformat(words), time(23, 59, 59), local)
        parsed = datetime.fromisoformat(words[:-1] + "+00:00" if words[-1:] in "Zz" else words)
    except ValueError as error:
        raise CityGapError(
            "bad_time",
            f"{text!r} is no time",
            remedy="Write a date or time such as 2026-11-24 or 2026-11-24T09:30:00+08:00.",
        ) from error
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=local)


def stamp(at: datetime) -> str:
    """The moment as the store writes it, to the second, with zone."""
    return at.isoformat(timespec="seconds")


def now(local: tzinfo) -> str:
    """The present moment as the store writes it."""
    return stamp(datetime.now(local))
