"""The console script: contract, exit codes, one line for what can't be used, nothing half-written."""

import json
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import geopandas as gpd
import pytest
import shapely

from citygap import commands
from citygap.cli import language_of_system, main
from citygap.commands import run as runs
from citygap.model.gap import RECORD_COLUMNS
from citygap.model.version import SCHEMA, VERSION
from citygap.store.database import SCHEMA as STORE_SCHEMA
from citygap.store.database import open_store
from citygap.store.standards import read_standards

EAST, NORTH = 640000, 3456000
RULE_KEYS = {"status", "reason", "found", "info", "new", "persisting", "gone", "returned"}


def _write_city(path, years=(1962, 2015)):
    shapes = [shapely.box(EAST + 50 * i, NORTH, EAST + 50 * i + 10, NORTH + 10) for i in range(len(years))]
    columns = {"id": [f"H{i + 1}" for i in range(len(years))], "built_year": list(years), "geometry": shapes}
    gpd.GeoDataFrame(columns, crs="EPSG:4549").to_file(path, layer="housing")
    line = shapely.LineString([(EAST, NORTH - 10), (EAST + 60, NORTH - 10)])
    pipe = {"id": ["P1"], "class_code": ["JS"], "laid_year": [1980], "geometry": [line]}
    gpd.GeoDataFrame(pipe, crs="EPSG:4549").to_file(path, layer="pipes")
    units = {
        "code": ["310000", "310101"],
        "level": ["city", "subdistrict"],
        "geometry": [
            shapely.box(EAST - 100, NORTH - 100, EAST + 200, NORTH + 100),
            shapely.box(EAST - 1, NORTH - 20, EAST + 30, NORTH + 20),
        ],
    }
    gpd.GeoDataFrame(units, crs="EPSG:4549").to_file(path, layer="units")
    return path


@pytest.fixture
def city(tmp_path):
    return _write_city(tmp_path / "city.gpkg")


@pytest.fixture
def store(tmp_path, city, run):
    path = tmp_path / "S.gpkg"
    run("check", city, "--store", path, "--as-of", "2026-01-31")
    return path


@pytest.fixture
def run(capsys):
    """Run a command: its standard output if it succeeds, as JSON where it is asked for."""

    def run(*words):
        code = main([str(word) for word in words])
        said = capsys.readouterr()
        assert code == 0, said.err
        assert said.err == ""
        return json.loads(said.out) if "--json" in words or "--geojson" in words else said.out

    return run


@pytest.fixture
def refused(capsys):
    """Run a command that can't be done: its one line."""

    def refused(*words):
        assert main([str(word) for word in words]) == 1
        said = capsys.readouterr()
        assert said.out == "" and said.err.startswith("citygap: ") and said.err.count("\n") == 1
        return said.err

    return refused


@pytest.fixture
def misused(capsys):
    def misused(*words):
        with pytest.raises(SystemExit) as caught:
            main([str(word) for word in words])
        assert caught.value.code == 2
        return capsys.readouterr().err

    return misused


def _gap(run, store, rule):
    return next(gap for gap in run("gaps", store, "--json") if gap["rule_id"] == rule)


def test_numbers_of_the_schema_are_one():
    assert SCHEMA == STORE_SCHEMA


def test_version_is_that_of_the_package(root, capsys):
    with pytest.raises(SystemExit):
        main(["--version"])
    assert capsys.readouterr().out.strip() == f"citygap {VERSION}"
    assert f'version = "{VERSION}"' in (root / "pyproject.toml").read_text(encoding="utf-8")


def test_check_json_is_the_contract_and_a_second_run_finds_the_same(run, tmp_path, city):
    store = tmp_path / "S.gpkg"
    first = run("check", city, "--store", store, "--json")
    assert {"run_id", "seconds", "rules"} <= set(first)
    assert all(set(rule) == RULE_KEYS for rule in first["rules"].values())
    for rule in first["rules"].values():
        assert rule["found"] == rule["new"] + rule["persisting"] + rule["returned"]
        assert (rule["status"] == "not_run") <= bool(rule["reason"]["code"] if rule["reason"] else False)
    assert first["rules"]["A02"]["new"] == 1 and first["rules"]["N05"]["reason"]["code"] == "missing_input"
    ids = {gap["gap_id"] for gap in run("gaps", store, "--json")}
    again = run("check", "--store", store, "--json")
    assert again["rules"]["A02"]["persisting"] == 1 and again["rules"]["A02"]["new"] == 0
    assert {gap["gap_id"] for gap in run("gaps", store, "--json")} == ids


