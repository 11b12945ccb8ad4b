"""I05 against a brute-force oracle and hand-drawn cases."""

import geopandas as gpd
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import Point, box

from citygap.engine.city import city_from_tables
from citygap.engine.context import Context
from citygap.engine.rules.inspection import NO_REPAIR_RECORD
from citygap.engine.standards import Standards, shipped_standards

YEAR = 2026
AS_OF = pd.Timestamp(f"{YEAR}-07-01T23:59:59.999999+08:00").to_pydatetime()


def end_of_day(text):
    return None if text is None else pd.Timestamp(f"{text}T23:59:59.999999+08:00")


DAYS = st.sampled_from(["2026-05-31", "2026-06-01", "2026-06-20", "2026-07-03", "2020-01-01"])
buildings = st.lists(
    st.fixed_dictionaries(
        {
            "year": st.sampled_from([None, 0.0, 2005.0, 2006.0, 1950.0]),
            "last": st.sampled_from([None, "2019-01-01"]),
        }
    ),
    min_size=1,
    max_size=3,
)
repairs = st.lists(
    st.fixed_dictionaries(
        {
            "object": st.sampled_from(["H0", "H1", "C0", "zz"]),
            "kind": st.sampled_from([None, "repair", "maintenance", "defect"]),
            "reported": DAYS,
            "closed": st.one_of(st.none(), DAYS),
        }
    ),
    max_size=4,
)
defects = st.lists(
    st.fixed_dictionaries(
        {
            "object": st.sampled_from([None, "H0", "C0"]),
            "at": DAYS,
            "result": st.sampled_from(["defect", "ok"]),
        }
    ),
    max_size=3,
)
lamps = st.lists(
    st.fixed_dictionaries(
        {
            "condition": st.sampled_from([None, "intact", "broken", "lost"]),
            "updated": st.one_of(st.none(), DAYS),
        }
    ),
    max_size=2,
)


def city_of(rows, mended, seen, parts, with_last=True):
    data = {
        "id": [f"H{i}" for i in range(len(rows))],
        "built_year": [row["year"] for row in rows],
    }
    if with_last:
        data["last_repair_date"] = [end_of_day(row["last"]) for row in rows]
    tables = {
        "housing": gpd.GeoDataFrame(data, geometry=[box(20 * i, 0, 20 * i + 9, 9) for i in range(len(rows))])
    }
    tables["repairs"] = pd.DataFrame(
        {
            "id": [f"r{i}" for i in range(len(mended))],
            "object_id": [item["object"] for item in mended],
            "kind": [item["kind"] for item in mended],
            "reported_on": [end_of_day(item["reported"]) for item in mended],
            "closed_on": [end_of_day(item["closed"]) for item in mended],
        }
    )
    tables["visits"] = gpd.GeoDataFrame(
        {
            "id": [f"v{i}" for i in range(len(seen))],
            "at": [end_of_day(item["at"]) for item in seen],
            "result": [item["result"] for item in seen],
            "object_id": [item["object"] for item in seen],
        },
        geometry=[None] * len(seen),
    )
    tables["components"] = gpd.GeoDataFrame(
        {
            "id": [f"C{i}" for i in range(len(parts))],
            "class_code": ["street_lamp"] * len(parts),
            "condition": [item["condition"] for item in parts],
            "updated_on": [end_of_day(item["updated"]) for item in parts],
        },
        geometry=[Point(5 * i, 50) for i in range(len(parts))],
    )
    return city_from_tables(tables, as_of=AS_OF)


def run(city):
    return NO_REPAIR_RECORD.find(city, Context(city, Standards(shipped_standards(), AS_OF.date())))


def days_since(text):
    return (AS_OF - end_of_day(text)) / pd.Timedelta(days=1)


