"""A whole run: which rules ran and why not, steps, areas, windows, cancelling, rows for the store."""

import geopandas as gpd
import pandas as pd
import pytest
import shapely
from random_city import random_city
from shapely.geometry import LineString, box

from citygap.engine import check as whole_check
from citygap.engine import city as tables
from citygap.engine.check import run_check
from citygap.engine.city import city_from_tables
from citygap.engine.processes import CAN_FORK
from citygap.engine.registry import RULES
from citygap.engine.rows import to_rows
from citygap.engine.standards import Standards, shipped_standards
from citygap.model.catalogue import catalogue
from citygap.model.errors import Cancelled
from citygap.model.identity import gap_id


def check(city, **options):
    return run_check(city, Standards(shipped_standards(), city.as_of.date()), **options)


def two_houses(**more):
    """One old house in the west of the city, one in its fringe in the east."""
    housing = gpd.GeoDataFrame(
        {"id": ["W", "E"], "built_year": [1990.0, 1990.0], "use": ["residential"] * 2},
        geometry=[box(40, 40, 50, 50), box(240, 40, 250, 50)],
    )
    units = gpd.GeoDataFrame(
        {
            "code": ["c", "w", "e"],
            "level": ["city", "district", "district"],
            "zone_type": [None, "core", "fringe"],
        },
        geometry=[box(0, 0, 300, 100), box(0, 0, 150, 100), box(150, 0, 300, 100)],
    )
    return city_from_tables({"housing": housing, "units": units, **more})


def test_every_rule_of_the_catalogue_is_registered_once():
    assert sorted(rule.rule_id for rule in RULES) == sorted(catalogue())


def test_a_rule_without_its_inputs_is_not_run_and_says_why():
    rules = {run.rule_id: run for run in check(two_houses()).rules}
    assert rules["A02"].status == "run"
    assert (rules["I02"].status, rules["I02"].reason_code, rules["I02"].reason_text) == (
        "not_run",
        "missing_input",
        "no visits given",
    )


def test_rules_not_asked_for_do_not_run():
    result = check(two_houses(), rules=["A02"])
    assert {run.reason_code for run in result.rules if run.rule_id != "A02"} == {"not_asked"}
    assert set(result.findings["rule_id"]) == {"A02"}


def test_a_fringe_raises_severity_one_step_and_says_so():
    findings = check(two_houses(), rules=["A02"]).findings.set_index("object_id")
    assert findings.loc["W", "severity"] == "low"
    assert findings.loc["E", "severity"] == "medium"
    assert findings.loc["E", "params"]["step"] == ["fringe"]
    assert "step" not in findings.loc["W", "params"]


def test_area_and_cell_are_those_that_hold_the_finding():
    findings = check(two_houses(), rules=["A02"]).findings.set_index("object_id")
    assert findings.loc["W", ["area_code", "cell_code"]].tolist() == ["w", "XA000000000000"]
    assert findings.loc["E", ["area_code", "cell_code"]].tolist() == ["e", "XA000002000000"]


def test_a_window_keeps_what_its_owners_anchor_lies_in_half_open():
    city = two_houses()
    west, east = box(0, 0, 245, 100), box(245, 0, 300, 100)
    both = [set(check(city, rules=["A02"], window=part).findings["object_id"]) for part in (west, east)]
    assert both == [{"W"}, {"E"}]


def test_findings_of_the_windows_are_those_of_the_whole():
    city = two_houses()
    whole = set(check(city).findings.query("object_role != 'units'")["key"])
    parts = [check(city, window=box(x, 0, x + 100, 100)).findings["key"] for x in (0, 100, 200)]
    assert whole == set(pd.concat(parts))


@pytest.mark.skipif(not CAN_FORK, reason="this system can't fork")
def test_processes_find_what_one_finds(monkeypatch):
    monkeypatch.setattr(whole_check, "_WORTH_ROWS", 0)
    city = random_city(3)
    alone, together = check(city), check(city, processes=2)
    assert list(to_rows(together.findings, city)) == list(to_rows(alone.findings, city))
    assert together.rules == alone.rules


def test_what_is_looked_at_part_by_part_says_what_the_whole_says(monkeypatch):
    city = random_city(4)
    whole = list(to_rows(check(city, rules=["R01", "R02", "P01", "I01"]).findings, city))
    monkeypatch.setattr(tables, "_AT_ONCE", 3)
    assert list(to_rows(check(city, rules=["R01", "R02", "P01", "I01"]).findings, city)) == whole != []


def test_rules_that_read_one_anothers_findings_or_share_a_family_are_one_group():
    groups = [{rule.rule_id for rule in group} for group in whole_check._groups(RULES)]
    assert [sum(rule.rule_id in group for group in groups) for rule in RULES] == [1] * len(RULES)
    for group in groups:
        for rule in RULES:
            if rule.rule_id in group:
                assert group.issuperset(rule.reads)
                assert group.issuperset(
                    {other.rule_id for other in RULES if other.rule_id[0] == rule.rule_id[0]}
                )


