import json
import os
import signal
import sqlite3
import subprocess
import sys
import time

import pytest

from citygap.model.catalogue import catalogue
from citygap.model.errors import CityGapError
from citygap.store import database, flags, gaps


def _code(action, *args, **words):
    with pytest.raises(CityGapError) as caught:
        action(*args, **words)
    assert "\n" not in caught.value.line()
    return caught.value.code


CRS = {"crs_name": "EPSG:4549", "srs_id": 4549, "crs_wkt": "LOCAL_CS[]", "tz": "Asia/Shanghai"}


def test_a_new_store(store):
    assert database.is_store(store.path)
    assert store.srs_id == 4549
    meta = store.meta
    assert (meta["schema"], meta["project"], meta["tz"]) == (str(database.SCHEMA), "city", "Asia/Shanghai")
    assert store.connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert store.connection.execute("PRAGMA foreign_keys").fetchone() == (1,)
    assert store.connection.execute("PRAGMA application_id").fetchone() == (0x47504B47,)
    assert store.connection.execute("PRAGMA user_version").fetchone() == (10300,)
    rules = store.connection.execute("SELECT rule_id, title_zh FROM rules").fetchall()
    assert rules == [(row.rule_id, row.title_zh) for row in catalogue().values()]
    assert store.photo_folder == store.path.parent / "city_photos"
    assert gaps.read_gaps(store) == []


def test_a_file_that_is_there_is_left_alone(tmp_path):
    path = tmp_path / "mine.gpkg"
    path.write_text("mine")
    assert _code(database.create_store, path, **CRS) == "exists"
    assert path.read_text() == "mine"
    assert _code(database.create_store, tmp_path / "no" / "s.gpkg", **CRS) == "missing_folder"
    assert _code(database.create_store, tmp_path / "s.gpkg", **{**CRS, "tz": "Mars/Base"}) == "no_zone"
    assert sorted(file.name for file in tmp_path.iterdir()) == ["mine.gpkg"]


def test_a_store_that_fails_half_way_leaves_nothing(tmp_path, monkeypatch):
    def fail(connection):
        raise RuntimeError("half way")

    monkeypatch.setattr(database, "fill_rules", fail)
    with pytest.raises(RuntimeError):
        database.create_store(tmp_path / "s.gpkg", **CRS)
    assert list(tmp_path.iterdir()) == []


def test_what_is_no_store(tmp_path):
    assert _code(database.open_store, tmp_path / "none.gpkg") == "missing_file"
    assert not database.is_store(tmp_path)
    contents = {"empty.gpkg": b"", "text.gpkg": b"hello", "cut.gpkg": b"SQLite format 3\0" + b"\0" * 50}
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
        assert _code(database.open_store, tmp_path / name) == "not_store"
        assert not database.is_store(tmp_path / name)
    other = sqlite3.connect(tmp_path / "other.gpkg")
    other.execute("CREATE TABLE meta (key, value)")
    other.commit()
    other.close()
    assert _code(database.open_store, tmp_path / "other.gpkg") == "not_store"
    other = sqlite3.connect(tmp_path / "alike.gpkg")
    other.executescript("CREATE TABLE meta (a); CREATE TABLE gaps (a); CREATE TABLE events (a)")
    other.close()
    assert not database.is_store(tmp_path / "alike.gpkg")
    assert not (tmp_path / "none.gpkg").exists()


def test_a_newer_store_is_refused_and_left_alone(store):
    store.connection.execute("UPDATE meta SET value = '99' WHERE key = 'schema'")
    store.close()
    before = store.path.read_bytes()
    assert database.is_store(store.path)
    assert _code(database.open_store, store.path) == "newer_store"
    assert store.path.read_bytes() == before


def test_a_locked_store_says_so(store, monkeypatch):
    monkeypatch.setattr(database, "BUSY_MS", 50)
    with database.open_store(store.path) as other, store.write("li"):
        words = {"severity": "low", "text": "x", "object_role": "housing", "object_id": "H1"}
        assert _code(flags.flag, other, **words) == "locked"
        assert gaps.read_gaps(other) == []
    flags.flag(store, **words)


