"""S02 against an oracle that walks from metre to metre, and hand-drawn cases."""

import heapq
import math
from dataclasses import replace

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import from_wkt
from shapely.geometry import LineString, MultiLineString, Point, box

from citygap.engine.check import run_check
from citygap.engine.city import city_from_tables
from citygap.engine.context import Context
from citygap.engine.rules.service_reach import OUT_OF_REACH
from citygap.engine.standards import Standards, shipped_standards

AS_OF = pd.Timestamp("2026-07-01T23:59:59.999999+08:00").to_pydatetime()
SMALL = {"toilet": 60.0, "hydrant": 25.0, "waste_point": 40.0, "street_lamp": 12.0}
WALKED = {"residential": True, "footway": True, None: True, "trunk_link": True, "motorway": False}
WORDS = {"toilet": "toilet", "0301": "toilet", "hydrant": "hydrant", "0113": "hydrant"}


def table(rows, columns):
    data = {name: [row.get(name) for row in rows] for name in columns}
    return gpd.GeoDataFrame(data, geometry=[row["geometry"] for row in rows])


def city_of(homes, facilities, roads=(), *, condition=True, units=()):
    homes = [{"id": f"h{k}", **row} for k, row in enumerate(homes)]
    facilities = [{"id": f"c{k}", **row} for k, row in enumerate(facilities)]
    tables = {"housing": table(homes, ["id", "use", "residents", "households"])}
    columns = ["id", "class_code", "name", *(["condition"] if condition else [])]
    if facilities:
        tables["components"] = table(facilities, columns)
    if roads:
        roads = [{"id": f"r{k}", **row} for k, row in enumerate(roads)]
        tables["roads"] = table(roads, ["id", "highway", "bridge"])
    if units:
        tables["units"] = table(units, ["code", "level"])
    return city_from_tables(tables, as_of=AS_OF)


def standards(values=()):
    rows = [
        replace(row, value=str(values[row.object_class.partition(":")[2]]))
        if row.rule_or_activity == "S02.reach_m" and values
        else row
        for row in shipped_standards()
    ]
    return Standards(rows, AS_OF.date())


def outcome(city, values=()):
    return OUT_OF_REACH.find(city, Context(city, standards(values)))


def found(city, values=()):
    return {(row.object_id, row.class_code): row for row in outcome(city, values).findings.itertuples()}


def home(x, y, residents=3.0, size=4.0, **more):
    return {"geometry": box(x, y, x + size, y + size), "residents": residents, **more}


def at(x, y, class_code="toilet", condition="intact", **more):
    return {"geometry": Point(x, y), "class_code": class_code, "condition": condition, **more}


def street(*places, highway="residential", **more):
    return {"geometry": LineString(places), "highway": highway, **more}


# the oracle


def walked_pieces(roads):
    """Straight pieces ((x, y), (x, y)) of the longest connected part of the roads walked, by flood fill."""
    pieces = []
    for road in roads:
        if not WALKED[road["highway"]] or (road["highway"] == "trunk_link" and road.get("bridge")):
            continue
        for line in getattr(road["geometry"], "geoms", [road["geometry"]]):
            corners = list(line.coords)
            for number, (a, b) in enumerate(zip(corners, corners[1:])):
                ends = [c for c, is_end in ((a, number == 0), (b, number == len(corners) - 2)) if is_end]
                if a != b:
                    pieces.append((a, b, ends))
    left, parts = set(range(len(pieces))), []
    while left:
        part, todo = set(), [left.pop()]
        while todo:
            one = todo.pop()
            part.add(one)
            near = {other for other in left if linked(pieces[one], pieces[other])}
            left -= near
            todo += near
        parts.append(part)
    if not parts:
        return []
    lengths = [sum(math.dist(*pieces[p][:2]) for p in part) for part in parts]
    longest = [part for part, length in zip(parts, lengths) if length > max(lengths) - 1e-7]
    return None if len(longest) > 1 else [pieces[p] for p in sorted(longest[0])]


