"""P02 against an oracle that walks along the lines step by step, and hand-drawn cases."""

import math

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from shapely import affinity, from_wkt
from shapely.geometry import LineString, MultiLineString, Point, Polygon, box

from citygap.engine.city import city_from_tables
from citygap.engine.context import Context
from citygap.engine.darkness import dark_parts, long_axes
from citygap.engine.rules.component import DARK_ALLEY
from citygap.engine.standards import Standards, shipped_standards

AS_OF = pd.Timestamp("2026-07-01T23:59:59.999999+08:00").to_pydatetime()
STEP = 0.25

LINES = [
    LineString([(0, 0), (200, 0)]),
    LineString([(0, 0), (40, 0), (40, 50), (120, 50)]),
    LineString([(0, 0), (100, 0), (100, 80), (0, 80), (0, 0)]),
    LineString([(0, 0), (400, 0)]),
    LineString([(0, 0), (0, 70)]),
    MultiLineString([[(0, 0), (70, 0)], [(90, 0), (160, 0)]]),
]
lamps = st.lists(
    st.tuples(
        st.integers(-4, 20).map(lambda n: n * 10),
        st.sampled_from([0, 10, 18, 24, 30, 31, 80]),
        st.sampled_from(["intact", "intact", None, "broken", "occupied"]),
    ),
    min_size=1,
    max_size=6,
)
calls = st.lists(st.tuples(st.integers(0, 200), st.sampled_from([12, 22])), max_size=2)


def city_of(lines, lights, told=(), polygons=(), **columns):
    tables = {
        "roads": gpd.GeoDataFrame(
            {"id": [f"R{i}" for i in range(len(lines))], "highway": "residential", **columns},
            geometry=list(lines),
        ),
        "components": gpd.GeoDataFrame(
            {
                "id": [f"L{i}" for i in range(len(lights))],
                "class_code": ["street_lamp" if i % 2 else "0118" for i in range(len(lights))],
                "condition": [light[2] for light in lights],
            },
            geometry=[Point(light[:2]) for light in lights],
        ),
        "hotline": gpd.GeoDataFrame(
            {
                "id": [f"K{i}" for i in range(len(told))],
                "at": [pd.Timestamp(f"2026-06-01T{hour}:00+08:00") for _, hour in told],
            },
            geometry=[Point(x, 25) for x, _ in told],
        ),
        "units": gpd.GeoDataFrame(
            {"code": ["310000"], "level": ["city"]}, geometry=[box(-1000, -1000, 2000, 2000)]
        ),
    }
    if polygons:
        tables["neglected"] = gpd.GeoDataFrame(
            {"id": [f"N{i}" for i in range(len(polygons))], "kind": [kind for kind, _ in polygons]},
            geometry=[shape for _, shape in polygons],
        )
    return city_from_tables(tables, as_of=AS_OF)


def run(city):
    return DARK_ALLEY.find(city, Context(city, Standards(shipped_standards(), AS_OF.date()))).findings


def walk(line, lights):
    """Dark stretches of a line as lists of places, by going along it in small steps."""
    stretches = []
    for part in getattr(line, "geoms", [line]):
        count = round(part.length / STEP)
        places = [part.interpolate(STEP * i) for i in range(count + 1)]
        dark = [all(math.dist((p.x, p.y), light) > 30 + 1e-9 for light in lights) for p in places]
        runs, current = [], []
        for place, is_dark in zip(places, dark):
            if is_dark:
                current.append(place)
            elif current:
                runs.append(current)
                current = []
        if current:
            runs.append(current)
        if part.is_ring and len(runs) > 1 and dark[0] and dark[-1]:
            runs[0] = runs.pop() + runs[0]
        stretches += runs
    return [(STEP * (len(run) - 1), run) for run in stretches]


def oracle(line, lights, told):
    """Stretches of 60 m or more: length, severity, data_state."""
    working = [light[:2] for light in lights if light[2] == "intact"]
    perhaps = [light[:2] for light in lights if light[2] in ("intact", None)]
    sure = [part for part in walk(line, perhaps) if part[0] >= 60]
    found = []
    for length, places in sure:
        rank = 1 if length < 120 else 2 if length < 300 else 3
        near = any(
            hour == 22 and any(math.dist((p.x, p.y), (x, 25)) <= 30 for p in places) for x, hour in told
        )
        found.append((length, ["info", "low", "medium", "high"][min(rank + near, 3)], "known"))
    for length, places in walk(line, working):
        inside = {(p.x, p.y) for p in places}
        if length >= 60 and not any((p[1][0].x, p[1][0].y) in inside for p in sure):
            found.append((length, "info", "unrecorded"))
    return found


@settings(max_examples=70, deadline=None)
@given(st.sampled_from(LINES), lamps, calls)
def test_agrees_with_a_walk_along_the_line(line, lights, told):
    for keep in (("intact",), ("intact", None)):
        lengths = [length for length, _ in walk(line, [x[:2] for x in lights if x[2] in keep])]
        # Steps of 0.25 m can't tell lengths this near a threshold.
        assume(all(min(abs(length - limit) for limit in (60, 120, 300)) > 1 for length in lengths))
    # By severity first: a step of the walk may put parts of equal length in another order.
    expected = sorted((row[1:], row[0]) for row in oracle(line, lights, told))
    findings = run(city_of([line], lights, told))
    # Parts in one cell are one finding in a run; the rule gives them apart.
    got = sorted(
        ((severity, state), metres)
        for metres, severity, state in zip(*(findings[n] for n in ("measured", "severity", "data_state")))
    )
    assert [row[0] for row in got] == [row[0] for row in expected]
    assert [row[1] for row in got] == pytest.approx([row[1] for row in expected], abs=0.6)


