"""The shapefile set, by both engines, read back by another program."""

import hashlib
import json
import re
import subprocess
import sys
import time
from contextlib import contextmanager

import pytest

from citygap.model.errors import Cancelled, CityGapError
from citygap.reports.columns import NAMES
from citygap.reports.report import write_report
from citygap.reports.tables import read_table

FIXED = re.findall(
    r"\w+",
    """
    gap_id rule_id title severity data_state status run_state obj_role obj_id class_code area_code
    cell_code body measured reference unit basis confidence params found_at found_d seen_at seen_d
    run_id due_at due_d origin text notes photos photo_1 photo_2 photo_3 unrec note_cut
    """,
)
SHAPEFILES = ("gap_report_pt", "gap_report_ln", "gap_report_pg")
RECORDS_DIGEST = "1aeed3436b6403cd54730c299a2da1c7136cf827f34d50a22cf2598cfd7e4568"
"""Of the field descriptors and records both engines wrote when this was measured (GDAL 3.6, 3.9)."""


def ogrinfo(path, *options):
    result = subprocess.run(
        ["ogrinfo", "-al", "-ro", *options, str(path)], capture_output=True, text=True, check=True
    )
    assert not re.search("warning|error|normalized|laundered", result.stderr, re.I), result.stderr
    return result.stdout


def table(path):
    names, rows = read_table(path)
    return [dict(zip(names, row)) for row in rows]


@pytest.fixture
def mixed(gap, wkb):
    """Four gaps: a point, a line, an area, and one without a place."""
    return [
        gap(gap_id="D01-POINT", wkb=wkb.point()),
        gap(gap_id="N05-LINE", wkb=wkb.line((0, 0), (5, 5.5))),
        gap(gap_id="A02-AREA", wkb=wkb.square()),
        gap(gap_id="D06-NONE", wkb=None),
    ]


def test_the_set_is_complete_and_nothing_more(write, out, mixed):
    report = write(mixed)
    stems = {f"{stem}.{end}" for stem in SHAPEFILES for end in ("shp", "shx", "dbf", "prj", "cpg", "qml")}
    others = {
        "gap_report_none.csv",
        "gap_report_fields.csv",
        "gap_notes.csv",
        "gap_photos.csv",
        "photos",
        "report.json",
    }
    assert {path.name for path in out.iterdir()} == stems | others
    assert json.loads((out / "report.json").read_text(encoding="utf-8")) == report
    assert {path.name for path in out.parent.iterdir()} == {out.name, "store_photos"}


def test_every_gap_is_in_exactly_one_file(write, out, mixed, dbf):
    report = write(mixed)
    ids = [dbf(out / f"{stem}.dbf").rows[0]["gap_id"] for stem in SHAPEFILES]
    assert ids == ["D01-POINT", "N05-LINE", "A02-AREA"]
    assert [row["gap_id"] for row in table(out / "gap_report_none.csv")] == ["D06-NONE"]
    assert sum(facts["rows"] for name, facts in report["files"].items() if "report_" in name[4:11]) == len(
        mixed
    ) + len(FIXED)
    assert report["read_back"]["equal"]


def test_columns_are_the_fixed_ones_in_every_file(write, out, mixed, dbf):
    write(mixed)
    assert list(NAMES) == FIXED
    for stem in SHAPEFILES:
        assert dbf(out / f"{stem}.dbf").names == FIXED
        listed = re.findall(r"^(\w+): (?:String|Real|Integer|Date)\b", ogrinfo(out / f"{stem}.shp"), re.M)
        assert listed == FIXED
    assert all(re.fullmatch("[a-z][a-z0-9_]{0,9}", name) for name in FIXED)
    legend = table(out / "gap_report_fields.csv")
    assert [row["column"] for row in legend] == FIXED
    assert all(row["title_zh"] and row["title_en"] and row["meaning"] for row in legend)
    assert (out / "gap_report_fields.csv").read_bytes().startswith(b"\xef\xbb\xbf")


