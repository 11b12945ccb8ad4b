"""I02 against a brute-force oracle and hand-drawn cases."""

import geopandas as gpd
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import LineString, Point, box

from citygap.engine.city import city_from_tables
from citygap.engine.context import Context
from citygap.engine.rules.inspection import NEVER_INSPECTED
from citygap.engine.standards import Standards, shipped_standards

YEAR = 2026
AS_OF = pd.Timestamp(f"{YEAR}-07-01T23:59:59.999999+08:00").to_pydatetime()

objects = st.lists(
    st.fixed_dictionaries(
        {
            "role": st.sampled_from(["housing", "pipes", "neglected", "components"]),
            "class": st.integers(0, 2),
            "year": st.sampled_from([None, 1990.0, 2025.0, 2026.0]),
            "grade": st.sampled_from([None, "A", "C"]),
        }
    ),
    min_size=1,
    max_size=6,
)
visits = st.lists(
    st.fixed_dictionaries(
        {
            "activity": st.sampled_from(
                [
                    "patrol",
                    "patrol_day",
                    "line_patrol",
                    "watch_visit",
                    "look_at_cover",
                    "walk_round_patrol",
                    None,
                ]
            ),
            "object": st.sampled_from([None, 0, 1, 2]),
            "x": st.sampled_from([None, 5.0, 45.0, 60.0, 60.5, 105.0]),
            "result": st.sampled_from([None, "no_access", "defect"]),
            "at": st.sampled_from(
                ["2024-01-01T12:00", "2026-06-30T23:00", "2026-06-25T12:00", "2026-07-02T12:00"]
            ),
        }
    ),
    min_size=1,
    max_size=4,
)
CLASSES = {
    "pipes": ["RQ", "DL", "JS"],
    "neglected": ["under_viaduct", "back_alley", "leftover"],
    "components": ["manhole_cover", "0103", "toilet"],
}
DUE = {
    ("pipes", "DL"): {"patrol": 90.0},
    ("neglected", "under_viaduct"): {"patrol_day": 1.0, "patrol_night": 7.0},
    ("neglected", "back_alley"): {"patrol_day": 7.0, "patrol_night": 30.0},
    ("components", "manhole_cover"): {"look_at_cover": 30.0},
    ("components", "0103"): {"look_at_cover": 30.0},
}
PATROLS = {
    "patrol",
    "patrol_day",
    "patrol_night",
    "look_at_cover",
    "walk_round_patrol",
    "watch_visit",
    "line_patrol",
}


def class_of(item):
    return "housing" if item["role"] == "housing" else CLASSES[item["role"]][item["class"]]


def due_of(item):
    """Activity to days, read off inspection_intervals.csv for the classes drawn here."""
    if item["role"] == "housing":
        if item["grade"] == "C":
            return {"watch_visit": 30.0}
        if item["grade"] == "A":
            return {"walk_round_patrol": 5 * 365.0}
        old = item["year"] is not None and item["year"] <= 2000
        return {"walk_round_patrol": 365.0} if old else {}
    if class_of(item) == "JS":
        return {"line_patrol": 30.0}  # kind JP, see city_of
    return DUE.get((item["role"], class_of(item)), {})


def shape_of(item, index):
    x = 50 * index
    return LineString([(x, 0), (x, 10)]) if item["role"] == "pipes" else box(x, 0, x + 10, 10)


def city_of(items, seen):
    tables = {}
    for role in {item["role"] for item in items}:
        mine = [(index, item) for index, item in enumerate(items) if item["role"] == role]
        data = {"id": [f"O{index}" for index, _ in mine]}
        if role == "housing":
            data |= {
                "built_year": [item["year"] for _, item in mine],
                "danger_grade": [item["grade"] for _, item in mine],
            }
        else:
            data["kind" if role == "neglected" else "class_code"] = [class_of(item) for _, item in mine]
        if role == "pipes":
            data |= {
                "laid_year": [item["year"] for _, item in mine],
                "kind_code": ["JP" if class_of(item) == "JS" else None for _, item in mine],
            }
        tables[role] = gpd.GeoDataFrame(data, geometry=[shape_of(item, index) for index, item in mine])
    tables["visits"] = gpd.GeoDataFrame(
        {
            "id": [f"v{i}" for i in range(len(seen))],
            "at": [pd.Timestamp(f"{v['at']}+08:00") for v in seen],
            "activity": [v["activity"] for v in seen],
            "result": [v["result"] for v in seen],
            "object_id": [None if v["object"] is None else f"O{v['object']}" for v in seen],
        },
        geometry=[None if v["x"] is None else Point(v["x"], 5) for v in seen],
    )
    return city_from_tables(tables, as_of=AS_OF)


