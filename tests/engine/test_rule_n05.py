"""N05 against a brute-force oracle and hand-drawn cases."""

from dataclasses import replace

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import from_wkt
from shapely.geometry import LineString, MultiLineString, Point, box
from shapely.ops import substring, unary_union

from citygap.engine.city import city_from_tables
from citygap.engine.context import Context
from citygap.engine.coverage import covered_length, straight_pieces
from citygap.engine.findings import merge_equal_keys
from citygap.engine.rules.network import STREET_WITHOUT_PIPE_RECORD
from citygap.engine.standards import Standards, shipped_standards

AS_OF = pd.Timestamp("2026-07-01T23:59:59.999999+08:00").to_pydatetime()
CITY_ORIGIN = np.array([639650.25, 3456789.5])
EXPECTED = ["JS", "PS", "DL", "TX"]
STREETS = {"trunk", "primary", "secondary", "tertiary", "unclassified", "residential", "living_street"}
STREETS |= {"pedestrian", "road", "trunk_link", "primary_link", None}


def frame(rows, geometry):
    return gpd.GeoDataFrame({name: [row[name] for row in rows] for name in rows[0]}, geometry=geometry)


def city_of(roads, pipes, buildings):
    """Roads as dicts with geometry, pipes as (class, geometry), buildings as geometries."""
    road_rows = [
        {
            "id": road.get("id", f"r{k}"),
            "highway": road.get("highway", "residential"),
            "bridge": road.get("bridge"),
            "tunnel": road.get("tunnel"),
        }
        for k, road in enumerate(roads)
    ]
    tables = {"roads": frame(road_rows, [road["geometry"] for road in roads])}
    if pipes:
        rows = [{"id": f"p{k}", "class_code": code} for k, (code, _) in enumerate(pipes)]
        tables["pipes"] = frame(rows, [shape for _, shape in pipes])
    if buildings:
        tables["housing"] = frame([{"id": f"h{k}"} for k in range(len(buildings))], buildings)
    return city_from_tables(tables, as_of=AS_OF)


def outcome(city):
    context = Context(city, Standards(shipped_standards(), AS_OF.date()))
    result = STREET_WITHOUT_PIPE_RECORD.find(city, context)
    return replace(result, findings=merge_equal_keys(result.findings))


def fit(shape):
    return shape is not None and not shape.is_empty and bool(np.isfinite(shape.bounds).all())


def share_by_buffers(road, pipes):
    """Share of the road, 25 m cut from both ends, inside the union of the pipes' flat buffers."""
    middle = substring(road, 25, road.length - 25)
    strips = [pipe.buffer(20, cap_style="flat", quad_segs=90) for pipe in pipes if fit(pipe)]
    covered = unary_union(strips)
    # Piece by piece: GEOS counts once what a street passes twice.
    pieces = [LineString(pair) for pair in zip(middle.coords, middle.coords[1:])]
    return sum(piece.intersection(covered).length for piece in pieces) / middle.length


def oracle(roads, pipes, buildings):
    """Road id to its expected classes and the share of each, straight from the catalogue."""
    tested = [code for code in EXPECTED if any(c == code and fit(g) for c, g in pipes)]
    found = {}
    for k, road in enumerate(roads):
        shape = road["geometry"]
        if not fit(shape) or shape.length <= 50 or road.get("bridge") or road.get("tunnel"):
            continue
        if road.get("highway", "residential") not in STREETS:
            continue
        if sum(1 for building in buildings if fit(building) and building.distance(shape) <= 50) < 3:
            continue
        found[f"r{k}"] = {
            code: share_by_buffers(shape, [g for c, g in pipes if c == code]) for code in tested
        }
    return found