def test_gone_gap_is_kept_and_peoples_word_survives(run, tmp_path, store):
    gap = _gap(run, store, "A02")
    run("status", store, gap["gap_id"], "accepted", "--why", "torn down soon", "--until", "2030-01-01")
    _write_city(tmp_path / "city.gpkg", years=(2010, 2015))
    result = run("check", "--store", store, "--json")
    assert result["rules"]["A02"]["gone"] == 1 and result["rules"]["A02"]["found"] == 0
    after = _gap(run, store, "A02")
    assert (after["gap_id"], after["run_state"], after["status"]) == (gap["gap_id"], "gone", "accepted")


def test_rules_are_named_by_id_or_identifier(run, refused, store):
    rules = run("check", "--store", store, "--rules", "a02,missing_attribute", "--json")["rules"]
    assert {rule_id for rule_id, rule in rules.items() if rule["status"] == "run"} == {"A02", "D01"}
    assert rules["S01"]["reason"]["code"] == "not_asked"
    assert "Q99" in refused("check", "--store", store, "--rules", "Q99")


def test_window_by_unit_and_by_bbox_look_only_there(run, refused, misused, tmp_path):
    city = _write_city(tmp_path / "two.gpkg", years=(1962, 1963))
    store = tmp_path / "S.gpkg"
    assert run("check", city, "--store", store, "--unit", "310101", "--json")["rules"]["A02"]["found"] == 1
    assert [g["object_id"] for g in run("gaps", store, "--json") if g["rule_id"] == "A02"] == ["H1"]
    corners = gpd.GeoSeries([shapely.box(EAST + 40, NORTH - 5, EAST + 70, NORTH + 15)], crs="EPSG:4549")
    bbox = ",".join(f"{value:.7f}" for value in corners.to_crs(4326).total_bounds)
    result = run("check", "--store", store, "--bbox", bbox, "--json")["rules"]
    assert (result["A02"]["new"], result["A02"]["gone"]) == (1, 0)
    assert "no unit 9" in refused("check", "--store", store, "--unit", "9")
    assert "bbox" in refused("check", "--store", store, "--bbox", "-1.5,50,-2,51")
    misused("check", "--store", store, "--bbox", bbox, "--unit", "310101")
    misused("check", "--store", store, "--bbox", "1,2,3")


def test_as_of_fixes_today(run, tmp_path, city):
    result = run("check", city, "--store", tmp_path / "S.gpkg", "--as-of", "2001-05-01", "--json")
    assert result["as_of"] == "2001-05-01"
    ages = {
        g["object_id"]: g["measured"]
        for g in run("gaps", tmp_path / "S.gpkg", "--json")
        if g["rule_id"] == "A02"
    }
    assert ages["H1"] == 39


def test_city_standards_overlay_and_stay_in_the_store(run, tmp_path, city):
    store, rows = tmp_path / "S.gpkg", tmp_path / "ours.csv"
    rows.write_text(
        "standard_id,rule_or_activity,object_class,applies_if,grade,zone,value,unit,source\n"
        "C1,D01.required_fields,pipes,,,,class_code,,our city\n",
        encoding="utf-8",
    )
    before = run("check", city, "--store", tmp_path / "plain.gpkg", "--json")["rules"]["D01"]["found"]
    first = run("check", city, "--store", store, "--standards", rows, "--json")["rules"]["D01"]["found"]
    assert first < before
    assert run("check", "--store", store, "--json")["rules"]["D01"]["found"] == first
    with sqlite3.connect(store) as connection:
        origins = dict(connection.execute("SELECT origin, count(*) FROM standards GROUP BY origin"))
        roles = {role for (role,) in connection.execute("SELECT DISTINCT role FROM sources")}
    assert origins["city"] == 1 and origins["shipped"] > 10
    assert roles == {"housing", "pipes", "units"}