def linked(one, other):
    """Two pieces share a vertex, or an end of one's street lies on the other."""
    if {one[0], one[1]} & {other[0], other[1]}:
        return True
    return any(
        LineString(b[:2]).distance(Point(end)) <= 0.05
        for a, b in ((one, other), (other, one))
        for end in a[2]
    )


def corners_of(shape):
    if shape.geom_type == "Point":
        return [shape.coords[0]]
    return list(shape.exterior.coords)


class Oracle:
    """A graph with a node at every metre of every street and wherever anything may leave it."""

    def __init__(self, pieces, shapes):
        self.links, self.spots = {}, []
        marks = [Point(c) for shape in shapes for c in corners_of(shape)] + [
            Point(end) for p in pieces for end in p[2]
        ]
        for number, (a, b, _) in enumerate(pieces):
            line = LineString([a, b])
            places = {float(m) for m in range(int(line.length) + 1)} | {line.length}
            places |= {line.project(mark) for mark in marks}
            for shape in shapes:
                crossed = shape.intersection(line)
                if not crossed.is_empty:
                    places |= {line.project(Point(c)) for c in crossed.coords}
            ordered = sorted(places)
            self.spots += [(number, place, line.interpolate(place)) for place in ordered]
            for near, far in zip(ordered, ordered[1:]):
                self.link((number, near), (number, far), far - near)
            for other, (c, d, _) in enumerate(pieces):
                for end in (a, b) if {a, b} & {c, d} else pieces[number][2]:
                    there = LineString([c, d])
                    shared = end in (c, d)
                    if other != number and (shared or there.distance(Point(end)) <= 0.05):
                        mark = Point(end)
                        self.link((number, line.project(mark)), (other, there.project(mark)), 0.0)

    def link(self, one, other, length):
        self.links.setdefault(one, []).append((other, length))
        self.links.setdefault(other, []).append((one, length))

    def exits(self, shape):
        """Places on the nearest street, and how far they are."""
        away = [(shape.distance(spot), (number, place)) for number, place, spot in self.spots]
        least = min(distance for distance, _ in away)
        return least, [key for distance, key in away if distance <= least + 1e-7]

    def distances(self, facilities):
        """Way to the nearest facility from every place (Dijkstra)."""
        best, heap = {}, []
        for shape in facilities:
            leg, keys = self.exits(shape)
            heap += [(leg, key) for key in keys]
        heapq.heapify(heap)
        while heap:
            way, key = heapq.heappop(heap)
            if key not in best:
                best[key] = way
                for other, length in self.links.get(key, []):
                    if other not in best:
                        heapq.heappush(heap, (way + length, other))
        return best


def oracle(homes, facilities, roads, reaches):
    """Home and class to severity, data state and measure; None where the case has no single answer."""
    pieces = walked_pieces(roads)
    if pieces is None:
        return None
    shapes = [row["geometry"] for row in [*homes, *facilities]]
    walk = Oracle(pieces, shapes) if pieces else None
    lived = [
        (row["residents"] or 0) > 0 or (row["households"] or 0) > 0 or row["use"] in (None, "residential")
        for row in homes
    ]
    counts = [
        row["residents"] for row, is_home in zip(homes, lived) if is_home and row["residents"] is not None
    ]
    middle, top = np.quantile(counts, [0.5, 0.75]) if counts else (0, 0)
    answers = {}
    for code, reach in reaches.items():
        mine = [row for row in facilities if WORDS.get(row["class_code"], row["class_code"]) == code]
        if not mine:
            continue
        good = [row["geometry"] for row in mine if row["condition"] == "intact"]
        ways = walk.distances(good) if walk else {}
        for number, row in enumerate(homes):
            if not lived[number]:
                continue
            if walk is None or code == "street_lamp":
                way = min((row["geometry"].distance(place) for place in good), default=math.inf)
            else:
                leg, keys = walk.exits(row["geometry"])
                way = leg + min((ways.get(key, math.inf) for key in keys), default=math.inf)
            if way > reach + 1e-6:
                people = row["residents"]
                severity = (
                    "info"
                    if people is None
                    else "high"
                    if people > top
                    else "medium"
                    if people > middle
                    else "low"
                )
                answers[f"h{number}", code] = (
                    severity,
                    "unrecorded" if people is None else "known",
                    way if way <= 2 * reach + 1e-6 else None,
                )
    return answers