def test_gdal_has_nothing_to_say_while_writing(write, mixed, gap, engine_name, caplog, monkeypatch):
    heard = [[]]
    if engine_name == "ogr":
        from citygap.reports import ogr_writer

        listen = ogr_writer._listening

        @contextmanager
        def overheard():
            with listen() as messages:
                heard.append(messages)
                yield messages

        monkeypatch.setattr(ogr_writer, "_listening", overheard)
    write([*mixed, gap(text="长" * 500, measured=99999999999999.0)])
    assert [record.getMessage() for record in caplog.records] == []
    assert [message for messages in heard for message in messages] == []


def test_other_programs_read_chinese_without_being_told(write, out, gap):
    write([gap(text="背街小巷", body="黄浦区绿化市容局")])
    shown = ogrinfo(out / "gap_report_pt.shp")
    assert "text (String) = 背街小巷" in shown
    assert "Geometry: Point" in shown
    assert "obj_id (String) = 007" in shown
    assert (out / "gap_report_pt.cpg").read_bytes() == b"UTF-8"


@pytest.mark.parametrize("geometry", ["Point", "Line String", "Polygon"])
def test_an_empty_report_is_valid_and_typed(write, out, geometry):
    report = write([])
    ending = {"Point": "pt", "Line String": "ln", "Polygon": "pg"}[geometry]
    shown = ogrinfo(out / f"gap_report_{ending}.shp")
    assert f"Geometry: {geometry}" in shown
    assert "Feature Count: 0" in shown
    assert [name for name in FIXED if f"\n{name}: " in shown] == FIXED
    assert report["gaps"] == 0
    assert report["read_back"]["equal"]


def test_a_long_note_is_cut_on_a_whole_character_and_kept_whole_beside(write, out, gap, note, dbf):
    text = "背街小巷路面破损严重，积水。" * 215
    flagged, noted = gap(text=text), gap()
    report = write([flagged, noted], [note(noted["gap_id"], text=text)])
    for row in dbf(out / "gap_report_pt.dbf").rows:
        assert len(row["text"].encode()) <= 254
        assert row["text"][-1] == "…"
        assert text.startswith(row["text"][:-1])
        assert len(row["text"]) >= 84
        assert row["note_cut"] == "Y"
    whole = {row["gap_id"]: row["text"] for row in table(out / "gap_notes.csv")}
    assert len(text) > 3000
    assert whole == {flagged["gap_id"]: text, noted["gap_id"]: text}
    assert report["losses"]["texts_shortened"]["text"] == 2
    for path in out.rglob("*.*"):
        if path.suffix in (".dbf", ".csv", ".json"):
            assert "\ufffd" not in path.read_bytes().decode(
                "utf-8", "ignore" if path.suffix == ".dbf" else "strict"
            )


def test_a_text_that_just_fits_is_not_cut(write, out, gap, dbf):
    texts = ["中" * 84 + "ab", "中" * 84 + "abc", "a" * 254, "𠮷" * 63 + "ab", "𠮷" * 64]
    write([gap(text=text) for text in texts])
    read = [(row["text"], row["note_cut"]) for row in dbf(out / "gap_report_pt.dbf").rows]
    assert read == [
        (texts[0], ""),
        ("中" * 83 + "…", "Y"),
        (texts[2], ""),
        (texts[3], ""),
        ("𠮷" * 62 + "…", "Y"),
    ]


def test_rare_characters_and_emoji_survive(write, out, gap, dbf):
    texts = ["𠮷野家 é ☃ 㙍 €", "🚧👷🏽‍♀️", "007", "C:\\图\\x", "'引号\"", "𬭚"]
    write([gap(text=text) for text in texts])
    assert [row["text"] for row in dbf(out / "gap_report_pt.dbf").rows] == texts
    shown = ogrinfo(out / "gap_report_pt.shp")
    assert all(f"text (String) = {text}\n" in shown for text in texts)


def test_unrecorded_numbers_are_found_by_unrec_where_a_reader_sees_zero(write, out, gap, dbf):
    gaps = [
        gap(measured=None if number % 2 else 0.0, reference=float("nan") if number % 3 else 60.0)
        for number in range(20)
    ]
    write(gaps)
    rows = dbf(out / "gap_report_pt.dbf").rows
    assert all(row["measured"] == 0 for row in rows)
    for number, row in enumerate(rows):
        wanted = ["measured"] * bool(number % 2) + ["reference"] * bool(number % 3)
        assert row["unrec"] == ",".join(wanted)
    assert "measured (Real) = (null)" in ogrinfo(out / "gap_report_pt.shp")