def test_city_out_is_the_city_as_it_was_read(run, tmp_path, city):
    out = tmp_path / "S_city.gpkg"
    run("check", city, "--store", tmp_path / "S.gpkg", "--city-out", out)
    info = subprocess.run(["ogrinfo", "-q", str(out)], capture_output=True, text=True, check=True).stdout
    assert all(role in info for role in ("housing", "pipes", "units"))


def test_gaps_json_is_the_record_with_wkt_in_the_citys_crs(run, store):
    gap = _gap(run, store, "A02")
    assert set(gap) == {*RECORD_COLUMNS, "geometry"}
    assert shapely.from_wkt(gap["geometry"]).equals(shapely.box(EAST, NORTH, EAST + 10, NORTH + 10))
    assert [g["gap_id"] for g in run("gaps", store, "--json", "--where", "rule_id = 'A02'")] == [
        gap["gap_id"]
    ]
    assert (
        run("gaps", store, "--json", "--lang", "zh")[0]["title"]
        != run("gaps", store, "--json", "--lang", "en")[0]["title"]
    )


def test_geojson_is_rfc_7946_and_gdal_reads_it(run, tmp_path, store):
    clockwise = "MULTIPOLYGON (((640000 3456000, 640000 3456001, 640001 3456001, 640000 3456000)))"
    run("flag", store, "--wkt", clockwise, "--crs", "EPSG:4549", "--severity", "low", "--text", "x")
    collection = run("gaps", store, "--geojson")
    assert set(collection) == {"type", "features"}
    path = tmp_path / "gaps.geojson"
    path.write_text(json.dumps(collection), encoding="utf-8")
    read = gpd.read_file(path)
    assert read.crs.to_epsg() == 4326 and len(read) == len(collection["features"])
    west, south, east, north = read.total_bounds
    assert 121.4 < west <= east < 121.5 and 31.2 < south <= north < 31.3
    back = read.to_crs(4549).set_index("gap_id").geometry
    gap = _gap(run, store, "A02")
    assert back[gap["gap_id"]].hausdorff_distance(shapely.from_wkt(gap["geometry"])) < 0.02
    shapes = [feature["geometry"] for feature in collection["features"] if feature["geometry"]]
    rings = [shape["coordinates"][0] for shape in shapes if shape["type"] == "Polygon"]
    rings += [part[0] for shape in shapes if shape["type"] == "MultiPolygon" for part in shape["coordinates"]]
    assert rings and all(shapely.LinearRing(ring).is_ccw for ring in rings)


def test_flag_by_place_and_by_object(run, refused, misused, store):
    by_place = run("flag", store, "--wkt", "POINT (121.47 31.217)", "--crs", "EPSG:4326", "--severity", "low",
                   "--text", "dark", "--author", "Li").strip()  # fmt: skip
    by_object = run("flag", store, "--object", "housing:H2", "--severity", "high", "--text", "cracks",
                    "--rule", "A02").strip()  # fmt: skip
    gaps = {gap["gap_id"]: gap for gap in run("gaps", store, "--json")}
    assert gaps[by_place]["edited_by"] == "Li" and gaps[by_place]["origin"] == "planner"
    point = shapely.from_wkt(gaps[by_place]["geometry"])
    assert abs(point.x - EAST) < 1000 and abs(point.y - NORTH) < 1000
    assert shapely.from_wkt(gaps[by_object]["geometry"]).equals(
        shapely.box(EAST + 50, NORTH, EAST + 60, NORTH + 10)
    )
    assert (gaps[by_object]["object_role"], gaps[by_object]["object_id"]) == ("housing", "H2")
    said = ("--severity", "low", "--text", "x")
    assert "housing:H9" in refused("flag", store, "--object", "housing:H9", *said)
    assert "ROLE:ID" in refused("flag", store, "--object", "H1", *said)
    assert "WKT" in refused("flag", store, "--wkt", "POINT (", "--crs", "EPSG:4326", *said)
    assert "CRS" in refused("flag", store, "--wkt", "POINT (1 1)", "--crs", "EPSG:1", *said)
    misused("flag", store, "--wkt", "POINT (1 1)", *said)
    misused("flag", store, *said)
    misused("flag", store, "--object", "housing:H1", "--severity", "awful", "--text", "x")


