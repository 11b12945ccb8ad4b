"""The standards of a check: the store's, else the shipped ones, under the city's own rows."""

from __future__ import annotations

from datetime import datetime
from typing import Optional
from zoneinfo import ZoneInfo

from ..engine.city import City
from ..engine.standards import SHAPE, Standard, Standards, shipped_standards
from ..model.gap import SEVERITIES
from ..store.database import Store
from ..store.standards import read_standards, write_standards

COLUMNS = (*SHAPE, "severity")


def standards_in_force(known: Optional[Store], city: City) -> Standards:
    """The standards for a check of the city at its T.

    The rows of the store, or the shipped ones where it has none; the city's own rows (role
    `standards`) take the place of the city rows of the store with the same key.
    """
    rows = _rows_of_store(known) or list(shipped_standards())
    return Standards(_overlaid(rows, _rows_of_city(city)), city.as_of.date())


def keep_city_rows(store: Store, city: City) -> None:
    """Write the standards of a check into the store: shipped rows once, the city's own when they changed."""
    before = _rows_of_store(store)
    if not any(row.origin == "shipped" for row in before):
        write_standards(store, [_as_dict(row) for row in shipped_standards()], "shipped")
    kept = [row for row in before if row.origin == "city"]
    now = [row for row in _overlaid(kept, _rows_of_city(city)) if row.origin == "city"]
    if now != kept:
        write_standards(store, [_as_dict(row) for row in now], "city")


def due_days(standards: Standards) -> dict[str, Optional[float]]:
    """Severity to the days a gap has by the rows ``due.<severity>``; None where there is none."""
    rows = {severity: standards.optional(f"due.{severity}") for severity in SEVERITIES}
    return {severity: None if row is None else row.days() for severity, row in rows.items()}


def _rows_of_store(store: Optional[Store]) -> list[Standard]:
    if store is None:
        return []
    return [Standard(**{name: row.get(name) or "" for name in COLUMNS}) for row in read_standards(store)]


def _rows_of_city(city: City) -> list[Standard]:
    """Rows of the city's table of standards, every column as text, origin city."""
    if "standards" not in city.tables:
        return []
    table = city.table("standards")
    columns = [name for name in COLUMNS if name in table.columns]
    rows = []
    for number, values in enumerate(table[columns].itertuples(index=False, name=None), start=1):
        texts = {name: _text(value, city.tz) for name, value in zip(columns, values)}
        texts["standard_id"] = texts.get("standard_id") or f"city-{number}"
        defaults = {"use": "rule", "confidence": "project", "version": "1"}
        filled = {name: texts.get(name) or default for name, default in defaults.items()}
        rows.append(Standard(**{**texts, **filled, "origin": "city"}))
    return rows


def _text(value: object, zone: ZoneInfo) -> str:
    """A cell as the tables spell it: whole numbers without a point, days of the zone, null as ``""``."""
    if value is None or value != value or str(value) in ("<NA>", "NaT"):
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, datetime):
        return value.astimezone(zone).date().isoformat()
    return str(value).strip()


def _overlaid(rows: list[Standard], own: list[Standard]) -> list[Standard]:
    """The rows with the city's own in place of city rows of the same key."""
    keys = {_key(row) for row in own}
    return [row for row in rows if row.origin != "city" or _key(row) not in keys] + own


def _key(row: Standard) -> tuple[str, ...]:
    """What one row hides another by (catalogue, settled meanings)."""
    return (row.rule_or_activity, row.object_class, row.applies_if, row.grade, row.zone)


def _as_dict(row: Standard) -> dict[str, str]:
    return {name: getattr(row, name) for name in COLUMNS}
