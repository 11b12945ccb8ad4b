"""A01 against a plain reading of the rows of ageing.csv, and hand-drawn cases."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import LineString

from citygap.engine.city import city_from_tables
from citygap.engine.context import Context
from citygap.engine.rules.ageing import AGED_PIPE
from citygap.engine.standards import Standards, shipped_standards

AS_OF = pd.Timestamp("2026-07-01T23:59:59.999999+08:00").to_pydatetime()
STANDARDS = Standards(shipped_standards(), AS_OF.date())
RANK = ("info", "low", "medium", "high")
DAY = pd.Timestamp("2024-01-01T12:00:00+08:00")
LATER = pd.Timestamp("2027-01-01T12:00:00+08:00")

pipe = st.fixed_dictionaries(
    {
        "class_code": st.sampled_from(["RQ", "JS", "PS", "RL", "DL", "TX", "HY"]),
        # at the age of each row, and a year to either side
        "laid_year": st.sampled_from(
            [None, 0.0, 1975.0, 1976.0, 1977.0, 1996.0, 1997.0, 2006.0, 2007.0, 2020.0]
        ),
        "material_code": st.sampled_from([None, "HT", "QM", "G", "PE", "T", "SM", "GT", "/"]),
        "assessed_on": st.sampled_from([None, DAY, LATER]),
        "hazard_found": st.sampled_from([None, True, False]),
        "joint": st.sampled_from([None, "plain_butt"]),
    }
)


def city_of(pipes, *columns):
    frame = pd.DataFrame({name: [item[name] for item in pipes] for name in columns})
    frame["id"] = [f"P{i}" for i in range(len(pipes))]
    lines = [LineString([(i * 10, 0), (i * 10 + 5, 0)]) for i in range(len(pipes))]
    return city_from_tables({"pipes": gpd.GeoDataFrame(frame, geometry=lines)}, as_of=AS_OF)


def run(city):
    found = AGED_PIPE.find(city, Context(city, STANDARDS)).findings
    return {row.object_id: row for row in found.itertuples()}


def oracle(item):
    """Severity and row of a pipe, by the words of ageing.csv."""
    year = item["laid_year"] if item["laid_year"] else None
    material = item["material_code"] if item["material_code"] not in (None, "/") else None
    if material == "PE" and year is not None and year < 1980 and item["class_code"] in ("RQ", "JS"):
        year = material = None  # not plausible (D02), so neither counts
    age = None if year is None else 2026 - year
    assessed = item["assessed_on"] is not None and item["assessed_on"] != LATER
    hazard = item["hazard_found"] is True
    old = {limit: age is not None and age >= limit for limit in (20, 30, 40, 50)}
    tests = {
        "RQ": [
            ("AG001", "high", material == "HT"),
            ("AG002", "high", material == "QM" and hazard),
            ("AG003", "high", old[20] and material in ("G", "PE") and hazard),
            ("AG004", "medium", old[20] and material in ("G", "PE") and not assessed),
            ("AG005", "high", age is not None and age < 20 and material in ("G", "PE") and hazard),
            ("AG006", "medium", material == "QM" and not assessed),
        ],
        "JS": [
            ("AG012", "high", material in ("T", "SM")),
            ("AG014", "high", old[30] and hazard),
            ("AG048", "medium", old[30] and not assessed),
        ],
        "PS": [
            ("AG018", "high", material == "T" and item["joint"] == "plain_butt"),
            ("AG020", "medium", old[50]),
        ],
        "DL": [("AG023", "medium", old[30])],
        "TX": [("AG024", "medium", old[30])],
        "HY": [("AG025", "medium", old[20])],
    }
    fitting = [(row, word) for row, word, fits in tests.get(item["class_code"], []) if fits]
    if year is None or material is None:
        fitting.append(("AG026", "info"))
    return fitting


@settings(max_examples=80, deadline=None)
@given(st.lists(pipe, min_size=1, max_size=6))
def test_agrees_with_the_rows_read_plainly(pipes):
    rows = run(city_of(pipes, *pipes[0]))
    on = {row.standard_id for row in STANDARDS.named("A01")}
    for number, item in enumerate(pipes):
        expected = [pair for pair in oracle(item) if pair[0] in on]
        row = rows.get(f"P{number}")
        assert (row is not None) == bool(expected)
        if expected:
            severest = max((word for _, word in expected), key=RANK.index)
            assert row.severity == severest
            assert sorted(row.params["rows"]) == sorted(name for name, _ in expected)
            assert (row.data_state == "unrecorded") == (severest == "info")


def test_a_pipe_without_year_is_unrecorded_and_not_young():
    young = {"class_code": "JS", "laid_year": 2020.0, "material_code": "PE"}
    unknown = {**young, "laid_year": None}
    rows = run(city_of([young, unknown], "class_code", "laid_year", "material_code"))
    assert set(rows) == {"P1"}
    assert (rows["P1"].severity, rows["P1"].data_state) == ("info", "unrecorded")


def test_twenty_years_of_steel_gas_pipe_without_assessment_is_due():
    pipes = [
        {"class_code": "RQ", "laid_year": year, "material_code": "G"} for year in (2005.0, 2006.0, 2007.0)
    ]
    rows = run(city_of(pipes, "class_code", "laid_year", "material_code"))
    assert {name: row.severity for name, row in rows.items()} == {"P0": "medium", "P1": "medium"}


def test_age_and_value_are_told_where_the_row_has_a_number():
    cable = {"class_code": "DL", "laid_year": 1990.0, "material_code": "PE"}
    (row,) = run(city_of([cable], "class_code", "laid_year", "material_code")).values()
    assert (row.measured, row.reference, row.unit) == (36.0, 30.0, "a")


def test_without_a_year_column_nothing_is_unrecorded_by_year():
    rows = run(city_of([{"class_code": "DL", "material_code": "PE"}], "class_code", "material_code"))
    assert rows == {}


@pytest.mark.parametrize("year", [-5.0, 3000.0, np.inf])
def test_an_impossible_year_counts_as_unrecorded(year):
    pipes = [{"class_code": "DL", "laid_year": year, "material_code": "PE"}]
    (row,) = run(city_of(pipes, "class_code", "laid_year", "material_code")).values()
    assert row.data_state == "unrecorded"


def test_asks_for_year_or_material():
    city = city_of([{"class_code": "DL"}], "class_code")
    assert AGED_PIPE.missing(city) == "no pipes with laid_year or material_code given"