def test_times_are_text_to_the_minute_with_a_date_beside(write, out, gap, dbf):
    given = [
        "2026-11-23T23:05:02+08:00",
        "2026-11-23T15:05:02.123Z",
        "2026-11-23 23:05+0800",
        "2026-11-23",
        "下周三",
        "2026-02-30T10:00:00+08:00",
        None,
    ]
    report = write([gap(due_at=time) for time in given])
    read = [(row["due_at"], row["due_d"]) for row in dbf(out / "gap_report_pt.dbf").rows]
    assert read == [
        ("2026-11-23T23:05+08:00", "20261123"),
        ("2026-11-23T15:05+00:00", "20261123"),
        ("2026-11-23T23:05+08:00", "20261123"),
        ("2026-11-23", "20261123"),
        ("下周三", "00000000"),
        ("2026-02-30T10:00:00+08:00", "00000000"),
        ("", "00000000"),
    ]
    assert report["losses"]["times_unreadable"] == {"due_at": 2, "found_at": 0, "seen_at": 0}
    assert "due_d (Date) = 2026/11/23" in ogrinfo(out / "gap_report_pt.shp")


def test_numbers_keep_three_decimals_and_never_turn_wrong(write, out, gap, dbf):
    values = [1234567.8916, -0.0004, 99999999999999.0, -1e-9, 12]
    report = write([gap(measured=value) for value in values])
    assert [row["measured"] for row in dbf(out / "gap_report_pt.dbf").rows] == [
        1234567.892,
        0,
        99999999999999.0,
        0,
        12,
    ]
    assert report["losses"]["numbers_rounded"]["measured"] == 3


@pytest.mark.parametrize("value", [1e300 / 3, 2**62 + 1, float("inf"), -1e14, "12", True])
def test_a_number_that_does_not_fit_stops_the_report_and_names_the_row(write, out, gap, value):
    with pytest.raises(CityGapError) as caught:
        write([gap(), gap(gap_id="S01-WIDE", measured=value)])
    assert caught.value.row == "S01-WIDE"
    assert caught.value.field == "measured"
    assert not out.exists()


def test_a_list_is_not_written_as_its_python_text(write, gap):
    with pytest.raises(CityGapError, match="no text"):
        write([gap(body=["a", "b"])])


def test_line_breaks_and_blanks_are_normalised_and_counted(write, out, gap, dbf):
    texts = ["  两边 ", "一\n二\r\n三", "表\t格", "空\0字", "\u2028尾", " ", ""]
    report = write([gap(text=text) for text in texts])
    read = [row["text"] for row in dbf(out / "gap_report_pt.dbf").rows]
    assert read == ["两边", "一 ⏎ 二 ⏎ 三", "表 格", "空 字", "尾", "", ""]
    assert report["losses"]["texts_normalised"]["text"] == 6
    kept = {row["text"] for row in table(out / "gap_notes.csv")}
    assert kept == set(texts) - {""}


def test_gbk_names_what_it_cannot_hold_and_writes_nothing(write, out, gap):
    write([gap(text="先前")])
    gaps = [gap(text="背街小巷"), gap(gap_id="S01-BAD", text="店名𠮷野家"), gap(gap_id="S01-SNOW", body="☃")]
    with pytest.raises(CityGapError) as caught:
        write(gaps, encoding="GBK")
    error = caught.value
    assert error.code == "bad_encoding"
    assert (error.row, error.field) == ("S01-BAD", "text")
    assert "𠮷" in error.line()
    assert "S01-SNOW body '☃'" in error.line()
    assert "UTF-8 or GB18030" in error.remedy
    assert "先前" in ogrinfo(out / "gap_report_pt.shp")
    assert {path.name for path in out.parent.iterdir()} == {out.name, "store_photos"}


@pytest.mark.parametrize("encoding", ["GBK", "GB18030"])
def test_chinese_encodings_are_read_without_being_told(write, out, gap, dbf, encoding):
    text = "背街小巷\n路灯" + ("" if encoding == "GBK" else "𠮷☃")
    report = write([gap(text=text), gap(text="墙" * 200)], encoding=encoding)
    mark = "|" if encoding == "GBK" else "⏎"
    assert f"text (String) = {text}".replace("\n", f" {mark} ") in ogrinfo(out / "gap_report_pt.shp")
    assert (out / "gap_report_pt.cpg").read_bytes() == encoding.encode()
    rows = dbf(out / "gap_report_pt.dbf", encoding.lower()).rows
    assert rows[1]["text"] == "墙" * 126 + "…"
    assert report["read_back"]["equal"]


