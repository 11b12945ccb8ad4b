"""I01 against a brute-force oracle and hand-drawn cases."""

from dataclasses import replace

import geopandas as gpd
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import LineString, Point, box

from citygap.engine.city import city_from_tables
from citygap.engine.context import Context
from citygap.engine.rules.inspection import NEVER_INSPECTED
from citygap.engine.rules.inspection_time import INSPECTION_OVERDUE
from citygap.engine.standards import Standards, shipped_standards

AS_OF = pd.Timestamp("2026-07-01T23:59:59.999999+08:00").to_pydatetime()
US = pd.Timedelta(microseconds=1)
DAY = pd.Timedelta(days=1)

KINDS = ["house", "graded", "cable", "drain", "alley", "cover"]
DUE = {
    "house": {"walk_round_patrol": 365.0},
    "graded": {"watch_visit": 30.0},
    "cable": {"patrol": 90.0},
    "drain": {"survey": 1825.0},
    "alley": {"patrol_day": 7.0, "patrol_night": 30.0},
    "cover": {"look_at_cover": 30.0},
}
PATROLS = {"patrol", "patrol_day", "patrol_night", "walk_round_patrol", "watch_visit", "look_at_cover"}

things = st.lists(
    st.tuples(st.sampled_from(KINDS), st.sampled_from([1960.0, 1994.0, 2024.0, 2025.0, 2026.0])),
    min_size=1,
    max_size=5,
)
visits = st.lists(
    st.fixed_dictionaries(
        {
            "activity": st.sampled_from(
                ["patrol", *sorted(PATROLS - {"patrol"}), "survey", "cleaning", None]
            ),
            "object": st.sampled_from([None, None, 0, 1, 2]),
            "x": st.sampled_from([None, 5.0, 20.0, 20.5, 60.0, 105.0]),
            "result": st.sampled_from([None, "ok", "no_access"]),
            # Days before T, exactly and a microsecond off: 1, 1.5 and 3 intervals of those above.
            "days": st.sampled_from([0.2, 7, 10.5, 21, 30, 45, 90, 135, 270, 365, 547.5, 800]),
            "off": st.sampled_from([-1, 0, 1]),
        }
    ),
    min_size=1,
    max_size=6,
)


def moment(visit):
    return pd.Timestamp(AS_OF) - visit["days"] * DAY - visit["off"] * US


def shape_of(kind, index):
    x = 50 * index
    if kind in ("cable", "drain"):
        return LineString([(x, 0), (x + 10, 10)])
    return box(x, 0, x + 10, 10)


def city_of(items, seen):
    roles = {
        "house": "housing",
        "graded": "housing",
        "cable": "pipes",
        "drain": "pipes",
        "alley": "neglected",
    }
    tables = {}
    for role in ("housing", "pipes", "neglected", "components"):
        mine = [(i, *item) for i, item in enumerate(items) if roles.get(item[0], "components") == role]
        if not mine:
            continue
        data = {"id": [f"O{i}" for i, _, _ in mine]}
        if role == "housing":
            data["built_year"] = [year for _, _, year in mine]
            data["danger_grade"] = ["C" if kind == "graded" else None for _, kind, _ in mine]
        elif role == "pipes":
            data["laid_year"] = [year for _, _, year in mine]
            data["class_code"] = ["DL" if kind == "cable" else "PS" for _, kind, _ in mine]
        else:
            word = "back_alley" if role == "neglected" else "0103"
            data["kind" if role == "neglected" else "class_code"] = [word] * len(mine)
        tables[role] = gpd.GeoDataFrame(data, geometry=[shape_of(kind, i) for i, kind, _ in mine])
    tables["visits"] = gpd.GeoDataFrame(
        {
            "id": [f"v{i}" for i in range(len(seen))],
            "at": [moment(visit) for visit in seen],
            "activity": [visit["activity"] for visit in seen],
            "result": [visit["result"] for visit in seen],
            "object_id": [None if v["object"] is None else f"O{v['object']}" for v in seen],
        },
        geometry=[None if v["x"] is None else Point(v["x"], 5) for v in seen],
    )
    return city_from_tables(tables, as_of=AS_OF)


