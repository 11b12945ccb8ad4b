"""I04 against a brute-force oracle and hand-drawn cases."""

import geopandas as gpd
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import Point, Polygon, box

from citygap.engine.city import city_from_tables
from citygap.engine.context import Context
from citygap.engine.rules.inspection_time import POST_STORM_NEVER
from citygap.engine.standards import Standards, shipped_standards

AS_OF = pd.Timestamp("2026-07-01T23:59:59.999999+08:00").to_pydatetime()
HOUR = pd.Timedelta(hours=1)

# What stands there: role, class, year, grade; at x = 50 i.
THINGS = {
    "old": ("housing", 1990.0, None),
    "new": ("housing", 2010.0, "B"),
    "graded": ("housing", 2010.0, "C"),
    "viaduct": ("neglected", "under_viaduct"),
    "alley": ("neglected", "back_alley"),
    "leftover": ("neglected", "leftover"),
    "cover": ("components", "0103"),
    "lamp": ("components", "street_lamp"),
}
things = st.lists(st.sampled_from(sorted(THINGS)), min_size=1, max_size=5)
events = st.lists(
    st.fixed_dictionaries(
        {
            "kind": st.sampled_from(["rain", "wind", "crowd", None]),
            "level": st.sampled_from([None, "yellow", "orange", "red"]),
            "mm": st.sampled_from([None, 49.9, 50.0]),
            "area": st.sampled_from([None, (0, 0, 105, 20), (-5, 5, 5, 30)]),
            "end": st.sampled_from(["2026-06-20T12:00", "2026-06-28T23:59:59.999999", "2026-06-29T00:00"]),
        }
    ),
    min_size=1,
    max_size=2,
)
visits = st.lists(
    st.fixed_dictionaries(
        {
            "object": st.sampled_from([None, 0, 1]),
            "x": st.sampled_from([None, 5.0, 20.0, 20.5, 60.0]),
            "result": st.sampled_from([None, "no_access", "defect"]),
            "after": st.sampled_from([-40, -30, -24, 0, 0.1, 6, 6.1, 72, 72.1]),
        }
    ),
    max_size=4,
)


def end_of(event):
    return pd.Timestamp(f"{event['end']}+08:00")


def city_of(items, storms, seen):
    tables = {}
    for role in ("housing", "neglected", "components"):
        mine = [(i, THINGS[item]) for i, item in enumerate(items) if THINGS[item][0] == role]
        if not mine:
            continue
        data = {"id": [f"O{i}" for i, _ in mine]}
        if role == "housing":
            data |= {"built_year": [t[1] for _, t in mine], "danger_grade": [t[2] for _, t in mine]}
        else:
            data["kind" if role == "neglected" else "class_code"] = [t[1] for _, t in mine]
        tables[role] = gpd.GeoDataFrame(data, geometry=[box(50 * i, 0, 50 * i + 10, 10) for i, _ in mine])
    first = end_of(storms[0])
    tables["visits"] = gpd.GeoDataFrame(
        {
            "id": ["first", *(f"v{i}" for i in range(len(seen)))],
            "at": [pd.Timestamp("2026-01-01T12:00+08:00"), *(first + v["after"] * HOUR for v in seen)],
            "result": [None, *(v["result"] for v in seen)],
            "object_id": ["zz", *(None if v["object"] is None else f"O{v['object']}" for v in seen)],
        },
        geometry=[None, *(None if v["x"] is None else Point(v["x"], 5) for v in seen)],
    )
    tables["events"] = gpd.GeoDataFrame(
        {
            "id": [f"E{i}" for i in range(len(storms))],
            "kind": [storm["kind"] for storm in storms],
            "level": [storm["level"] for storm in storms],
            "rain_mm_24h": [storm["mm"] for storm in storms],
            "started_at": [end_of(storm) - 6 * HOUR for storm in storms],
            "ended_at": [end_of(storm) for storm in storms],
        },
        geometry=[None if storm["area"] is None else box(*storm["area"]) for storm in storms],
    )
    return city_from_tables(tables, as_of=AS_OF)


def run(city):
    return POST_STORM_NEVER.find(city, Context(city, Standards(shipped_standards(), AS_OF.date())))


