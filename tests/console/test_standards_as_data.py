"""Standards as data, end to end: edited in the store, exchanged as CSV, rules switched off."""

import csv
import sqlite3

import geopandas as gpd
import pytest
import shapely

SHAPE = (
    "standard_id,rule_or_activity,object_class,subtype,applies_if,grade,zone,value,unit,body,use,source,"
    "clause,confidence,valid_from,valid_to,version,note"
)


@pytest.fixture
def city(tmp_path):
    """Two drains 3 m apart at their ends, and a gas pipe."""
    path = tmp_path / "city.gpkg"
    lines = [[(0, 0), (50, 0)], [(53, 0), (90, 0)], [(0, 40), (90, 40)]]
    shapes = [shapely.LineString([(640000 + x, 3456000 + y) for x, y in line]) for line in lines]
    table = {
        "id": ["P1", "P2", "G1"],
        "class_code": ["PS", "PS", "RQ"],
        "material_code": "PE",
        "geometry": shapes,
    }
    gpd.GeoDataFrame(table, crs="EPSG:4549").to_file(path, layer="pipes")
    return path


@pytest.fixture
def store(tmp_path, city, console):
    path = tmp_path / "S.gpkg"
    console.json("check", city, "--store", path)
    return path


def edit(store, statement):
    with sqlite3.connect(store) as connection:
        assert connection.execute(statement).rowcount == 1
    connection.close()


def rule(console, store, name, *words):
    return console.json("check", "--store", store, *words)["rules"][name]


def table(path, *rows, columns=SHAPE):
    path.write_text("\n".join([columns, *rows]) + "\n", encoding="utf-8")
    return path


def refused(console, *words):
    done = console.run(*words)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.count("\n") == 1 and "Traceback" not in done.stderr
    return done.stderr


def test_a_threshold_edited_in_the_store_decides(console, store):
    assert rule(console, store, "N02")["found"] == 0
    edit(store, "UPDATE standards SET value = '5', version = '2' WHERE standard_id = 'PA040'")
    assert rule(console, store, "N02")["new"] == 1
    (gap,) = console.json("gaps", store, "--where", "rule_id = 'N02'")
    assert (gap["reference"], gap["basis"].split(" ")[0]) == (5.0, "PA040@2")


def test_rows_from_memory_are_off_until_they_are_switched_on(console, store):
    missing = "rule_id = 'T01' AND object_id = 'leak_detection:pipes:RQ'"
    (gap,) = console.json("gaps", store, "--where", missing)
    assert gap["run_state"] == "new"
    edit(store, "UPDATE standards SET confidence = 'project' WHERE standard_id = 'II015'")
    assert rule(console, store, "T01")["gone"] == 1
    (gap,) = console.json("gaps", store, "--where", missing)
    assert (gap["run_state"], gap["status"]) == ("gone", "verified")
    edit(store, "UPDATE standards SET use = 'off' WHERE standard_id = 'II015'")
    assert rule(console, store, "T01")["returned"] == 1


def test_a_rule_that_is_switched_off_does_not_run_and_closes_nothing(console, store):
    before = console.json("gaps", store, "--where", "rule_id = 'D01'")
    assert before
    edit(store, "UPDATE rules SET is_on = 0 WHERE rule_id = 'D01'")
    told = rule(console, store, "D01")
    assert (told["status"], told["reason"]["code"], told["gone"]) == ("not_run", "switched_off", 0)
    assert rule(console, store, "D01", "--rules", "D01")["status"] == "not_run"
    after = console.json("gaps", store, "--where", "rule_id = 'D01'")
    assert [gap["status"] for gap in after] == [gap["status"] for gap in before]
    edit(store, "UPDATE rules SET is_on = 1 WHERE rule_id = 'D01'")
    assert rule(console, store, "D01")["persisting"] == len(before)


