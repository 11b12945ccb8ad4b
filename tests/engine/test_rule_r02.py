"""R02 against a brute-force oracle and hand-drawn cases."""

import geopandas as gpd
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import LineString, Point, box

from citygap.engine.city import city_from_tables
from citygap.engine.context import Context
from citygap.engine.rules.responsibility import SEVERAL_OWNERS
from citygap.engine.standards import Standards, shipped_standards

AS_OF = pd.Timestamp("2026-07-01T23:59:59.999999+08:00").to_pydatetime()
AREAS = {
    None: None,
    "310000": box(0, 0, 200, 200),
    "310101": box(0, 0, 100, 200),
    "310102": box(100, 0, 200, 200),
}
LEVEL_OF = {"310000": "city", "310101": "district", "310102": "district"}
RANKS = {None: 0, "city": 1, "district": 2, "subdistrict": 3, "cell": 4}
CLASSES = {"pipes": ["JS", "RQ"], "components": ["0103", "street_lamp"], "roads": [None]}
DUTIES = ("own", "maintain", "patrol", "supervise", "fallback")

objects = st.lists(
    st.fixed_dictionaries(
        {
            "role": st.sampled_from(list(CLASSES)),
            "class": st.integers(0, 1),
            "owner": st.sampled_from([None, "甲", "乙 ", "丙", "无", " "]),
            "x": st.sampled_from([50, 100, 150, 250]),
        }
    ),
    max_size=5,
)
duty_rows = st.lists(
    st.fixed_dictionaries(
        {
            "body": st.sampled_from(["甲", " 甲", "乙", "丙", None, "不详"]),
            "duty": st.sampled_from(DUTIES),
            "object_class": st.sampled_from(
                ["*", "pipes", "pipes:JS", "components:manhole_cover", "components:0103", "roads"]
            ),
            "area": st.sampled_from(list(AREAS)),
            "by_code": st.booleans(),
            "level": st.sampled_from([None, "city", "district", "subdistrict"]),
            "from": st.sampled_from([None, "2026-07-01", "2026-07-02"]),
            "to": st.sampled_from([None, "2026-06-30", "2026-07-01"]),
        }
    ),
    min_size=1,
    max_size=6,
)


def day(text):
    return None if text is None else pd.Timestamp(f"{text}T23:59:59.999999+08:00")


def class_of(item):
    words = CLASSES[item["role"]]
    return words[item["class"] % len(words)]


def city_of(items, rows):
    tables = {}
    for role in {item["role"] for item in items}:
        mine = [(i, item) for i, item in enumerate(items) if item["role"] == role]
        data = {"id": [f"O{i}" for i, _ in mine]}
        if role != "roads":
            data["class_code"] = [class_of(item) for _, item in mine]
            data["owner"] = [item["owner"] for _, item in mine]
        shapes = [
            Point(item["x"], 50) if role == "components" else LineString([(item["x"], 40), (item["x"], 60)])
            for _, item in mine
        ]
        tables[role] = gpd.GeoDataFrame(data, geometry=shapes)
    codes = [code for code in AREAS if code]
    tables["units"] = gpd.GeoDataFrame(
        {"code": codes, "level": [LEVEL_OF[code] for code in codes]}, geometry=[AREAS[code] for code in codes]
    )
    tables["duties"] = gpd.GeoDataFrame(
        {
            "id": [f"d{i}" for i in range(len(rows))],
            **{name: [row[name] for row in rows] for name in ("body", "duty", "object_class", "level")},
            "area_code": [row["area"] if row["by_code"] else None for row in rows],
            "valid_from": [day(row["from"]) for row in rows],
            "valid_to": [day(row["to"]) for row in rows],
        },
        geometry=[None if row["by_code"] else AREAS[row["area"]] for row in rows],
    )
    return city_from_tables(tables, as_of=AS_OF)


def run(city):
    return SEVERAL_OWNERS.find(city, Context(city, Standards(shipped_standards(), AS_OF.date()))).findings


def belongs(item, wanted):
    if wanted in ("*", item["role"]):
        return True
    word = {"0103": "manhole_cover"}.get(class_of(item), class_of(item))
    return wanted in (f"{item['role']}:{class_of(item)}", f"{item['role']}:{word}")


def rank_of(row):
    level = row["level"]
    if level is None and row["by_code"] and row["area"]:
        level = LEVEL_OF[row["area"]]
    return RANKS[level]