def oracle(items, storms, seen):
    found = {}
    first = end_of(storms[0])
    for number, storm in enumerate(storms):
        crowd = storm["kind"] == "crowd"
        rain = storm["kind"] in ("rain", None) and storm["mm"] == 50.0
        if not (crowd or storm["level"] in ("orange", "red") or rain):
            continue
        end = end_of(storm)
        if end + (6 if crowd else 72) * HOUR > pd.Timestamp(AS_OF):
            continue
        for index, item in enumerate(items):
            role = THINGS[item][0]
            after_storm = item in ("old", "graded", "viaduct", "alley", "cover")
            asked = role != "housing" if crowd else after_storm
            shape = box(50 * index, 0, 50 * index + 10, 10)
            if storm["area"] is not None:
                asked &= box(*storm["area"]).intersects(shape.representative_point())
            if not asked:
                continue
            reached = False
            for visit in seen:
                at = first + visit["after"] * HOUR
                if visit["result"] == "no_access" or at > pd.Timestamp(AS_OF):
                    continue
                timely = end - 30 * HOUR <= at <= end + 6 * HOUR if crowd else end < at <= end + 72 * HOUR
                near = visit["x"] is not None and shape.distance(Point(visit["x"], 5)) <= 10
                mine = visit["object"] == index if visit["object"] is not None else near
                reached |= timely and mine
            if not reached:
                found[f"O{index}", f"E{number}"] = "high" if item in ("graded", "viaduct") else "medium"
    return found


@settings(max_examples=80, deadline=None)
@given(things, events, visits)
def test_agrees_with_the_oracle_on_random_cities(items, storms, seen):
    findings = run(city_of(items, storms, seen)).findings
    got = {
        (object_id, params["event"]): severity
        for object_id, params, severity in zip(*(findings[n] for n in ("object_id", "params", "severity")))
    }
    assert got == oracle(items, storms, seen)
    assert findings["measured"].isna().all()


STORM = {"kind": "rain", "level": "orange", "mm": None, "area": None, "end": "2026-06-20T12:00"}
CROWD = {**STORM, "kind": "crowd", "level": None}


def seen(after, **more):
    return {"object": 0, "x": None, "result": "ok", "after": after, **more}


@pytest.mark.parametrize(("after", "count"), [(0, 1), (0.001, 0), (72, 0), (72.001, 1), (-1, 1)])
def test_a_visit_counts_from_the_end_of_the_storm_for_72_hours(after, count):
    findings = run(city_of(["old"], [STORM], [seen(after)])).findings
    assert list(findings["key"]) == ['["I04",["housing:O0"],"E0"]'] * count
    if count:
        assert (findings["reference"].iat[0], findings["unit"].iat[0]) == (72.0, "h")
        assert findings["params"].iat[0] == {"event": "E0", "until": "2026-06-23"}
        assert findings["basis"].iat[0].startswith("PA236@1")


@pytest.mark.parametrize(("after", "count"), [(-30, 0), (-30.001, 1), (6, 0), (6.001, 1)])
def test_a_crowd_has_hours_of_its_own(after, count):
    assert len(run(city_of(["lamp"], [CROWD], [seen(after)])).findings) == count


def test_a_window_that_is_not_over_is_not_tested_and_said():
    late = {**STORM, "end": "2026-06-29T00:00"}
    outcome = run(city_of(["old"], [late], []))
    assert not len(outcome.findings)
    assert outcome.untested == ("not tested: 1 events whose hours are not over",)
    assert len(run(city_of(["old"], [{**late, "end": "2026-06-28T23:59:59.999999"}], [])).findings) == 1


def test_a_log_that_begins_only_after_the_storm_tells_nothing():
    city = city_of(["old"], [STORM], [])
    city.table("visits").loc[0, "at"] = pd.Timestamp("2026-06-24T12:00+08:00")
    findings = run(city).findings
    assert list(zip(findings["severity"], findings["data_state"])) == [("info", "unrecorded")]


def test_a_low_point_is_severe_where_a_column_says_so():
    city = city_of(["cover"], [STORM], [])
    assert list(run(city).findings["severity"]) == ["medium"]
    city.table("components")["low_point"] = "yes"
    assert list(run(city).findings["severity"]) == ["high"]


def test_bad_events_do_not_stop_it():
    city = city_of(["old", "alley"], [STORM] * 4, [])
    table = city.table("events")
    table.loc[0, "ended_at"] = pd.NaT
    table.loc[1, "level"] = None
    bow = Polygon([(-5, -5), (20, 20), (20, -5), (-5, 20)])
    table["geometry"] = gpd.GeoSeries([None, None, bow, Point(float("nan"), 0).buffer(1)])
    table.loc[3, "geometry"] = Polygon([(0, 0), (1, float("nan")), (1, 1)])
    outcome = run(city)
    # The old house lies in the right wing of the bow.
    assert set(outcome.findings["params"].map(lambda p: p["event"])) <= {"E2"}
    assert outcome.untested == (
        "not tested: 1 events without level, 1 events without start or end, 1 events whose area is no number",
    )


def test_not_run_without_visits_or_events():
    city = city_from_tables({"housing": gpd.GeoDataFrame({"id": ["H"]}, geometry=[box(0, 0, 1, 1)])})
    assert POST_STORM_NEVER.missing(city) == "no visits and no events given"
