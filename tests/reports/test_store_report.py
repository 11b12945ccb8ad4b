"""The report of a real store."""

import csv
import json

import pytest

from citygap.model.errors import CityGapError
from citygap.model.gap import FindingRow, RuleRun, SourceRow
from citygap.model.identity import gap_key
from citygap.reports.report import report_from_store
from citygap.store import database, flags, lifecycle, merge, notes

JPEG = bytes.fromhex("ffd8ffe000104a46494600010100000100010000ffd9")


def finding(number, wkb):
    x = 354000.0 + number
    return FindingRow(
        rule_id="D01",
        key=gap_key("D01", [f"housing:{number:03d}"]),
        severity="medium",
        data_state="known",
        object_role="housing",
        object_id=f"{number:03d}",
        class_code=None,
        area_code=None,
        cell_code=None,
        body=None,
        measured=None if number % 2 else 2.0,
        reference=0.0,
        unit="1",
        basis=None,
        confidence=None,
        params_json='{"fields":["建成年代"]}',
        objects=(f"housing:{number:03d}",),
        wkb=wkb.point(x, 3456000.0) if number else None,
        bounds=(x, 3456000.0, x, 3456000.0) if number else None,
        anchor=(x, 3456000.0) if number else None,
    )


@pytest.fixture
def store(tmp_path, wkb):
    """Five findings, one without a place; a flag with a note and a photo."""
    with database.create_store(
        tmp_path / "城市.gpkg", crs_name="EPSG:4549", srs_id=4549, crs_wkt="", tz="Asia/Shanghai"
    ) as made:
        run = merge.RunInfo(
            "01RUN", "2026-11-24T01:00:00+08:00", "2026-11-24", "0.1.0", "city", 1.0, "Asia/Shanghai"
        )
        rules = [RuleRun("D01", "run", roles=("housing",))]
        sources = [SourceRow("housing", "h.gpkg", "housing", 5, "2026-11-01", {})]
        merge.merge_run(made, run, rules, [finding(number, wkb) for number in range(5)], sources)
        picture = tmp_path / "现场.jpg"
        picture.write_bytes(JPEG)
        flagged = flags.flag(
            made, severity="high", text="桥下堆物", wkb=wkb.square(354000, 3456000), author="李"
        )
        notes.add_note(made, [flagged], text="已拍照", author="王", photos=[picture])
        lifecycle.set_status(made, [flagged], "assigned", author="李")
        yield made


def rows_of(path):
    with open(path, encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def test_every_gap_of_a_store_is_reported(store, out, engine_name):
    report = report_from_store(store, out, language="zh", engine_name=engine_name, strict=True)
    rows = {name: facts["rows"] for name, facts in report["files"].items() if "rows" in facts}
    assert rows["gap_report_pt.shp"] == 4
    assert rows["gap_report_ln.shp"] == 0
    assert rows["gap_report_pg.shp"] == 1
    assert rows["gap_report_none.csv"] == 1
    assert report["gaps"] == 6
    assert report["epsg"] == 4549
    from citygap.reports.writer import engine

    points = engine(engine_name).read(out / "gap_report_pt.shp").columns
    assert points["title"] == ["属性缺失"] * 4
    assert sorted(points["obj_id"]) == ["001", "002", "003", "004"]
    assert dict(zip(points["obj_id"], points["unrec"]))["003"] == "measured"
    area = engine(engine_name).read(out / "gap_report_pg.shp").columns
    assert (area["text"], area["status"], area["notes"]) == (["桥下堆物"], ["assigned"], [1])
    assert (out / area["photo_1"][0]).read_bytes() == JPEG
    assert [row["text"] for row in rows_of(out / "gap_notes.csv")] == ["已拍照"]
    assert json.loads((out / "report.json").read_text(encoding="utf-8"))["read_back"]["equal"]


def test_where_picks_gaps(store, out, engine_name):
    report = report_from_store(store, out, where="severity = 'high'", engine_name=engine_name)
    assert report["gaps"] == 1
    assert report["where"] == "severity = 'high'"
    with pytest.raises(CityGapError) as caught:
        report_from_store(store, out, where="nonsense ~ 1", engine_name=engine_name)
    assert caught.value.code == "bad_where"


def test_the_store_is_never_moved_away_with_a_report(store, tmp_path, engine_name):
    (tmp_path / "report.json").write_text("{}")
    with pytest.raises(CityGapError) as caught:
        report_from_store(store, tmp_path, engine_name=engine_name)
    assert caught.value.code == "out_taken"
    assert store.path.is_file()
