"""Who is responsible for what, what the offices have, and what they report in total."""

from __future__ import annotations

from datetime import date
from typing import Any, Optional

import numpy as np
import pandas as pd
import shapely

from .days import day_column
from .frame import CELL_M

SURVEYED = ("housing", "JS", "PS", "RQ", "DL", "TX", "manhole_cover", "street_lamp")
_OFFICIAL = {
    "housing": 1.02,
    "old_housing": 1.19,
    "JS": 1.03,
    "PS": 1.12,
    "RQ": 1.01,
    "DL": 1.04,
    "TX": 1.35,
    "street_lamp": 1.08,
}
"""Official totals against the records (project): old housing and telecom ducts do not add up."""


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


def vacant_cell(units: pd.DataFrame, taken: np.ndarray) -> Optional[shapely.Polygon]:
    """A whole 100 m cell of the fringe that holds nothing of `taken`; None if there is none."""
    fringe = units.loc[units["zone_type"] == "fringe", "geometry"]
    if fringe.empty:
        return None
    west, south, east, north = np.floor(np.array(fringe.iloc[0].bounds) / CELL_M).astype(int)
    e, n = (grid.ravel() for grid in np.meshgrid(np.arange(west, east + 1), np.arange(south, north + 1)))
    cells = shapely.box(e * CELL_M, n * CELL_M, (e + 1) * CELL_M, (n + 1) * CELL_M)
    hit, _ = shapely.STRtree(taken).query(cells, predicate="intersects")
    free = shapely.contains(fringe.iloc[0], cells) & (np.bincount(hit, minlength=len(cells)) == 0)
    inner = cells[free]
    if not len(inner):
        return None
    middle = shapely.distance(shapely.centroid(inner), fringe.iloc[0].centroid)
    return inner[int(np.argmin(middle))]


def cell_code(cell: shapely.Polygon) -> str:
    """Code of a whole grid cell of the sheet (both coordinates are positive here)."""
    east, north = (int(np.floor(value / CELL_M)) for value in shapely.get_coordinates(cell.centroid)[0])
    return f"XA{east:06d}{north:06d}"


def make_duties(units: pd.DataFrame, vacancy: Optional[shapely.Polygon]) -> pd.DataFrame:
    """Duties by subdistrict and district; the fringe's fallback leaves one cell out."""
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
        if unit.zone_type == "fringe" and vacancy is not None:
            add(
                office,
                "*",
                "fallback",
                "subdistrict",
                None,
                geometry=shapely.difference(unit.geometry, vacancy),
            )
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
    table = pd.DataFrame(rows)
    for column in ("valid_from", "valid_to"):
        table[column] = day_column(table[column].to_numpy(dtype="datetime64[D]"))
    return table.assign(id=[f"ZZ{number:04d}" for number in range(1, len(table) + 1)])


def make_surveys(units: pd.DataFrame) -> pd.DataFrame:
    """Where someone looked for what: the western district was only surveyed for water and drains."""
    districts = units[units["level"] == "district"]
    rows = [
        (unit.code, class_code, unit.geometry)
        for unit in districts.itertuples()
        for class_code in SURVEYED
        if unit.code != "310107" or class_code in ("housing", "JS", "PS")
    ]
    days = {"310101": date(2024, 10, 20), "310106": date(2025, 4, 11), "310107": date(2021, 6, 8)}
    return pd.DataFrame(
        {
            "id": [f"PC{number:04d}" for number in range(1, len(rows) + 1)],
            "class_code": pd.Series([row[1] for row in rows], dtype="str"),
            "captured_on": day_column(np.array([days[row[0]] for row in rows], dtype="datetime64[D]")),
            "looked_for": pd.array([row[0] != "310107" for row in rows], dtype="boolean"),
            "accuracy_grade": pd.Series(["B" if row[0] != "310107" else "C" for row in rows], dtype="str"),
            "geometry": [row[2] for row in rows],
        }
    )


def make_resources(units: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Staff, patrol hours, budget and toilets of each subdistrict; the fringe has less than its share."""
    lowest = units[units["level"] == "subdistrict"]
    per_head = {"staff": 1 / 420, "patrol_hours": 1 / 16, "budget": 95.0, "toilet": 1 / 1900}
    rows = [
        (
            kind,
            unit.code,
            np.ceil(
                unit.population * rate * (0.55 if unit.zone_type == "fringe" else rng.uniform(0.85, 1.2))
            ),
        )
        for unit in lowest.itertuples()
        for kind, rate in per_head.items()
    ]
    return pd.DataFrame(
        {
            "id": [f"ZY{number:04d}" for number in range(1, len(rows) + 1)],
            "kind": pd.Series([row[0] for row in rows], dtype="str"),
            "capacity": np.array([row[2] for row in rows], dtype=float),
            "unit_code": pd.Series([row[1] for row in rows], dtype="str"),
            "geometry": None,
        }
    )


def make_totals(tables: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Official totals by district and for the city, to be reconciled with the records."""
    units, housing, pipes = tables["units"], tables["housing"], tables["pipes"]
    lamps = tables["components"][tables["components"]["class_code"] == "street_lamp"]
    old = (
        (housing["use"].isna() | (housing["use"] == "residential")) & (housing["built_year"] <= 2000)
    ).to_numpy()
    middle = shapely.centroid(housing["geometry"].to_numpy())
    floor_area = housing["floor_area_m2"].to_numpy()
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
    value = np.array([row[1] * _OFFICIAL.get(row[4], 1.0) for row in rows])
    return pd.DataFrame(
        {
            "measure": pd.Series([row[0] for row in rows], dtype="str"),
            "value": np.round(value),
            "unit": pd.Series([row[2] for row in rows], dtype="str"),
            "area_code": pd.Series([row[3] for row in rows], dtype="str"),
            "class_code": pd.Series([row[4] for row in rows], dtype="str"),
            "source": "统计年报（示例）",
            "as_of": day_column(np.full(len(rows), np.datetime64("2025-12-31", "D"))),
            "geometry": None,
        }
    )
