"""What rules must say of the registers as they were drawn: plain readings of the rules' conditions.

Planting accounts for some gaps; most lie in values that were drawn at random. Here the generator
reads them off its own tables, so that the truth table is whole: what it does not name is no gap.
"""

from __future__ import annotations

from typing import Optional, Union

import numpy as np
import pandas as pd
import shapely

from .days import SAMPLE_AS_OF, day_column
from .plants import TODAY

Values = Union[str, np.ndarray]
YEAR = SAMPLE_AS_OF.year
END = day_column(np.array([SAMPLE_AS_OF], dtype="datetime64[D]"))[0]
"""The end of the sample's last day."""

_FILLERS = ("0", "9999", "不详", "无", "/")
_PIPE_FIELDS = ("class_code", "kind_code", "material_code", "depth_m", "laid_year", "burial_method", "owner")
_HOUSE_FIELDS = ("built_year", "floors", "use", "structure", "danger_grade")
_MAJOR = ("built_year", "laid_year", "material_code", "owner")
_MINOR = ("kind_code", "burial_method", "use", "structure")
_HOME_USES = ("residential", "mixed", "self_built_commercial")
_DEFECT_DAYS = 30
_CHUNK = 200_000
"""Lines at a time: cut into pieces they take memory."""


def rows_of(
    rule_id: str,
    role: str,
    ids: np.ndarray,
    class_code: Values,
    severity: np.ndarray,
    discriminator: Values = "",
    as_of: Values = "",
    note: str = "",
) -> pd.DataFrame:
    """Truth rows of the objects with a severity; no severity (empty text), no row."""
    there = severity != ""

    def part(values: Values) -> Values:
        return values if isinstance(values, str) else np.asarray(values, dtype=object)[there]

    return pd.DataFrame(
        {
            "rule_id": rule_id,
            "object_role": role,
            "object_id": np.asarray(ids, dtype=object)[there],
            "class_code": part(class_code),
            "discriminator": part(discriminator),
            "severity": severity[there],
            "expected": "yes",
            "as_of": part(as_of),
            "note": note,
        }
    )


def worst(*choices: tuple[np.ndarray, str]) -> np.ndarray:
    """Severity by the first condition that holds, empty text where none does, shape (n,)."""
    return np.select([mask for mask, _ in choices], [word for _, word in choices], "").astype(object)


def is_empty(column: pd.Series) -> np.ndarray:
    """Whether cells are null or hold a filler, shape (n,)."""
    if column.dtype == "float64":
        return np.asarray(column.isna() | column.isin([0.0, 9999.0]))
    return np.asarray(column.isna() | column.isin(_FILLERS), dtype=bool)


def year_of(column: pd.Series, earliest: int) -> np.ndarray:
    """Years that can be right, NaN for the others, shape (n,)."""
    years = column.to_numpy(dtype="float64")
    return np.where(is_empty(column) | (years < earliest) | (years > YEAR), np.nan, years)


def missing_attributes(housing: pd.DataFrame, pipes: pd.DataFrame) -> list[pd.DataFrame]:
    """D01."""
    built = np.where(is_empty(housing["built_year"]), np.nan, housing["built_year"])
    lacks = {name: is_empty(housing[name]) for name in _HOUSE_FIELDS}
    lacks["last_repair_date"] = housing["last_repair_date"].isna().to_numpy() & (YEAR - built >= 5)
    found = [rows_of("D01", "housing", housing["id"], "housing", _by_fields(lacks))]
    lacks = {name: is_empty(pipes[name]) for name in _PIPE_FIELDS}
    lacks["size"] = is_empty(pipes["diameter_mm"]) & is_empty(pipes["section_mm"])
    return [*found, rows_of("D01", "pipes", pipes["id"], pipes["class_code"], _by_fields(lacks))]


def _by_fields(lacks: dict[str, np.ndarray]) -> np.ndarray:
    major, minor = (
        np.logical_or.reduce([lacks[n] for n in names if n in lacks]) for names in (_MAJOR, _MINOR)
    )
    count = np.sum(list(lacks.values()), axis=0)
    return worst((major, "high"), ((count == 1) & minor, "low"), (count > 0, "medium"))


