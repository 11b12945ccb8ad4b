import math
import sqlite3
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from citygap.model.errors import CityGapError
from citygap.store import geometry

shapely = pytest.importorskip("shapely")
wkb_module = pytest.importorskip("shapely.wkb")

NUMBER = st.floats(min_value=-1e7, max_value=1e7, allow_nan=False)
PAIR = st.tuples(NUMBER, NUMBER)
TRIPLE = st.tuples(NUMBER, NUMBER, NUMBER)


def _shapes(pair):
    point = pair.map(shapely.Point)
    line = st.lists(pair, min_size=2, max_size=5).map(shapely.LineString)
    ring = st.lists(pair, min_size=3, max_size=5).map(shapely.Polygon)
    single = point | line | ring
    return (
        single
        | st.lists(point, max_size=3).map(shapely.MultiPoint)
        | st.lists(ring, max_size=3).map(shapely.MultiPolygon)
        | st.lists(single, max_size=3).map(shapely.GeometryCollection)
    )


@settings(max_examples=120, deadline=None)
@given(_shapes(PAIR) | _shapes(TRIPLE), st.sampled_from([0, 1]), st.sampled_from(["iso", "extended"]))
def test_a_blob_holds_the_flat_geometry_and_its_bounds(shape, order, flavor):
    blob = geometry.to_blob(shapely.to_wkb(shape, byte_order=order, flavor=flavor), 4549)
    back = shapely.from_wkb(geometry.wkb_of(blob))
    assert not back.has_z
    assert back.equals_exact(shapely.force_2d(shape))
    assert struct.unpack_from("<i", blob, 4) == (4549,)
    if shape.is_empty:
        assert geometry.bounds_of(blob) is None
        assert blob[3] & 0b10000
    else:
        assert geometry.bounds_of(blob) == shape.bounds
        assert (blob[3] >> 1) & 7 == 1


@settings(max_examples=60, deadline=None)
@given(_shapes(PAIR) | _shapes(TRIPLE), st.sampled_from([0, 1]))
def test_a_blob_without_envelope_is_read_as_gdal_writes_it(shape, order):
    blob = struct.pack("<2sBBi", b"GP", 0, 1, 4549) + shapely.to_wkb(shape, byte_order=order, flavor="iso")
    assert geometry.bounds_of(blob) == (None if shape.is_empty else shape.bounds)


def test_srid_and_big_endian_envelopes_are_read():
    wkb = shapely.to_wkb(shapely.set_srid(shapely.Point(1, 2), 4549), include_srid=True)
    assert geometry.flatten(wkb).bounds == (1, 2, 1, 2)
    blob = struct.pack(">2sBBi6d", b"GP", 0, 0b100, 1, 1.0, 3.0, 2.0, 4.0, 0.0, 9.0) + b"x" * 5
    assert geometry.bounds_of(blob) == (1, 2, 3, 4)


@settings(max_examples=200, deadline=None)
@given(
    st.binary(max_size=60)
    | _shapes(PAIR)
    .map(shapely.to_wkb)
    .flatmap(lambda wkb: st.integers(0, len(wkb) - 1).map(lambda cut: wkb[:cut]))
)
def test_broken_bytes_are_refused_not_crashed_on(data):
    try:
        geometry.flatten(data)
    except CityGapError as error:
        assert error.code == "bad_geometry"


def test_a_blob_flagged_empty_is_empty_whatever_its_envelope_says():
    header = struct.pack("<2sBBi4d", b"GP", 0, 0b10011, 4549, 0.0, 0.0, 0.0, 0.0)
    assert geometry.bounds_of(header + shapely.to_wkb(shapely.MultiPoint())) is None


def test_nesting_without_end_is_refused():
    nested = b"\x01\x07\0\0\0\x01\0\0\0" * 5000
    with pytest.raises(CityGapError):
        geometry.flatten(nested)


def test_curves_are_read_but_not_written():
    arc = struct.pack("<BII6d", 1, 8, 3, 0, 0, 1, 1, 2, 0)
    assert geometry.flatten(arc).bounds == (0, 0, 2, 1)
    with pytest.raises(CityGapError) as caught:
        geometry.to_blob(arc, 4549)
    assert caught.value.code == "bad_geometry"


def test_the_functions_of_the_index():
    connection = sqlite3.connect(":memory:")
    geometry.register_functions(connection)
    blob = geometry.to_blob(shapely.to_wkb(shapely.LineString([(1, 2), (3, 4)])), 4549)
    empty = geometry.to_blob(shapely.to_wkb(shapely.Point()), 4549)
    sql = "SELECT ST_MinX(?1), ST_MinY(?1), ST_MaxX(?1), ST_MaxY(?1), ST_IsEmpty(?1)"
    assert connection.execute(sql, (blob,)).fetchone() == (1, 2, 3, 4, 0)
    assert connection.execute(sql, (empty,)).fetchone() == (None, None, None, None, 1)
    assert connection.execute(sql, (None,)).fetchone() == (None,) * 5
    with pytest.raises(sqlite3.OperationalError):
        connection.execute(sql, (b"no blob",)).fetchone()
    connection.close()


@given(PAIR, PAIR)
def test_an_anchor_is_the_centre_floored_to_millimetres(one, two):
    (minx, maxx), (miny, maxy) = sorted((one[0], two[0])), sorted((one[1], two[1]))
    x, y = geometry.anchor_of((minx, miny, maxx, maxy))
    assert x == math.floor((minx + maxx) / 2 * 1000) / 1000
    assert 0 <= (miny + maxy) / 2 - y < 0.0011
