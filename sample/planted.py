"""Plants gaps and decoys in the registers, and writes down the plants."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import shapely

from . import names, plants
from .days import day_column
from .plants import CLEAN_HOUSE, CLEAN_LAMP, CLEAN_PIPE
from .truth import Plant, Repair, Truth, Visit

_APART_M = 25.0


class Book(NamedTuple):
    """What planting leaves behind: truths, and the visits and repairs that belong to them."""

    truths: list[Truth]
    visits: list[tuple[str, Visit]]
    repairs: list[tuple[str, Repair]]
    touched: dict[str, set[str]]
    """Role to the ids that no other visit or repair may touch."""


def new_book() -> Book:
    """An empty book."""
    return Book([], [], [], {"housing": set(), "pipes": set(), "components": set(), "neglected": set()})


def plant_houses(
    housing: pd.DataFrame, kinds: np.ndarray, copies: int, book: Book, rng: np.random.Generator
) -> None:
    """Change houses in place so that each plant of `plants.HOUSING` holds for `copies` of them."""
    homes = np.flatnonzero(np.isin(kinds, ("lilong", "village", "slab", "tower", "selfbuilt", "shop")))
    wanted = list(plants.HOUSING) * copies
    for row, plant in zip(rng.permutation(homes)[: len(wanted)], wanted):
        _set(housing, int(row), {**CLEAN_HOUSE, **plant.changes})
        _note(book, "housing", housing["id"].iat[row], plant, "housing")


def plant_pipes(
    pipes: pd.DataFrame, free: np.ndarray, copies: int, book: Book, rng: np.random.Generator
) -> None:
    """Change pipes in place for `plants.PIPES`.

    Parameters
    ----------
    free : ndarray of bool, shape (len(pipes),)
        Mains that carry no other plant.
    """
    order = rng.permutation(np.flatnonzero(free))
    class_code = pipes["class_code"].to_numpy()
    material = {"JS": "QM", "RQ": "PE", "DL": "TZ", "TX": "GX"}
    kinds = {"JS": "JP", "RQ": "TR", "DL": "GD", "TX": "XX"}
    lines = pipes["geometry"].to_numpy()
    taken: list[int] = []
    for code, plant in plants.PIPES * copies:
        # A walk along one planted pipe must not count for another.
        apart = (r for r in order if class_code[r] == code and r not in taken)
        row = next(
            (r for r in apart if not taken or shapely.distance(lines[r], lines[taken]).min() > _APART_M), None
        )
        if row is None:
            continue
        taken.append(row)
        clean = {"material_code": material[code], "kind_code": kinds[code]}
        bodies = {"owner": names.OWNERS[code], "maintainer": names.MAINTAINERS[code]}
        _set(pipes, int(row), {**CLEAN_PIPE, **clean, **bodies, **plant.changes})
        _note(book, "pipes", pipes["id"].iat[row], plant, code)


def plant_components(components: pd.DataFrame, copies: int, book: Book, rng: np.random.Generator) -> None:
    """Change lamps in place for `plants.LAMPS`, and one ownerless cover with an owner on record."""
    lamps = np.flatnonzero(components["class_code"] == "street_lamp")
    wanted = list(plants.LAMPS) * copies
    for row, plant in zip(rng.permutation(lamps)[: len(wanted)], wanted):
        _set(components, int(row), {**CLEAN_LAMP, **plant.changes})
        _note(book, "components", components["id"].iat[row], plant, "street_lamp")
    ownerless = np.flatnonzero(components["class_code"] == "0114")[:copies]
    for row in ownerless:
        _set(components, int(row), {**CLEAN_LAMP, "owner": "市政设施管理所"})
        plant = Plant("R01", plants.MEDIUM, "ownerless cover (0114): its owner counts as lacking")
        _note(book, "components", components["id"].iat[row], plant, "0114")


def plant_neglected(neglected: pd.DataFrame, district: np.ndarray, copies: int, book: Book) -> None:
    """Note what the duties make of alleys and viaduct strips, and leave some without any visit.

    Parameters
    ----------
    district : ndarray of str, shape (len(neglected),)
        Code of the district each lies in.
    """
    spans = neglected["kind"] == "under_viaduct"
    notes = {
        "310106": ("yes", plants.MEDIUM, "no duty names the space under the viaduct"),
        "310107": ("yes", plants.MEDIUM, "the duties ran out in 2025"),
        "310101": ("no", "", "owner and maintainer empty, duties fill both"),
    }
    for object_id, code in zip(neglected["id"][spans], district[spans]):
        expected, severity, note = notes[code]
        book.truths.append(
            Truth("R01", "neglected", object_id, "under_viaduct", "", severity, expected, "", note)
        )
    alleys = neglected["id"][~spans].to_numpy()
    for object_id in alleys[5 : 5 + copies]:
        book.truths.append(
            Truth(
                "R01", "neglected", object_id, "back_alley", "", "", "no", "", "owner empty, a duty fills it"
            )
        )
    never = [
        (neglected["id"][spans].iloc[:1], "under_viaduct", plants.HIGH),
        (alleys[20 : 20 + copies], "back_alley", plants.MEDIUM),
    ]
    for ids, kind, severity in never:
        for object_id in ids:
            plant = Plant("I02", severity, "never visited by day or night", visits=())
            _note(book, "neglected", object_id, plant, kind)


def _note(book: Book, role: str, object_id: str, plant: Plant, class_code: str) -> None:
    book.truths.append(plant.truth(role, object_id, class_code))
    book.visits.extend((object_id, visit) for visit in plant.visits)
    book.repairs.extend((object_id, repair) for repair in plant.repairs)
    book.touched[role].add(object_id)


def _set(table: pd.DataFrame, row: int, changes: dict[str, Any]) -> None:
    for field, value in changes.items():
        if isinstance(value, (date, np.datetime64)):
            table.at[row, field] = day_column(np.array([value], dtype="datetime64[D]"))[0]
        elif value is None:
            table.at[row, field] = pd.NA if str(table[field].dtype) != "float64" else np.nan
        else:
            table.at[row, field] = value


def truths_of_net(
    splits: Sequence[Any], pipes: pd.DataFrame, roads: pd.DataFrame, bare: Sequence[tuple[int, str, str, str]]
) -> list[Truth]:
    """Truths of near misses and of streets without records.

    Parameters
    ----------
    splits : sequence of faults.Split
    bare : sequence of tuple
        Row of the road, expected, missing classes, note.
    """
    rows = []
    for split in splits:
        pair = "|".join((pipes["id"].iat[split.first], pipes["id"].iat[split.second]))
        severity = plants.MEDIUM if split.expected == "yes" else ""
        rows.append(
            Truth("N02", "pipes", pair, split.class_code, "e-s", severity, split.expected, "", split.note)
        )
    for row, expected, missing, note in bare:
        severity = {"": "", "DL": plants.LOW, "DL|TX": plants.MEDIUM}[missing if expected == "yes" else ""]
        rows.append(Truth("N05", "roads", roads["id"].iat[row], missing, "", severity, expected, "", note))
    return rows