def test_flag_on_an_object_whose_files_are_gone_takes_the_gaps_place(run, refused, store, city):
    place = _gap(run, store, "A02")["geometry"]
    city.unlink()
    gap_id = run("flag", store, "--object", "housing:H1", "--severity", "low", "--text", "x").strip()
    assert next(g for g in run("gaps", store, "--json") if g["gap_id"] == gap_id)["geometry"] == place
    refused("flag", store, "--object", "housing:H2", "--severity", "low", "--text", "x")


def test_note_status_history_and_undo(run, refused, misused, tmp_path, store):
    gap_id = _gap(run, store, "A02")["gap_id"]
    photo = tmp_path / "photo.png"
    photo.write_bytes(bytes.fromhex("89504e470d0a1a0a0000000d49484452") + b"0" * 50)
    run("note", store, gap_id, "--text", "seen", "--photo", photo, "--at", "2026-01-02T03:04:05+08:00")
    assert _gap(run, store, "A02")["photos"] == 1
    assert "photo" in refused("note", store, gap_id, "--text", "x", "--photo", tmp_path / "none.jpg").lower()
    run("status", store, gap_id, "fixed", "--author", "Li")
    events = run("history", store, gap_id, "--json")
    assert {"event_id", "at", "table", "key", "column", "was", "is", "edited_by", "sealed"} == set(events[0])
    event = next(e for e in events if e["column"] == "status" and e["edited_by"] == "Li")
    assert (event["was"], event["is"]) == ("open", "fixed")
    run("undo", store, event["event_id"])
    assert _gap(run, store, "A02")["status"] == "open"
    assert "why" in refused("status", store, gap_id, "false_alarm")
    assert "verified" in refused("status", store, gap_id, "verified")
    assert "NOPE" in refused("status", store, "NOPE", "fixed")
    misused("status", store, gap_id, "finished")


def test_history_verify_fails_once_an_event_is_altered(run, capsys, store):
    run("status", store, _gap(run, store, "A02")["gap_id"], "confirmed")
    assert run("history", store, "--verify", "--json") == {"problems": []}
    with sqlite3.connect(store) as connection:
        for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            connection.execute(f'DROP TRIGGER "{name}"')
        connection.execute("UPDATE events SET is_now = 'open' WHERE column_name = 'status'")
    assert main(["history", str(store), "--verify"]) == 1
    assert capsys.readouterr().out.strip()


def test_report_is_read_back(run, tmp_path, store):
    out = tmp_path / "report"
    report = run("report", store, "--out", out, "--strict", "--json")
    assert report == json.loads((out / "report.json").read_text(encoding="utf-8"))
    count = len(run("gaps", store, "--json"))
    read = [len(gpd.read_file(out / f"gap_report_{kind}.shp")) for kind in ("pt", "ln", "pg")]
    assert sum(read) + report["files"]["gap_report_none.csv"]["rows"] == count == report["gaps"]


@pytest.mark.parametrize(
    ("name", "content", "part"),
    [
        ("gone.gpkg", None, "does not exist"),
        ("empty.shp", b"", "empty"),
        ("cut.gpkg", b"SQLite format 3\x00" + b"\x10\x00" * 20, "cut.gpkg"),
        ("words.geojson", b"hello", "words.geojson"),
        ("none.geojson", b'{"type": "FeatureCollection", "features": []}', "none.geojson"),
    ],
)
def test_unusable_source_is_one_line_and_leaves_nothing(refused, tmp_path, name, content, part):
    source = tmp_path / name
    if content is not None:
        source.write_bytes(content)
    before = set(tmp_path.iterdir())
    assert part in refused("check", f"--role=housing={source}", "--store", tmp_path / "S.gpkg")
    assert set(tmp_path.iterdir()) == before


def test_failing_run_changes_nothing(refused, run, monkeypatch, tmp_path, city, store):
    kept = run("gaps", store, "--json")

    def fail(*_, **__):
        raise RuntimeError("boom\nbang")

    monkeypatch.setattr(runs, "merge_run", fail)
    before = set(tmp_path.iterdir())
    assert "RuntimeError" in refused("check", city, "--store", tmp_path / "new.gpkg")
    assert "RuntimeError" in refused("check", "--store", store)
    assert set(tmp_path.iterdir()) == before and run("gaps", store, "--json") == kept