def test_a_lone_surrogate_is_named_not_dropped(write, gap, note):
    with pytest.raises(CityGapError, match="U\\+D800") as caught:
        write([gap(gap_id="S01-SURR", text="a\ud800")])
    assert caught.value.row == "S01-SURR"
    noted = gap()
    with pytest.raises(CityGapError, match="U\\+D800"):
        write([noted], [note(noted["gap_id"], result="\ud800")])


def test_both_engines_give_the_same_bytes(write, out, mixed, gap, dbf):
    texts = ["背街小巷" * 30, "𠮷🚧", None, "尾 ", "a\nb"]
    extra = [gap(gap_id=f"S01-{i}", text=text, measured=None) for i, text in enumerate(texts)]
    write([*mixed, *extra])
    read = dbf(out / "gap_report_pt.dbf")
    assert hashlib.sha256(read.descriptors + read.records).hexdigest() == RECORDS_DIGEST
    assert read.widths["gap_id"] == 9
    assert read.widths["rule_id"] == 3
    assert read.widths["body"] == 1


@pytest.mark.parametrize("epsg", [4490, 4491, 4549, 4554, 4528, 4326, 3857, 32651, 32733])
def test_the_crs_is_recognised_again(write, out, mixed, epsg):
    report = write(mixed, epsg=epsg)
    read = {facts["epsg"] for facts in report["files"].values() if "epsg" in facts}
    assert read == {epsg}
    assert not list(out.glob("*.wkt"))
    assert report["read_back"]["equal"]


def test_a_local_crs_goes_whole_into_a_wkt_file(write, out, mixed):
    wkt = (
        'PROJCRS["上海地方坐标",BASEGEOGCRS["CGCS2000",DATUM["China 2000",'
        'ELLIPSOID["CGCS2000",6378137,298.257222101,LENGTHUNIT["metre",1]]]],'
        'CONVERSION["tm",METHOD["Transverse Mercator",ID["EPSG",9807]],'
        'PARAMETER["Latitude of natural origin",31.2,ANGLEUNIT["degree",0.0174532925199433]],'
        'PARAMETER["Longitude of natural origin",121.4,ANGLEUNIT["degree",0.0174532925199433]],'
        'PARAMETER["Scale factor at natural origin",1,SCALEUNIT["unity",1]],'
        'PARAMETER["False easting",0,LENGTHUNIT["metre",1]],'
        'PARAMETER["False northing",0,LENGTHUNIT["metre",1]]],'
        'CS[Cartesian,2],AXIS["east",east],AXIS["north",north],LENGTHUNIT["metre",1]]'
    )
    report = write(mixed, crs_wkt=wkt, epsg=None, strict=True)
    for stem in SHAPEFILES:
        assert (out / f"{stem}.wkt").read_text(encoding="utf-8").startswith('PROJCRS["上海地方坐标"')
    assert report["losses"]["crs_not_recognised"] == 1
    assert report["epsg"] is None


def test_no_crs_is_an_error(write, mixed):
    with pytest.raises(CityGapError) as caught:
        write(mixed, crs_wkt="", epsg=None)
    assert caught.value.code == "bad_crs"


