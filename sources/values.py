"""From what a column holds to what a field means: numbers, years, dates, flags, text."""

from __future__ import annotations

import re
import unicodedata
from typing import Any, Callable, NamedTuple, Union
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pyarrow as pa

UTC_TIME = "datetime64[us, UTC]"
_UNITS = {
    "": 1.0,
    "m": 1.0,
    "米": 1.0,
    "km": 1000.0,
    "公里": 1000.0,
    "cm": 0.01,
    "厘米": 0.01,
    "mm": 0.001,
    "毫米": 0.001,
    "ft": 0.3048,
    "'": 0.3048,
}
"""Length units in metres."""
_NEUTRAL = ("层", "f", "户", "人", "㎡", "m2", "m²", "平方米", "平米", "车道", "套", "年", "条", "个", "台")
_NUMBER = re.compile(
    r"^(?:dn|d|de|φ|ø)?\s*([+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:e[+-]?\d+)?)\s*([^\d\s].*)?$", re.IGNORECASE
)
_TRUE = ("true", "t", "yes", "y", "1", "1.0", "是", "有", "真")
_FALSE = ("false", "f", "no", "n", "0", "0.0", "否", "无", "假")
_FULL_YEAR = r"(?:1[0-9]|20|21)\d\d"
_DATE = re.compile(
    rf"^(?P<year>{_FULL_YEAR})(?:[-/.年](?P<month>\d{{1,2}})(?:[-/.月](?P<day>\d{{1,2}})日?)?月?)?年?"
    r"(?P<time>[T\s].+)?$"
)
_ISO_DAY = rf"{_FULL_YEAR}-\d\d-\d\d"
_ISO_TIME = rf"{_FULL_YEAR}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d{{1,6}})?)?"
_ISO_ZONE = r"(?:Z|[+-]\d\d:\d\d)"
_COMPACT = re.compile(rf"^({_FULL_YEAR})(\d\d)(\d\d)$")
_DAY_FIRST = re.compile(rf"^(\d{{1,2}})[/.-](\d{{1,2}})[/.-]({_FULL_YEAR})(?P<time>\s.+)?$")


class Converted(NamedTuple):
    """A converted column, and how many filled cells of the source it could not read."""

    values: pd.Series
    unread: int


def text_of(column: pd.Series) -> pd.Series:
    """The column as stripped text; empty cells are NA; whole numbers have no ``.0``.

    Returns
    -------
    Series of pandas' string dtype
    """
    if pd.api.types.is_bool_dtype(column.dtype) or pd.api.types.is_integer_dtype(column.dtype):
        return column.astype("str")
    if pd.api.types.is_float_dtype(column.dtype):
        whole = column.notna() & (column % 1 == 0) & (column.abs() < 2**53)
        text = column.astype("str")
        return text.where(~whole, column.where(whole).astype("Int64").astype("str"))
    text = _days_as_text(column) if pd.api.types.infer_dtype(column) == "date" else column.astype("str")
    text = text.str.strip()
    return text.where(text != "") if (text == "").any() else text


def _days_as_text(days: pd.Series) -> pd.Series:
    """Days (`datetime.date`) in ISO 8601: Arrow writes them many times as fast as Python."""
    text = pa.array(days, type=pa.date32(), from_pandas=True).cast(pa.string())
    return pd.Series(pd.array(text, dtype="str"), index=days.index)


def to_number(column: pd.Series, field: str) -> Converted:
    """Float64; ``6 m``, ``DN300``, ``1,234``, full-width digits are read, units follow the field's name."""
    if pd.api.types.is_numeric_dtype(column.dtype) and not pd.api.types.is_bool_dtype(column.dtype):
        values = column.astype("float64")
        return Converted(values.where(np.isfinite(values)), 0)
    return _by_distinct(text_of(column), lambda text: _number(text, field), "float64")


def _number(text: str, field: str) -> float:
    plain = unicodedata.normalize("NFKC", text).strip().replace(",", "")
    found = _NUMBER.match(plain)
    if found is None:
        return np.nan
    value, unit = float(found.group(1)), (found.group(2) or "").strip().casefold()
    if field.endswith("_mm") and not unit:
        unit = "mm"
    if unit in _UNITS and field.endswith(("_m", "_mm")):
        factor = _UNITS[unit]
        if field.endswith("_mm"):
            return value if unit in ("mm", "毫米") else value * factor * 1000
        return value * factor
    return value if not unit or unit in _NEUTRAL else np.nan