place = st.tuples(st.integers(0, 12).map(lambda n: 20.0 * n), st.integers(0, 6).map(lambda n: 20.0 * n))
path = st.lists(place, min_size=2, max_size=4).map(LineString)
odd = st.sampled_from(
    [
        None,
        from_wkt("LINESTRING EMPTY"),
        from_wkt("LINESTRING (nan nan, nan nan)"),
        from_wkt("LINESTRING (0 0, 120 120, 120 0, 0 120)"),
        from_wkt("LINESTRING (40 40, 40 40)"),
        from_wkt("LINESTRING (0 0, 120 0, 120 60, 0 60, 0 0)"),
        from_wkt("LINESTRING (0 20, 100 20, 0 20)"),
    ]
)
parted = st.lists(path, min_size=2, max_size=2).map(MultiLineString)
roads_ = st.lists(
    st.fixed_dictionaries(
        {
            "highway": st.sampled_from(
                ["residential", "primary", "primary_link", None, "service", "motorway_link", "odd word"]
            ),
            "bridge": st.sampled_from([None, False, False, True]),
            "tunnel": st.sampled_from([None, False, False, True]),
            "geometry": st.one_of(path, path, path, odd),
        }
    ),
    min_size=1,
    max_size=4,
)
pipes_ = st.lists(
    st.tuples(
        st.sampled_from(["JS", "JS", "PS", "DL", "TX", "RQ", None]), st.one_of(path, path, parted, odd)
    ),
    min_size=1,
    max_size=6,
)
buildings_ = st.lists(
    st.one_of(
        place.map(lambda p: box(p[0], p[1], p[0] + 10, p[1] + 10)),
        place.map(Point),
        st.sampled_from([None, from_wkt("POLYGON ((0 0, 20 20, 20 0, 0 20, 0 0))")]),
    ),
    min_size=2,
    max_size=6,
)


@settings(max_examples=120, deadline=None)
@given(roads_, pipes_, buildings_)
def test_agrees_with_the_catalogue_read_plainly(roads, pipes, buildings):
    want = oracle(roads, pipes, buildings)
    result = outcome(city_of(roads, pipes, buildings))
    present = {code for code, shape in pipes if fit(shape)}
    assert result.untested == tuple(
        f"no {code} pipe in the city: not tested" for code in EXPECTED if code not in present
    )
    rows = {row.object_id: row for row in result.findings.itertuples()}
    assert set(rows) <= set(want)
    for road, shares in want.items():
        # Buffers are polygons: the share of a street near the mark may fall on either side of it.
        sure = [code for code, share in shares.items() if share < 0.495]
        maybe = [code for code, share in shares.items() if share < 0.505]
        missing = rows[road].class_code.split("|") if road in rows else []
        assert set(sure) <= set(missing) <= set(maybe)
        if road in rows:
            row = rows[road]
            assert missing == [code for code in EXPECTED if code in missing]
            assert row.measured == len(missing) and row.reference == 0 and row.unit == "1"
            assert row.severity == {1: "low", 2: "medium"}.get(len(missing), "high")
            assert row.params["expected"] == EXPECTED and row.params["missing"] == missing
            for code in missing:
                assert row.params["share"][code] == pytest.approx(shares[code], abs=0.01)


anywhere = st.tuples(st.floats(0, 200), st.floats(0, 120))
crooked = st.lists(anywhere, min_size=2, max_size=5).map(LineString)


@settings(max_examples=80, deadline=None)
@given(
    crooked.filter(lambda road: road.length > 60), st.lists(crooked, min_size=1, max_size=4), st.booleans()
)
def test_covered_length_agrees_with_samples(road, lines, at_city_coordinates):
    """Points every 0.25 m: each is beside a piece, or around a bend, of some line, or it is not."""
    if at_city_coordinates:
        road, *lines = (shapely.transform(line, lambda xy: xy + CITY_ORIGIN) for line in [road, *lines])
    step = 0.25
    samples = [road.interpolate(25 + step * (n + 0.5)) for n in range(int((road.length - 50) / step))]
    inside = np.array([any(beside(point, line) for line in lines) for point in samples], dtype=int)
    pieces = straight_pieces(np.array([road], dtype=object))
    begin, end = pieces.extents(1)
    shapes = np.array(lines, dtype=object)
    length = covered_length(pieces, (begin + 25, end - 25), shapes, 20.0, lambda: None)[0]
    # Where it goes in or out between two samples, up to a step is not seen; nor is a shorter touch.
    unseen = step * (np.abs(np.diff(inside)).sum() + 3)
    assert length == pytest.approx(inside.sum() * step, abs=unseen)


