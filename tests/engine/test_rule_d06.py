"""D06 and the reconciliation with official totals, against plain sums."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from random_city import AS_OF, random_city
from shapely.geometry import LineString, Point, Polygon, box

from citygap.engine.amounts import lengths_mm, stretches
from citygap.engine.check import run_check
from citygap.engine.city import city_from_tables
from citygap.engine.context import Context
from citygap.engine.reconcile import reconcile
from citygap.engine.rules.data_coverage import TOTAL_MISMATCH
from citygap.engine.standards import Standards, shipped_standards

STANDARDS = Standards(shipped_standards(), AS_OF.date())
E0, N0 = 640_000, 3_456_000
GEOD = pyproj.Geod(ellps="GRS80")
TO_DEGREES = pyproj.Transformer.from_crs("EPSG:4549", "EPSG:4490", always_xy=True)


def ground_length(line):
    lon, lat = TO_DEGREES.transform(*np.array(line.coords).T)
    return GEOD.line_length(lon, lat)


def ground_area(outline):
    lon, lat = TO_DEGREES.transform(*np.array(outline.exterior.coords).T)
    return abs(GEOD.polygon_area_perimeter(lon, lat)[0])


def at(x, y):
    return E0 + x, N0 + y


def units():
    return gpd.GeoDataFrame(
        {
            "code": ["c", "w", "e"],
            "level": ["city", "district", "district"],
            "population": [None, 50.0, None],
        },
        geometry=[
            box(*at(0, 0), *at(400, 200)),
            box(*at(0, 0), *at(200, 200)),
            box(*at(200, 0), *at(400, 200)),
        ],
    )


def totals(*rows):
    names = ["measure", "value", "unit", "area_code", "class_code", "as_of", "source"]
    frame = pd.DataFrame([(*row, *[None] * (7 - len(row))) for row in rows], columns=names)
    return gpd.GeoDataFrame(frame, geometry=[None] * len(frame))


def find(tables, rules=("D06",)):
    return run_check(city_from_tables(tables, as_of=AS_OF), STANDARDS, rules=rules).findings


house = st.fixed_dictionaries(
    {
        "x": st.sampled_from([10, 150, 195, 210, 390, 450]),
        "wide": st.sampled_from([10, 20]),
        "year": st.sampled_from([None, 1990.0, 2000.0, 2001.0]),
        "use": st.sampled_from([None, "residential", "office"]),
        "floors": st.sampled_from([None, 1.0, 6.0]),
        "area": st.sampled_from([None, 500.0]),
    }
)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(house, min_size=1, max_size=8),
    st.sampled_from(["floor_area", "footprint", "count"]),
    st.sampled_from(["housing", "old_housing"]),
    st.sampled_from(["w", "e", "c", None]),
    st.sampled_from([0.5, 0.9, 0.95, 0.99, 1.04, 1.06, 1.2, 1.5]),
)
def test_sums_of_housing(houses, measure, word, area, factor):
    reach = {"w": (0, 200), "e": (200, 400), "c": (0, 400), None: (-1, 999)}[area]
    amount = estimated = 0.0
    for item in houses:
        middle = item["x"] + item["wide"] / 2
        old = item["year"] is not None and item["year"] <= 2000 and item["use"] in (None, "residential")
        # What lies on the border of both belongs to e, the smaller code.
        if (
            not reach[0] <= middle <= reach[1]
            or (area == "w" and middle == 200)
            or (word == "old_housing" and not old)
        ):
            continue
        outline = ground_area(shape_of(item))
        if measure == "count":
            amount += 1
        elif measure == "footprint":
            amount += outline
        else:
            amount += item["area"] or outline * (item["floors"] or 1)
            estimated += 0 if item["area"] else outline * (item["floors"] or 1)
    official = max(amount, 1.0) * factor
    tables = {
        "units": units(),
        "housing": gpd.GeoDataFrame(
            {
                "id": [f"H{i}" for i in range(len(houses))],
                "built_year": [item["year"] for item in houses],
                "use": [item["use"] for item in houses],
                "floors": [item["floors"] for item in houses],
                "floor_area_m2": [item["area"] for item in houses],
            },
            geometry=[shape_of(item) for item in houses],
        ),
        "totals": totals((measure, official, "", area, word)),
    }
    context = Context(city_from_tables(tables, as_of=AS_OF), STANDARDS)
    (row,) = reconcile(context).itertuples()
    assert row.recorded == pytest.approx(amount, rel=1e-5)
    assert row.gap == pytest.approx(official - amount, rel=1e-4, abs=0.5)
    if amount:
        assert row.estimated_share == pytest.approx(estimated / amount, rel=1e-5)
    off = abs(amount / official - 1)
    expected = "high" if off > 0.3 else "medium" if off > 0.1 else "low" if off > 0.05 else None
    found = find(tables)
    assert found["severity"].tolist() == ([expected] if expected else [])
    if expected:
        assert found["measured"].iloc[0] == pytest.approx(amount / official, rel=1e-5)
        assert found["data_state"].iloc[0] == ("estimated" if estimated else "known")
        assert (found.geometry.iloc[0] is None) == (area is None)


def shape_of(item):
    return box(*at(item["x"], 5), *at(item["x"] + item["wide"], 15))


@pytest.mark.parametrize(
    "value, severity",
    [
        (95, "low"),
        (96, None),
        (100, None),
        (105, None),
        (106, "low"),
        (111, "low"),
        (112, "medium"),
        (142, "medium"),
        (143, "high"),
        (91, "low"),
        (90, "medium"),
    ],
)
def test_bands(value, severity):
    lamps = gpd.GeoDataFrame(
        {"id": [f"L{i}" for i in range(100)], "class_code": ["street_lamp", "0118"] * 50},
        geometry=[Point(*at(i, i)) for i in range(100)],
    )
    found = find(
        {
            "units": units(),
            "components": lamps,
            "totals": totals(("count", value, "盏", "c", "street_lamp")),
        }
    )
    assert found["severity"].tolist() == ([severity] if severity else [])


def test_exactly_at_a_limit_is_within():
    lamps = gpd.GeoDataFrame(
        {"id": [f"L{i}" for i in range(19)], "class_code": "street_lamp"},
        geometry=[Point(*at(i, i)) for i in range(19)],
    )
    tables = {"units": units(), "components": lamps}
    assert not len(find({**tables, "totals": totals(("count", 20, "", "c", "street_lamp"))}))
    tables["components"] = lamps[:9]
    assert find({**tables, "totals": totals(("count", 10, "", "c", "street_lamp"))})["severity"].tolist() == [
        "low"
    ]


def test_length_is_that_inside_the_area_on_the_ellipsoid():
    pipe = LineString([at(100, 50), at(300, 60), at(500, 60)])
    tables = {
        "units": units(),
        "pipes": gpd.GeoDataFrame({"id": ["P"], "class_code": ["JS"]}, geometry=[pipe]),
        "totals": totals(
            ("length", 1, "km", "w", "JS"), ("length", 1, "km", "e", "JS"), ("length", 400.2, "m", None, "JS")
        ),
    }
    rows = reconcile(Context(city_from_tables(tables, as_of=AS_OF), STANDARDS)).set_index("area_code")
    for code, outline in zip(("w", "e"), units().geometry[1:]):
        assert rows.recorded[code] == pytest.approx(ground_length(pipe.intersection(outline)), abs=0.003)
    assert rows.official["w"] == 1000
    assert rows.recorded["*"] == pytest.approx(ground_length(pipe), abs=0.002)
    assert rows.result["*"] == "match"


def test_stretches_of_overlapping_units_add_up():
    outlines = [box(*at(0, 0), *at(250, 200)), box(*at(150, 0), *at(400, 200))]
    tables = {
        "units": gpd.GeoDataFrame({"code": ["a", "b"], "level": "district"}, geometry=outlines),
        "pipes": gpd.GeoDataFrame(
            {"id": list("PQRS"), "class_code": "JS"},
            geometry=[
                LineString([at(-50, 5), at(450, 5)]),
                LineString([at(160, 5), at(240, 5)]),
                LineString([at(0, 300), at(10, 300)]),
                LineString([at(300, 5), at(420, 5), at(420, 9), at(300, 9)]),
            ],
        ),
    }
    context = Context(city_from_tables(tables, as_of=AS_OF), STANDARDS)
    parts = stretches("pipes", "district", context)
    found = {(line, unit): mm / 1000 for line, unit, mm in zip(*parts)}
    expected = {(0, 0): 250, (0, 1): 150, (0, -1): 100, (1, 0): 80, (2, -1): 10, (3, 1): 200, (3, -1): 44}
    assert set(found) == set(expected)
    assert found == pytest.approx(expected, rel=5e-4)


@pytest.mark.parametrize("seed", range(3))
def test_no_millimetre_is_lost_between_units(seed):
    context = Context(random_city(seed), STANDARDS)
    for role in ("pipes", "roads"):
        for level in ("city", "district", "subdistrict", "cell"):
            parts = stretches(role, level, context)
            whole = lengths_mm(role, context)
            assert (parts.mm > 0).all()
            summed = np.zeros(len(whole), dtype="int64")
            np.add.at(summed, parts.line, parts.mm)
            assert np.array_equal(summed, whole)


def test_duplicates_make_the_total_look_right_and_are_told():
    lines = [LineString([at(10, y), at(110, y)]) for y in (10, 20, 30)]
    tables = {
        "units": units(),
        "pipes": gpd.GeoDataFrame(
            {"id": ["A", "B", "C", "D", "E", "E"], "class_code": "JS"},
            geometry=[*lines, lines[0], *[LineString([at(10, 90), at(110, 90)])] * 2],
        ),
        "totals": totals(("length", 600, "m", "c", "JS")),
    }
    city = city_from_tables(tables, as_of=AS_OF)
    result = run_check(city, STANDARDS, rules=("D04", "D06"))
    assert result.findings["rule_id"].unique().tolist() == ["D04"]
    (row,) = reconcile(result.context).itertuples()
    assert (row.result, row.duplicates) == ("match", 2)
    assert row.duplicate_amount == pytest.approx(200, rel=1e-3)
    assert row.unexplained == pytest.approx(200, rel=5e-3)


def test_population_of_units_else_of_homes():
    homes = gpd.GeoDataFrame(
        {"id": ["a", "b", "c"], "residents": [30.0, None, 9.0]},
        geometry=[Point(*at(300, 9)), Point(*at(310, 9)), Point(*at(10, 9))],
    )
    tables = {
        "units": units(),
        "housing": homes,
        "totals": totals(("population", 50, "人", "w"), ("population", 0.01, "万", "e")),
    }
    rows = reconcile(Context(city_from_tables(tables, as_of=AS_OF), STANDARDS)).set_index("area_code")
    assert rows["recorded"].to_dict() == {"w": 50, "e": 30}
    assert rows["official"].to_dict() == {"w": 50, "e": 100}
    assert rows["without_amount"]["e"] == 1


def test_latest_total_counts_and_later_ones_are_ignored():
    lamps = gpd.GeoDataFrame({"id": ["L"], "class_code": "street_lamp"}, geometry=[Point(*at(1, 1))])
    days = [pd.Timestamp(f"{year}-01-01T00:00:00Z") for year in (2015, 2020, 2027)]
    rows = [("count", value, "", "c", "street_lamp", day) for value, day in zip((1, 2, 99), days)]
    tables = {
        "units": units(),
        "components": lamps,
        "totals": totals(*rows, ("count", 1, "", "c", "street_lamp")),
    }
    found = find(tables)
    assert found["measured"].tolist() == [0.5]
    assert found["key"].tolist() == ['["D06",["units:c"],"count:street_lamp"]']
    assert len(reconcile(Context(city_from_tables(tables, as_of=AS_OF), STANDARDS))) == 3


def test_what_can_not_be_compared_is_named():
    tables = {
        "units": units(),
        "housing": gpd.GeoDataFrame(
            {"id": ["H"]}, geometry=[Polygon([at(0, 0), at(9, 9), at(9, 0), at(0, 9)])]
        ),
        "totals": totals(
            ("floor_area", 5, "m2", "gone", "housing"),
            ("length", 5, "m", "c", "JS"),
            ("length", 5, "furlong", "c", "JS"),
            ("speed", 5, "", "c", "JS"),
            ("count", 0, "", "c", "housing"),
            ("count", 5, "", "c", "unicorn"),
            ("count", 5, "", "c"),
            ("floor_area", None, "m2", "c", "housing"),
            (None, 5, "m2", "c", "housing"),
        ),
    }
    outcome = run_check(city_from_tables(tables, as_of=AS_OF), STANDARDS, rules=("D06",))
    assert not len(outcome.findings)
    (run,) = [rule for rule in outcome.rules if rule.rule_id == "D06"]
    for words in ("code gone", "no pipes", "furlong", "'speed'", "no total over 0", "unicorn", "no class"):
        assert words in run.reason_text
    assert TOTAL_MISMATCH.missing(city_from_tables({"units": units()})) == "no totals given"


def test_totals_of_the_paper_are_for_all_of_shanghai_only():
    def rows(side):
        tables = {
            "units": gpd.GeoDataFrame(
                {"code": ["310000"], "level": ["city"]}, geometry=[box(0, 0, side, side)]
            ),
            "housing": gpd.GeoDataFrame(
                {"id": ["H"], "built_year": [1990.0], "floor_area_m2": [1.4e8]}, geometry=[Point(5, 5)]
            ),
        }
        return reconcile(Context(city_from_tables(tables, as_of=AS_OF), STANDARDS))

    assert len(rows(70_000)) == 0
    found = rows(71_000).set_index("class_code")
    assert found["result"].to_dict() == {"housing": "short", "old_housing": "match"}
    assert found["official"].to_dict() == {"housing": 1.2e9, "old_housing": 1.4e8}


def test_nonsense_does_not_stop_it():
    for seed in range(3):
        reconcile(Context(random_city(seed), STANDARDS))
    tables = {
        "units": units(),
        "housing": gpd.GeoDataFrame(
            {"id": list("abc"), "floor_area_m2": [1e300, -5.0, np.nan], "floors": [1.0, 1e300, -2.0]},
            geometry=[box(*at(0, 0), *at(9, 9)), box(*at(0, 0), *at(9, 9)), None],
        ),
        "totals": totals(("floor_area", 5, "m2", "c", "housing")),
    }
    assert find(tables)["severity"].tolist() == ["high"]
