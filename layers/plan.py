"""Which layers are drawn from a store and a city: one row a layer, top first."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from ..model.vocabulary import pipe_classes
from .contents import KINDS, Table, crs_name, distinct_values
from .labels import label
from .responsibility import OWNED_ROLES, plan_responsibility
from .rows import LayerRow
from .tips import gap_tip, object_tip

KEYS = ("notes", "gaps", "responsibility", "neglected", "pipes", "housing", "units", "base")
"""Groups in drawing order, top first."""

HIDDEN_KEYS = ("responsibility",)
"""Groups that start switched off: they would cover the housing."""

OTHER_PIPES = "QT"

COUNTED = "status NOT IN ('verified', 'false_alarm') AND severity <> 'info'"
"""Which gaps make up the count: those still to be closed; info counts in no total."""

Tables = dict[str, Table]
Counted = tuple[Table, str]
"""A table and the condition of the rows that count."""


class Plan(NamedTuple):
    """The layers of each group, and what to count for each (nothing: the group has no data)."""

    rows: tuple[LayerRow, ...]
    counted: dict[str, tuple[Counted, ...]]


def plan_layers(store: Tables, city: Tables, language: str) -> Plan:
    """Layers for the tables that are there; a group whose tables are missing stays empty."""
    rows: list[LayerRow] = []
    for planner, tables in (
        (_notes, store),
        (_gaps, store),
        (plan_responsibility, city),
        (_neglected, city),
        (_pipes, city),
        (_housing, city),
        (_units, city),
        (_base, city),
    ):
        rows.extend(planner(tables, language))
    return Plan(tuple(rows), _counted(store, city))


def _counted(store: Tables, city: Tables) -> dict[str, tuple[Counted, ...]]:
    """Group to what makes up its count: notes, gaps still to be closed, and each role's rows."""
    found = {"notes": [(store[name], "1") for name in ("notes",) if name in store]}
    found["gaps"] = [(store[name], COUNTED) for name in ("gaps",) if name in store]
    owned = ("duties",) if "duties" in city else OWNED_ROLES
    roles = {"responsibility": owned, "base": ("roads", "water")}
    for key in KEYS[2:]:
        found[key] = [(city[role], "1") for role in roles.get(key, (key,)) if role in city]
    return {key: tuple(counted) for key, counted in found.items()}


def _notes(store: Tables, language: str) -> Iterator[LayerRow]:
    gaps = store.get("gaps")
    for kind in KINDS if gaps else ():
        name = f"notes_{kind}"
        uri = gaps.uri_of(kind, "notes > 0")
        yield LayerRow("notes", name, label(f"layer.{name}", language), uri, name, tip=gap_tip(language))
    for name, private in (("notes", False), ("photos", True), ("note_gaps", True)):
        if name in store:
            title = label(f"layer.{name}", language)
            yield LayerRow("notes", name, title, store[name].uri, editable=name == "notes", private=private)


def _gaps(store: Tables, language: str) -> Iterator[LayerRow]:
    gaps = store.get("gaps")
    if gaps is None:
        return
    for kind in KINDS:
        name = f"gaps_{kind}"
        title = label(f"layer.{name}", language)
        yield LayerRow("gaps", name, title, gaps.uri_of(kind), name, tip=gap_tip(language), editable=True)
    title = label("layer.gaps_none", language)
    yield LayerRow("gaps", "gaps_none", title, gaps.uri_without_place(), tip=gap_tip(language), editable=True)


def _neglected(city: Tables, language: str) -> Iterator[LayerRow]:
    for kind in _kinds(city, "neglected"):
        name = f"neglected_{kind}"
        title = label(f"layer.{name}", language)
        tip = object_tip("neglected", language)
        yield LayerRow("neglected", name, title, city["neglected"].uri_of(kind), name, tip=tip)


def _pipes(city: Tables, language: str) -> Iterator[LayerRow]:
    """One layer for each class that is there, in the table's order; what is in no class counts as other.

    The last layer is empty: its legend says what dashed pipes are.
    """
    if "line" not in _kinds(city, "pipes"):
        return
    found = set(distinct_values(city["pipes"], "class_code"))
    classes = pipe_classes()
    known = ", ".join(f"'{code}'" for code in classes if code != OTHER_PIPES)
    for code, row in classes.items():
        other = code == OTHER_PIPES
        if code not in found and not other:
            continue
        condition = f"class_code = '{code}'"
        if other:
            condition = f"class_code IS NULL OR class_code NOT IN ({known})"
        uri = city["pipes"].uri_of("line", condition)
        title = row["class_zh"] if language == "zh" else row["class_en"].capitalize()
        tip = object_tip("pipes", language)
        yield LayerRow("pipes", f"pipes_{code}", title, uri, f"pipes_{code}", tip=tip, only_with_rows=other)
    title = label("layer.pipes_undated", language)
    uri = f"LineString?crs={crs_name(city['pipes'])}"
    yield LayerRow("pipes", "pipes_undated", title, uri, "pipes_undated", provider="memory")


def _housing(city: Tables, language: str) -> Iterator[LayerRow]:
    for theme, visible in (("decade", True), ("condition", False)):
        for kind in _kinds(city, "housing"):
            name = f"housing_{theme}"
            uri = city["housing"].uri_of(kind)
            title = label(f"layer.{name}", language)
            tip = object_tip("housing", language)
            yield LayerRow("housing", name, title, uri, f"{name}_{kind}", tip=tip, visible=visible)


def _units(city: Tables, language: str) -> Iterator[LayerRow]:
    if "polygon" in _kinds(city, "units"):
        uri = city["units"].uri_of("polygon")
        tip = object_tip("units", language)
        yield LayerRow("units", "units", label("layer.units", language), uri, "units", tip=tip)


def _base(city: Tables, language: str) -> Iterator[LayerRow]:
    if not city:
        return
    for role, kind, name, style in (
        ("roads", "line", "roads", "roads"),
        ("water", "line", "watercourses", "water_line"),
        ("water", "polygon", "water", "water_polygon"),
        ("housing", "polygon", "buildings", "buildings"),
    ):
        if kind in _kinds(city, role):
            yield LayerRow("base", name, label(f"layer.{name}", language), city[role].uri_of(kind), style)
    title = label("layer.background", language)
    crs = next((crs_name(table) for table in city.values() if table.kind != "none"), "")
    uri = f"Polygon?crs={crs}"
    yield LayerRow("base", "background", title, uri, "background", provider="memory")


def _kinds(city: Tables, role: str) -> tuple[str, ...]:
    """Geometry kinds in which a role is given; none without the role."""
    return city[role].kinds() if role in city else ()
