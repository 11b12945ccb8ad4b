"""T01 against a brute-force oracle and hand-drawn cases."""

import geopandas as gpd
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import LineString, Point

from citygap.engine.city import city_from_tables
from citygap.engine.context import Context
from citygap.engine.rules.standard import NO_STANDARD_APPLIES
from citygap.engine.standards import Standard, Standards, shipped_standards
from citygap.model.tables import read_table

AS_OF = pd.Timestamp("2026-07-01T23:59:59.999999+08:00").to_pydatetime()


def at(days):
    return pd.Timestamp(AS_OF) - pd.Timedelta(days=days)


def city_of(covers=0, gas=0, kinds=(), visits=(), cases=()):
    tables = {}
    if covers:
        tables["components"] = gpd.GeoDataFrame(
            {"id": [f"C{i}" for i in range(covers)], "class_code": ["0103"] * covers},
            geometry=[Point(100 * i, 0) for i in range(covers)],
        )
    if gas:
        tables["pipes"] = gpd.GeoDataFrame(
            {"id": ["G1"], "class_code": ["RQ"]}, geometry=[LineString([(0, 500), (9, 500)])]
        )
    if kinds:
        tables["neglected"] = gpd.GeoDataFrame(
            {"id": list(kinds), "kind": list(kinds)}, geometry=[LineString([(0, 900), (9, 900)])] * len(kinds)
        )
    if visits:
        tables["visits"] = gpd.GeoDataFrame(
            {
                "id": [f"v{i}" for i in range(len(visits))],
                **{k: [v.get(k) for v in visits] for k in ("at", "activity", "object_id", "result")},
            },
            geometry=[v.get("place") for v in visits],
        )
    if cases:
        tables["hotline"] = gpd.GeoDataFrame(
            {
                "id": [f"k{i}" for i in range(len(cases))],
                **{k: [c.get(k) for c in cases] for k in ("at", "category", "closed_at", "stage")},
            },
            geometry=[Point(0, 0)] * len(cases),
        )
    return city_from_tables(tables, as_of=AS_OF)


def run(city, *own, without=()):
    rows = [row for row in shipped_standards() if row.standard_id not in without]
    context = Context(city, Standards([*rows, *own], AS_OF.date()))
    return NO_STANDARD_APPLIES.find(city, context).findings


def found(findings):
    return dict(
        zip(
            findings["key"].str.removeprefix('["T01",["standards:').str.removesuffix('"]'),
            findings["severity"],
        )
    )


def row(activity="look_at_cover", object_class="components:manhole_cover", value="7", body="甲", **more):
    words = {"standard_id": "own", "unit": "day", "origin": "city", "version": "2", **more}
    return Standard(rule_or_activity=activity, object_class=object_class, value=value, body=body, **words)


INTERVALS = [
    (line["standard_id"], line["rule_or_activity"], line["object_class"], line["confidence"])
    for line in read_table("inspection_intervals")
    if line["use"] in ("rule", "")
]
BARE = {
    line["standard_id"]
    for line in read_table("inspection_intervals")
    if not line["applies_if"] and not line["grade"] and not line["zone"]
}
"""Rows without condition, grade and zone."""

CLASS_WORDS = {
    "C": "components:manhole_cover",
    "G": "pipes:RQ",
    "back_alley": "neglected:back_alley",
    "under_viaduct": "neglected:under_viaduct",
    "leftover": "neglected:leftover",
}
own_rows = st.lists(
    st.tuples(
        st.sampled_from(["patrol", "patrol_day", "leak_check", "look_at_cover", "N02.near_tol_m"]),
        st.sampled_from(
            [
                "*",
                "pipes",
                "pipes:RQ",
                "components:manhole_cover",
                "neglected",
                "neglected:leftover",
                "neglected:back_alley",
            ]
        ),
        st.sampled_from(["project", "memory", "low"]),
        st.sampled_from(["", "3", "often"]),
        st.sampled_from(["", " ", "甲"]),
    ),
    max_size=3,
)


def is_wide(wide, narrow):
    return wide in ("*", narrow, narrow.split(":")[0])


