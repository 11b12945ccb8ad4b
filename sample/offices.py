"""Who is responsible for what, what the offices have, and what they report in total."""

from __future__ import annotations

from datetime import date
from typing import Any, Optional

import numpy as np
import pandas as pd
import shapely

from .days import day_column
from .duty_faults import Seams, rows_of_doubles
from .foreseen import is_empty, is_old
from .frame import CELL_M
from .ids import numbered

_WEST, _NOT_IN_WEST = "310107", ("RQ", "DL", "TX", "HY", "RL")
OLD_DISTRICT = "310108"
"""闸北, part of 静安 since 2015."""

_OFFICIAL = {
    "housing": 1.02,
    "old_housing": 1.19,
    "JS": 1.03,
    "PS": 1.12,
    "RQ": 1.01,
    "DL": 1.04,
    "TX": 1.35,
    "RL": 1.5,
    "HY": 0.93,
    "street_lamp": 1.08,
}
"""Official totals against the records (project): old housing, drains, ducts and some others do not add up."""


def locate(points: np.ndarray, areas: np.ndarray) -> np.ndarray:
    """Index of the area that holds each point, -1 where none does."""
    found = np.full(len(points), -1)
    x, y = shapely.get_coordinates(points).T
    for number in range(len(areas) - 1, -1, -1):
        shapely.prepare(areas[number])
        found[shapely.intersects_xy(areas[number], x, y)] = number
    return found


def count_people(units: pd.DataFrame, housing: pd.DataFrame) -> pd.DataFrame:
    """Units with population and people of 60 and more, a little above what the housing table knows."""
    lowest = units[units["level"] == "subdistrict"]
    where = locate(shapely.centroid(housing["geometry"].to_numpy()), lowest["geometry"].to_numpy())
    people = np.bincount(
        where[where >= 0], weights=housing["residents"].to_numpy()[where >= 0], minlength=len(lowest)
    )
    known = pd.Series(np.round(people * 1.03), index=lowest["code"])
    district = known.groupby(lowest.set_index("code")["parent_code"]).sum()
    table = units.copy()
    total = pd.concat([known, district, pd.Series({"310000": known.sum()})])
    table["population"] = total.reindex(table["code"]).to_numpy()
    table["residents_60_plus"] = np.round(table["population"] * 0.34)
    table["grade"] = table["zone_type"].map({"core": "I", "fringe": "III"}).astype("str")
    table["abolished_town"] = pd.array(
        np.where(table["level"] == "subdistrict", table["zone_type"] == "fringe", None), dtype="boolean"
    )
    return table


def vacant_cell(units: pd.DataFrame) -> Optional[shapely.Polygon]:
    """A whole 100 m cell in the middle of the fringe; None if it holds none."""
    fringe = units.loc[units["zone_type"] == "fringe", "geometry"]
    if fringe.empty:
        return None
    west, south, east, north = np.floor(np.array(fringe.iloc[0].bounds) / CELL_M).astype(int)
    e, n = (grid.ravel() for grid in np.meshgrid(np.arange(west, east + 1), np.arange(south, north + 1)))
    cells = shapely.box(e * CELL_M, n * CELL_M, (e + 1) * CELL_M, (n + 1) * CELL_M)
    shapely.prepare(fringe.iloc[0])
    inner = cells[shapely.contains_properly(fringe.iloc[0], cells)]
    if not len(inner):
        return None
    middle = shapely.distance(shapely.centroid(inner), fringe.iloc[0].centroid)
    return inner[int(np.argmin(middle))]