def beside(point, line):
    corners = [corner for k, corner in enumerate(line.coords) if k == 0 or corner != line.coords[k - 1]]
    for k in range(len(corners) - 1):
        (ax, ay), (bx, by) = corners[k], corners[k + 1]
        length = np.hypot(bx - ax, by - ay)
        along = ((point.x - ax) * (bx - ax) + (point.y - ay) * (by - ay)) / length
        aside = ((point.x - ax) * (by - ay) - (point.y - ay) * (bx - ax)) / length
        if 0 <= along <= length and abs(aside) <= 20:
            return True
        bends = k + 2 < len(corners) or (corners[0] == corners[-1] and len(corners) > 3)
        if bends and along >= length and np.hypot(point.x - bx, point.y - by) <= 20:
            cx, cy = corners[k + 2] if k + 2 < len(corners) else corners[1]
            if (point.x - bx) * (cx - bx) + (point.y - by) * (cy - by) <= 0:
                return True
    return False


STREET = LineString([(0, 0), (100, 0)])
HOUSES = [box(x, 30, x + 10, 40) for x in (10, 40, 70)]
ALL = [(code, LineString([(0, 5), (100, 5)])) for code in EXPECTED]


def bare(pipes=ALL, shape=STREET, houses=HOUSES, **road):
    """Missing classes of one street; far pipes keep every class in the city."""
    far = [(code, LineString([(0, 9000), (9, 9000)])) for code in EXPECTED]
    table = outcome(city_of([{"geometry": shape, **road}], [*far, *pipes], houses)).findings
    return list(table["class_code"])


def test_street_with_all_pipes_is_none_and_each_missing_class_is_named():
    assert bare() == []
    assert bare(ALL[1:]) == ["JS"]
    assert bare([]) == ["JS|PS|DL|TX"]


def test_record_of_a_plain_finding():
    far = [(code, LineString([(0, 9000), (9, 9000)])) for code in EXPECTED]
    quarter = ("TX", LineString([(0, 5), (37.5, 5)]))
    row = outcome(city_of([{"geometry": STREET}], [*far, *ALL[:2], quarter], HOUSES)).findings.iloc[0]
    assert row["key"] == '["N05",["roads:r0"],""]'
    assert (row["class_code"], row["severity"], row["measured"], row["reference"]) == (
        "DL|TX",
        "medium",
        2,
        0,
    )
    assert row.geometry.equals(STREET) and row["objects"] == ("roads:r0", "housing:*", "pipes:*")
    assert row["params"] == {"expected": EXPECTED, "missing": ["DL", "TX"], "share": {"DL": 0.0, "TX": 0.25}}
    assert row["basis"].startswith("PA050@")


@pytest.mark.parametrize(("until", "missing"), [(50, []), (49.9, ["JS"]), (24, ["JS"]), (100, [])])
def test_half_of_what_is_left_is_enough(until, missing):
    for shift in ((0, 0), (639650.123, 3456789.456)):

        def move(shape, by=shift):
            return shapely.transform(shape, lambda xy: xy + by)

        part = [("JS", move(LineString([(0, 20), (until, 20)])))]
        rest = [(code, move(shape)) for code, shape in ALL[1:]]
        assert bare([*part, *rest], move(STREET), [move(house) for house in HOUSES]) == missing


@pytest.mark.parametrize(("away", "missing"), [(20, []), (20.01, ["JS"]), (-20, [])])
def test_within_20_m_to_each_side(away, missing):
    assert bare([("JS", LineString([(0, away), (100, away)])), *ALL[1:]]) == missing


