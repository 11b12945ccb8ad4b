"""The city's own rows of the standards: read from its table, refused where they can't be meant so."""

from __future__ import annotations

from datetime import datetime
from functools import cache
from typing import NoReturn, Optional
from zoneinfo import ZoneInfo

from ..engine.city import City
from ..engine.conditions import parse
from ..engine.standards import ON, SHAPE, Standard, shipped_standards
from ..model.errors import CityGapError
from ..model.roles import ROLES
from ..model.vocabulary import maps_to

COLUMNS = (*SHAPE, "severity")
_NEEDED = ("rule_or_activity", "object_class", "value")
_CONFIDENCE = (*ON, "memory", "low")
_USES = ("rule", "unrecorded", "local", "context", "event", "response", "record", "off")
_UNITS = ("", "1", "hour", "day", "working_day", "week", "month", "year")
"""Units an interval may have."""


def city_rows(city: City) -> list[Standard]:
    """Rows of the city's table of standards, every column as text, origin city.

    A row that says what a shipped row says is none of the city's: a table that was exported with
    the shipped rows may come back as it is.

    Raises
    ------
    CityGapError
        ``bad_standard``, naming file, row, field and remedy.
    """
    if "standards" not in city.tables:
        return []
    table = city.table("standards")
    columns = [name for name in COLUMNS if name in table.columns]
    for source, lacks in city.lacking.get("standards", {}).items():
        for field in _NEEDED:
            if field in lacks:
                _refuse(
                    city, source, "", field, "there is no such column", f"Columns: {', '.join(SHAPE[:-1])}."
                )
    shipped = {_said(row) for row in shipped_standards()}
    rows = []
    for number, (source, *values) in enumerate(
        table[["source_name", *columns]].itertuples(index=False, name=None), start=1
    ):
        texts = {name: _text(value, city.tz) for name, value in zip(columns, values)}
        texts["standard_id"] = texts.get("standard_id") or f"city-{number}"
        defaults = {"use": "rule", "confidence": "project", "version": "1"}
        filled = {name: texts.get(name) or default for name, default in defaults.items()}
        row = Standard(**{**texts, **filled, "origin": "city"})
        if _said(row) not in shipped:
            _check(row, city, source)
            rows.append(row)
    return rows


def unknown_names(city: City) -> list[str]:
    """One sentence for each rule parameter or activity of the city's rows that no rule reads."""
    names = {row.rule_or_activity: row.standard_id for row in city_rows(city)}
    return [
        f"standards: row {row_id}: no rule reads {name}, the row has no effect"
        for name, row_id in sorted(names.items())
        if name not in maps_to("activity") and name not in _parameters()
    ]


def _said(row: Standard) -> tuple[str, ...]:
    """What a row says, whoever says so."""
    return tuple(getattr(row, name) for name in SHAPE if name != "origin")


@cache
def _parameters() -> dict[str, bool]:
    """Names that shipped rows have besides activities, and whether all their values are numbers."""
    numbers: dict[str, bool] = {}
    for row in shipped_standards():
        name = row.rule_or_activity
        numbers[name] = numbers.get(name, True) and _is_number(row.value)
    return numbers


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _check(row: Standard, city: City, source: str) -> None:
    """Refuse a cell that can't be meant so; what is empty in the standards themselves is for rule T01."""

    def refuse(field: str, remedy: str) -> NoReturn:
        words = f"{getattr(row, field)!r} can't be read here" if getattr(row, field) else "this cell is empty"
        _refuse(city, source, row.standard_id, field, words, remedy)

    if not row.rule_or_activity:
        refuse("rule_or_activity", "Name a parameter such as N02.near_tol_m, or an activity such as patrol.")
    if row.object_class.split(":")[0] not in (*ROLES, "*", "cell"):
        refuse("object_class", "Write *, a role such as housing, or role:class such as pipes:RQ.")
    if row.confidence not in _CONFIDENCE:
        refuse("confidence", f"Name one of {', '.join(_CONFIDENCE)}.")
    if row.use not in _USES:
        refuse("use", f"Name one of {', '.join(_USES)}.")
    if row.rule_or_activity in maps_to("activity"):
        if row.unit not in _UNITS:
            refuse("unit", f"Name one of {', '.join(_UNITS[2:])}.")
    elif _parameters().get(row.rule_or_activity) and row.is_on and not _is_number(row.value):
        refuse("value", "Give a number.")
    try:
        parse(row.applies_if)
    except CityGapError:
        refuse("applies_if", "Write conditions such as age>30 & material_code in HT|ZT.")


def _refuse(city: City, source: str, row: str, field: str, words: str, remedy: str) -> NoReturn:
    files = [known.uri for known in city.sources if (known.role, known.source_name) == ("standards", source)]
    file: Optional[str] = files[0] if files else None
    raise CityGapError(
        "bad_standard", words, file=file, layer="standards", field=field, row=row or None, remedy=remedy
    )


def _text(value: object, zone: ZoneInfo) -> str:
    """A cell as the tables spell it: whole numbers without a point, days of the zone, null as ``""``."""
    if value is None or value != value or str(value) in ("<NA>", "NaT"):
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, datetime):
        return value.astimezone(zone).date().isoformat()
    return str(value).strip()