def make_duties(units: pd.DataFrame, vacancy: Optional[shapely.Polygon], seams: Seams) -> pd.DataFrame:
    """Duties by subdistrict and district; some fallbacks leave ground out, some ground has two bodies.

    Returns
    -------
    DataFrame
        All fields of the role, and beside: id of the duty that a doubled one overlaps.
    """
    rows: list[dict[str, Any]] = []

    def add(body: str, object_class: str, duty: str, level: str, area: Optional[str], **more: Any) -> None:
        trade = object_class.split(":")[-1]
        row = {"body": body, "trade": trade, "object_class": object_class, "duty": duty, "level": level}
        rows.append(
            {
                **row,
                "area_code": area,
                "basis": "三定方案",
                "valid_from": "2020-01-01",
                "valid_to": None,
                "geometry": None,
                **more,
            }
        )

    for unit in units[units["level"] == "subdistrict"].itertuples():
        office = f"{unit.name}{'人民政府' if unit.name.endswith('镇') else '办事处'}"
        left_out = seams.cut.get(unit.code)
        if unit.zone_type == "fringe" and vacancy is not None:
            left_out = vacancy
        if left_out is not None:
            ground = shapely.difference(unit.geometry, left_out)
            add(office, "*", "fallback", "subdistrict", None, geometry=ground)
        else:
            add(office, "*", "fallback", "subdistrict", unit.code)
        add(office, "neglected:back_alley", "own", "subdistrict", unit.code)
        add(f"{unit.name}市容所", "neglected:back_alley", "maintain", "subdistrict", unit.code)
        add(f"{unit.name}市容所", "neglected:back_alley", "patrol", "subdistrict", unit.code)
    for unit in units[units["level"] == "district"].itertuples():
        add(f"{unit.name}住房保障和房屋管理局", "housing", "supervise", "district", unit.code)
        add(f"{unit.name}市政管理中心", "roads", "patrol", "district", unit.code)
        if unit.code != "310106":
            until = "2025-12-31" if unit.code == "310107" else None
            add(
                f"{unit.name}市政管理中心",
                "neglected:under_viaduct",
                "own",
                "district",
                unit.code,
                valid_to=until,
            )
            add(
                f"{unit.name}桥下空间管养站",
                "neglected:under_viaduct",
                "maintain",
                "district",
                unit.code,
                valid_to=until,
            )
    add("路灯管理所", "components:street_lamp", "maintain", "city", "310000")
    table = pd.DataFrame(rows).assign(id=numbered("ZZ", np.arange(1, len(rows) + 1), width=4), beside=None)
    more = pd.DataFrame(rows_of_doubles(seams, table, units), columns=table.columns)
    more["id"] = numbered("ZZ", np.arange(len(rows) + 1, len(rows) + len(more) + 1), width=4)
    table = pd.concat([table, more], ignore_index=True) if len(more) else table
    for column in ("valid_from", "valid_to"):
        days = [day or "NaT" for day in table[column].astype(object).where(table[column].notna(), None)]
        table[column] = day_column(np.array(days, dtype="datetime64[D]"))
    return table


def blind_ground(units: pd.DataFrame) -> dict[str, Optional[shapely.Geometry]]:
    """Classes that nobody looked for in the western district, and its ground."""
    west = units["geometry"].to_numpy()[(units["code"] == _WEST).to_numpy()]
    ground = shapely.union_all(west) if len(west) else None
    return dict.fromkeys(_NOT_IN_WEST, ground)


def classes_of(tables: dict[str, pd.DataFrame]) -> list[str]:
    """Every class of object that the sample has, in a fixed order."""
    known = {"0104": "rain_grate", "0208": "bridge"}
    codes = (str(code) for code in tables["components"]["class_code"].unique())
    things = {known.get(code, "manhole_cover" if code.startswith("01") else code) for code in codes}
    others = (tables["pipes"]["class_code"], tables["neglected"]["kind"])
    words = [sorted(things), *(sorted(map(str, column.unique())) for column in others)]
    return ["housing", "roads", "water", *(word for part in words for word in part)]


def make_surveys(units: pd.DataFrame, classes: list[str]) -> pd.DataFrame:
    """Where someone looked for what: for everything, but in the west for water and drains alone."""
    districts = units[units["level"] == "district"]
    rows = [
        (unit.code, class_code, unit.geometry)
        for unit in districts.itertuples()
        for class_code in classes
        if unit.code != _WEST or class_code not in _NOT_IN_WEST
    ]
    days = {"310101": date(2025, 10, 20), "310106": date(2025, 9, 11), _WEST: date(2025, 8, 8)}
    return pd.DataFrame(
        {
            "id": [f"PC{number:04d}" for number in range(1, len(rows) + 1)],
            "class_code": pd.Series([row[1] for row in rows], dtype="str"),
            "captured_on": day_column(np.array([days[row[0]] for row in rows], dtype="datetime64[D]")),
            "looked_for": pd.array([row[0] != _WEST for row in rows], dtype="boolean"),
            "accuracy_grade": pd.Series(["B" if row[0] != _WEST else "C" for row in rows], dtype="str"),
            "geometry": [row[2] for row in rows],
        }
    )


