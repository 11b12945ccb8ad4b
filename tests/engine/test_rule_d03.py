"""D03 against a brute-force oracle and hand-drawn cases."""

from datetime import timedelta

import geopandas as gpd
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import LineString, Point, box

from citygap.engine.city import city_from_tables
from citygap.engine.context import Context
from citygap.engine.rules.data_quality import STALE_RECORD
from citygap.engine.standards import Standard, Standards, shipped_standards

AS_OF = pd.Timestamp("2026-07-01T23:59:59.999999+08:00")
# Ages on and just beside each limit; T minus a whole number of days is the end of that day.
AGES = [0, 364, 365, 365.01, 730, 730.01, 1460, 1460.01, 9000, -3, None]


def day(age):
    return None if age is None else AS_OF - timedelta(days=age)


def city_of(records, without=()):
    """Pipes as (source, updated_on age, captured_on age); `without`: pairs of source and column."""
    frames = []
    for source in sorted({record[0] for record in records}):
        mine = [(at, record) for at, record in enumerate(records) if record[0] == source]
        data = {"id": [f"P{at}" for at, _ in mine], "class_code": "JS", "source_name": source}
        for place, name in ((1, "updated_on"), (2, "captured_on")):
            if (source, name) not in without:
                data[name] = [day(record[place]) for _, record in mine]
        shapes = [LineString([(at, 0), (at, 5)]) for at, _ in mine]
        frames.append(gpd.GeoDataFrame(data, geometry=shapes))
    city = city_from_tables({"pipes": pd.concat(frames, ignore_index=True)}, as_of=AS_OF.to_pydatetime())
    for source in city.tables["pipes"]["source_name"].unique():
        gone = frozenset(name for owner, name in without if owner == source)
        city.lacking["pipes"][source] = gone
    return city


def outcome(city, extra=()):
    return STALE_RECORD.find(city, Context(city, Standards((*shipped_standards(), *extra), AS_OF.date())))


def oracle(records, without):
    found = {}
    for at, (source, updated, captured) in enumerate(records):
        if (source, "updated_on") not in without:
            age = updated
        elif (source, "captured_on") not in without:
            age = captured
        else:
            continue
        if age is None or age < 0:
            found[f"P{at}"] = ("high", None, "unrecorded")
        elif age > 365:
            severity = "low" if age <= 2 * 365 else "medium" if age <= 4 * 365 else "high"
            found[f"P{at}"] = (severity, pytest.approx(age), "known")
    return found


records = st.lists(
    st.tuples(st.sampled_from("ab"), st.sampled_from(AGES), st.sampled_from(AGES)), min_size=1, max_size=8
)
columns = st.sets(st.tuples(st.sampled_from("ab"), st.sampled_from(["updated_on", "captured_on"])))


@settings(max_examples=80, deadline=None)
@given(records, columns)
def test_agrees_with_the_oracle_on_random_records(given_records, without):
    result = outcome(city_of(given_records, without))
    found = {
        row.object_id: (row.severity, None if row.measured != row.measured else row.measured, row.data_state)
        for row in result.findings.itertuples()
    }
    assert found == oracle(given_records, without)
    untested = [source for source, *_ in given_records if {(source, c) for c in COLUMNS} <= without]
    assert bool(untested) == bool(result.untested)


COLUMNS = ("updated_on", "captured_on")


def test_the_key_names_the_object_and_the_basis_the_row():
    (row,) = outcome(city_of([("a", 400, None)])).findings.itertuples()
    assert (row.key, row.reference, row.unit) == ('["D03",["pipes:P0"],""]', 365.0, "d")
    assert row.basis.startswith("II037@1")  # the row of activity record_update that is for pipes


def test_a_narrower_row_comes_before_a_wider_one_even_if_it_allows_more():
    def allow(number, object_class, value):
        return Standard(number, "record_update", object_class, value=value, unit="day", use="record")

    rows = [allow("X1", "pipes:JS", "500"), allow("X2", "*", "10")]
    assert not len(outcome(city_of([("a", 400, None)]), rows).findings)
    (row,) = outcome(city_of([("a", 501, None)]), rows).findings.itertuples()
    assert (row.severity, row.reference) == ("low", 500.0)
    (row,) = outcome(city_of([("a", 41, None)]), [allow("X3", "pipes:JS", "10")]).findings.itertuples()
    assert row.severity == "high"


def test_a_row_from_memory_allows_nothing():
    row = Standard("X", "record_update", "pipes:JS", value="1", unit="day", use="record", confidence="memory")
    assert not len(outcome(city_of([("a", 300, None)]), [row]).findings)


def test_roads_have_no_date_and_are_named_as_untested():
    roads = gpd.GeoDataFrame({"id": ["r"]}, geometry=[LineString([(0, 0), (9, 0)])])
    points = gpd.GeoDataFrame(
        {"id": ["n"], "class_code": ["JS"], "captured_on": [day(800)]}, geometry=[Point(0, 0)]
    )
    city = city_from_tables({"roads": roads, "pipe_points": points}, as_of=AS_OF.to_pydatetime())
    result = outcome(city)
    assert list(zip(result.findings["object_id"], result.findings["severity"])) == [("n", "medium")]
    assert result.untested == ("1 roads from a layer without updated_on or captured_on: not tested",)


def test_missing_input_is_named():
    bare = city_from_tables({"housing": gpd.GeoDataFrame({"id": ["h"]}, geometry=[box(0, 0, 1, 1)])})
    assert STALE_RECORD.missing(bare) == "no object layer has updated_on or captured_on"
    assert STALE_RECORD.missing(city_from_tables({})) == "no object layer given"
    assert STALE_RECORD.missing(city_of([("a", 1, 1)])) is None


def test_a_record_without_a_place_has_a_date_all_the_same():
    pipes = gpd.GeoDataFrame({"id": ["p"], "class_code": ["JS"], "updated_on": [None]}, geometry=[None])
    (row,) = outcome(city_from_tables({"pipes": pipes})).findings.itertuples()
    assert (row.severity, row.params) == ("high", {"no_date": True})