step = st.integers(0, 12).map(lambda n: 10.0 * n)
spot = st.tuples(step, step)
grid_street = st.one_of(
    st.tuples(step, step, step).map(lambda t: [(t[0], t[1]), (t[2], t[1])]),
    st.tuples(step, step, step).map(lambda t: [(t[0], t[1]), (t[0], t[2])]),
    st.lists(spot, min_size=3, max_size=3),
    # ends 4 cm and 7 cm beside where it would be joined
    st.tuples(step, step, st.sampled_from([0.04, 0.07])).map(
        lambda t: [(t[0], t[1] + t[2]), (t[0], t[1] + 30)]
    ),
)
roads_ = st.lists(
    st.fixed_dictionaries(
        {
            "geometry": grid_street.filter(lambda c: LineString(c).length > 0).map(LineString),
            "highway": st.sampled_from(["residential", "footway", None, "trunk_link", "motorway"]),
            "bridge": st.sampled_from([None, True, False]),
        }
    ),
    max_size=7,
)
place = st.tuples(st.integers(0, 60).map(lambda n: 2.0 * n), st.integers(0, 60).map(lambda n: 2.0 * n))
homes_ = st.lists(
    st.fixed_dictionaries(
        {
            "geometry": st.one_of(place.map(lambda p: box(p[0], p[1], p[0] + 6, p[1] + 8)), place.map(Point)),
            "use": st.sampled_from(["residential", "office", None]),
            "residents": st.sampled_from([None, 0.0, 1.0, 2.0, 5.0, 9.0]),
            "households": st.sampled_from([None, 0.0, 2.0]),
        }
    ),
    min_size=1,
    max_size=5,
)
facilities_ = st.lists(
    st.fixed_dictionaries(
        {
            "geometry": place.map(Point),
            "class_code": st.sampled_from(
                ["toilet", "0301", "hydrant", "0113", "waste_point", "street_lamp"]
            ),
            "condition": st.sampled_from(["intact", "intact", "intact", "broken", "occupied", None]),
        }
    ),
    min_size=1,
    max_size=6,
)


@settings(max_examples=50, deadline=None)
@given(homes_, facilities_, roads_)
def test_agrees_with_a_walk_from_metre_to_metre(homes, facilities, roads):
    expected = oracle(homes, facilities, roads, SMALL)
    if expected is None:
        return
    rows = found(city_of(homes, facilities, roads), SMALL)
    assert set(rows) == set(expected)
    for key, (severity, state, way) in expected.items():
        assert (rows[key].severity, rows[key].data_state) == (severity, state)
        if way is None:
            assert math.isnan(rows[key].measured)
        else:
            assert rows[key].measured == pytest.approx(way, abs=1e-5)


@settings(max_examples=4, deadline=None)
@given(homes_, facilities_, roads_, st.integers(0, 120), st.integers(0, 120))
def test_windows_find_what_the_whole_city_has(homes, facilities, roads, x, y):
    city = city_of(
        homes, facilities, roads, units=[{"code": "1", "level": "city", "geometry": box(0, 0, 200, 200)}]
    )

    def keys(window=None):
        result = run_check(city, standards(SMALL), rules=["S02"], window=window).findings
        return {row.key: (row.severity, row.measured) for row in result.fillna({"measured": -1}).itertuples()}

    parts = {}
    for tile in (
        box(-500, -500, x, y),
        box(x, -500, 700, y),
        box(-500, y, x, 700),
        box(x, y, 700, 700),
    ):
        parts |= keys(tile)
    assert parts == keys()


