"""Gap records and geometries for the report's tests, made without any geometry library."""

import hashlib
import struct
from importlib.util import find_spec

import pytest

from citygap.model.gap import RECORD_COLUMNS

NEEDS = {"fiona": ("fiona", "pyogrio", "shapely"), "ogr": ("osgeo",)}


@pytest.fixture(params=sorted(NEEDS))
def engine_name(request):
    """Each engine this Python has; the other suite runs the other one."""
    missing = [module for module in NEEDS[request.param] if find_spec(module) is None]
    if missing:
        pytest.skip(f"the {request.param} engine needs {', '.join(missing)}: the other venv runs it")
    return request.param


@pytest.fixture(autouse=True)
def as_in_qgis():
    """QGIS switches the recoding of shapefiles off for its whole process: what we write must not care."""
    if find_spec("osgeo") is None:
        yield
        return
    from osgeo import gdal

    before = gdal.GetConfigOption("SHAPE_ENCODING")
    gdal.SetConfigOption("SHAPE_ENCODING", "")
    yield
    gdal.SetConfigOption("SHAPE_ENCODING", before)


class Wkb:
    """Well-known binary by hand."""

    @staticmethod
    def _coordinates(points):
        return struct.pack("<I", len(points)) + b"".join(struct.pack("<2d", *point) for point in points)

    @classmethod
    def point(cls, x=354000.25, y=3456000.5):
        return struct.pack("<BI2d", 1, 1, x, y)

    @classmethod
    def point_z(cls, x, y, z):
        return struct.pack("<BI3d", 1, 1001, x, y, z)

    @classmethod
    def line(cls, *points):
        return struct.pack("<BI", 1, 2) + cls._coordinates(points)

    @classmethod
    def polygon(cls, *rings):
        return struct.pack("<BII", 1, 3, len(rings)) + b"".join(map(cls._coordinates, rings))

    @classmethod
    def collection(cls, code, *parts):
        return struct.pack("<BII", 1, code, len(parts)) + b"".join(parts)

    @classmethod
    def square(cls, x=0.0, y=0.0, side=10.0):
        ring = ((x, y), (x + side, y), (x + side, y + side), (x, y + side), (x, y))
        return cls.polygon(ring)


@pytest.fixture
def wkb():
    return Wkb


@pytest.fixture
def gap():
    """Makes a gap record; columns not named are plausible."""
    number = iter(range(1, 1_000_000))

    def make(**columns):
        record = dict.fromkeys(RECORD_COLUMNS)
        record |= {
            "gap_id": f"D01-{next(number):016d}",
            "rule_id": "D01",
            "title": "属性缺失",
            "severity": "medium",
            "data_state": "known",
            "status": "open",
            "run_state": "new",
            "object_role": "housing",
            "object_id": "007",
            "measured": 2.0,
            "reference": 0.0,
            "unit": "1",
            "params_json": "{}",
            "found_at": "2026-11-23T23:05:02+08:00",
            "seen_at": "2026-11-24T00:00:00+08:00",
            "due_at": "2026-12-23T23:05:02+08:00",
            "origin": "rule",
            "notes": 0,
            "photos": 0,
            "wkb": Wkb.point(),
        }
        return {**record, **columns}

    return make


@pytest.fixture
def note():
    """Makes a note as `read_notes` gives it."""
    number = iter(range(1, 1_000_000))

    def make(*gap_ids, **columns):
        record = {
            "note_id": f"NOTE{next(number):04d}",
            "gap_ids": list(gap_ids),
            "at": "2026-11-24T09:00:00+08:00",
            "entered_at": "2026-11-24T10:00:00+08:00",
            "author": "王工",
            "text": "已到现场",
            "result": None,
            "weather": None,
            "private": False,
            "photos": [],
        }
        return {**record, **columns}

    return make


@pytest.fixture
def photo(tmp_path):
    """Puts a photo into the photo folder and describes it as `read_notes` does."""

    def make(content, name="现场.jpg"):
        data = b"\xff\xd8\xff\xe0" + content
        digest = hashlib.sha256(data).hexdigest()
        path = f"{digest[:2]}/{digest}.jpg"
        file = tmp_path / "store_photos" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
        return {"path": path, "sha256": digest, "name": name, "bytes": len(data)}

    return make


@pytest.fixture
def write(tmp_path, engine_name):
    """`write_report` into ``报告 2026`` in Shanghai's CRS, by each engine."""
    from citygap.reports.report import write_report

    (tmp_path / "store_photos").mkdir(exist_ok=True)

    def call(gaps, notes=(), **options):
        settings = {
            "crs_wkt": "",
            "epsg": 4549,
            "photo_folder": tmp_path / "store_photos",
            "engine_name": engine_name,
        }
        return write_report(gaps, notes, tmp_path / "报告 2026", **{**settings, **options})

    return call


@pytest.fixture
def out(tmp_path):
    return tmp_path / "报告 2026"


class Dbf:
    """A dBase reader of its own, as old programs read: a blank number is 0."""

    def __init__(self, path, encoding="utf-8"):
        data = path.read_bytes()
        count, head, size = struct.unpack("<IHH", data[4:12])
        self.descriptors = data[32 : head - 1]
        self.records = data[head : head + count * size]
        self.names, self.widths, fields, at = [], {}, [], 1
        for start in range(32, head - 32, 32):
            name = data[start : start + 11].split(b"\0")[0].decode("ascii")
            kind, width = chr(data[start + 11]), data[start + 16]
            self.names.append(name)
            self.widths[name] = width
            fields.append((name, kind, at, width))
            at += width
        self.rows = []
        for start in range(0, count * size, size):
            row = {}
            for name, kind, offset, width in fields:
                raw = self.records[start + offset : start + offset + width]
                row[name] = self._number(raw) if kind == "N" else raw.decode(encoding).strip()
            self.rows.append(row)

    @staticmethod
    def _number(raw):
        text = raw.decode("ascii").strip(" *\0")
        return float(text) if text else 0.0


@pytest.fixture
def dbf():
    return Dbf