def context_of(city, **values):
    rows = [replace(row, value=values.get(row.standard_id, row.value)) for row in shipped_standards()]
    return Context(city, Standards(rows, AS_OF.date()))


def run(city, **values):
    return INSPECTION_OVERDUE.find(city, context_of(city, **values)).findings


def due_of(kind, year):
    due = dict(DUE[kind])
    if kind == "house" and year > 2000:
        return {}
    if kind == "drain" and 2026 - year <= 30:
        return {}
    return due


def serves(visit, wanted):
    name = visit["activity"]
    if name is None:
        return wanted != "survey"
    if name == "patrol":
        hour = moment(visit).hour
        dark = (hour >= 19 or hour < 6) and (moment(visit) + US).time() != pd.Timestamp("00:00").time()
        name = "patrol_night" if dark else "patrol_day"
    return name == wanted or (wanted == "patrol" and name in ("patrol_day", "patrol_night"))


def oracle(items, seen):
    now = pd.Timestamp(AS_OF)
    past = [visit for visit in seen if moment(visit) <= now]
    start = min((moment(visit) for visit in past), default=None)
    found = {}
    for index, (kind, year) in enumerate(items):
        due = due_of(kind, year)
        reached = []
        for visit in past:
            if visit["result"] == "no_access":
                continue
            near = visit["x"] is not None and shape_of(kind, index).distance(Point(visit["x"], 5)) <= 10
            if visit["object"] == index or (
                visit["object"] is None and near and any(serves(visit, name) for name in due)
            ):
                reached.append((visit, None))
        if not reached:
            continue
        for name, days in due.items():
            last = max((moment(visit) for visit, _ in reached if serves(visit, name)), default=None)
            since = last
            if last is None:
                since = start
                if kind in ("house", "graded", "cable", "drain"):
                    end = pd.Timestamp(year=int(year), month=12, day=31, tz="Asia/Shanghai") + DAY - US
                    since = max(start, min(end, now))
            passed = now - since
            if passed > 3 * days * DAY:
                found[f"O{index}", name] = "high"
            elif passed > 1.5 * days * DAY:
                found[f"O{index}", name] = "medium"
            elif passed > days * DAY:
                found[f"O{index}", name] = "low"
            elif last is None:
                found[f"O{index}", name] = "info"
    return found


@settings(max_examples=80, deadline=None)
@given(things, visits)
def test_agrees_with_the_oracle_on_random_cities(items, seen):
    city = city_of(items, seen)
    findings = run(city)
    got = {
        (object_id, params["activity"]): severity
        for object_id, params, severity in zip(*(findings[n] for n in ("object_id", "params", "severity")))
    }
    assert got == oracle(items, seen)
    assert (findings["measured"] >= 0).all()
    # Whoever has no visit at all is never inspected, and nothing else.
    never = set(NEVER_INSPECTED.find(city, context_of(city)).findings["object_id"])
    assert not never & {object_id for object_id, _ in got}


def visit(activity, days, off=0, **more):
    plain = {"activity": activity, "object": 0, "x": None, "result": "ok", "days": days, "off": off}
    return {**plain, **more}


@pytest.mark.parametrize(
    ("days", "off", "severity"),
    [
        (30, 0, None),
        (30, 1, "low"),
        (45, 0, "low"),
        (45, 1, "medium"),
        (90, 0, "medium"),
        (90, 1, "high"),
    ],
)
def test_bands_of_a_house_graded_c(days, off, severity):
    findings = run(city_of([("graded", 1990.0)], [visit("watch_visit", days, off)]))
    assert list(findings["severity"]) == ([] if severity is None else [severity])
    if severity:
        assert findings["key"].iat[0] == '["I01",["housing:O0"],"watch_visit"]'
        assert (findings["measured"].iat[0], findings["reference"].iat[0]) == (days, 30)
        assert findings["basis"].iat[0].startswith("II012@1")
        assert findings["params"].iat[0]["last_visit"] == str(
            (pd.Timestamp(AS_OF) - days * DAY - off * US).date()
        )


