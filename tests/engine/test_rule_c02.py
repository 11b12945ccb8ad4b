"""C02 against brute force, pair by pair, and hand-drawn cases."""

from dataclasses import replace

import geopandas as gpd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import LineString, Point, box

from citygap.engine.city import city_from_tables
from citygap.engine.context import Context
from citygap.engine.rules.clearance import CLEARANCE_BELOW_REFERENCE
from citygap.engine.standards import Standards, shipped_standards

ACCURACY = {"A": 0.5, "B": 1.0}
HOUSE = box(0, 0, 10, 10)
pipe = st.fixed_dictionaries(
    {
        "class_code": st.sampled_from(["JS", "PS", "RQ"]),
        "kind_code": st.sampled_from([None, "WS", "JP", "ZS"]),
        "diameter_mm": st.sampled_from([None, 200.0, 300.0, 1000.0]),
        "pressure_grade": st.sampled_from([None, "low", "medium_A"]),
        "burial_method": st.sampled_from([None, "direct", "overhead"]),
        "accuracy_grade": st.sampled_from([None, "A", "B"]),
        "away": st.sampled_from([0.4, 1.0, 1.25, 1.5, 1.9, 2.0, 2.4, 2.5, 2.65, 3.0, 3.15, 3.2, 3.5, 4.0]),
    }
)


def city_of(pipes, drop=()):
    names = [name for name in pipes[0] if name not in ("away", *drop)]
    lines = [LineString([(-40, 10 + item["away"]), (40, 10 + item["away"])]) for item in pipes]
    return city_from_tables(
        {
            "pipes": gpd.GeoDataFrame(
                {
                    "id": [f"P{i}" for i in range(len(pipes))],
                    **{name: [item[name] for item in pipes] for name in names},
                },
                geometry=lines,
            ),
            "housing": gpd.GeoDataFrame({"id": ["H"]}, geometry=[HOUSE]),
        }
    )


def standards(all_on):
    return [
        replace(row, confidence="secondary") if all_on and row.rule_or_activity == "C02" else row
        for row in shipped_standards()
    ]


def run(city, all_on=False):
    context = Context(city, Standards(standards(all_on), city.as_of.date()))
    outcome = CLEARANCE_BELOW_REFERENCE.find(city, context)
    return {row.object_id: row for row in outcome.findings.itertuples()}, outcome.untested


def references(item, all_on):
    """Values that fit for sure, and those that would fit with the right value in an empty cell."""
    kind, diameter, grade = item["kind_code"], item["diameter_mm"], item["pressure_grade"]
    rows = []
    if item["class_code"] == "PS":
        rows.append((2.5, kind in ("YS", "WS", "HS"), kind is None))
    if item["class_code"] == "JS":
        rows.append((3.0, diameter is not None and diameter > 200, diameter is None))
        if all_on:
            rows.append((1.0, diameter is not None and diameter <= 200, diameter is None))
            rows.append((1.0, kind == "ZS", kind is None))
    if item["class_code"] == "RQ" and all_on:
        rows.append((0.7, grade == "low", grade is None))
        rows.append((1.5, grade == "medium_A", grade is None))
        rows += [(value, False, grade is None) for value in (1.0, 5.0, 13.5)]
    return [v for v, fit, _ in rows if fit], [v for v, fit, open_ in rows if fit or open_]


def oracle(pipes, all_on):
    found = {}
    for number, item in enumerate(pipes):
        item = dict(item)
        # a kind of another class is not plausible (D02), so it counts as empty
        kinds = {"PS": ("WS",), "JS": ("JP", "ZS"), "RQ": ()}[item["class_code"]]
        item["kind_code"] = item["kind_code"] if item["kind_code"] in kinds else None
        if item["class_code"] == "PS" and item["diameter_mm"] == 200:
            item["diameter_mm"] = None  # too thin for a foul sewer (D02)
        if item["class_code"] != "RQ":
            item["pressure_grade"] = None
        sure, open_ = references(item, all_on)
        if item["burial_method"] == "overhead" or not (sure or open_):
            continue
        value = max(sure) if sure else max(open_)
        known = bool(sure) and item["diameter_mm"] is not None
        half = item["diameter_mm"] / 2000 if known else 0
        distance = item["away"] - half + ACCURACY.get(item["accuracy_grade"], 0)
        if distance >= value - 1e-6:
            continue
        shortfall = (value - distance) / value
        severity = "low" if shortfall < 0.25 - 1e-9 else "medium" if shortfall < 0.5 - 1e-9 else "high"
        found[f"P{number}|H"] = (
            severity if known else "info",
            "known" if known else "unrecorded",
            pytest.approx(distance),
            value,
        )
    return found


@settings(max_examples=120, deadline=None)
@given(st.lists(pipe, min_size=1, max_size=5), st.booleans())
def test_agrees_with_every_pair_looked_at(pipes, all_on):
    rows, _ = run(city_of(pipes), all_on)
    found = {name: (row.severity, row.data_state, row.measured, row.reference) for name, row in rows.items()}
    assert found == oracle(pipes, all_on)


FOUL = {"class_code": "PS", "kind_code": "WS", "diameter_mm": 400.0, "burial_method": "direct"}


def test_a_foul_sewer_a_metre_from_a_house():
    rows, _ = run(city_of([{**FOUL, "away": 1.0}]))
    row = rows["P0|H"]
    assert (row.severity, row.measured, row.reference) == ("high", pytest.approx(0.8), 2.5)
    assert row.geometry.length == pytest.approx(1.0) and "CL001" in row.basis


@pytest.mark.parametrize(("away", "count"), [(2.69, 1), (2.7, 0), (2.71, 0)])
def test_at_the_reference_nothing_is_short(away, count):
    assert len(run(city_of([{**FOUL, "away": away}]))[0]) == count


def test_without_a_kind_column_no_row_fits():
    assert run(city_of([{**FOUL, "away": 1.0}], drop=("kind_code",)))[0] == {}


def test_rows_without_a_value_are_counted():
    assert run(city_of([{**FOUL, "away": 1.0}]))[1] == ("1 reference without value: not tested",)


def test_what_c01_speaks_of_and_connections_are_left_out():
    lines = {
        "through": LineString([(-20, 5), (30, 5)]),
        "connection": LineString([(5, 9.5), (5, 15)]),
        "grazing": LineString([(-20, 10), (0.5, 10), (0.5, 30)]),
    }
    city = city_from_tables(
        {
            "pipes": gpd.GeoDataFrame(
                {"id": list(lines), **{name: [value] * 3 for name, value in FOUL.items()}},
                geometry=list(lines.values()),
            ),
            "housing": gpd.GeoDataFrame({"id": ["H", "point"]}, geometry=[HOUSE, Point(5, 12)]),
        }
    )
    rows, _ = run(city)
    assert set(rows) == {"grazing|H"} and rows["grazing|H"].measured == pytest.approx(-0.2)


def test_asks_for_diameters():
    city = city_of([{**FOUL, "away": 1.0}], drop=("diameter_mm",))
    assert CLEARANCE_BELOW_REFERENCE.missing(city) == "no diameter_mm of pipes given"