def to_year(column: pd.Series) -> Converted:
    """Float64 years; a stated period gives its last year, so that nothing is made older than it says.

    ``1985``, ``1985-06-01``, ``1985年`` are certain. ``1930s``, ``1980年代``, ``20世纪80年代``,
    ``1929-1931``, ``1920..1930``, ``C19`` give the last year of the period, ``before 1920``
    the year. ``~1900``, ``after 1950`` and ``1900?`` bound nothing from above: unread. A number stays
    as it is (0 and 9999 are fillers that rule D01 names).
    """
    if pd.api.types.is_datetime64_any_dtype(column.dtype):
        return Converted(column.dt.year.astype("float64"), 0)
    if pd.api.types.is_numeric_dtype(column.dtype) and not pd.api.types.is_bool_dtype(column.dtype):
        return to_number(column, "year")
    return _by_distinct(text_of(column), year_of, "float64")


def year_of(text: str) -> float:
    """The year that a text states, NaN if it bounds none; see `to_year`."""
    plain = unicodedata.normalize("NFKC", text).strip().casefold()
    if re.fullmatch(r"\d{1,4}(\.0+)?", plain):
        return float(plain)
    for pattern, last in _PERIODS:
        found = pattern.fullmatch(plain)
        if found:
            return float(last(found))
    date = _DATE.match(plain) or _COMPACT.match(plain)
    if date:
        return float(date.group(1))
    late = _DAY_FIRST.match(plain)
    return float(late.group(3)) if late else np.nan


_PERIODS: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], int]], ...] = (
    (re.compile(r"(?:(?:early|mid|late)[\s-]+)?(\d{3})0'?s"), lambda m: int(m.group(1)) * 10 + 9),
    (re.compile(r"(\d{3})0年代[初中末]?"), lambda m: int(m.group(1)) * 10 + 9),
    (re.compile(r"(\d{2})世纪(\d)0年代[初中末]?"), lambda m: int(m[1]) * 100 + int(m[2]) * 10 - 91),
    (re.compile(r"上世纪(\d)0年代[初中末]?"), lambda m: 1900 + int(m.group(1)) * 10 + 9),
    (re.compile(r"(?:early |mid |late )?c(\d{1,2})"), lambda m: int(m.group(1)) * 100),
    (re.compile(r"(\d{2})世纪"), lambda m: int(m.group(1)) * 100),
    (re.compile(rf"{_FULL_YEAR}\s*(?:-|–|~|\.\.|至|到)\s*({_FULL_YEAR})年?"), lambda m: int(m.group(1))),
    (re.compile(rf"(?:before|until|<)\s*({_FULL_YEAR})"), lambda m: int(m.group(1))),
    (re.compile(rf"({_FULL_YEAR})年?(?:以前|之前|前)"), lambda m: int(m.group(1))),
)  # fmt: skip


def to_flag(column: pd.Series, field: str) -> Converted:
    """Nullable booleans; of bridge and tunnel any kind but no (``viaduct``, ``culvert``) is true."""
    if pd.api.types.is_bool_dtype(column.dtype):
        return Converted(column.astype("boolean"), 0)
    any_kind = field in ("bridge", "tunnel")

    def flag(text: str) -> Union[bool, float]:
        word = text.casefold()
        if word in _FALSE:
            return False
        return True if word in _TRUE or any_kind else np.nan

    return _by_distinct(text_of(column), flag, "boolean")


def to_time(column: pd.Series, zone: ZoneInfo) -> Converted:
    """UTC timestamps; without a zone the time is in `zone`, a day, month or year alone is its end there.

    ``2020-05-01T08:00+08:00``, ``2020/5/1``, ``2020年5月``, ``20200501``, ``2020``; ``13/05/2020`` and
    ``05/13/2020`` only in a column in which one of the two orders is certain.
    """
    if pd.api.types.is_datetime64_any_dtype(column.dtype):
        return Converted(_stamps_to_utc(column, zone), 0)
    text = text_of(column)
    code, words = pd.factorize(text)
    different = pd.Series(words, dtype="str")
    moments = _plain_times(different, zone)
    others = different[moments.isna()]
    day_first = _order(others.str.extract(_DAY_FIRST))
    read = pd.Series([moment_of(word, zone, day_first) for word in others], index=others.index, dtype=object)
    moments = moments.fillna(pd.to_datetime(read, utc=True, errors="coerce").astype(UTC_TIME))
    times = moments.reindex(code).set_axis(text.index)
    return Converted(times, int((text.notna() & times.isna()).sum()))