def test_geometries_are_made_fit_and_counted(write, out, gap, wkb, dbf):
    left, right = wkb.square(0, 0, 1), wkb.square(1, 0, 1)
    bow = wkb.polygon(((0, 0), (1, 1), (1, 0), (0, 1), (0, 0)))
    gaps = [
        gap(gap_id="Z", wkb=wkb.point_z(1, 2, 3)),
        gap(gap_id="TWO", wkb=wkb.collection(4, wkb.point(1, 1), wkb.point(2, 2))),
        gap(gap_id="BOW", wkb=bow),
        gap(gap_id="EDGE", wkb=wkb.collection(6, left, right)),
        gap(gap_id="MIXED", wkb=wkb.collection(7, wkb.point(0, 0), wkb.square())),
        gap(gap_id="ONE", wkb=wkb.collection(6, wkb.square())),
        gap(gap_id="LINES", wkb=wkb.collection(5, wkb.line((0, 0), (1, 1)), wkb.line((3, 3), (4, 4)))),
        gap(gap_id="EMPTY", wkb=wkb.collection(7)),
        gap(gap_id="BROKEN", wkb=b"\x01\x02"),
        gap(gap_id="NAN", wkb=wkb.point(float("nan"), 1)),
        gap(gap_id="DOT", wkb=wkb.line((5, 5), (5, 5))),
    ]
    report = write(gaps)
    losses = report["losses"]
    assert losses["geometries_changed"] == {
        "flattened": 1,
        "multipoint_reduced": 1,
        "made_valid": 3,
        "area_changed": 1,
        "parts_dropped": 1,
        "empty": 1,
    }
    assert losses["geometry_unreadable"] == ["BROKEN", "NAN"]
    read = [[row["gap_id"] for row in dbf(out / f"{stem}.dbf").rows] for stem in SHAPEFILES]
    assert read == [["Z", "TWO", "DOT"], ["LINES"], ["BOW", "EDGE", "MIXED", "ONE"]]
    assert [row["gap_id"] for row in table(out / "gap_report_none.csv")] == ["EMPTY", "BROKEN", "NAN"]
    whole = {
        row["gap_id"]: row["text"] for row in table(out / "gap_notes.csv") if row["column"] == "geometry"
    }
    assert re.fullmatch(r"MULTIPOINT ?\(\(?1 1\)?, ?\(?2 2\)?\)", whole["TWO"])
    assert report["read_back"]["equal"]


def test_gdal_with_exceptions_on_does_the_same(write, gap, wkb, engine_name):
    if engine_name != "ogr":
        pytest.skip("only the bindings have this switch, and another plugin may have set it")
    from osgeo import ogr, osr

    gaps = [gap(wkb=b"\x01\x02"), gap(wkb=wkb.point(float("nan"), 1)), gap()]
    try:
        ogr.UseExceptions()
        osr.UseExceptions()
        report = write(gaps)
        with pytest.raises(CityGapError) as caught:
            write(gaps, crs_wkt="nonsense", epsg=None)
    finally:
        osr.DontUseExceptions()
        ogr.DontUseExceptions()
    assert caught.value.code == "bad_crs"
    assert len(report["losses"]["geometry_unreadable"]) == 2
    assert report["read_back"]["equal"]


def test_a_curved_area_is_written_as_straight_lines(write, out, gap, wkb):
    import struct

    points = ((0, 0), (1, 1), (2, 0), (1, -1), (0, 0))
    arcs = struct.pack("<BI", 1, 8) + wkb._coordinates(points)
    report = write([gap(wkb=wkb.collection(10, arcs))])
    assert report["files"]["gap_report_pg.shp"]["rows"] == 1
    assert report["losses"]["geometries_changed"]["linearised"] == 1
    extent = re.search(r"Extent: \((.*), (.*)\) - \((.*), (.*)\)", ogrinfo(out / "gap_report_pg.shp"))
    assert [round(float(edge), 2) for edge in extent.groups()] == [0, -1, 2, 1]


def test_holes_and_turning_survive(write, out, gap, wkb):
    outer = ((0, 0), (10, 0), (10, 10), (0, 10), (0, 0))
    hole = ((2, 2), (4, 2), (4, 4), (2, 4), (2, 2))
    report = write([gap(wkb=wkb.polygon(outer, hole)), gap(wkb=wkb.polygon(outer[::-1], hole[::-1]))])
    assert report["read_back"]["equal"]
    assert not any(report["losses"]["geometries_changed"].values())
    rings = re.findall(r"POLYGON \(\((.*?)\),\((.*?)\)\)", ogrinfo(out / "gap_report_pg.shp"))
    assert len(rings) == 2


def test_reading_by_place_equals_reading_all(write, out, gap, wkb):
    write([gap(gap_id=f"P{i}", wkb=wkb.point(i, i)) for i in range(200)])
    part = ogrinfo(out / "gap_report_pt.shp", "-spat", "49.5", "0", "99.5", "200")
    assert set(re.findall(r"gap_id \(String\) = (\w+)", part)) == {f"P{i}" for i in range(50, 100)}