def test_the_stores_table_goes_out_as_csv_and_comes_back(console, store, tmp_path):
    with sqlite3.connect(store) as connection:
        rows = connection.execute("SELECT * FROM standards")
        names = [column[0] for column in rows.description]
        cells = [dict(zip(names, row)) for row in rows]
    connection.close()
    for row in cells:
        if row["standard_id"] == "PA040":
            row["value"] = "5"
    path = tmp_path / "out.csv"
    with open(path, "w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, names)
        writer.writeheader()
        writer.writerows(cells)
    assert rule(console, store, "N02", "--standards", path)["found"] == 1
    with sqlite3.connect(store) as connection:
        own = connection.execute("SELECT standard_id, value FROM standards WHERE origin = 'city'").fetchall()
    connection.close()
    assert own == [("PA040", "5")]
    assert rule(console, store, "N02")["persisting"] == 1


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("C1,,pipes,,,,,5,m,,,,,,,,,", ("row C1", "rule_or_activity", "empty")),
        ("C1,N02.near_tol_m,pips,,,,,5,m,,,,,,,,,", ("row C1", "object_class", "'pips'", "pipes:RQ")),
        ("C1,N02.near_tol_m,pipes,,,,,wide,m,,,,,,,,,", ("row C1", "value", "'wide'", "number")),
        ("C1,N02.near_tol_m,pipes,,,,,,m,,,,,,,,,", ("row C1", "value", "empty")),
        ("C1,patrol,pipes,,age >,,,5,day,甲,,,,,,,,", ("row C1", "applies_if", "'age >'")),
        ("C1,patrol,pipes,,,,,5,fortnight,甲,,,,,,,,", ("row C1", "unit", "'fortnight'", "week")),
        ("C1,patrol,pipes,,,,,5,day,甲,always,,,,,,,", ("row C1", "use", "'always'")),
        ("C1,patrol,pipes,,,,,5,day,甲,,,,sure,,,,", ("row C1", "confidence", "'sure'", "verified")),
    ],
)
def test_a_cell_that_can_not_be_meant_is_named(console, city, tmp_path, row, words):
    path = table(tmp_path / "ours.csv", row)
    line = refused(console, "check", city, "--store", tmp_path / "S.gpkg", "--standards", path)
    assert all(word in line for word in ("ours.csv", "layer standards", *words))
    assert not (tmp_path / "S.gpkg").exists()


def test_a_table_without_a_needed_column_is_refused(console, city, tmp_path):
    path = table(tmp_path / "ours.csv", "C1,pipes,5", columns="standard_id,object_class,value")
    line = refused(console, "check", city, "--store", tmp_path / "S.gpkg", "--standards", path)
    assert "rule_or_activity" in line and "no such column" in line


def test_what_the_standards_themselves_lack_is_a_finding_and_no_error(console, city, tmp_path):
    path = table(
        tmp_path / "ours.csv", "C1,patrol,pipes:RQ,,,,,,day,,,,,,,,,", "C2,gutters,pipes,,,,,5,day,甲,,,,,,,,"
    )
    store = tmp_path / "S.gpkg"
    told = console.json("check", city, "--store", store, "--standards", path)
    assert told["warnings"] == ["standards: row C2: no rule reads gutters, the row has no effect"]
    (gap,) = console.json("gaps", store, "--where", "rule_id = 'T01' AND object_id = 'patrol:pipes:RQ'")
    assert '"lacking":{"C1":["number","body"]}' in gap["params_json"]


def test_small_refusals(console, city, store, tmp_path):
    for words in ("", ",", " , "):
        done = console.run("check", city, "--store", store, "--rules", words)
        assert (done.returncode, done.stdout) == (2, "") and "no rule is named" in done.stderr
    for name in ("foo.shp", "foo"):
        line = refused(console, "check", city, "--store", tmp_path / name)
        assert "foo.gpkg" in line and not (tmp_path / name).exists()
    place = ("--wkt", "POINT (121.47 31.23)", "--crs", "EPSG:4326", "--severity", "low")
    assert "blank" in refused(console, "flag", store, *place, "--text", " \t")
    gap_id = console.json("gaps", store)[0]["gap_id"]
    assert "future" in refused(console, "note", store, gap_id, "--text", "x", "--at", "2999-01-01")