# hand-drawn


MAIN = street((0, 0), (1000, 0))


def test_both_legs_and_the_way_between_count():
    # 20 m to the street, 250 m along it (from the near corner), 30 m to the toilet
    rows = found(city_of([home(46, 20), home(45, 20)], [at(300, 30)], [MAIN]))
    assert set(rows) == {("h1", "toilet")}
    row = rows["h1", "toilet"]
    assert (row.measured, row.reference, row.unit) == (301.0, 300.0, "m")
    assert row.objects == ("housing:h1", "components:*", "roads:*")


def test_a_detour_counts_and_not_what_lies_across_the_railway():
    roads = [MAIN, street((0, 0), (0, 100)), street((0, 100), (1000, 100))]
    rows = found(city_of([home(300, 10)], [at(302, 95)], roads))
    assert math.isnan(rows["h0", "toilet"].measured)
    joined = [*roads, street((200, 0), (200, 100))]
    assert set(found(city_of([home(300, 10)], [at(302, 95)], joined))) == {("h0", "toilet")}
    near = [*roads, street((290, 0), (290, 100))]
    assert not found(city_of([home(300, 10)], [at(302, 95)], near))


@pytest.mark.parametrize(("end", "way"), [(0.05, 10 + 70 + 300 + 10), (0.06, 70 + 286 + 10)])
def test_a_street_that_ends_on_another_is_joined_to_it(end, way):
    roads = [MAIN, street((100, end), (100, 80))]
    (row,) = found(city_of([home(110, 70)], [at(400, -10)], roads)).values()
    assert row.measured == pytest.approx(way, abs=0.1)


def test_a_bridge_over_a_street_is_no_crossing():
    roads = [
        MAIN,
        street((100, -50), (100, 80)),
        street((100, 80), (2000, 80)),
        street((2000, 80), (2000, 0), (1000, 0)),
    ]
    assert set(found(city_of([home(104, 60)], [at(90, 1)], roads))) == {("h0", "toilet")}


def test_small_parts_of_the_streets_and_motorways_are_not_walked():
    roads = [MAIN, street((0, 50), (100, 50)), street((0, 60), (5000, 60), highway="motorway")]
    # the nearest street that counts is the main one, 52 m and 42 m away
    (row,) = found(city_of([home(0, 52)], [at(260, 42)], roads)).values()
    assert row.measured == 52 + 256 + 42


@pytest.mark.parametrize(("bridge", "way"), [(None, 396), (False, 396), (True, 5 + 96 + math.hypot(290, 5))])
def test_a_trunk_road_is_walked_unless_it_is_a_bridge(bridge, way):
    roads = [street((0, 0), (0, -900)), street((0, 0), (100, 0))]
    roads.append(street((100, 0), (400, 0), highway="trunk", bridge=bridge))
    (row,) = found(city_of([home(0, 5)], [at(390, 5)], roads)).values()
    assert row.measured == pytest.approx(way, abs=1e-5)


def test_without_roads_the_way_is_straight():
    city = city_of([home(0, 0), home(-1, 0)], [at(304, 0)])
    result = outcome(city)
    assert list(result.findings["object_id"]) == ["h1"]
    assert result.untested[0] == "no roads that people walk on: distances are straight"
    assert result.findings["objects"].iloc[0] == ("housing:h1", "components:*")


def test_lamps_are_reached_straight_whatever_the_streets():
    lamps = [at(34, 0, "street_lamp")]
    assert not found(city_of([home(0, 0)], lamps, [street((0, 500), (100, 500))]))
    (row,) = found(city_of([home(-1, 0)], lamps, [MAIN])).values()
    assert (row.measured, row.reference) == (31.0, 30.0)