def test_cancelling_stops_the_run():
    with pytest.raises(Cancelled):
        check(two_houses(), is_cancelled=lambda: True)


def test_progress_never_falls_and_ends_at_one():
    shares = []
    check(two_houses(), on_progress=lambda stage, rule, done, of, share: shares.append(share))
    assert shares == sorted(shares) and shares[-1] == 1.0


def test_rows_for_the_store_hold_no_pandas_nulls():
    rows = list(to_rows(check(two_houses()).findings, two_houses()))
    assert rows
    for row in rows:
        assert all(value is None or value == value for value in row)
        assert row.wkb is None or shapely.from_wkb(row.wkb).bounds == pytest.approx(row.bounds)
        assert gap_id(row.rule_id, row.key).startswith(row.rule_id)


def test_equal_cities_give_equal_rows():
    assert list(to_rows(check(two_houses()).findings, two_houses())) == list(
        to_rows(check(two_houses()).findings, two_houses())
    )


def test_nonsense_never_stops_a_run():
    nan = float("nan")
    housing = gpd.GeoDataFrame(
        {
            "id": ["a", "b", "c", "d", None],
            "built_year": [-5.0, 3000.0, 0.0, nan, nan],
            "use": [None] * 5,
            "danger_grade": ["Z", "", None, "D", None],
            "owner": ["", None, "无", "x", None],
            "last_repair_date": [None] * 5,
        },
        geometry=[
            None,
            shapely.from_wkt("POLYGON EMPTY"),
            shapely.from_wkt("POLYGON ((0 0, 10 10, 10 0, 0 10, 0 0))"),
            shapely.polygons([[0, 0], [nan, nan], [2, 0], [0, 0]]),
            box(0, 0, 5, 5),
        ],
    )
    pipes = gpd.GeoDataFrame(
        {"id": ["p", "p", "q"], "class_code": ["JS", None, "??"], "diameter_mm": [0.0, -1.0, nan]},
        geometry=[LineString([(0, 0), (0, 0)]), None, LineString([(0, 0), (5, 5)])],
    )
    roads = gpd.GeoDataFrame(
        {"id": ["r"], "highway": ["residential"]}, geometry=[LineString([(0, 0), (90, 0)])]
    )
    visits = gpd.GeoDataFrame({"id": ["v"], "at": [pd.NaT]}, geometry=[None])
    city = city_from_tables({"housing": housing, "pipes": pipes, "roads": roads, "visits": visits})
    result = check(city)
    unrun = {run.rule_id for run in result.rules if run.status != "run"}
    assert all(run.reason_code == "missing_input" for run in result.rules if run.rule_id in unrun)
    assert not unrun & {"D01", "D02", "N02", "N05", "A02", "S01", "I02", "I05", "R01"}
    assert list(to_rows(result.findings, city))


def test_a_window_owns_an_id_used_twice_as_the_whole_city_does():
    housing = gpd.GeoDataFrame(
        {"id": ["twin", "twin"], "danger_grade": ["C", "D"]},
        geometry=[box(40, 40, 50, 50), box(240, 40, 250, 50)],
    )
    city = city_from_tables({"housing": housing})
    (whole,) = to_rows(check(city, rules=["A02"]).findings, city)
    windows = [box(0, 0, 150, 100), box(150, 0, 300, 100)]
    (part,) = [row for w in windows for row in to_rows(check(city, rules=["A02"], window=w).findings, city)]
    assert part == whole
    assert shapely.from_wkb(part.wkb).geom_type == "MultiPolygon"


def test_rows_name_the_sources_of_their_objects_where_a_role_has_several():
    housing = gpd.GeoDataFrame(
        {"id": ["a", "b", "both", "both"], "danger_grade": "D", "source_name": ["A", "B", "B", "A"]},
        geometry=[box(x, 0, x + 5, 5) for x in (0, 10, 20, 30)],
    )
    city = city_from_tables({"housing": housing})
    rows = {row.object_id: row.sources for row in to_rows(check(city, rules=["D01", "A02"]).findings, city)}
    assert rows["a"] == {"housing": ("A",)}
    assert rows["both"] == {"housing": ("A", "B")}
    assert rows["*"] == {}
    one = city_from_tables({"housing": housing.assign(source_name="A")})
    assert {tuple(row.sources) for row in to_rows(check(one).findings, one)} == {()}


def test_codes_of_a_place_are_those_that_a_finding_there_gets():
    places = [shapely.to_wkb(shapely.Point(x, 45)) for x in (45, 245, 900)]
    codes = check(two_houses(), rules=[]).codes_of(places)
    assert codes == [("w", "XA000000000000"), ("e", "XA000002000000"), (None, None)]