def oracle(rows, mended, seen, parts):
    now = "2026-07-01"
    found = {}
    for index, row in enumerate(rows):
        name = f"H{index}"
        old = row["year"] not in (None, 0.0) and YEAR - row["year"] > 20
        record = any(
            item["object"] == name and item["kind"] != "defect" and item["reported"] <= now for item in mended
        )
        if old and row["last"] is None and not record:
            found[name, "none"] = ("medium", YEAR - row["year"])
    names = [f"H{i}" for i in range(len(rows))] + [f"C{i}" for i in range(len(parts))]
    for name in names:
        since = [
            item["reported"]
            for item in mended
            if item["object"] == name
            and item["kind"] == "defect"
            and item["reported"] <= now
            and (item["closed"] is None or item["closed"] > now)
        ]
        since += [
            item["at"]
            for item in seen
            if item["object"] == name and item["result"] == "defect" and item["at"] <= now
        ]
        if name.startswith("C"):
            part = parts[int(name[1:])]
            if (
                part["condition"] in ("broken", "lost")
                and part["updated"] is not None
                and part["updated"] <= now
            ):
                since.append(part["updated"])
        closed = [
            item["closed"]
            for item in mended
            if item["object"] == name
            and item["reported"] <= now
            and item["closed"] is not None
            and item["closed"] <= now
        ]
        open_ones = [day for day in since if days_since(day) > 30 and not any(end >= day for end in closed)]
        if open_ones:
            found[name, "open"] = ("high", int(days_since(min(open_ones))))
        elif name.startswith("C") and part["condition"] in ("broken", "lost") and part["updated"] is None:
            found[name, "open"] = ("info", None)
    return found


@settings(max_examples=100, deadline=None)
@given(buildings, repairs, defects, lamps)
def test_agrees_with_the_oracle_on_random_cities(rows, mended, seen, parts):
    findings = run(city_of(rows, mended, seen, parts)).findings
    got = {
        (object_id, params["kind"]): (severity, None if pd.isna(measured) else measured)
        for object_id, params, severity, measured in zip(
            *(findings[name] for name in ("object_id", "params", "severity", "measured"))
        )
    }
    assert got == oracle(rows, mended, seen, parts)


@pytest.mark.parametrize(("year", "count"), [(2006.0, 0), (2005.0, 1), (None, 0)])
def test_age_threshold(year, count):
    assert len(run(city_of([{"year": year, "last": None}], [], [], [])).findings) == count


@pytest.mark.parametrize(("day", "count"), [("2026-05-31", 1), ("2026-06-01", 0)])
def test_a_defect_is_open_after_more_than_thirty_days(day, count):
    mended = [{"object": "H0", "kind": "defect", "reported": day, "closed": None}]
    rows = [{"year": 2020.0, "last": None}]
    assert len(run(city_of(rows, mended, [], [])).findings) == count


def test_without_the_column_no_record_is_not_tested_and_said():
    outcome = run(city_of([{"year": 1950.0, "last": None}], [], [], [], with_last=False))
    assert len(outcome.findings) == 0
    assert "last_repair_date" in outcome.untested[0]


def test_a_broken_lamp_without_a_date_is_shown_as_unrecorded():
    findings = run(
        city_of([{"year": 2020.0, "last": None}], [], [], [{"condition": "lost", "updated": None}])
    ).findings
    assert list(zip(findings["object_id"], findings["severity"], findings["data_state"])) == [
        ("C0", "info", "unrecorded")
    ]


def test_records_may_name_objects_with_their_role():
    mended = [{"object": "housing:H0", "kind": "defect", "reported": "2020-01-01", "closed": None}]
    found = run(city_of([{"year": 2020.0, "last": None}], mended, [], [])).findings
    assert [(o, k) for o, k in zip(found["object_id"], found["params"])] == [("H0", {"kind": "open"})]
    mended.append({"object": "H0", "kind": "repair", "reported": "2020-01-01", "closed": "2020-01-01"})
    assert not len(run(city_of([{"year": 2020.0, "last": None}], mended, [], [])).findings)


def test_a_repair_that_does_not_say_when_it_was_reported_is_on_record():
    mended = [{"object": "H0", "kind": "repair", "reported": None, "closed": None}]
    assert not len(run(city_of([{"year": 1950.0, "last": None}], mended, [], [])).findings)
    mended[0]["kind"] = "defect"
    found = run(city_of([{"year": 2020.0, "last": None}], mended, [], [])).findings
    assert found[["severity", "data_state"]].to_numpy().tolist() == [["info", "unrecorded"]]


def test_a_repair_after_the_as_of_day_is_not_on_record_yet():
    found = [
        run(city_of([{"year": 1950.0, "last": day}], [], [], [])) for day in ("2026-07-01", "2026-07-02")
    ]
    assert [len(outcome.findings) for outcome in found] == [0, 1]