def oracle(items, rows):
    valid = [
        row
        for row in rows
        if (row["from"] or "") <= "2026-07-01" <= (row["to"] or "9999") and row["body"] not in (None, "不详")
    ]
    roads_named = any(row["object_class"] == "roads" for row in valid)
    found = {}
    for index, item in enumerate(items):
        if item["role"] == "roads" and not roads_named:
            continue
        for duty in ("own", "fallback", "patrol"):
            over = [
                row
                for row in valid
                if row["duty"] == duty
                and belongs(item, row["object_class"])
                and (row["area"] is None or AREAS[row["area"]].intersects(Point(item["x"], 50)))
            ]
            if not over:
                continue
            lowest = max(rank_of(row) for row in over)
            bodies = {row["body"].strip() for row in over if rank_of(row) == lowest}
            own = (item["owner"] or "").strip() if item["role"] != "roads" else ""
            if duty == "own" and own not in ("", "无") and own not in {row["body"].strip() for row in over}:
                bodies.add(own)
            if len(bodies) > 1:
                found[f"O{index}", duty] = ("info" if duty == "patrol" else "high", sorted(bodies))
    return found


@settings(max_examples=60, deadline=None)
@given(objects, duty_rows)
def test_agrees_with_the_oracle_on_random_cities(items, rows):
    findings = run(city_of(items, rows))
    got = {
        (object_id, params["duty"]): (severity, params["bodies"])
        for object_id, params, severity in zip(
            *(findings[name] for name in ("object_id", "params", "severity"))
        )
    }
    assert got == oracle(items, rows)
    assert list(findings["measured"]) == [len(params["bodies"]) for params in findings["params"]]


LAMP = {"role": "components", "class": 1, "owner": None, "x": 50}
ROW = {
    "body": "甲",
    "duty": "own",
    "object_class": "components",
    "area": "310101",
    "by_code": True,
    "level": None,
    "from": None,
    "to": None,
}


@pytest.mark.parametrize(
    ("lamp", "rows", "bodies"),
    [
        ({}, [{}, {"body": "乙"}], ["乙", "甲"]),
        ({}, [{}, {"body": "乙", "area": "310000"}], None),  # the district's row decides
        ({}, [{}, {"body": "乙", "area": "310102"}], None),  # another district
        ({"owner": "乙"}, [{}], ["乙", "甲"]),
        ({"owner": "乙"}, [{}, {"body": "乙", "area": "310000"}], None),  # a row of that duty names it
        ({"owner": "甲"}, [{}], None),
        ({}, [{"duty": "maintain"}, {"duty": "maintain", "body": "乙"}], None),
        ({}, [{"duty": "supervise"}, {"duty": "supervise", "body": "乙"}], None),
    ],
)
def test_who_counts_as_one_more_body(lamp, rows, bodies):
    findings = run(city_of([{**LAMP, **lamp}], [{**ROW, **row} for row in rows]))
    assert [params["bodies"] for params in findings["params"]] == ([] if bodies is None else [bodies])
    assert set(findings["severity"]) <= {"high"}


def test_the_duty_tells_findings_of_one_object_apart():
    rows = [{**ROW, "duty": duty, "body": body} for duty in ("own", "fallback", "patrol") for body in "甲乙"]
    findings = run(city_of([LAMP], rows))
    assert sorted(findings["key"]) == [
        f'["R02",["components:O0"],"{duty}"]' for duty in ("fallback", "own", "patrol")
    ]
    assert dict(zip(findings["key"].str[-7:], findings["severity"]))['atrol"]'] == "info"
    assert (findings["reference"] == 1).all()


def test_without_duties_it_does_not_run_and_bad_shapes_do_not_stop_it():
    city = city_of([LAMP], [ROW])
    assert SEVERAL_OWNERS.missing(city) is None
    tables = {
        "components": gpd.GeoDataFrame(
            {"id": ["a", "b"], "class_code": ["0103"] * 2}, geometry=[None, Point()]
        ),
        "duties": gpd.GeoDataFrame(
            {"id": ["1", "2"], "body": ["甲", "乙"], "object_class": ["*"] * 2, "duty": ["own"] * 2},
            geometry=[box(0, 0, 9, 9), gpd.GeoSeries.from_wkt(["POLYGON ((0 0, 9 9, 9 0, 0 9, 0 0))"])[0]],
        ),
    }
    assert len(run(city_from_tables(tables, as_of=AS_OF))) == 0
    del tables["duties"]
    assert SEVERAL_OWNERS.missing(city_from_tables(tables, as_of=AS_OF)) == "no duties given"
