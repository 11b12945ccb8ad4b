"""The sentence that says why a gap is one."""

import json

import pytest

from citygap.layers.reasons import raised, reason, told


def gap(rule_id, measured=None, reference=None, params=None, **values):
    record = {"rule_id": rule_id, "measured": measured, "reference": reference, "data_state": "known"}
    return {**record, "params_json": json.dumps(params or {}), **values}


AGED = gap("A02", 29.0, 2000.0, unit="a")
GRADED = gap("A02", basis="AG037@1 JGJ 125-2016")
EMPTY = gap("D01", 2.0, 0.0, {"empty": ["built_year", "owner"]})
LACKING = gap("D01", 61.0, 0.0, {"lacking_column": "housing.danger_grade"})
VISITS = gap("I02", None, 7.0, {"due": ["patrol_day", "patrol_night"]})
REPAIR = gap("I05", 61.0, 20.0, {"kind": "none"})
DEFECT = gap("I05", 231.0, 30.0, {"kind": "open"})
UNDATED = gap("I05", None, 30.0, {"kind": "open"}, data_state="unrecorded")
ENDS = gap("N02", 0.30000000016, 1.0, class_code="RQ")
STREET = gap(
    "N05", 2.0, 0.0, {"expected": ["JS", "TX"], "missing": ["JS", "TX"], "share": {"JS": 0.256, "TX": 0.0}}
)
DUTIES = gap("R01", 2.0, 0.0, {"lacking": ["own", "fallback"]})
FAR = gap("S01", 52.034, 50.0, class_code="TX")
NOWHERE = gap("S01", None, 50.0, class_code="RQ")
UNKNOWN_KIND = gap("S01", None, 50.0, {"unknown_kind": True}, class_code="PS", data_state="unrecorded")


@pytest.mark.parametrize(
    ("record", "english", "chinese"),
    [
        (AGED, "29 years old; standard: built by 2000", "房龄29年；标准：2000年及以前建成"),
        (GRADED, "Danger grade: C partly dangerous", "鉴定等级：C级 局部危险"),
        (gap("A02", data_state="unrecorded"), "Year of construction unrecorded", "建成年份未记录"),
        (EMPTY, "Empty: Year built, Owner", "空缺：建成年份、权属单位"),
        (LACKING, "no column Danger grade; objects: 61", "没有“鉴定等级”一列；涉及对象61个"),
        (VISITS, "Due: patrol day, patrol night (every 7 days)", "应做：日间巡查、夜间巡查（每7天）"),
        (REPAIR, "61 years old, no repair on record", "房龄61年，无维修记录"),
        (DEFECT, "Defect open for 231 days; standard: 30 days", "缺陷已231天未闭环"),
        (UNDATED, "since when is unrecorded", "起始日期未记录"),
        (ENDS, "Two gas ends 0.3 m apart", "燃气管线两端相距0.3米"),
        (STREET, "water supply (26% of the street on record), telecom;", "给水（沿线26%有记录）、通信；"),
        (DUTIES, "Lacking: owner, fallback body", "缺：权属单位、兜底单位"),
        (FAR, "Nearest telecom pipe 52.03 m away", "通信：最近的管线在52.03米外"),
        (NOWHERE, "No gas pipe on record within 50 m", "燃气：50米以内及周边均无管线记录"),
        (UNKNOWN_KIND, "only a drainage pipe of unrecorded kind", "排水：50米以内只有种类未记录的管线"),
        (gap("Z99", 3.0, 2.0, unit="m"), "3 m; standard: 2 m", "3 米（标准：2 米）"),
    ],
)
def test_a_reason_speaks_both_languages(qgis_app, record, english, chinese):
    assert english in told(record, reason("en"))
    assert chinese in told(record, reason("zh"))


def test_a_raised_severity_says_why(qgis_app):
    record = gap("N02", 0.3, 1.0, {"step": ["populous_cell", "neglected_place"]}, class_code="JS")
    assert told(record, raised("en")) == "populous cell, in a neglected place"
    assert told(record, raised("zh")) == "人口密集网格、位于易忽视区域"
    assert told(ENDS, raised("zh")) == ""


def test_markup_in_the_data_stays_text(qgis_app):
    record = gap("D01", 1.0, 0.0, {"empty": ["<b>x</b>"], "step": ["<i>"]})
    assert told(record, reason("en")) == "Empty: &lt;b&gt;x&lt;/b&gt;"
    assert told(record, raised("en")) == "&lt;i&gt;"


@pytest.mark.parametrize("params", ["", None, "no json", "[]", '{"empty": "x"}', '{"empty": []}'])
def test_parameters_that_are_none_say_nothing(qgis_app, params):
    assert told({"rule_id": "D01", "params_json": params}, reason("en")) == ""
