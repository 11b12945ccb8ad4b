"""Other programs open, check and edit a store."""

import os
import shutil
import subprocess
import sys

import pytest

from citygap.store import database, events, flags, gaps, lifecycle, notes

TABLES = {
    "gaps",
    "meta",
    "notes",
    "note_gaps",
    "photos",
    "data_card",
    "events",
    "ledger",
    "ledger_cells",
    "ledger_classes",
    "ledger_seen",
    "pipe_matrix",
    "stock",
    "totals_checked",
    "runs",
    "run_rules",
    "run_gaps",
    "sources",
    "standards",
    "rules",
}


def _missing(what):
    if os.environ.get("CI"):
        pytest.fail(f"{what} is missing in CI")
    pytest.skip(f"no {what} here")


@pytest.fixture(scope="session")
def ogrinfo():
    """Runs GDAL's ogrinfo; any warning fails the test."""
    program = shutil.which("ogrinfo") or _missing("ogrinfo")

    def run(*args):
        done = subprocess.run([program, *map(str, args)], capture_output=True, text=True, timeout=60)
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout

    return run


@pytest.fixture(scope="session")
def osgeo(root):
    """Runs Python code with GDAL's bindings, in the interpreter that has them."""
    for python in (root / ".venv-qgis" / "bin" / "python", sys.executable, shutil.which("python3")):
        if (
            subprocess.run([str(python), "-c", "import osgeo_utils.samples"], capture_output=True).returncode
            == 0
        ):
            break
    else:
        _missing("Python with GDAL's bindings")

    def run(code, *args):
        script = "from osgeo import ogr; import sys; ogr.UseExceptions()\n" + code
        done = subprocess.run(
            [str(python), "-c", script, *map(str, args)], capture_output=True, text=True, timeout=60
        )
        assert done.stderr == ""
        return done.stdout

    return run


@pytest.fixture
def full(bench, photo):
    """A store with something in every table, closed, so that others have it alone."""
    store = bench.store
    bench.run(["H1", bench.finding("H2", place=False), bench.finding("H3", x=351000.0)])
    bench.run(["H1"])
    gap_id = flags.flag(
        store, severity="high", text="井盖", wkb=bench.point(350500.0, 3456500.0), author="li"
    )
    line = bench.square(0, 0)[:1] + b"\x02\0\0\0\x02\0\0\0" + bench.square(350000.0, 3456000.0)[13:45]
    flags.flag(store, severity="low", text="line", wkb=line)
    notes.add_note(store, [gap_id], text="看", photos=[photo()], author="wang")
    lifecycle.set_status(store, bench.id_of("H1"), "accepted", until="2030-01-01", why="w", author="li")
    store.close()
    return store.path


def test_ogrinfo_lists_every_layer_without_a_warning(full, ogrinfo):
    listed = ogrinfo("-so", "-ro", full)
    assert {line.split(": ")[1].split(" ")[0] for line in listed.splitlines() if line[:1].isdigit()} == TABLES
    summary = ogrinfo("-so", "-ro", "-al", full)
    assert 'EPSG",4549' in summary
    assert "FID Column = fid" in summary
    assert "Geometry Column = geometry" in summary
    assert "Extent: (350000.000000, 3456000.000000) - (351010.000000, 3456500.000000)" in summary


def test_every_geometry_lies_where_ogr_finds_it_by_the_index(full, ogrinfo):
    found = ogrinfo("-ro", "-q", full, "gaps", "-spat", 350499, 3456499, 350501, 3456501)
    assert found.count("OGRFeature") == 1
    assert "POINT (350500 3456500)" in found


def test_gdals_own_validator_finds_nothing(full, osgeo):
    code = (
        "from osgeo_utils.samples import validate_gpkg\n"
        "checker = validate_gpkg.GPKGChecker(sys.argv[1], abort_at_first_error=False, extra_checks=True)\n"
        "checker.check()\n"
        "print(checker.errors)"
    )
    assert osgeo(code, full) == "[]\n"


