"""A small hand-drawn store and city for the tests on the QGIS side."""

import pytest
from osgeo import gdal, ogr, osr

from citygap.model.gap import FindingRow, RuleRun
from citygap.store import flags, lifecycle, merge, notes
from citygap.store.database import create_store, open_store

SCRIPT = "<script>alert(1)</script>"


def _crs():
    crs = osr.SpatialReference()
    crs.ImportFromEPSG(4549)
    return crs


def _finding(number, rule_id, severity, wkt, **values):
    shape = ogr.CreateGeometryFromWkt(wkt) if wkt else None
    west, east, south, north = shape.GetEnvelope() if shape else (None,) * 4
    row = {
        "rule_id": rule_id,
        "key": f"{rule_id}|{number}",
        "severity": severity,
        "data_state": "known",
        "object_role": "housing",
        "object_id": f"b{number}",
        "class_code": None,
        "area_code": None,
        "cell_code": None,
        "body": None,
        "measured": 73.0,
        "reference": 50.0,
        "unit": "a",
        "basis": "AG012 v1",
        "confidence": "verified",
        "params_json": "{}",
        "objects": (f"housing:b{number}",),
        "wkb": bytes(shape.ExportToWkb()) if shape else None,
        "bounds": (west, south, east, north) if shape else None,
        "anchor": ((west + east) / 2, (south + north) / 2) if shape else None,
    }
    return FindingRow(**{**row, **values})


FINDINGS = [
    (1, "A02", "high", "POINT (10 10)", {"body": SCRIPT}),
    (2, "A02", "medium", "MULTIPOINT (20 10, 22 10)", {}),
    (3, "N05", "low", "LINESTRING (0 30, 100 30)", {}),
    (
        4,
        "N05",
        "info",
        "MULTILINESTRING ((0 50, 40 50), (60 50, 100 50))",
        {"measured": None, "reference": None},
    ),
    (
        5,
        "R01",
        "high",
        "POLYGON ((50 50, 80 50, 80 80, 50 80, 50 50))",
        {"data_state": "unrecorded", "measured": None},
    ),
    (6, "D01", "medium", None, {}),
    (7, "A02", "low", "POINT (90 90)", {}),
]
"""Three points, two lines, one area, one gap without a place; number 7 is a false alarm."""


@pytest.fixture
def empty_map_store(tmp_path):
    """A store in which nothing was found yet; returns its path."""
    path = tmp_path / "city.gpkg"
    crs = {"crs_name": "CGCS2000", "srs_id": 4549, "crs_wkt": _crs().ExportToWkt()}
    create_store(path, tz="Asia/Shanghai", **crs).close()
    return path


@pytest.fixture
def map_store(empty_map_store):
    """A store with seven gaps of a run, a planner's flag and a note on gap 1; returns its path."""
    with open_store(empty_map_store) as store:
        run = merge.RunInfo(
            "01J00000000000000000000000", "2026-11-24T09:00:00+08:00", "2026-11-24", "0", "city", 1.0, ""
        )
        rules = [RuleRun(name, "run", None, None, ("housing",)) for name in ("A02", "D01", "N05", "R01")]
        findings = [_finding(*parts, **values) for *parts, values in FINDINGS]
        merge.merge_run(store, run, rules, findings, [])
        ids = dict(store.connection.execute("SELECT key, gap_id FROM gaps"))
        lifecycle.set_status(store, [ids["A02|7"]], "false_alarm", why="looked", author="w")
        notes.add_note(store, [ids["A02|1"]], text=f"cracks {SCRIPT}", author="w")
        flags.flag(store, severity="high", text="no lamp", object_role="roads", object_id="r1", author="w")
    return empty_map_store


def _write(source, name, kind, columns, rows):
    layer = source.CreateLayer(name, _crs() if kind != ogr.wkbNone else None, kind)
    for column in columns:
        number = column.endswith(("_year", "_mm", "_m"))
        layer.CreateField(ogr.FieldDefn(column, ogr.OFTInteger if number else ogr.OFTString))
    for wkt, *values in rows:
        feature = ogr.Feature(layer.GetLayerDefn())
        for column, value in zip(columns, values):
            if value is not None:
                feature[column] = value
        if wkt:
            feature.SetGeometry(ogr.CreateGeometryFromWkt(wkt))
        layer.CreateFeature(feature)


def _square(x, y, side=8):
    return f"POLYGON (({x} {y}, {x + side} {y}, {x + side} {y + side}, {x} {y + side}, {x} {y}))"


CITY = {
    "housing": (
        ogr.wkbPolygon,
        ("id", "name", "built_year", "danger_grade", "owner"),
        [
            (_square(5, 5), "b1", SCRIPT, 1936, "D", "Bureau"),
            (_square(25, 5), "b2", None, 1953, "A", None),
            (_square(45, 5), "b3", None, 1987, "C", "Bureau"),
            (_square(65, 5), "b4", None, None, None, None),
        ],
    ),
    "pipes": (
        ogr.wkbLineString,
        ("id", "class_code", "diameter_mm", "laid_year"),
        [
            ("LINESTRING (0 28, 100 28)", "p1", "RQ", 300, 1980),
            ("LINESTRING (0 26, 100 26)", "p2", "JS", 200, None),
            ("LINESTRING (0 24, 100 24)", "p3", "??", None, None),
        ],
    ),
    "neglected": (
        ogr.wkbUnknown,
        ("id", "kind", "name"),
        [
            ("LINESTRING (0 20, 40 20)", "n1", "back_alley", "Alley"),
            (_square(80, 60), "n2", "leftover", None),
        ],
    ),
    "roads": (
        ogr.wkbLineString,
        ("id", "name", "highway"),
        [("LINESTRING (0 30, 100 30)", "r1", "First", "primary")],
    ),
    "water": (
        ogr.wkbPolygon,
        ("id", "name"),
        [("POLYGON ((0 90, 100 90, 100 99, 0 99, 0 90))", "w1", "River")],
    ),
    "units": (
        ogr.wkbPolygon,
        ("code", "level", "name"),
        [
            ("POLYGON ((0 0, 100 0, 100 100, 0 100, 0 0))", "U1", "district", "North"),
            (_square(0, 0, 50), "U2", "cell", None),
        ],
    ),
    "duties": (
        ogr.wkbNone,
        ("id", "body", "object_class", "duty", "area_code"),
        [
            (None, "d1", "[% 'x' %]", "housing", "maintain", "U1"),
            (None, "d2", None, "housing", "maintain", "U2"),
            (None, "d3", "Bureau", "roads", "patrol", "U1"),
            (None, "d4", "Bureau", "roads", "patrol", "nowhere"),
        ],
    ),
}
"""Role to geometry type, columns and rows (geometry first)."""


@pytest.fixture
def write_city(tmp_path):
    """A function that writes the hand-drawn city with some of its roles (default all); returns its path."""

    def write(*roles):
        path = tmp_path / "city_city.gpkg"
        source = ogr.GetDriverByName("GPKG").CreateDataSource(str(path))
        for role in roles or CITY:
            _write(source, role, *CITY[role])
        return path

    gdal.UseExceptions()
    return write
