"""Whose object is whose: what the duties and the registers' owners must lead to."""

from __future__ import annotations

import numpy as np
import pandas as pd
import shapely

from .days import SAMPLE_AS_OF, day_column
from .foreseen import class_codes, rows_of, worst

_LAYERS = ("housing", "pipes", "components", "neglected")
_ALL_LAYERS = (*_LAYERS, "roads")
_COUNTED = (*_ALL_LAYERS, "pipe_points", "water")


def within_any(shapes: np.ndarray, areas: np.ndarray) -> np.ndarray:
    """Whether the point on each shape lies in some area, shape (n,)."""
    inside = np.zeros(len(shapes), dtype=bool)
    x, y = shapely.get_coordinates(shapely.point_on_surface(shapes)).T
    for area in areas:
        shapely.prepare(area)
        inside |= shapely.intersects_xy(area, x, y)
    return inside


def _in_force(tables: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Duties valid on the last day, with the ground each holds on."""
    duties = tables["duties"]
    last = day_column(np.array([SAMPLE_AS_OF], dtype="datetime64[D]"))[0]
    duties = duties[~(duties["valid_to"] < last)]
    ground = tables["units"].set_index("code")["geometry"]
    own = duties["geometry"].to_numpy(dtype=object)
    by_code = ground.reindex(duties["area_code"]).to_numpy(dtype=object)
    return duties.assign(geometry=np.where(pd.isna(own), by_code, own))


def _fits(object_class: str, role: str, codes: object) -> np.ndarray:
    """Whether objects of a role belong to a class, shape (n,) or one value for all."""
    if object_class in ("*", role):
        return np.array(True)
    return (
        np.asarray(codes == object_class.partition(":")[2])
        if object_class.startswith(f"{role}:")
        else np.array(False)
    )


def without_owner(tables: dict[str, pd.DataFrame]) -> list[pd.DataFrame]:
    """R01 of objects; cells without fallback are planted."""
    duties = _in_force(tables)
    found = []
    for role in _LAYERS:
        table = tables[role]
        codes = class_codes(role, table)
        shapes = table["geometry"].to_numpy()
        lacks = {}
        for duty, field in (("own", "owner"), ("maintain", "maintainer"), ("fallback", None)):
            filled = (
                np.zeros(len(table), dtype=bool) if field is None else table[field].notna().to_numpy().copy()
            )
            for row in duties[duties["duty"] == duty].itertuples():
                asked = np.flatnonzero(
                    np.broadcast_to(_fits(row.object_class, role, codes), len(table)) & ~filled
                )
                filled[asked[within_any(shapes[asked], np.array([row.geometry], dtype=object))]] = True
            lacks[duty] = ~filled
        if role == "components":
            lacks["own"] = lacks["own"] | np.asarray(codes == "0114")
        severity = worst((lacks["fallback"], "high"), (lacks["own"] | lacks["maintain"], "medium"))
        found.append(rows_of("R01", role, table["id"], codes, severity))
    return found


def several_owners(tables: dict[str, pd.DataFrame]) -> list[pd.DataFrame]:
    """R02 on the ground that two bodies hold, and of alleys whose register names another owner."""
    duties = _in_force(tables)
    found = []
    for role in _ALL_LAYERS:
        table = tables[role]
        codes = class_codes(role, table)
        shapes = table["geometry"].to_numpy()
        for row in duties[duties["beside"].notna()].itertuples():
            near = shapely.STRtree(shapes).query(row.geometry)
            near = near[np.broadcast_to(_fits(row.object_class, role, codes), len(table))[near]]
            inside = np.sort(near[within_any(shapes[near], np.array([row.geometry], dtype=object))])
            part = table.iloc[inside]
            severity = np.full(len(part), "high" if row.duty == "fallback" else "info", dtype=object)
            found.append(rows_of("R02", role, part["id"], class_codes(role, part), severity, row.duty))
    alleys = tables["neglected"]
    owner = alleys["owner"]
    other = (owner.notna() & ~owner.isin(duties["body"])).to_numpy(dtype=bool)
    covered = other & (alleys["kind"] == "back_alley").to_numpy()
    found.append(rows_of("R02", "neglected", alleys["id"], alleys["kind"], worst((covered, "high")), "own"))
    return found


def missed_by_the_crowd(tables: dict[str, pd.DataFrame]) -> list[pd.DataFrame]:
    """I04 of the crowd: everything in its area, for nobody went there before it or soon after."""
    events = tables["events"]
    crowd = events[(events["kind"] == "crowd").to_numpy()].iloc[0]
    found = []
    for role in ("components", "neglected"):
        table = tables[role]
        near = np.sort(shapely.STRtree(table["geometry"].to_numpy()).query(crowd["geometry"]))
        part = table.iloc[near]
        inside = within_any(part["geometry"].to_numpy(), np.array([crowd["geometry"]], dtype=object))
        codes = class_codes(role, part)
        severity = worst((inside & np.asarray(codes == "under_viaduct"), "high"), (inside, "medium"))
        found.append(rows_of("I04", role, part["id"], codes, severity, str(crowd["id"])))
    return found


def count_inside(areas: list[shapely.Polygon], tables: dict[str, pd.DataFrame]) -> list[int]:
    """Objects, by a point on them, and hotline cases in each area."""
    counts = np.zeros(len(areas), dtype=int)
    for role in (*_COUNTED, "hotline"):
        bounds = _bounds(tables[role])
        for number, area in enumerate(areas):
            west, south, east, north = area.bounds
            near = (
                (bounds[:, 0] <= east)
                & (bounds[:, 2] >= west)
                & (bounds[:, 1] <= north)
                & (bounds[:, 3] >= south)
            )
            part = tables[role][near]
            shapes = (
                part["geometry"].to_numpy() if "geometry" in part else shapely.points(part["x"], part["y"])
            )
            counts[number] += int(within_any(shapes, np.array([area], dtype=object)).sum())
    return counts.tolist()


def _bounds(table: pd.DataFrame) -> np.ndarray:
    if "geometry" in table:
        return np.asarray(shapely.bounds(table["geometry"].to_numpy()))
    return table[["x", "y", "x", "y"]].to_numpy()