def test_traceback_only_when_asked_for(monkeypatch, capsys, store):
    monkeypatch.setitem(commands.COMMANDS, "gaps", lambda call: 1 / 0)
    monkeypatch.setenv("CITYGAP_DEBUG", "1")
    assert main(["gaps", str(store)]) == 1
    assert "Traceback" in capsys.readouterr().err


def test_store_is_no_source_and_a_source_is_no_store(refused, tmp_path, store, city):
    assert "store" in refused("check", store, "--store", tmp_path / "T.gpkg")
    assert "city.gpkg" in refused("gaps", city)
    assert "no source" in refused("check", "--store", tmp_path / "T.gpkg")
    assert "folder" in refused("check", city, "--store", tmp_path / "no" / "S.gpkg")
    assert "--crs" in refused("check", city, "--store", store, "--crs", "32651")
    assert not (tmp_path / "T.gpkg").exists()


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["dance"],
        ["check", "x.gpkg"],
        ["card"],
        ["check", "x.gpkg", "--store", "S.gpkg", "--as-of", "2026-13-01"],
        ["check", "x.gpkg", "--store", "S.gpkg", "--tz", "Mars/Base"],
        ["gaps", "S.gpkg", "--json", "--geojson"],
        ["report", "S.gpkg"],
        ["report", "S.gpkg", "--out", "d", "--format", "dwg"],
        ["note", "S.gpkg", "G"],
        ["undo", "S.gpkg", "seven"],
    ],
)
def test_wrong_usage_is_two(misused, words):
    misused(*words)


def test_texts_speak_the_language(run, monkeypatch, store, city, tmp_path):
    assert "Missing attribute" in run("check", "--store", store, "--lang", "en")
    monkeypatch.setenv("LC_ALL", "zh_CN.UTF-8")
    assert language_of_system() == "zh" and "属性缺失" in run("check", "--store", store)
    assert "缺口" in run("gaps", store) and "housing" in run("card", city)
    assert "缺口" in run("report", store, "--out", tmp_path / "r")


def test_card_json_says_role_rows_and_crs(run, city):
    cards = {entry["layer"]: entry for entry in run("card", city, "--json")}
    assert (cards["housing"]["role"], cards["housing"]["rows"], cards["housing"]["crs"]) == (
        "housing",
        2,
        "EPSG:4549",
    )


def test_map_names_a_column(run, tmp_path):
    shapes = [shapely.box(EAST, NORTH, EAST + 10, NORTH + 10)]
    frame = gpd.GeoDataFrame({"nr": ["X1"], "odd": [1950], "geometry": shapes}, crs="EPSG:4549")
    frame.to_file(tmp_path / "odd.gpkg", layer="stuff")
    words = ["check", f"--role=housing={tmp_path / 'odd.gpkg'}|stuff", "--map", "housing.built_year=odd",
             "--map", "housing.id=nr", "--store", tmp_path / "S.gpkg", "--json"]  # fmt: skip
    assert run(*words)["rules"]["A02"]["found"] == 1
    assert _gap(run, tmp_path / "S.gpkg", "A02")["object_id"] == "X1"
    assert run("check", "--store", tmp_path / "S.gpkg", "--json")["rules"]["A02"]["persisting"] == 1


def test_script_prints_one_json_document_and_no_trace(tmp_path, root, city):
    script = Path(sys.executable).with_name("citygap")
    if not script.exists():
        pytest.skip("the console script is not installed beside this Python")
    words = [str(script), "check", "city.gpkg", "--store", "S.gpkg", "--json"]
    done = subprocess.run(words, capture_output=True, cwd=tmp_path, env={**os.environ, "LC_ALL": "C"})
    assert done.returncode == 0 and done.stderr == b"" and json.loads(done.stdout)["rules"]
    done = subprocess.run([str(script), "gaps", "none.gpkg"], capture_output=True, cwd=tmp_path)
    assert done.returncode == 1 and done.stderr.count(b"\n") == 1 and b"Traceback" not in done.stderr


def test_shipped_standards_stand_in_the_store(store):

    with open_store(store) as opened:
        rows = read_standards(opened)
    assert {row["origin"] for row in rows} == {"shipped"} and any(
        row["rule_or_activity"] == "N02.near_tol_m" for row in rows
    )
