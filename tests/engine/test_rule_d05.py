"""D05: units with ground that nobody ever looked at, against a plain reading cell by cell."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from random_city import AS_OF
from shapely.geometry import LineString, Point, Polygon, box

from citygap.engine.check import run_check
from citygap.engine.city import city_from_tables
from citygap.engine.rules.data_coverage import NEVER_SURVEYED
from citygap.engine.standards import Standards, shipped_standards

STANDARDS = Standards(shipped_standards(), AS_OF.date())
DAY, LATER = (pd.Timestamp(f"{day}T12:00:00+08:00") for day in ("2019-06-01", "2027-01-01"))
UNITS = {"a": (0, 0, 200, 200), "b": (200, 0, 400, 200), "d": (400, 0, 600, 200), "f": (600, 0, 700, 200)}
CELLS = [(x, y) for x in range(0, 700, 100) for y in (0, 100)]


def find(tables):
    return run_check(city_from_tables(tables, as_of=AS_OF), STANDARDS, rules=("D05",)).findings


def units():
    rows = [("c", "city", (0, 0, 700, 200)), *[(code, "subdistrict", at) for code, at in UNITS.items()]]
    return gpd.GeoDataFrame(
        {"code": [row[0] for row in rows], "level": [row[1] for row in rows]},
        geometry=[box(*row[2]) for row in rows],
    )


def surveys(rows):
    return gpd.GeoDataFrame(
        {
            "id": [f"S{number}" for number in range(len(rows))],
            "class_code": [row[0] for row in rows],
            "captured_on": pd.to_datetime([row[2] for row in rows], utc=True),
        },
        geometry=[box(*row[1]) for row in rows],
    )


spot = st.tuples(st.sampled_from(range(0, 700, 50)), st.sampled_from([0, 50, 100, 150, 200]))
pipe = st.tuples(st.sampled_from(["JS", "PS"]), spot, st.sampled_from([(50, 0), (0, 50), (80, 20), (5, 5)]))
home = st.tuples(spot, st.sampled_from([1990.0, 2010.0, None]), st.sampled_from([None, 0.0, 10.0, 35.0]))
sheet = st.tuples(
    st.sampled_from(["JS", "pipes", "housing", "*", "HY"]),
    st.tuples(st.sampled_from([0, 95, 96, 150, 200, 400]), st.sampled_from([0, 100])).map(
        lambda at: (*at, at[0] + 205, at[1] + 100)
    ),
    st.sampled_from([DAY, DAY, LATER]),
)


def oracle(pipes, homes, sheets):
    weight = dict.fromkeys(CELLS, 0.0)
    old, held = set(), {"housing": set()}
    for at, year, residents in homes:
        for cell in CELLS:
            if box(*cell, cell[0] + 100, cell[1] + 100).intersection(house(at)).area > 0:
                held["housing"].add(cell)
        middle = house(at).centroid
        cell = (int(middle.x // 100 * 100), int(middle.y // 100 * 100))
        if cell in weight:
            weight[cell] += residents or 0.0
            if year is not None and year <= 2000:
                old.add(cell)
    for code, at, step in pipes:
        held.setdefault(code, set())
        line = LineString([at, (at[0] + step[0], at[1] + step[1])])
        for cell in CELLS:
            if line.intersection(box(*cell, cell[0] + 100, cell[1] + 100)).length > 0:
                held[code].add(cell)
    for word, _, day in sheets:
        if day <= AS_OF and word in ("JS", "HY"):
            held.setdefault(word, set())
    if any(word == "*" and day <= AS_OF for word, _, day in sheets):
        held |= {"roads": set(), "water": set()}
    elif not homes and not any(word == "housing" and day <= AS_OF for word, _, day in sheets):
        del held["housing"]
    found = {}
    for code, cells in held.items():
        words = {code, "*"} | ({"pipes"} if code in ("JS", "PS", "HY") else set())
        about = [box(*at) for word, at, day in sheets if word in words and day <= AS_OF]
        never = {cell for cell in CELLS if cell not in cells and cover(cell, about) < 0.05}
        shares = {}
        for unit, (west, _, east, _) in UNITS.items():
            mine = [cell for cell in CELLS if west <= cell[0] < east]
            total = sum(weight[cell] for cell in mine)
            blind = [cell for cell in mine if cell in never]
            part = sum(weight[cell] for cell in blind) / total if total else len(blind) / len(mine)
            shares[unit] = (part, blind, len(mine))
        limit = np.quantile([part for part, _, _ in shares.values()], 0.75)
        for unit, (part, blind, count) in shares.items():
            if blind:
                high = part > limit or any(cell in old for cell in blind)
                found[unit, code] = ("high" if high else "medium", pytest.approx(len(blind) / count))
    return found


def cover(cell, outlines):
    here = box(*cell, cell[0] + 100, cell[1] + 100)
    union = Polygon()
    for outline in outlines:
        union = union.union(outline)
    return round(union.intersection(here).area / here.area, 9)


def house(at):
    return box(at[0] + 1, at[1] + 1, at[0] + 21, at[1] + 21)


@settings(max_examples=20, deadline=None, phases=[Phase.generate])
@given(
    st.lists(pipe, min_size=1, max_size=6),
    st.lists(home, max_size=5),
    st.lists(sheet, min_size=1, max_size=4),
)
def test_against_a_plain_reading(pipes, homes, sheets):
    tables = {
        "units": units(),
        "surveys": surveys(sheets),
        "pipes": gpd.GeoDataFrame(
            {
                "id": [f"P{number}" for number in range(len(pipes))],
                "class_code": [code for code, _, _ in pipes],
            },
            geometry=[LineString([at, (at[0] + step[0], at[1] + step[1])]) for _, at, step in pipes],
        ),
    }
    if homes:
        tables["housing"] = gpd.GeoDataFrame(
            {
                "id": [f"H{number}" for number in range(len(homes))],
                "built_year": [year for _, year, _ in homes],
                "residents": [residents for _, _, residents in homes],
            },
            geometry=[house(at) for at, _, _ in homes],
        )
    found = find(tables)
    got = {(row.object_id, row.class_code): (row.severity, row.measured) for row in found.itertuples()}
    assert got == oracle(pipes, homes, sheets)


def test_exactly_the_least_cover_is_a_survey():
    def severities(wide):
        tables = {
            "units": units(),
            "surveys": surveys([("JS", (0, 0, wide, 100), DAY)]),
            "components": gpd.GeoDataFrame(
                {"id": ["L"], "class_code": "street_lamp"}, geometry=[Point(1, 1)]
            ),
        }
        found = find(tables)
        mine = found[(found["class_code"] == "JS") & (found["object_id"] == "a")]
        return mine["measured"].tolist()

    assert severities(5) == [0.75]
    assert severities(4.9) == [1.0]


def test_without_units_the_whole_area_is_one():
    tables = {
        "surveys": surveys([("JS", (0, 0, 100, 100), DAY)]),
        "roads": gpd.GeoDataFrame(
            {"id": ["R", "Q"]}, geometry=[LineString([(0, 0), (200, 0)]), LineString([(0, 100), (200, 100)])]
        ),
    }
    found = find(tables)
    (row,) = found[found["class_code"] == "JS"].itertuples()
    assert (row.object_id, row.measured) == ("*", 0.5)
    assert row.key == '["D05",["units:*"],"JS"]'
    assert row.geometry.equals(box(100, 0, 200, 100))


def test_broken_records_do_not_stop_it():
    broken = [None, LineString(), LineString([(np.nan, 0), (1, 1)]), LineString([(5, 5), (5, 5)])]
    crossed = Polygon([(0, 0), (90, 90), (90, 0), (0, 90)])
    tables = {
        "units": units(),
        "surveys": gpd.GeoDataFrame(
            {"id": ["S", "T"], "class_code": ["JS", None], "captured_on": [DAY, None]},
            geometry=[crossed, None],
        ),
        "pipes": gpd.GeoDataFrame({"id": list("abcd"), "class_code": "JS"}, geometry=broken),
        "housing": gpd.GeoDataFrame({"id": ["H"]}, geometry=[crossed]),
    }
    found = find(tables).set_index(["object_id", "class_code"])
    assert found["measured"]["a", "JS"] == 0.75
    assert found["measured"]["f", "JS"] == 1.0


def test_asks_for_surveys_and_objects():
    assert NEVER_SURVEYED.missing(city_from_tables({"units": units()})) == "no surveys given"
    alone = city_from_tables({"surveys": surveys([("JS", (0, 0, 9, 9), DAY)])})
    assert NEVER_SURVEYED.missing(alone) == "no object layer given"
