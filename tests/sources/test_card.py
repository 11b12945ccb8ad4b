import json

from citygap.sources.card import card, card_text
from citygap.sources.spec import SourceSpec


def test_the_card_of_the_office_shapefile(shared_data):
    entries = card([SourceSpec(str(shared_data / "nasty-vector" / "shanghai_old_buildings_gbk.shp"))])
    entry = entries[0]
    assert (entry["role"], entry["rows"], entry["crs"], entry["encoding"]) == (
        "housing",
        374,
        "EPSG:4326",
        "GB18030",
    )
    columns = {item["field"]: item["column"] for item in entry["fields"]}
    assert columns["built_year"] == "建成年代"
    assert columns["floors"] == "层数"
    assert {"owner", "danger_grade"} <= set(entry["missing"])
    assert 0 < entry["sure"] < 1
    json.dumps(entries)


def test_what_is_not_recognised_is_said_not_refused(shared_data):
    entry = card([SourceSpec(str(shared_data / "nasty-vector" / "trio.geojson"))])[0]
    assert entry["role"] is None
    assert entry["sure"] == 0
    assert "not recognised" in card_text([entry], "en")
    assert "未识别" in card_text([entry], "zh")


def test_a_missing_crs_is_a_warning_of_the_card(shared_data):
    entry = card([SourceSpec(str(shared_data / "building-age" / "pluto16v2_MN_sample.csv"))])[0]
    assert entry["crs"] is None
    assert any("states no CRS" in text for text in entry["warnings"])
    assert entry["role"] == "housing"


def test_a_class_that_the_name_gives_is_not_missing(shared_data):
    entry = card([SourceSpec(str(shared_data / "pipes" / "ud_arc.gpkg"))])[0]
    assert "class_code" not in entry["missing"]
    assert any("class_code is PS" in text for text in entry["warnings"])


def test_the_text_names_columns_in_both_languages(shared_data):
    entries = card([SourceSpec(str(shared_data / "osm-city" / "its-example.osm.pbf"))])
    assert {entry["role"] for entry in entries} == {"housing", "roads"}
    english, chinese = card_text(entries, "en"), card_text(entries, "zh")
    assert "use" in english
    assert "<- building" in english
    assert "缺少字段" in chinese
