"""I03 against a brute-force oracle and hand-drawn cases."""

import geopandas as gpd
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import LineString, Point, Polygon, box

from citygap.engine.city import city_from_tables
from citygap.engine.context import Context
from citygap.engine.rules.inspection_time import NIGHT_NEVER
from citygap.engine.standards import Standards, shipped_standards

AS_OF = pd.Timestamp("2026-07-01T23:59:59.999999+08:00").to_pydatetime()
DAY = pd.Timedelta(days=1)

# One alley and one corner of leftover ground in two cells of 100 m.
ALLEY = LineString([(10, 50), (90, 50)])
CORNER = box(110, 40, 130, 60)
SPOTS = {
    "alley": Point(50, 60),
    "off": Point(50, 60.5),
    "corner": Point(120, 50),
    "far": Point(190, 90),
    "track": LineString([(30, 90), (170, 90)]),
    None: None,
}
visits = st.lists(
    st.fixed_dictionaries(
        {
            "spot": st.sampled_from(sorted(SPOTS, key=str)),
            "names": st.sampled_from([None, "A", "neglected:A", "G", "H"]),
            "activity": st.sampled_from([None, "patrol", "patrol_day", "cleaning"]),
            "result": st.sampled_from([None, "no_access"]),
            "hour": st.sampled_from(["12:00", "12:00", "18:59:59", "19:00", "23:59:59.999999", "06:00"]),
            "ago": st.sampled_from([0, 3, 89, 90, 91]),
            "times": st.integers(1, 5),
        }
    ),
    max_size=4,
)
calls = st.lists(
    st.tuples(
        st.sampled_from([(50, 80), (50, 80.5), (230, 10), (231, 10), (120, 50)]),
        st.sampled_from([12, 22]),
    ),
    max_size=2,
)


def moment(visit):
    return pd.Timestamp(f"2026-07-01T{visit['hour']}+08:00") - visit["ago"] * DAY


def city_of(seen, told=(), kind="leftover"):
    log = [visit for visit in seen for _ in range(visit["times"])]
    tables = {
        "units": gpd.GeoDataFrame({"code": ["310000"], "level": ["city"]}, geometry=[box(0, 0, 200, 100)]),
        "neglected": gpd.GeoDataFrame(
            {"id": ["A", "G"], "kind": ["back_alley", kind]}, geometry=[ALLEY, CORNER]
        ),
        "housing": gpd.GeoDataFrame({"id": ["H"]}, geometry=[box(150, 10, 160, 20)]),
        "visits": gpd.GeoDataFrame(
            {
                "id": [f"v{i}" for i in range(len(log))],
                "at": [moment(visit) for visit in log],
                "activity": [visit["activity"] for visit in log],
                "result": [visit["result"] for visit in log],
                "object_id": [visit["names"] for visit in log],
            },
            geometry=[SPOTS[visit["spot"]] for visit in log],
        ),
    }
    if told:
        tables["hotline"] = gpd.GeoDataFrame(
            {
                "id": [f"K{i}" for i in range(len(told))],
                "at": [pd.Timestamp(f"2026-06-01T{hour}:00+08:00") for _, hour in told],
            },
            geometry=[Point(place) for place, _ in told],
        )
    return city_from_tables(tables, as_of=AS_OF)


def run(city):
    return NIGHT_NEVER.find(city, Context(city, Standards(shipped_standards(), AS_OF.date())))


CELLS = {"XA000000000000": box(0, 0, 100, 100), "XA000001000000": box(100, 0, 200, 100)}
HOME = {"A": ALLEY, "G": CORNER, "H": box(150, 10, 160, 20)}


def in_cell(visit, outline):
    name = (visit["names"] or "").removeprefix("neglected:")
    shape = SPOTS[visit["spot"]]
    if shape is None:
        return name != "" and outline.contains(HOME[name].representative_point())
    if shape.geom_type == "LineString":
        return shape.intersection(outline).length > 0
    return outline.contains(shape)


def at_place(visit, name):
    if visit["names"] is not None:
        return visit["names"].removeprefix("neglected:") == name
    shape = SPOTS[visit["spot"]]
    # Nothing is due for leftover ground; of an alley patrols are.
    return (
        name == "A" and shape is not None and shape.distance(ALLEY) <= 10 and visit["activity"] != "cleaning"
    )