def test_notes_and_photos_go_along_private_ones_do_not(write, out, gap, note, photo, dbf):
    (out.parent / "secret.txt").write_text("secret")
    seen, other = gap(), gap()
    pictures = [photo(bytes([number])) for number in range(5)]
    gone = {"path": "zz/none.jpg", "sha256": "0", "name": "缺.jpg", "bytes": 3}
    sly = {"path": "../secret.txt", "sha256": "0", "name": "s.jpg", "bytes": 3}
    notes = [
        note(seen["gap_id"], at="2026-11-20T09:00:00+08:00", text="旧", photos=pictures[:2]),
        note(seen["gap_id"], other["gap_id"], at="2026-11-22T01:00:00Z", text="新", photos=pictures[2:]),
        note(seen["gap_id"], at="2026-11-21T09:00:00+08:00", text="中", photos=[gone, sly]),
        note(seen["gap_id"], text="内部", private=True, photos=pictures[:1]),
        note("S01-ELSEWHERE", text="别处"),
    ]
    report = write([seen, other], notes)
    row = dbf(out / "gap_report_pt.dbf").rows[0]
    assert (row["notes"], row["photos"], row["text"]) == (3, 7, "新")
    paths = [f"photos/{picture['sha256']}.jpg" for picture in pictures]
    assert [row[f"photo_{number}"] for number in (1, 2, 3)] == paths[2:]
    assert all((out / path).is_file() for path in paths)
    texts = [(entry["gap_id"], entry["text"]) for entry in table(out / "gap_notes.csv")]
    assert texts == [(seen["gap_id"], text) for text in ("新", "中", "旧")] + [(other["gap_id"], "新")]
    losses = report["losses"]
    assert losses["private_notes"] == 1
    assert losses["photos_over_three"] == 2
    assert losses["photos_missing"] == ["zz/none.jpg", "../secret.txt"]
    listed = table(out / "gap_photos.csv")
    assert len(listed) == 10
    assert [entry["photo"] for entry in listed if entry["name"] in ("缺.jpg", "s.jpg")] == ["", ""]
    assert "内部" not in "".join(path.read_text(encoding="utf-8-sig") for path in out.glob("*.csv"))


def test_texts_without_a_column_are_kept_beside(write, out, gap):
    kept = gap(status="accepted", until="2027-01-01", why="改造计划\n已批", assigned_to="李工")
    report = write([kept])
    rows = [(row["column"], row["text"]) for row in table(out / "gap_notes.csv")]
    assert rows == [("until", "2027-01-01"), ("why", "改造计划\n已批"), ("assigned_to", "李工")]
    assert report["losses"]["columns_left_out"] == {"until": 1, "why": 1, "assigned_to": 1}


def test_no_cell_becomes_a_formula(write, out, gap, note):
    texts = ["=HYPERLINK(1)", "+1", "-1", "@x", "\tx", "\rx", "'=x", "'x", "x"]
    gaps = [gap(wkb=None, measured=-5.0, text=text) for text in texts]
    write(gaps, [note(entry["gap_id"], text=text) for entry, text in zip(gaps, texts)])
    import csv

    for name in ("gap_report_none.csv", "gap_notes.csv"):
        with open(out / name, encoding="utf-8-sig", newline="") as file:
            for row in csv.DictReader(file):
                assert row["text"][0] not in "=+-@\t\r"
                assert row.get("measured", "-5.0") == "-5.0"
        assert [row["text"] for row in table(out / name)] == texts


def test_the_public_profile_tells_no_exact_place(write, out, gap, note, photo, wkb):
    exact = gap(wkb=wkb.point(354123.4, -50.5), params_json='{"diameter_mm":300}', assigned_to="李工")
    area = gap(wkb=wkb.square(199, 201, 1.0), params_json=None)
    notes = [note(exact["gap_id"], author="王工", photos=[photo(b"gps")])]
    report = write([exact, area, gap(wkb=None)], notes, profile="public")
    shown = ogrinfo(out / "gap_report_pg.shp")
    assert "((354100 -100,354100 0,354200 0,354200 -100,354100 -100))" in shown.replace(".0", "")
    assert "((100 200,100 300,200 300,200 200,100 200))" in shown
    everything = b"".join(path.read_bytes() for path in out.rglob("*") if path.is_file()).decode(
        "utf-8", "ignore"
    )
    for secret in ("diameter", "354123", "李工", "王工"):
        assert secret not in everything
    assert not list((out / "photos").iterdir())
    losses = report["losses"]
    assert losses["columns_left_out"]["params"] == 2
    assert losses["positions_generalised"] == 2
    assert losses["photos_left_out"] == 1


