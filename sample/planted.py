"""Plants gaps and decoys in the registers, and writes down the plants."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import shapely

from . import names, plants, round_plants, street_plants, value_plants
from .frame import CELL_M
from .plants import CLEAN_HOUSE
from .registers import write_changes
from .street_plants import CLEAN_LAMP, CLEAN_PIPE
from .truth import Plant, Repair, Truth, Visit

_APART_M = 25.0
HOUSING = (*plants.HOUSING, *value_plants.HOUSING, *round_plants.HOUSING)
PIPES = (*street_plants.PIPES, *value_plants.PIPES, *round_plants.PIPES)
_MATERIALS = {"JS": "QM", "RQ": "PE", "DL": "TZ", "TX": "GX", "PS": "PE"}
_KINDS = {"JS": "JP", "RQ": "TR", "DL": "GD", "TX": "XX", "PS": "WS"}
_DISTRICT_NOTES = {
    "310106": ("yes", plants.MEDIUM, "no duty names the space under the viaduct"),
    "310107": ("yes", plants.MEDIUM, "the duties ran out in 2025"),
    "310101": ("no", "", "owner and maintainer empty, duties fill both"),
}


class Book(NamedTuple):
    """What planting leaves behind: truths, and the visits and repairs that belong to them."""

    truths: list[Truth]
    visits: list[tuple[str, Visit]]
    repairs: list[tuple[str, Repair]]
    touched: dict[str, set[str]]
    """Role to the ids that no defect, repair or check may touch."""
    silent: dict[str, set[str]]
    """Role to the ids that no other visit may touch."""


def new_book() -> Book:
    """An empty book."""
    touched, silent = (
        {role: set() for role in ("housing", "pipes", "components", "neglected")} for _ in range(2)
    )
    return Book([], [], [], touched, silent)


def plant_houses(
    housing: pd.DataFrame,
    homes: np.ndarray,
    hidden: np.ndarray,
    copies: int,
    book: Book,
    rng: np.random.Generator,
) -> None:
    """Change houses in place so that each plant of `HOUSING` holds for `copies` of them.

    Parameters
    ----------
    homes : ndarray of int
        Rows that may be changed.
    hidden : ndarray of bool, shape (len(homes),)
        Which of them no patrol of a street passes.
    """
    order = rng.permutation(len(homes))
    quiet = list(homes[order[hidden[order]]])
    wanted = list(HOUSING) * copies
    silent = sum(plant.silent for plant in wanted)
    others = [row for row in homes[order] if row not in set(quiet[:silent])]
    pairs = []
    for plant in wanted:
        rows = quiet if plant.silent else others
        if rows:
            pairs.append((int(rows.pop(0)), plant))
    write_changes(housing, [(row, {**CLEAN_HOUSE, **plant.changes}) for row, plant in pairs])
    ids = housing["id"].to_numpy(dtype=object)
    for row, plant in pairs:
        _note(book, "housing", ids[row], plant, "housing")


def plant_pipes(
    pipes: pd.DataFrame,
    parts: np.ndarray,
    free: np.ndarray,
    copies: int,
    book: Book,
    rng: np.random.Generator,
) -> None:
    """Change pipes in place for `PIPES`.

    Parameters
    ----------
    parts : ndarray of str, shape (len(pipes),)
        `part` of each pipe as laid.
    free : ndarray of bool, shape (len(pipes),)
        Pipes that carry no other plant.
    """
    class_code = pipes["class_code"].to_numpy(dtype=object)
    wanted = PIPES * copies
    pairs = []
    for kind in dict.fromkeys((code, part) for code, part, _ in wanted):
        mine = [plant for code, part, plant in wanted if (code, part) == kind]
        rows = rng.permutation(np.flatnonzero(free & (class_code == kind[0]) & (parts == kind[1])))
        lines = pipes["geometry"].to_numpy()[rows[: 60 * len(mine)]]
        pairs += [(int(rows[at]), kind[0], plant) for at, plant in zip(_apart(lines, len(mine)), mine)]
    write_changes(pipes, [(row, _clean_pipe(code) | dict(plant.changes)) for row, code, plant in pairs])
    ids = pipes["id"].to_numpy(dtype=object)
    for row, code, plant in pairs:
        _note(book, "pipes", ids[row], plant, code)


def _clean_pipe(code: str) -> dict[str, Any]:
    known = {"material_code": _MATERIALS[code], "kind_code": _KINDS[code]}
    bodies = {"owner": names.OWNERS[code], "maintainer": names.MAINTAINERS[code]}
    clean = {**CLEAN_PIPE, **known, **bodies}
    return clean if code != "PS" else {**clean, "depth_m": 2.4, "diameter_mm": 300}


def _apart(lines: np.ndarray, wanted: int) -> list[int]:
    """Places of lines that keep apart: a walk along one planted pipe must not count for another."""
    one, other = shapely.STRtree(lines).query(lines, predicate="dwithin", distance=_APART_M)
    order = np.argsort(one, kind="stable")
    other = other[order]
    first = np.searchsorted(one[order], np.arange(len(lines) + 1))
    near = np.zeros(len(lines), dtype=bool)
    kept: list[int] = []
    for at in range(len(lines)):
        if len(kept) == wanted:
            break
        if not near[at]:
            kept.append(at)
            near[other[first[at] : first[at + 1]]] = True
    return kept


def plant_components(components: pd.DataFrame, copies: int, book: Book, rng: np.random.Generator) -> None:
    """Change lamps in place for `street_plants.LAMPS`, and some ownerless covers with an owner on record."""
    lamps = np.flatnonzero(components["spare"].to_numpy(dtype=bool))
    pairs = list(zip(rng.permutation(lamps), list(street_plants.LAMPS) * copies))
    ownerless = np.flatnonzero(components["class_code"] == "0114")[:copies]
    known = {**CLEAN_LAMP, "owner": "市政设施管理所"}
    changes = [(int(row), {**CLEAN_LAMP, **plant.changes}) for row, plant in pairs]
    changes += [(int(row), known) for row in ownerless]
    write_changes(components, [*changes, *_spoilt_covers(components, copies, rng)])
    ids = components["id"].to_numpy(dtype=object)
    for row, plant in pairs:
        _note(book, "components", ids[row], plant, "street_lamp")
    for row in ownerless:
        plant = Plant("R01", plants.MEDIUM, "ownerless cover (0114): its owner counts as lacking")
        _note(book, "components", ids[row], plant, "0114")


def _spoilt_covers(
    components: pd.DataFrame, copies: int, rng: np.random.Generator
) -> list[tuple[int, dict[str, Any]]]:
    """Covers broken of late, and cells most of whose covers nobody inspected: P01 is foreseen from them."""
    covers = np.flatnonzero(components["class_code"].isin(["0102", "0103", "0107"]).to_numpy())
    spots = shapely.get_coordinates(components["geometry"].to_numpy()[covers])
    _, cell, count = np.unique(np.floor(spots / CELL_M), axis=0, return_inverse=True, return_counts=True)
    crowded = rng.permutation(np.flatnonzero(count >= 12))[:copies]
    unseen = covers[np.isin(cell.ravel(), crowded)]
    broken = rng.permutation(covers)[: 3 * copies]
    late = {"condition": "broken", "updated_on": plants.days_ago(10)}
    unknown = [(int(row), {"condition": None}) for row in unseen[rng.random(len(unseen)) < 0.8]]
    return [*unknown, *((int(row), late) for row in broken)]


def plant_neglected(
    neglected: pd.DataFrame, district: np.ndarray, subdistrict: np.ndarray, copies: int, book: Book
) -> None:
    """Note what the duties make of alleys and viaduct strips, and leave some without visits.

    Parameters
    ----------
    district, subdistrict : ndarray of str, shape (len(neglected),)
        Code of the district and name of the subdistrict each lies in.
    """
    kind, ids = neglected["kind"].to_numpy(dtype=object), neglected["id"].to_numpy(dtype=object)
    spans, alleys = ids[kind == "under_viaduct"], ids[kind == "back_alley"]
    for object_id, code in zip(spans, district[kind == "under_viaduct"]):
        expected, severity, note = _DISTRICT_NOTES[code]
        book.truths.append(
            Truth("R01", "neglected", object_id, "under_viaduct", "", severity, expected, "", note)
        )
    for object_id in alleys[5 : 5 + copies]:
        note = "owner empty, a duty fills it"
        book.truths.append(Truth("R01", "neglected", object_id, "back_alley", "", "", "no", "", note))
    owner = neglected["owner"].copy()
    rows = np.flatnonzero(kind == "back_alley")[10 : 10 + 2 * copies]
    for number, (row, unit) in enumerate(zip(rows, subdistrict[rows])):
        same = number % 2 == 1
        owner.iloc[row] = (
            f"{unit}{'人民政府' if unit.endswith('镇') else '办事处'}" if same else "沿街商户联合会"
        )
        note = (
            "the register names the body of the duty"
            if same
            else "the register names another owner than the duty"
        )
        severity, expected = ("", "no") if same else (plants.HIGH, "yes")
        book.truths.append(
            Truth("R02", "neglected", ids[row], "back_alley", "own", severity, expected, "", note)
        )
    neglected["owner"] = owner
    for object_id in spans[:1]:
        plant = Plant("I02", plants.HIGH, "never visited by day or night", silent=True)
        _note(book, "neglected", object_id, plant, "under_viaduct")
    for object_id, plant in zip(alleys[20:], list(round_plants.ALLEYS) * copies):
        _note(book, "neglected", object_id, plant, "back_alley")


def _note(book: Book, role: str, object_id: str, plant: Plant, class_code: str) -> None:
    book.truths.append(plant.truth(role, object_id, class_code))
    book.visits.extend((object_id, visit) for visit in plant.visits)
    book.repairs.extend((object_id, repair) for repair in plant.repairs)
    book.touched[role].add(object_id)
    if plant.silent:
        book.silent[role].add(object_id)


def truths_of_bare(roads: pd.DataFrame, bare: Sequence[tuple[int, str, str, str]]) -> list[Truth]:
    """Truths of streets without records: row of the road, expected, missing classes, note."""
    rows = []
    for row, expected, missing, note in bare:
        severity = {"": "", "DL": plants.LOW, "DL|TX": plants.MEDIUM}[missing if expected == "yes" else ""]
        rows.append(Truth("N05", "roads", roads["id"].iat[row], missing, "", severity, expected, "", note))
    return rows