def oracle(seen, told):
    now = pd.Timestamp(AS_OF)
    log = [
        visit
        for visit in seen
        if visit["result"] != "no_access"
        and now - moment(visit) <= 90 * DAY
        and visit["hour"] != "23:59:59.999999"
    ]
    found = {}
    places = {name: (HOME[name], lambda v, name=name: at_place(v, name)) for name in ("A", "G")}
    places |= {code: (outline, lambda v, o=outline: in_cell(v, o)) for code, outline in CELLS.items()}
    for name, (shape, holds) in places.items():
        mine = [visit for visit in log if holds(visit)]
        count = sum(visit["times"] for visit in mine)
        if count < 5 or any(visit["hour"] >= "19:00" or visit["hour"] < "06:00" for visit in mine):
            continue
        near = any(hour == 22 and shape.distance(Point(place)) <= 30 for place, hour in told)
        found[name] = ("high" if near else "medium", count)
    return found


@settings(max_examples=70, deadline=None)
@given(visits, calls)
def test_agrees_with_the_oracle_on_random_logs(seen, told):
    if not seen:
        return
    findings = run(city_of(seen, told)).findings
    got = {
        name: (severity, count)
        for name, severity, count in zip(*(findings[n] for n in ("object_id", "severity", "reference")))
    }
    assert got == oracle(seen, told)
    assert (findings["measured"] == 0).all()


def visit(**more):
    plain = {"spot": None, "names": "A", "activity": "patrol_day", "result": "ok", "hour": "12:00", "ago": 3}
    return {**plain, "times": 1, **more}


@pytest.mark.parametrize(("times", "count"), [(4, 0), (5, 2)])
def test_five_visits_by_day_and_none_at_night(times, count):
    findings = run(city_of([visit(times=times)])).findings
    # The alley, and the cell that holds the middle of it.
    assert (
        sorted(findings["key"])
        == ['["I03",["cell:XA000000000000"],""]', '["I03",["neglected:A"],""]'][:count]
    )
    if count:
        assert set(findings["severity"]) == {"medium"}


def test_one_visit_at_night_is_enough_and_a_time_in_utc_is_read_in_the_citys_zone():
    assert not len(run(city_of([visit(times=6), visit(hour="20:30")])).findings)
    city = city_of([visit(times=5)])
    # 12:30 UTC is half past eight in the evening in Shanghai.
    city.table("visits").loc[0, "at"] = pd.Timestamp("2026-06-20T12:30:00Z")
    assert not len(run(city).findings)


def test_a_log_of_days_without_times_tells_nothing():
    outcome = run(city_of([visit(times=7, hour="23:59:59.999999")]))
    assert not len(outcome.findings)
    assert outcome.untested == ("7 visits give a day and no time of day: left out",)


def test_calls_at_night_from_nearby_make_it_high():
    seen = [visit(times=5)]
    far = (50, 80.1)
    for place, hour, severity in [((50, 80), 22, "high"), (far, 22, "medium"), ((50, 80), 18, "medium")]:
        findings = run(city_of(seen, [(place, hour)])).findings
        assert findings.set_index("object_id")["severity"]["A"] == severity


def test_official_cells_and_broken_shapes():
    seen = gpd.GeoDataFrame(
        {
            "id": [f"v{i}" for i in range(6)],
            "at": [pd.Timestamp("2026-06-20T12:00+08:00")] * 6,
            "object_id": [None] * 5 + ["A"],
        },
        geometry=[LineString([(-50, 50), (50, 50)])] * 5 + [Point(float("nan"), 1)],
    )
    bow = Polygon([(0, 0), (9, 9), (9, 0), (0, 9)])
    units = gpd.GeoDataFrame(
        {"code": ["310000", "c1", "c2"], "level": ["city", "cell", "cell"]},
        geometry=[box(-100, 0, 200, 100), box(-100, 0, 0, 100), box(0, 0, 100, 100)],
    )
    neglected = gpd.GeoDataFrame({"id": ["A", "B"], "kind": ["back_alley"] * 2}, geometry=[None, bow])
    city = city_from_tables({"visits": seen, "units": units, "neglected": neglected}, as_of=AS_OF)
    findings = run(city).findings
    # The track runs through both cells; six visits with the one that names an alley without place: no cell.
    assert sorted(zip(findings["object_role"], findings["object_id"])) == [("cell", "c1"), ("cell", "c2")]


def test_not_run_without_visits():
    city = city_from_tables({"neglected": gpd.GeoDataFrame({"id": ["A"]}, geometry=[ALLEY])})
    assert NIGHT_NEVER.missing(city) == "no visits given"