def run(city):
    return NEVER_INSPECTED.find(city, Context(city, Standards(shipped_standards(), AS_OF.date()))).findings


def counts(visit, activities):
    activity = visit["activity"]
    if activity is None:
        return any(name in PATROLS for name in activities)
    if activity == "patrol":
        hour = int(visit["at"][11:13])
        clock = "patrol_night" if hour >= 19 or hour < 6 else "patrol_day"
        return clock in activities or "patrol" in activities
    return activity in activities or (activity == "patrol_day" and "patrol" in activities)


def oracle(items, seen):
    past = [visit for visit in seen if visit["at"] < "2026-07-02"]
    start = min((visit["at"] for visit in past), default=None)
    found = {}
    for index, item in enumerate(items):
        due = due_of(item)
        if not due:
            continue
        reached = False
        for visit in past:
            if visit["result"] == "no_access":
                continue
            if visit["object"] is not None:
                reached |= visit["object"] == index
            elif visit["x"] is not None:
                near = shape_of(item, index).distance(Point(visit["x"], 5)) <= 10
                reached |= near and counts(visit, due)
        if reached:
            continue
        severity = "medium"
        old = item["role"] == "housing" and item["year"] is not None and item["year"] <= 2000
        if class_of(item) in ("RQ", "under_viaduct") or (old and item["grade"] == "C"):
            severity = "high"
        if start is None:
            severity = "info"
        else:
            log_days = (AS_OF - pd.Timestamp(f"{start}+08:00")) / pd.Timedelta(days=1)
            year = item["year"] if item["role"] in ("housing", "pipes") else None
            if log_days < min(due.values()) or (year is not None and year > int(start[:4])):
                severity = "info"
        found[f"O{index}"] = (severity, min(due.values()))
    return found


@settings(max_examples=100, deadline=None)
@given(objects, visits)
def test_agrees_with_the_oracle_on_random_cities(items, seen):
    findings = run(city_of(items, seen))
    got = {
        object_id: (severity, reference)
        for object_id, severity, reference in zip(
            findings["object_id"], findings["severity"], findings["reference"]
        )
    }
    assert got == oracle(items, seen)


ALLEY = {"role": "neglected", "class": 1, "year": None, "grade": None}
LONG_AGO = {"activity": "patrol_day", "object": 9, "x": None, "result": None, "at": "2024-01-01T12:00"}


def test_an_alley_nobody_walked_is_found():
    findings = run(city_of([ALLEY], [LONG_AGO]))
    assert list(findings["severity"]) == ["medium"]
    assert findings["params"].iat[0]["due"] == ["patrol_day", "patrol_night"]


def test_a_walk_past_within_ten_metres_counts_and_beyond_does_not():
    walk = {"activity": "patrol", "object": None, "x": 20.0, "result": None, "at": "2024-05-01T12:00"}
    assert len(run(city_of([ALLEY], [LONG_AGO, walk]))) == 0
    assert len(run(city_of([ALLEY], [LONG_AGO, {**walk, "x": 20.1}]))) == 1


def test_a_locked_door_is_no_visit():
    locked = {
        "activity": "patrol_day",
        "object": 0,
        "x": None,
        "result": "no_access",
        "at": "2024-05-01T12:00",
    }
    assert len(run(city_of([ALLEY], [LONG_AGO, locked]))) == 1


def test_not_run_without_visits():
    city = city_from_tables({"housing": gpd.GeoDataFrame({"id": ["H"]}, geometry=[box(0, 0, 1, 1)])})
    assert NEVER_INSPECTED.missing(city) == "no visits given"