def _plain_times(text: pd.Series, zone: ZoneInfo) -> pd.Series:
    """What `moment_of` gives for ISO times and days, all at once: a log holds millions; NaT for others."""
    is_zoned = text.str.fullmatch(f"{_ISO_TIME}{_ISO_ZONE}").fillna(False).to_numpy(dtype=bool)
    is_local = text.str.fullmatch(_ISO_TIME).fillna(False).to_numpy(dtype=bool)
    is_day = text.str.fullmatch(_ISO_DAY).fillna(False).to_numpy(dtype=bool)
    moments = pd.Series(pd.NaT, index=text.index, dtype=UTC_TIME)
    days = pd.to_datetime(text[is_day], format="%Y-%m-%d", errors="coerce").astype("datetime64[us]")
    ends = _stamps_of_zone(days + pd.Timedelta(days=1), zone) - pd.Timedelta(microseconds=1)
    moments[is_day] = ends
    zoned = pd.to_datetime(text[is_zoned], utc=True, format="ISO8601", errors="coerce")
    local = pd.to_datetime(text[is_local], format="ISO8601", errors="coerce")
    moments[is_zoned] = zoned.astype(UTC_TIME)
    moments[is_local] = _stamps_of_zone(local, zone)
    return moments


def _stamps_of_zone(local: pd.Series, zone: ZoneInfo) -> pd.Series:
    placed = local.astype("datetime64[us]").dt.tz_localize(zone, ambiguous=False, nonexistent="shift_forward")
    return placed.dt.tz_convert("UTC").astype(UTC_TIME)


def moment_of(text: str, zone: ZoneInfo, day_first: Union[bool, None] = None) -> pd.Timestamp:
    """The UTC moment that a text states, NaT if it states none."""
    word = unicodedata.normalize("NFKC", text).strip()
    late = _DAY_FIRST.match(word)
    if late is not None and day_first is not None:
        first, second, year = late.group(1), late.group(2), late.group(3)
        day, month = (first, second) if day_first else (second, first)
        word = f"{year}-{month}-{day}{late.group('time') or ''}"
    compact = _COMPACT.match(word)
    if compact:
        word = "-".join(compact.groups())
    found = _DATE.match(word)
    if found is None:
        return pd.NaT
    year, month, day, time = found.group("year", "month", "day", "time")
    start = pd.to_datetime(f"{year}-{month or 1}-{day or 1}{time or ''}", errors="coerce", format="mixed")
    if start is pd.NaT:
        return pd.NaT
    if time and time.strip():
        local = (
            start
            if start.tzinfo is not None
            else start.tz_localize(zone, ambiguous=False, nonexistent="shift_forward")
        )
        return local.tz_convert("UTC")
    span = pd.DateOffset(days=1) if day else pd.DateOffset(months=1) if month else pd.DateOffset(years=1)
    end = (start + span).tz_localize(zone, ambiguous=False, nonexistent="shift_forward")
    return (end - pd.Timedelta(microseconds=1)).tz_convert("UTC")


def _order(late: pd.DataFrame) -> Union[bool, None]:
    """Whether the day stands first in ``1/2/2020``; None if nothing in the column tells."""
    first, second = pd.to_numeric(late[0], errors="coerce"), pd.to_numeric(late[1], errors="coerce")
    day_first, month_first = bool((first > 12).any()), bool((second > 12).any())
    return day_first if day_first != month_first else None


def _stamps_to_utc(column: pd.Series, zone: ZoneInfo) -> pd.Series:
    if column.dt.tz is not None:
        return column.dt.tz_convert("UTC").astype(UTC_TIME)
    midnight = column.dropna()
    only_days = bool((midnight == midnight.dt.normalize()).all())
    local = column.astype("datetime64[us]")
    if only_days:
        local = local + pd.Timedelta(days=1) - pd.Timedelta(microseconds=1)
    return _stamps_of_zone(local, zone)


def _by_distinct(text: pd.Series, read: Callable[[str], Any], dtype: str) -> Converted:
    """Read each distinct text once."""
    codes, words = pd.factorize(text)
    read_words = [read(str(word)) for word in words] + [None]
    if dtype == "boolean":
        distinct = pd.Series(
            [value if isinstance(value, bool) else None for value in read_words], dtype=dtype
        )
    else:
        distinct = pd.Series(read_words, dtype=dtype)
    converted = distinct.take(codes).set_axis(text.index)
    return Converted(converted, int((text.notna() & converted.isna()).sum()))