def aged_pipes(pipes: pd.DataFrame) -> pd.DataFrame:
    """A01."""
    code = pipes["class_code"].to_numpy(dtype=object)
    year = year_of(pipes["laid_year"], 1860)
    early_plastic = (
        (pipes["material_code"] == "PE").to_numpy(dtype=bool) & (year < 1980) & np.isin(code, ("RQ", "JS"))
    )
    known = ~is_empty(pipes["material_code"]) & ~early_plastic
    material = np.where(known, pipes["material_code"].to_numpy(dtype=object), "")
    age = np.where(early_plastic, np.nan, YEAR - year)
    hazard = pipes["hazard_found"].fillna(False).to_numpy(dtype=bool)
    unassessed = pipes["assessed_on"].isna().to_numpy()
    gas, water = code == "RQ", code == "JS"
    steel = np.isin(material, ("G", "PE"))
    renew = (gas & (material == "HT")) | (water & np.isin(material, ("T", "SM")))
    renew |= hazard & ((gas & ((material == "QM") | (steel & (age >= 0)))) | (water & (age >= 30)))
    assess = gas & unassessed & ((material == "QM") | (steel & (age >= 20)))
    assess |= water & unassessed & (age >= 30)
    for name, limit in (("PS", 50), ("DL", 30), ("TX", 30), ("HY", 20)):
        assess |= (code == name) & (age >= limit)
    severity = worst((renew, "high"), (assess, "medium"), (np.isnan(age) | (material == ""), "info"))
    return rows_of("A01", "pipes", pipes["id"], code, severity, "", _until(pipes["laid_year"]))


def _until(years: pd.Series) -> np.ndarray:
    """The only day a row holds on where the year is one to come, shape (n,)."""
    return np.where((years > YEAR) & ~is_empty(years), TODAY, "").astype(object)


def aged_buildings(housing: pd.DataFrame, checked: np.ndarray) -> pd.DataFrame:
    """A02, given which houses had a structural check."""
    year = year_of(housing["built_year"], 1843)
    old = home_use(housing) & (year <= 2000)
    severity = worst(
        (housing["danger_grade"].isin(["C", "D"]).to_numpy(), "high"),
        (old & (year <= 1980) & ~checked, "medium"),
        (old, "low"),
        (np.isnan(year), "info"),
    )
    return rows_of("A02", "housing", housing["id"], "housing", severity, "", _until(housing["built_year"]))


def home_use(housing: pd.DataFrame) -> np.ndarray:
    """Residential or empty use, shape (n,)."""
    return is_empty(housing["use"]) | (housing["use"] == "residential").to_numpy(dtype=bool)


def is_home(housing: pd.DataFrame) -> np.ndarray:
    """Whether people live in each house, shape (n,)."""
    use = is_empty(housing["use"]) | housing["use"].isin(_HOME_USES).to_numpy(dtype=bool)
    return use | (housing["residents"] > 0).to_numpy() | (housing["households"] > 0).to_numpy()


def is_old(housing: pd.DataFrame) -> np.ndarray:
    """Old housing stock, shape (n,)."""
    return home_use(housing) & (year_of(housing["built_year"], 1843) <= 2000)


def without_repairs(housing: pd.DataFrame, repairs: pd.DataFrame) -> pd.DataFrame:
    """I05, buildings of more than 20 years without any repair record."""
    booked = housing["id"].isin(repairs.loc[repairs["kind"] != "defect", "object_id"]).to_numpy()
    aged = YEAR - year_of(housing["built_year"], 1843) > 20
    found = aged & housing["last_repair_date"].isna().to_numpy() & ~booked
    return rows_of("I05", "housing", housing["id"], "housing", worst((found, "medium")), "none")


def open_defects(tables: dict[str, pd.DataFrame]) -> list[pd.DataFrame]:
    """I05, defects older than 30 days without a repair closed since."""
    repairs, visits, things = tables["repairs"], tables["visits"], tables["components"]
    reported = repairs[(repairs["kind"] == "defect") & repairs["closed_on"].isna()]
    seen = visits[(visits["result"] == "defect") & visits["object_id"].notna()]
    broken = things[things["condition"].isin(["broken", "lost"])]
    defects = pd.concat(
        [
            pd.DataFrame({"id": table[name].astype(object), "since": table[when]})
            for table, name, when in (
                (reported, "object_id", "reported_on"),
                (seen, "object_id", "at"),
                (broken, "id", "updated_on"),
            )
        ],
        ignore_index=True,
    )
    closed = repairs[repairs["closed_on"].notna()]
    last = closed["closed_on"].groupby(closed["object_id"].astype(object)).max()
    mended = (last.reindex(defects["id"]).to_numpy() >= defects["since"].to_numpy()).astype(bool)
    late = ((END - defects["since"]) > pd.Timedelta(days=_DEFECT_DAYS)).to_numpy()
    ids = set(defects["id"][late & ~mended])
    found = []
    for role in ("housing", "pipes", "components", "neglected"):
        table = tables[role]
        mine = table["id"].isin(ids).to_numpy()
        found.append(
            rows_of("I05", role, table["id"], class_codes(role, table), worst((mine, "high")), "open")
        )
    return found