def test_a_status_edited_in_sql_by_ogr_is_an_event(full, ogrinfo):
    with database.open_store(full) as store:
        before = events.history(store)
    ogrinfo(full, "-sql", "UPDATE gaps SET status = 'fixed', edited_by = 'qgis' WHERE object_id = 'H1'")
    with database.open_store(full) as store:
        new = events.history(store)[len(before) :]
        assert [(e["column"], e["was"], e["is"], e["edited_by"]) for e in new] == [
            ("status", "accepted", "fixed", "qgis"),
            ("edited_by", "li", "qgis", "qgis"),
        ]
        events.undo(store, new[0]["event_id"])
        assert gaps.read_gaps(store, "object_id = 'H1'")[0]["status"] == "accepted"


def test_a_feature_rewritten_whole_by_ogr_is_an_event_of_what_changed(full, osgeo, bench):
    code = """
source = ogr.Open(sys.argv[1], 1)
layer = source.GetLayerByName("gaps")
layer.SetAttributeFilter("origin = 'planner' AND severity = 'high'")
feature = layer.GetNextFeature()
layer.SetFeature(feature)
feature.SetField("status", "confirmed")
feature.SetGeometry(ogr.CreateGeometryFromWkt("POINT (350600 3456600)"))
layer.SetFeature(feature)
"""
    with database.open_store(full) as store:
        before = len(events.history(store))
    osgeo(code, full)
    with database.open_store(full) as store:
        new = events.history(store)[before:]
        assert sorted(event["column"] for event in new) == ["geometry", "status"]
        flag_id = new[0]["key"]
        box = store.connection.execute(
            "SELECT minx, maxy FROM rtree_gaps_geometry JOIN gaps ON id = fid WHERE severity = 'high'"
        ).fetchone()
        assert box == (350600.0, 3456600.0)
        assert store.connection.execute(
            "SELECT ST_MinX(geometry), ST_IsEmpty(geometry) FROM gaps WHERE severity = 'high'"
        ).fetchone() == (350600.0, 0)
    move = code.replace("POINT (350600 3456600)", "POINT (350700 3456700)")
    osgeo(move, full)
    osgeo("ogr.Open(sys.argv[1], 1).ExecuteSQL('UPDATE gaps SET geometry = geometry')", full)
    with database.open_store(full) as store:
        assert gaps.read_gap(store, flag_id)["wkb"] == bench.point(350700.0, 3456700.0)
        events.undo(store, events.last_action(store))
        assert gaps.read_gap(store, flag_id)["wkb"] == bench.point(350600.0, 3456600.0)


def test_a_note_made_by_ogr_counts_and_is_an_event(full, osgeo):
    with database.open_store(full) as store:
        gap_id = gaps.read_gaps(store, "severity = 'high'")[0]["gap_id"]
    code = """
source = ogr.Open(sys.argv[1], 1)
for name, fields in (
    ("notes", {"note_id": "N-1", "at": "2026-11-24T10:00:00+08:00", "text": "field", "author": "qfield"}),
    ("note_gaps", {"note_id": "N-1", "gap_id": sys.argv[2]}),
    ("photos", {"note_id": "N-1", "path": "DCIM/1.jpg"}),
):
    layer = source.GetLayerByName(name)
    feature = ogr.Feature(layer.GetLayerDefn())
    for key, value in fields.items():
        feature.SetField(key, value)
    layer.CreateFeature(feature)
"""
    osgeo(code, full, gap_id)
    with database.open_store(full) as store:
        gap = gaps.read_gap(store, gap_id)
        assert (gap["notes"], gap["photos"]) == (2, 2)
        assert [event["table"] for event in events.history(store)[-3:]] == ["notes", "note_gaps", "photos"]
        assert events.history(store)[-3]["edited_by"] == "qfield"


def test_a_status_only_proof_may_set_is_refused_to_ogr_as_well(full, osgeo):
    code = """
source = ogr.Open(sys.argv[1], 1)
try:
    source.ExecuteSQL("UPDATE gaps SET status = 'verified' WHERE object_id = 'H1'")
except RuntimeError as error:
    print(error)
"""
    assert "only by a check" in osgeo(code, full)
    with database.open_store(full) as store:
        assert gaps.read_gaps(store, "object_id = 'H1'")[0]["status"] == "accepted"