@settings(max_examples=40, deadline=None)
@given(
    st.sets(st.sampled_from(list(CLASS_WORDS))),
    own_rows,
    st.sets(st.sampled_from([name for name, *_ in INTERVALS])),
)
def test_agrees_with_the_oracle(present, own, without):
    city = city_of(
        "C" in present, "G" in present, [kind for kind in CLASS_WORDS if kind in present and kind not in "CG"]
    )
    rows = [
        row(activity, wide, value, body, confidence=confidence, standard_id=f"own{i}")
        for i, (activity, wide, confidence, value, body) in enumerate(own)
    ]
    # A city row hides the shipped one of the same key, be it on or off.
    ours = {(activity, wide) for activity, wide, *_ in own}
    hidden = {name for name, activity, wide, _ in INTERVALS if name in BARE and (activity, wide) in ours}
    on = [
        (activity, wide)
        for name, activity, wide, confidence in INTERVALS
        if confidence not in ("memory", "low") and name not in without | hidden
    ]
    on += [(activity, wide) for activity, wide, confidence, _, _ in own if confidence == "project"]
    classes = {CLASS_WORDS[name] for name in present}
    expected = {}
    for _, activity, wide, _ in INTERVALS:
        if wide in classes and not any(a == activity and is_wide(w, wide) for a, w in on):
            expected[f'{activity}:{wide}"],"std_missing'] = "medium"
    for wide in classes:
        words = ("patrol", "patrol_day", "patrol_night")
        if wide.startswith("neglected") and not any(a in words and is_wide(w, wide) for a, w in on):
            expected[f'patrol:{wide}"],"std_missing'] = "medium"
    for activity, wide, confidence, value, body in own:
        if confidence == "project" and not activity.startswith("N") and (value != "3" or not body.strip()):
            expected[f'{activity}:{wide}"],"std_empty'] = "medium"
    assert found(run(city, *rows, without=without)) == expected


def test_a_class_whose_rows_are_all_from_memory_has_no_standard():
    findings = run(city_of(gas=1))
    assert set(findings["object_id"]) == {
        "leak_detection:pipes:RQ",
        "leak_check:pipes:RQ",
        "line_patrol:pipes:RQ",
    }
    assert set(findings["params"].map(lambda params: params["flag"])) == {"std_missing"}
    assert list(findings["measured"]) == [0, 0, 0]
    assert findings.geometry.isna().all()
    assert findings["params"].iat[0]["off"] == ["II015", "II016"]


def test_a_city_row_with_all_it_needs_is_no_finding():
    assert len(run(city_of(covers=1), row())) == 0


@pytest.mark.parametrize(
    ("more", "lacks"),
    [
        ({"value": ""}, ["number"]),
        ({"value": "经常"}, ["number"]),
        ({"body": " "}, ["body"]),
        ({"value": "", "body": ""}, ["number", "body"]),
        ({"valid_to": "2026-06-30", "body": ""}, None),
        ({"valid_from": "2026-07-02", "body": ""}, None),
        ({"use": "local", "value": "often", "object_class": "components", "body": ""}, None),
    ],
)
def test_a_city_row_that_no_one_can_carry_out(more, lacks):
    findings = run(city_of(covers=1), row(**more))
    assert [params["lacking"] for params in findings["params"]] == ([] if lacks is None else [{"own": lacks}])


COVER = {"activity": "look_at_cover", "object_id": "C0"}
OTHER = {"at": at(100), "activity": "visit", "object_id": "zz"}


@pytest.mark.parametrize(
    ("visits", "done"),
    [
        ([OTHER], False),
        ([{**OTHER, "at": at(6)}], True),  # the log is shorter than the interval
        ([OTHER, {**COVER, "at": at(50)}], True),
        ([OTHER, {**COVER, "at": at(50), "object_id": "components:C0"}], True),
        ([OTHER, {**COVER, "at": at(50), "result": "no_access"}], False),
        ([OTHER, {**COVER, "at": at(-1)}], False),
        ([OTHER, {**COVER, "at": at(50), "activity": None}], True),  # counts for every patrol activity
        ([OTHER, {**COVER, "at": at(50), "activity": "leak_check"}], False),
        ([OTHER, {"at": at(50), "activity": "look_at_cover", "place": Point(5, 0)}], True),
        ([OTHER, {"at": at(50), "activity": "look_at_cover", "place": Point(50, 0)}], False),
    ],
)
def test_a_city_row_that_no_visit_carries_out(visits, done):
    findings = run(city_of(covers=1, visits=visits), row())
    assert [params["lacking"] for params in findings["params"]] == ([] if done else [{"own": ["execution"]}])


@pytest.mark.parametrize(
    ("case", "severity"),
    [
        ({}, "high"),
        ({"category": "manhole"}, "high"),
        ({"category": "components"}, "high"),
        ({"category": "路灯"}, "medium"),
        ({"category": "噪音"}, "medium"),
        ({"category": "*"}, "medium"),
        ({"category": None}, "medium"),
        ({"closed_at": at(1)}, "medium"),
        ({"closed_at": at(-1)}, "high"),
        ({"at": at(-1)}, "medium"),
        ({"stage": "rejected"}, "medium"),
        ({"stage": "handled"}, "high"),
    ],
)
def test_an_open_case_about_the_class_makes_it_high(case, severity):
    findings = run(city_of(covers=1, cases=[{"at": at(9), "category": "窨井盖", **case}]), without={"II051"})
    assert list(zip(findings["object_id"], findings["severity"])) == [
        ("look_at_cover:components:manhole_cover", severity)
    ]


def test_an_empty_city_has_no_expected_pair():
    assert NO_STANDARD_APPLIES.missing(city_of()) is None
    assert len(run(city_of())) == 0