def make_resources(units: pd.DataFrame) -> pd.DataFrame:
    """Staff, patrol hours, budget and toilets of each subdistrict; the fringe has less than its share.

    One record names a district that was merged away.
    """
    lowest = units[units["level"] == "subdistrict"]
    per_head = {
        "staff": (1 / 420, 0.55),
        "patrol_hours": (1 / 16, 0.79),
        "budget": (95.0, 0.82),
        "toilet": (1 / 1900, 1.0),
    }
    rows = [
        (
            kind,
            unit.code,
            np.round(unit.population * rate * (fringe if unit.zone_type == "fringe" else 1.0), 2),
        )
        for unit in lowest.itertuples()
        for kind, (rate, fringe) in per_head.items()
    ]
    rows.append(("depot", OLD_DISTRICT, 2.0))
    return pd.DataFrame(
        {
            "id": numbered("ZY", np.arange(1, len(rows) + 1), width=4),
            "kind": pd.Series([row[0] for row in rows], dtype="str"),
            "capacity": np.array([row[2] for row in rows], dtype=float),
            "unit_code": pd.Series([row[1] for row in rows], dtype="str"),
            "geometry": None,
        }
    )


def make_totals(tables: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Official totals by district and for the city, to be reconciled with the records.

    Returns
    -------
    DataFrame
        All fields of the role, and factor: official total / sum of the records.
    """
    units, housing, pipes = tables["units"], tables["housing"], tables["pipes"]
    lamps = tables["components"][tables["components"]["class_code"] == "street_lamp"]
    shapes = housing["geometry"].to_numpy()
    old = is_old(housing)
    middle = shapely.point_on_surface(shapes)
    known = housing["floor_area_m2"].to_numpy()
    floors = np.where(is_empty(housing["floors"]), 1.0, housing["floors"])
    floor_area = np.where(np.isnan(known), shapely.area(shapes) * floors, known)
    rows: list[tuple[str, float, str, str, str]] = []
    for unit in units[units["level"] != "subdistrict"].itertuples():
        shapely.prepare(unit.geometry)
        inside = shapely.intersects(unit.geometry, middle)
        rows.append(("floor_area", float(np.nansum(floor_area[inside])), "m2", unit.code, "housing"))
        rows.append(
            ("floor_area", float(np.nansum(floor_area[inside & old])), "m2", unit.code, "old_housing")
        )
        rows.append(("count", float(inside.sum()), "", unit.code, "housing"))
        lit = shapely.intersects(unit.geometry, lamps["geometry"].to_numpy())
        rows.append(("count", float(lit.sum()), "", unit.code, "street_lamp"))
    lengths = (
        pd.Series(shapely.length(pipes["geometry"].to_numpy())).groupby(pipes["class_code"].to_numpy()).sum()
    )
    rows += [("length", float(metres), "m", "310000", code) for code, metres in lengths.items()]
    rows += [
        ("population", float(u.population), "", u.code, "")
        for u in units.itertuples()
        if u.level != "district"
    ]
    factor = np.array([_OFFICIAL.get(row[4], 1.0) for row in rows])
    value = np.array([row[1] for row in rows]) * factor
    return pd.DataFrame(
        {
            "measure": pd.Series([row[0] for row in rows], dtype="str"),
            "value": np.round(value),
            "unit": pd.Series([row[2] for row in rows], dtype="str"),
            "area_code": pd.Series([row[3] for row in rows], dtype="str"),
            "class_code": pd.Series([row[4] for row in rows], dtype="str"),
            "source": "统计年报（示例）",
            "as_of": day_column(np.full(len(rows), np.datetime64("2025-12-31", "D"))),
            "factor": factor,
            "geometry": None,
        }
    )