def test_caps_are_flat_and_crossings_do_not_cover():
    # A round cap at x = 44 would reach to x = 64.
    assert bare([("JS", LineString([(0, 0), (44, 0)])), *ALL[1:]]) == ["JS"]
    # Crossing streets cover 40 m each, but only where they are.
    assert bare([("JS", LineString([(5, -50), (5, 50)])), *ALL[1:]]) == ["JS"]
    assert bare([("JS", LineString([(50, -50), (50, 50)])), *ALL[1:]]) == []
    assert bare(
        [("JS", LineString([(0, 0), (0, 50)])), ("JS", LineString([(100, 0), (100, 50)])), *ALL[1:]]
    ) == ["JS"]


def test_overlapping_records_count_once():
    twice = [("JS", LineString([(25, 5), (45, 5)]))] * 2
    assert bare([*twice, *ALL[1:]]) == ["JS"]
    assert bare([*twice, ("JS", LineString([(45, -5), (50, -5)])), *ALL[1:]]) == []


@pytest.mark.parametrize(("length", "tested"), [(50, False), (50.01, True), (40, False)])
def test_short_segments_are_not_tested(length, tested):
    assert bool(bare([], LineString([(0, 0), (length, 0)]))) is tested


def test_built_up_needs_three_within_50_m_of_the_whole_segment():
    edge = [box(x, 50, x + 5, 60) for x in (0, 50)]
    assert bare([], houses=[*edge, box(100, 50, 110, 60)])
    assert not bare([], houses=[*edge, box(100, 50.01, 110, 60)])
    assert not bare([], houses=edge)
    assert bare([], houses=[*edge, Point(150, 0)])  # beyond the cut end, within reach of the segment


@pytest.mark.parametrize(
    ("road", "tested"),
    [
        ({"bridge": True}, False),
        ({"tunnel": True}, False),
        ({"bridge": False}, True),
        ({"highway": "motorway"}, False),
        ({"highway": "motorway_link"}, False),
        ({"highway": "trunk_link"}, True),
        ({"highway": "living_street"}, True),
        ({"highway": "footway"}, False),
        ({"highway": "service"}, False),
        ({"highway": "not listed"}, False),
        ({"highway": None}, True),
        ({"highway": "不详"}, True),
    ],
)
def test_which_streets_are_tested(road, tested):
    assert bool(bare([], **road)) is tested


def test_class_without_a_pipe_is_named_and_gas_is_never_expected():
    result = outcome(
        city_of([{"geometry": STREET}], [ALL[0], ("RQ", LineString([(0, 900), (9, 900)]))], HOUSES)
    )
    assert result.untested == tuple(f"no {code} pipe in the city: not tested" for code in ("PS", "DL", "TX"))
    assert not len(result.findings)


def test_segments_of_one_id_are_one_finding():
    roads = [{"id": "r", "geometry": STREET}, {"id": "r", "geometry": LineString([(100, 0), (200, 0)])}]
    houses = [*HOUSES, *(box(x, 30, x + 10, 40) for x in (110, 140, 170))]
    far = [(code, LineString([(0, 9000), (9, 9000)])) for code in EXPECTED]
    table = outcome(city_of(roads, [*far, ALL[0]], houses)).findings
    # The second segment lacks JS too and is the severest; both are high, the smaller measure leads.
    assert len(table) == 1 and table.geometry.iloc[0].geom_type == "MultiLineString"
    assert table["class_code"].iloc[0] == "PS|DL|TX"


def test_parts_that_make_one_street_are_one_and_lie_end_to_end():
    parted = MultiLineString([[(0, 0), (30, 0)], [(30, 0), (100, 0)]])
    assert bare(ALL, parted) == [] and bare(ALL[1:], parted) == ["JS"]


def test_missing_input_is_named():
    assert STREET_WITHOUT_PIPE_RECORD.missing(city_from_tables({}, as_of=AS_OF)) == (
        "no roads and no pipes and no housing given"
    )
    assert STREET_WITHOUT_PIPE_RECORD.missing(city_of([{"geometry": STREET}], ALL, HOUSES)) is None
    assert STREET_WITHOUT_PIPE_RECORD.missing(city_of([{"geometry": STREET}], ALL, [])) == "no housing given"