def test_a_date_alone_counts_to_the_end_of_its_day():
    seen = visit("watch_visit", 30)  # 2026-06-01 without a time, read as 23:59:59.999999
    assert not len(run(city_of([("graded", 1990.0)], [seen])))


def test_visits_but_none_of_the_due_activity_is_overdue_since_the_log_began():
    items = [("graded", 1990.0)]
    findings = run(city_of(items, [visit("cleaning", 40)]))
    assert list(zip(findings["severity"], findings["measured"])) == [("low", 40.0)]
    assert findings["params"].iat[0]["last_visit"] is None
    assert list(run(city_of(items, [visit("cleaning", 29)]))["severity"]) == ["info"]
    # A house of last year can't have been seen before it stood.
    log = [visit("patrol", 800, object=9), visit("cleaning", 5)]
    assert run(city_of([("graded", 2025.0)], log))["measured"].iat[0] == 182.0
    assert list(run(city_of([("graded", 2026.0)], log))["severity"]) == ["info"]


def test_an_object_without_any_visit_is_left_to_i02():
    assert not len(run(city_of([("graded", 1990.0)], [visit("watch_visit", 800, object=9)])))


def test_the_strictest_row_that_fits_decides_and_the_factor_stretches_it():
    seen = [visit("patrol_day", 8), visit("patrol_night", 8, off=-14_400_000_000)]
    city = city_of([("alley", 0.0)], seen)
    assert [p["activity"] for p in run(city)["params"]] == ["patrol_day"]
    assert not len(run(city, PA230="clock", PA231="1.2"))
    stricter = run(city, II050="2")  # night patrols of alleys every 2 days
    assert sorted(p["activity"] for p in stricter["params"]) == ["patrol_day", "patrol_night"]


def test_a_walk_past_within_ten_metres_counts_for_what_is_due_there():
    past = [visit("look_at_cover", 40), visit("look_at_cover", 3, object=None, x=20.0)]
    assert not len(run(city_of([("cover", 0.0)], past)))
    beyond = [past[0], {**past[1], "x": 20.1}]
    assert list(run(city_of([("cover", 0.0)], beyond))["severity"]) == ["low"]
    other = [past[0], {**past[1], "activity": "survey"}]
    assert list(run(city_of([("cover", 0.0)], other))["severity"]) == ["low"]


def test_bad_values_do_not_stop_it():
    tables = {
        "housing": gpd.GeoDataFrame(
            {"id": ["H1", "H2", "H3"], "built_year": [-5.0, 3000.0, 1990.0], "danger_grade": ["C"] * 3},
            geometry=[None, Point(float("nan"), 1), box(0, 0, 1, 1)],
        ),
        "visits": gpd.GeoDataFrame(
            {"id": ["v1", "v2", "v3"], "at": [None, moment(visit("x", 3)), moment(visit("x", 500))]},
            geometry=[Point(0, 0), Point(0, float("nan")), None],
        ),
    }
    assert not len(run(city_from_tables(tables, as_of=AS_OF)))
    tables["visits"]["object_id"] = ["H1", "H2", "H3"]
    # No activity: it counts for every patrol, a watch visit too.
    found = run(city_from_tables(tables, as_of=AS_OF))
    assert dict(zip(found["object_id"], found["severity"])) == {"H3": "high"}


def test_not_run_without_visits():
    city = city_from_tables({"housing": gpd.GeoDataFrame({"id": ["H"]}, geometry=[box(0, 0, 1, 1)])})
    assert INSPECTION_OVERDUE.missing(city) == "no visits given"
