"""A store to work on, and runs over a small made-up city."""

import struct

import pytest

from citygap.model.gap import FindingRow, RuleRun, SourceRow
from citygap.model.identity import gap_key, ulid
from citygap.store import database, gaps, merge

CRS_WKT = (
    'PROJCS["CGCS2000 / 3-degree Gauss-Kruger CM 120E",GEOGCS["China Geodetic Coordinate System 2000",'
    'DATUM["China_2000",SPHEROID["CGCS2000",6378137,298.257222101,AUTHORITY["EPSG","1024"]],'
    'AUTHORITY["EPSG","1043"]],PRIMEM["Greenwich",0,AUTHORITY["EPSG","8901"]],UNIT["degree",'
    '0.0174532925199433,AUTHORITY["EPSG","9122"]],AUTHORITY["EPSG","4490"]],'
    'PROJECTION["Transverse_Mercator"],PARAMETER["latitude_of_origin",0],PARAMETER["central_meridian",120],'
    'PARAMETER["scale_factor",1],PARAMETER["false_easting",500000],PARAMETER["false_northing",0],'
    'UNIT["metre",1,AUTHORITY["EPSG","9001"]],AUTHORITY["EPSG","4549"]]'
)


class Bench:
    """Findings and runs in few words; each run starts a day after the one before."""

    def __init__(self, store):
        self.store = store
        self.day = 0

    @staticmethod
    def point(x, y):
        return struct.pack("<BI2d", 1, 1, x, y)

    @staticmethod
    def square(x, y, size=10.0):
        ring = [(x, y), (x + size, y), (x + size, y + size), (x, y + size), (x, y)]
        return struct.pack("<BIII", 1, 3, 1, 5) + b"".join(struct.pack("<2d", *corner) for corner in ring)

    def finding(self, object_id, rule_id="D01", role="housing", x=350000.0, place=True, **changes):
        objects = changes.pop("objects", (f"{role}:{object_id}",))
        row = FindingRow(
            rule_id=rule_id,
            key=gap_key(rule_id, objects),
            severity="medium",
            data_state="known",
            object_role=role,
            object_id=object_id,
            class_code=None,
            area_code="310101",
            cell_code=None,
            body=None,
            measured=2.0,
            reference=0.0,
            unit="1",
            basis="PA002@1 project default",
            confidence="project",
            params_json="{}",
            objects=objects,
            wkb=self.square(x, 3456000.0) if place else None,
            bounds=(x, 3456000.0, x + 10, 3456010.0) if place else None,
            anchor=(x + 5, 3456005.0) if place else None,
        )
        return row._replace(**changes)

    @staticmethod
    def source(name="houses", role="housing", dated="2026-01-01"):
        return SourceRow(name, f"/data/{name}.gpkg", role, 10, dated, {"encoding": "UTF-8"})

    def run(self, findings, *, rules=None, sources=None, as_of=None, **more):
        """Merge the findings (object ids or rows); by default D01 ran over one source of housing."""
        self.day += 1
        date = f"2026-11-{self.day:02d}"
        info = merge.RunInfo(
            ulid(), f"{date}T10:00:00+08:00", as_of or date, "0.1.0", "city", 1.5, "Asia/Shanghai"
        )
        rows = [self.finding(row) if isinstance(row, str) else row for row in findings]
        return merge.merge_run(
            self.store,
            info,
            [RuleRun("D01", "run", roles=("housing",))] if rules is None else rules,
            rows,
            [self.source()] if sources is None else sources,
            **more,
        )

    def gap_of(self, object_id, rule_id="D01"):
        (gap,) = [
            gap
            for gap in gaps.read_gaps(self.store)
            if (gap["object_id"], gap["rule_id"]) == (object_id, rule_id)
        ]
        return gap

    def id_of(self, object_id):
        return self.gap_of(object_id)["gap_id"]

    def dump(self):
        """Everything in the store, for comparing before and after."""
        tables = [
            row[0]
            for row in self.store.connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        ]
        return {name: self.store.connection.execute(f'SELECT * FROM "{name}"').fetchall() for name in tables}


@pytest.fixture
def new_store(tmp_path):
    """Makes stores in a temporary folder, closed at the end."""
    made = []

    def make(name="city.gpkg"):
        made.append(
            database.create_store(
                tmp_path / name, crs_name="EPSG:4549", srs_id=4549, crs_wkt=CRS_WKT, tz="Asia/Shanghai"
            )
        )
        return made[-1]

    yield make
    for store in made:
        store.close()


@pytest.fixture
def store(new_store):
    return new_store()


@pytest.fixture
def bench(store):
    return Bench(store)


@pytest.fixture
def bench_for():
    """The bench of a store that the test makes itself."""
    return Bench


@pytest.fixture
def photo(tmp_path):
    """Writes a file that begins as a JPEG does."""

    def make(name="IMG_1.jpg", content=b"one"):
        path = tmp_path / name
        path.write_bytes(b"\xff\xd8\xff\xe0" + content)
        return path

    return make