def test_a_write_that_fails_is_rolled_back_and_leaves_no_action(store):
    with pytest.raises(ZeroDivisionError), store.write("li") as connection:
        connection.execute("INSERT INTO notes (note_id, at, text) VALUES ('n', 'now', 'x')")
        raise ZeroDivisionError
    assert store.connection.execute("SELECT count(*) FROM notes").fetchone() == (0,)
    assert not {"action", "author"} & store.meta.keys()


def test_a_write_inside_a_write_is_the_same_action(store):
    with store.write("li"):
        gap_id = flags.flag(
            store, severity="low", text="x", object_role="housing", object_id="H1", author="wang"
        )
        with store.write("zhao") as connection:
            connection.execute("UPDATE gaps SET text = 'y' WHERE gap_id = ?", (gap_id,))
    rows = store.connection.execute('SELECT DISTINCT "action", edited_by FROM events').fetchall()
    assert [author for _, author in rows] == ["li"]


# ---------------------------------------------------------------- other processes

WRITER = """
import importlib.util, sys
spec = importlib.util.spec_from_file_location(
    "citygap", sys.argv[1] + "/__init__.py", submodule_search_locations=[sys.argv[1]])
module = importlib.util.module_from_spec(spec)
sys.modules["citygap"] = module
spec.loader.exec_module(module)
from citygap.store import database, flags
store = database.open_store(sys.argv[2])
"""
FLAGS = """
for number in range(40):
    flags.flag(store, severity="low", text=f"{sys.argv[3]} {number}", object_role="housing", object_id="H",
               author=sys.argv[3])
"""
HALF = """
with store.write("ghost"):
    for number in range(1000):
        flags.flag(store, severity="low", text="half", object_role="housing", object_id="H")
    print("half way", flush=True)
    sys.stdin.read()
"""


def _start(root, store, script, *args):
    command = [sys.executable, "-c", WRITER + script, str(root), str(store.path), *args]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def test_two_processes_write_at_once_and_nothing_is_lost(store, root):
    writers = [_start(root, store, FLAGS, name) for name in ("li", "wang")]
    for writer in writers:
        writer.communicate(timeout=60)
        assert writer.returncode == 0
    assert gaps.count_by(store, "edited_by") == [("li", 40), ("wang", 40)]
    actions = store.connection.execute('SELECT count(DISTINCT "action"), count(*) FROM events').fetchone()
    assert actions == (80, 80)
    assert store.connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs kill -9")
def test_a_writer_killed_half_way_leaves_the_store_as_it_was(store, root):
    flags.flag(store, severity="low", text="before", object_role="housing", object_id="H1")
    writer = _start(root, store, HALF)
    assert writer.stdout.readline() == "half way\n"
    os.kill(writer.pid, signal.SIGKILL)
    writer.communicate(timeout=10)
    deadline = time.monotonic() + 5
    store.close()
    with database.open_store(store.path) as again:
        assert time.monotonic() < deadline
        assert [gap["text"] for gap in gaps.read_gaps(again)] == ["before"]
        assert "action" not in again.meta
        assert again.connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_the_store_needs_the_standard_library_only(root):
    script = WRITER.rsplit("\n", 2)[0] + (
        "\nfrom citygap.store import events, merge, notes, photos, runs, standards, where"
        "\nimport json; print(json.dumps(sorted({name.split('.')[0] for name in sys.modules})))"
    )
    run = subprocess.run(
        [sys.executable, "-c", script, str(root)], capture_output=True, text=True, check=True, timeout=60
    )
    heavy = {
        "numpy",
        "pandas",
        "shapely",
        "geopandas",
        "pyogrio",
        "fiona",
        "pyproj",
        "qgis",
        "PyQt5",
        "osgeo",
    }
    assert not heavy & set(json.loads(run.stdout))