@pytest.mark.parametrize("condition", ["broken", "lost", "occupied", None, "不详"])
def test_what_is_broken_or_of_unknown_condition_does_not_serve(condition):
    (row,) = found(city_of([home(0, 5)], [at(10, 5, condition=condition)], [MAIN])).values()
    assert math.isnan(row.measured)


def test_without_a_column_for_the_condition_all_serve_and_it_is_said():
    result = outcome(city_of([home(0, 5)], [at(10, 5)], [MAIN], condition=False))
    assert not len(result.findings)
    assert "no condition of components: all are taken to work" in result.untested


def test_severity_is_the_quartile_of_residents_of_all_homes():
    homes = [home(500 + 10 * k, 5, residents=float(k)) for k in range(5)]
    homes += [home(600, 5, residents=None), home(620, 5, residents=50.0, use="office")]
    rows = found(city_of(homes, [at(0, 0)], [MAIN]))
    # homes hold 0 1 2 3 4 50: median 2.5, third quartile 3.75
    assert [rows[f"h{k}", "toilet"].severity for k in range(7)] == [
        "low",
        "low",
        "low",
        "medium",
        "high",
        "info",
        "high",
    ]
    assert rows["h5", "toilet"].data_state == "unrecorded"


def test_offices_without_people_are_no_homes():
    homes = [
        home(500, 5, residents=0.0, use="office"),
        home(520, 5, residents=None, use="office", households=1.0),
    ]
    assert set(found(city_of(homes, [at(0, 0)], [MAIN]))) == {("h1", "toilet")}


def test_a_fire_facility_with_another_name_is_no_hydrant():
    for name, serves in ((None, True), ("室外消火栓", True), ("消防栓 12", True), ("灭火器箱", False)):
        others = [at(900, 0, "hydrant"), at(10, 5, "0113", name=name)]
        assert (not found(city_of([home(0, 5)], others, [MAIN]))) == serves


def test_a_class_nobody_recorded_is_named_and_not_tested():
    assert outcome(city_of([home(0, 5)], [at(10, 5)], [MAIN])).untested == (
        "no hydrant in the city: not tested",
        "no waste_point in the city: not tested",
        "no street_lamp in the city: not tested",
    )


def test_asks_for_homes_and_facilities():
    city = city_of([home(0, 5)], [])
    assert OUT_OF_REACH.missing(city) == "no components given"
    city = city_of([home(0, 5)], [at(0, 0, "bench")])
    assert OUT_OF_REACH.missing(city) is None
    assert OUT_OF_REACH.unready(Context(city, standards())) == (
        "no toilet, hydrant, waste_point, street_lamp among the components given"
    )


def test_bad_shapes_and_values_never_stop_it():
    bow_tie = from_wkt("POLYGON ((0 0, 20 20, 20 0, 0 20, 0 0))")
    homes = [
        {"geometry": None, "residents": 2.0},
        {"geometry": from_wkt("POLYGON EMPTY"), "residents": 2.0},
        {"geometry": from_wkt("POINT (nan nan)"), "residents": 2.0},
        {"geometry": bow_tie, "residents": -5.0},
        {"geometry": bow_tie, "residents": np.inf},
    ]
    facilities = [at(700, 0), {"geometry": None, "class_code": "toilet", "condition": "intact"}]
    roads = [
        MAIN,
        {"geometry": None, "highway": "residential"},
        {"geometry": LineString([(5, 5), (5, 5)]), "highway": "residential"},
        {"geometry": MultiLineString([[(0, 0), (0, 50)], [(900, 0), (900, 50)]]), "highway": "新路"},
        {"geometry": Point(1, 1), "highway": "residential"},
    ]
    assert set(found(city_of(homes, facilities, roads))) == {("h3", "toilet"), ("h4", "toilet")}
