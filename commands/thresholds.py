"""The standards of a check: the store's, else the shipped ones, under the city's own rows."""

from __future__ import annotations

from typing import Optional

from ..engine.city import City
from ..engine.standards import Standard, Standards, shipped_standards
from ..model.gap import SEVERITIES
from ..store.database import Store
from ..store.standards import read_standards, write_standards
from .standard_rows import COLUMNS, city_rows


def standards_in_force(known: Optional[Store], city: City) -> Standards:
    """The standards for a check of the city at its T.

    The rows of the store, or the shipped ones where it has none; the city's own rows (role
    `standards`) take the place of the city rows of the store with the same key.
    """
    rows = rows_of_store(known) or list(shipped_standards())
    return Standards(_overlaid(rows, city_rows(city)), city.as_of.date())


def keep_city_rows(store: Store, city: City) -> None:
    """Write the standards of a check into the store: shipped rows once, the city's own when they changed."""
    before = rows_of_store(store)
    if not any(row.origin == "shipped" for row in before):
        write_standards(store, [_as_dict(row) for row in shipped_standards()], "shipped")
    kept = [row for row in before if row.origin == "city"]
    now = [row for row in _overlaid(kept, city_rows(city)) if row.origin == "city"]
    if now != kept:
        write_standards(store, [_as_dict(row) for row in now], "city")


def due_days(standards: Standards) -> dict[str, Optional[float]]:
    """Severity to the days a gap has by the rows ``due.<severity>``; None where there is none."""
    rows = {severity: standards.optional(f"due.{severity}") for severity in SEVERITIES}
    return {severity: None if row is None else row.days() for severity, row in rows.items()}


def rows_of_store(store: Optional[Store]) -> list[Standard]:
    """The rows a store holds; none without one."""
    if store is None:
        return []
    return [Standard(**{name: row.get(name) or "" for name in COLUMNS}) for row in read_standards(store)]


def _overlaid(rows: list[Standard], own: list[Standard]) -> list[Standard]:
    """The rows with the city's own in place of city rows of the same key."""
    keys = {_key(row) for row in own}
    return [row for row in rows if row.origin != "city" or _key(row) not in keys] + own


def _key(row: Standard) -> tuple[str, ...]:
    """What one row hides another by (catalogue, settled meanings)."""
    return (row.rule_or_activity, row.object_class, row.applies_if, row.grade, row.zone)


def _as_dict(row: Standard) -> dict[str, str]:
    return {name: getattr(row, name) for name in COLUMNS}