LIGHT = "intact"


@pytest.mark.parametrize(
    ("lights", "lengths"),
    [
        ([(0, 0), (120, 0)], [60.0]),  # dark from 30 to 90
        ([(0, 0), (119.9, 0)], []),
        ([(0, 18), (108, 18), (150, 0)], [60.0]),  # each lights 24 m of the line
        ([(0, 0), (200, 0)], [140.0]),
        ([(100, 30)], [100.0, 100.0]),  # it only just reaches the line: two parts
        ([(100, 30.001)], [200.0]),
        ([(500, 500)], [200.0]),
    ],
)
def test_exact_lengths(lights, lengths):
    findings = run(city_of([LINES[0]], [(*light, LIGHT) for light in lights]))
    assert sorted(findings["measured"]) == lengths
    assert (findings["reference"] == 60).all()


@pytest.mark.parametrize(
    ("length", "severity"),
    [(59.9, None), (60, "low"), (119.9, "low"), (120, "medium"), (299.9, "medium"), (300, "high")],
)
def test_bands_in_any_direction(length, severity):
    for angle in (0, 30, 45, 77):
        line = LineString([(0, 0), (length + 60, 0)])
        ends = [Point(0, 0), Point(length + 60, 0)]
        turned = [
            affinity.translate(affinity.rotate(g, angle, (0, 0)), 639_650, 3_456_789) for g in [line, *ends]
        ]
        lights = [(point.x, point.y, LIGHT) for point in turned[1:]]
        assert list(run(city_of([turned[0]], lights))["severity"]) == ([severity] if severity else [])


def test_a_ring_that_is_dark_across_its_first_point_is_one_part():
    ring = LINES[2]
    parts = dark_parts(np.array([ring], dtype=object), np.array([Point(100, 80)], dtype=object), 30.0, 60.0)
    assert parts.lengths.tolist() == [300.0]
    assert parts.shapes[0].coords[0] == (70.0, 80.0) and parts.shapes[0].coords[-1] == (100.0, 50.0)
    whole = dark_parts(np.array([ring], dtype=object), np.array([Point(999, 0)], dtype=object), 30.0, 60.0)
    assert whole.lengths.tolist() == [360.0]


def test_bridges_tunnels_motorways_and_leftover_ground_are_none():
    dark = [(900, 900, LIGHT)]
    line = LINES[0]
    assert not len(run(city_of([line, line], dark, bridge=[True, False], tunnel=[None, True])))
    assert not len(run(city_of([line], dark, highway=["motorway"])))
    assert len(run(city_of([line], dark, highway=["footway"], bridge=[None])))
    grounds = [("leftover", box(0, 0, 5, 100)), ("back_alley", box(300, 0, 305, 100))]
    assert list(run(city_of([], dark, polygons=grounds))["object_id"]) == ["N1"]


def test_a_strip_is_measured_along_its_longer_axis():
    strip = affinity.rotate(box(0, 0, 130, 12), 33, (0, 0))
    axes, area = long_axes(np.array([strip], dtype=object))
    assert axes[0].length == pytest.approx(130) and area.tolist() == [0]
    findings = run(city_of([], [(900, 900, LIGHT)], polygons=[("under_viaduct", strip)]))
    assert findings["measured"].iat[0] == pytest.approx(130)
    assert (findings["severity"].iat[0], findings["class_code"].iat[0]) == ("medium", "under_viaduct")


def test_the_cell_of_the_parts_middle_tells_parts_apart():
    findings = run(city_of([LINES[3]], [(130, 0, LIGHT), (260, 0, LIGHT)]))
    spots = findings.geometry.representative_point()
    cells = [f"XA{int(x // 100):06d}000000" for x in spots.x]
    assert list(findings["key"]) == [f'["P02",["roads:R0"],"{cell}"]' for cell in cells]
    assert len(set(cells)) == 3
    assert sorted(findings["measured"]) == [70.0, 100.0, 110.0]


def test_a_lamp_without_condition_makes_what_it_would_light_unrecorded():
    known = run(city_of([LINES[0]], [(0, 0, LIGHT), (200, 0, LIGHT), (100, 0, "broken")]))
    assert list(zip(known["severity"], known["data_state"])) == [("medium", "known")]
    unknown = run(city_of([LINES[0]], [(0, 0, LIGHT), (200, 0, LIGHT), (100, 0, None)]))
    assert list(zip(unknown["severity"], unknown["data_state"])) == [("info", "unrecorded")]
    # What stays dark whatever the lamp does is known, and no longer than that.
    partly = run(city_of([LINES[3]], [(0, 0, LIGHT), (100, 0, None)]))
    assert partly[["severity", "data_state", "measured"]].to_numpy().tolist() == [["medium", "known", 270.0]]


def test_bad_shapes_do_not_stop_it():
    broken = from_wkt("LINESTRING (0 0, NaN 5, 100 0)")
    bow = Polygon([(0, 0), (100, 10), (100, 0), (0, 10)])
    city = city_of(
        [broken, None, LineString(), LineString([(5, 5), (5, 5)]), LINES[0]],
        [(0, 0, LIGHT)],
        polygons=[("back_alley", bow), ("back_alley", None), ("back_alley", Point(0, 0).buffer(0))],
    )
    city.table("components").loc[0, "geometry"] = from_wkt("POINT (NaN 1)")
    assert set(run(city)["object_id"]) == {"R4", "N0"}


def test_not_run_without_a_lamp_with_condition():
    city = city_of([LINES[0]], [(0, 0, None)])
    assert DARK_ALLEY.missing(city) == "no street lamps with a condition given"
    assert DARK_ALLEY.missing(city_of([LINES[0]], [(0, 0, "broken")])) is None