def test_what_comes_back_otherwise_is_named(write, out, gap, engine_name, monkeypatch):
    from citygap.reports.writer import engine

    kind = type(engine(engine_name))
    honest = kind.read

    def lying(self, path):
        read = honest(self, path)
        if read.shapes:
            read.columns["text"][0] = "???"
            read.shapes[0] = read.shapes[1]
        return read

    monkeypatch.setattr(kind, "read", lying)
    gaps = [gap(gap_id="A", text="背街", wkb=Ellipsis), gap(gap_id="B", text="小巷")]
    gaps[0]["wkb"] = gaps[1]["wkb"][:5] + bytes(16)
    report = write(gaps)
    proof = report["read_back"]
    assert not proof["equal"]
    assert [(d["row"], d["column"]) for d in proof["differences"]] == [("A", "text"), ("A", "geometry")]
    assert proof["differences"][0]["meant"] == "背街"
    before = sorted(path.name for path in out.parent.iterdir())
    with pytest.raises(CityGapError) as caught:
        write(gaps, strict=True)
    assert caught.value.code == "readback"
    assert sorted(path.name for path in out.parent.iterdir()) == before


def test_a_failure_half_way_keeps_the_earlier_report(write, out, gap, wkb, engine_name, monkeypatch):
    from citygap.reports.writer import engine

    write([gap(text="先前")])
    before = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    kind = type(engine(engine_name))
    honest = kind.write

    def failing(self, path, *rest):
        if path.stem.endswith("_ln"):
            raise OSError(28, "No space left on device", str(path))
        honest(self, path, *rest)

    monkeypatch.setattr(kind, "write", failing)
    with pytest.raises(CityGapError) as caught:
        write([gap(text="后来"), gap(wkb=wkb.line((0, 0), (1, 1)))])
    assert caught.value.code == "write_failed"
    assert {path: path.read_bytes() for path in out.rglob("*") if path.is_file()} == before
    assert {path.name for path in out.parent.iterdir()} == {out.name, "store_photos"}


def test_cancelling_changes_nothing_and_progress_never_falls(write, out, gap):
    shares = []
    write([gap() for _ in range(5)], on_progress=shares.append)
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    for calls in range(len(shares)):
        left = iter([False] * calls)
        with pytest.raises(Cancelled):
            write([gap()], is_cancelled=lambda left=left: next(left, True))
    assert {path.name for path in out.parent.iterdir()} == {out.name, "store_photos"}


@pytest.mark.parametrize(
    ("options", "code"),
    [({"profile": "secret"}, "no_profile"), ({"encoding": "Latin-9"}, "unknown_encoding")],
)
def test_unknown_words_are_refused(write, options, code):
    with pytest.raises(CityGapError) as caught:
        write([], **options)
    assert caught.value.code == code


def test_a_folder_inside_a_path_that_is_a_file(tmp_path, engine_name):
    (tmp_path / "a").write_text("x")
    with pytest.raises(CityGapError) as caught:
        write_report(
            [],
            [],
            tmp_path / "a" / "b",
            crs_wkt="",
            epsg=4549,
            photo_folder=tmp_path,
            engine_name=engine_name,
        )
    assert caught.value.code == "write_failed"


def test_ten_thousand_gaps(write, gap, wkb, record_property):
    gaps = [
        gap(text=f"第{n}处", wkb=(wkb.point(n, n), wkb.line((n, 0), (n, 9)), wkb.square(n))[n % 3])
        for n in range(10_000)
    ]
    start = time.perf_counter()
    report = write(gaps)
    seconds = time.perf_counter() - start
    record_property("seconds", seconds)
    sys.stdout.write(f"10,000 gaps in {seconds:.2f} s\n")
    assert report["read_back"]["rows"] == 10_000 + len(FIXED)
    assert report["read_back"]["equal"]