def class_codes(role: str, table: pd.DataFrame) -> Values:
    """Class of each object as findings name it."""
    field = {"pipes": "class_code", "components": "class_code", "neglected": "kind"}.get(role)
    return role if field is None else table[field].to_numpy(dtype=object)


def unserved(
    housing: pd.DataFrame,
    pipes: pd.DataFrame,
    lacking: dict[str, Optional[shapely.Geometry]],
    fringe: np.ndarray,
) -> list[pd.DataFrame]:
    """S01.

    Parameters
    ----------
    lacking : dict
        Class to the ground where nobody surveyed it; a house whose cell lies there and holds no pipe is info.
    fringe : ndarray of bool, shape (len(housing),)
    """
    shapes = housing["geometry"].to_numpy()
    serious = fringe | is_old(housing)
    found = []
    for code, reach in (("JS", 50.0), ("PS", 50.0), ("RQ", 50.0), ("TX", 50.0), ("DL", 100.0)):
        mine = (pipes["class_code"] == code).to_numpy()
        if code == "PS":
            mine = mine & (pipes["kind_code"] == "WS").to_numpy()
        tree = shapely.STRtree(pipes["geometry"].to_numpy()[mine])
        far = np.flatnonzero(~_surely_near(shapes, tree.geometries, reach))
        near = tree.query(shapes[far], predicate="dwithin", distance=reach)[0]
        far = np.delete(far, np.unique(near))
        blind = in_blind_cells(shapes[far], tree, lacking.get(code))
        severity = np.where(blind, "info", np.where(serious[far], "high", "medium")).astype(object)
        ids = housing["id"].to_numpy(dtype=object)[far]
        found.append(rows_of("S01", "housing", ids, code, severity, code))
    return found


def _surely_near(shapes: np.ndarray, lines: np.ndarray, reach: float) -> np.ndarray:
    """Shapes whose middle lies clearly within reach of a line, told by 10 m squares, shape (n,)."""
    side = 10.0
    middle = np.floor(shapely.get_coordinates(shapely.centroid(shapes)) / side).astype("int64")
    bounds = np.floor(shapely.total_bounds(lines) / side).astype("int64")
    low = np.minimum(middle.min(axis=0), bounds[:2]) - 1
    size = np.maximum(middle.max(axis=0), bounds[2:]) - low + 2
    taken = np.zeros(size, dtype=bool)
    for start in range(0, len(lines), _CHUNK):
        dense = shapely.segmentize(lines[start : start + _CHUNK], side)
        places = np.floor(shapely.get_coordinates(dense) / side).astype("int64")
        taken[tuple((places - low).T)] = True
    rings = int(reach / side * 0.5)
    for _ in range(rings):
        taken[1:] |= taken[:-1].copy()
        taken[:-1] |= taken[1:].copy()
        taken[:, 1:] |= taken[:, :-1].copy()
        taken[:, :-1] |= taken[:, 1:].copy()
    return np.asarray(taken[tuple((middle - low).T)])


def in_blind_cells(
    shapes: np.ndarray, pipes: shapely.STRtree, ground: Optional[shapely.Geometry]
) -> np.ndarray:
    """Whether each shape's point lies in a cell of unsurveyed ground that holds no pipe, shape (n,)."""
    if ground is None or not len(shapes):
        return np.zeros(len(shapes), dtype=bool)
    east, north = np.floor(shapely.get_coordinates(shapely.point_on_surface(shapes)) / 100.0).T * 100.0
    cells = shapely.box(east, north, east + 100.0, north + 100.0)
    shapely.prepare(ground)
    surveyed = shapely.area(shapely.difference(cells, ground)) >= 0.05 * 100.0**2
    held = np.zeros(len(cells), dtype=bool)
    cell, pipe = pipes.query(cells, predicate="intersects")
    inside = shapely.length(shapely.intersection(pipes.geometries[pipe], cells[cell])) > 0
    held[cell[inside]] = True
    return ~surveyed & ~held
