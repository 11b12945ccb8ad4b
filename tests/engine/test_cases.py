"""Which hotline cases count: by brute force, and by hand."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import from_wkt
from shapely.geometry import Point, box

from citygap.engine.cases import counts_once, first_of_each, night_cases, recent_cases
from citygap.engine.city import city_from_tables
from citygap.engine.context import Context
from citygap.engine.standards import Standards, shipped_standards

BROKEN = from_wkt("LINESTRING (500 0, 600 NaN)")
AS_OF = pd.Timestamp("2026-07-01T23:59:59.999999+08:00").to_pydatetime()


def context_of(rows):
    """Cases as dicts: days before T (and hour), x, caller, text, category, source."""
    hotline = gpd.GeoDataFrame(
        {
            "id": [f"K{i}" for i in range(len(rows))],
            "at": [at_of(row) for row in rows],
            "caller_key": [row.get("caller") for row in rows],
            "text": [row.get("text") for row in rows],
            "category": [row.get("category") for row in rows],
            "source_name": [row.get("source", "hotline_12345") for row in rows],
        },
        geometry=[row.get("shape", Point(row.get("x", 0), 0)) for row in rows],
    )
    city = city_from_tables({"hotline": hotline}, as_of=AS_OF)
    return Context(city, Standards(shipped_standards(), AS_OF.date()))


def at_of(row):
    day = pd.Timestamp("2026-07-01T00:00:00+08:00") - pd.Timedelta(days=row.get("ago", 0))
    return day + pd.Timedelta(hours=row.get("hour", 12))


def kept(rows):
    context = context_of(rows)
    cases = recent_cases(context)
    counts = counts_once(context, cases, np.zeros(len(cases), dtype="int64"))
    return sorted(cases["id"][counts])


cases = st.lists(
    st.fixed_dictionaries(
        {
            "ago": st.sampled_from([0, 1, 3, 4, 29, 30, 31, 60, 61, 364, 365]),
            "x": st.sampled_from([0, 20, 21, 45]),
            "caller": st.sampled_from([None, "a", "b"]),
            "text": st.sampled_from([None, "灯不亮", "漏水"]),
            "category": st.sampled_from([None, "路灯"]),
            "source": st.sampled_from(["hotline_12345", "hotline_12319"]),
        }
    ),
    max_size=8,
)


def oracle(rows):
    """Ids that count: no later copy from another source, one of a caller each 30 days."""
    order = sorted(range(len(rows)), key=lambda i: (-rows[i]["ago"], rows[i]["source"], f"K{i}"))
    order = [i for i in order if (AS_OF - at_of(rows[i])) / pd.Timedelta(days=1) <= 365]
    counted, last = [], {}
    for place, i in enumerate(order):
        row = rows[i]
        copied = any(
            row["text"] is not None
            and rows[j]["text"] == row["text"]
            and rows[j]["category"] == row["category"]
            and rows[j]["source"] != row["source"]
            and rows[j]["ago"] - row["ago"] <= 3
            and abs(rows[j]["x"] - row["x"]) <= 20
            for j in order[:place]
        )
        if copied:
            continue
        before = last.get(row["caller"])
        if row["caller"] is not None and before is not None and before - row["ago"] < 30:
            continue
        last[row["caller"]] = row["ago"]
        counted.append(f"K{i}")
    return sorted(counted)


@settings(max_examples=80, deadline=None)
@given(cases)
def test_agrees_with_the_oracle_on_random_cases(rows):
    assert kept(rows) == oracle(rows)


def test_the_same_complaint_on_two_platforms_counts_once():
    call = {"text": "井盖响", "category": "井盖", "caller": "x", "source": "hotline_12319", "ago": 2}
    copy = {**call, "caller": "y", "source": "hotline_12345", "ago": 1}
    assert kept([call, copy]) == ["K0"]
    assert kept([call, {**copy, "text": "井盖丢了"}]) == ["K0", "K1"]
    assert kept([call, {**copy, "source": "hotline_12319"}]) == ["K0", "K1"]


@pytest.mark.parametrize(
    ("later", "x", "counted"), [(3, 20, 1), (3.01, 0, 2), (3, 20.01, 2), (0, 0, 1), (-3, 20, 1)]
)
def test_a_copy_comes_within_three_days_and_twenty_metres(later, x, counted):
    call = {"text": "井盖响", "source": "hotline_12319", "ago": 10}
    copy = {**call, "source": "hotline_12345", "hour": 12 + 24 * later, "x": x}
    assert len(kept([call, copy])) == counted


def test_one_caller_counts_again_after_thirty_days_and_in_another_cell():
    rows = [{"caller": "x", "ago": ago} for ago in (100, 90, 71, 70, 41, 40)]
    assert kept(rows) == ["K0", "K3", "K5"]
    context = context_of([{"caller": "x"}, {"caller": "x"}])
    assert counts_once(context, recent_cases(context), np.array([0, 1])).all()


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 40)), max_size=12))
def test_first_of_each_agrees_with_a_walk_through_time(rows):
    group, moment = (np.array([row[i] for row in rows], dtype="int64") for i in (0, 1))
    expected, last = np.zeros(len(rows), dtype=bool), {}
    for i in sorted(range(len(rows)), key=lambda i: (rows[i][1], i)):
        if group[i] not in last or moment[i] - last[group[i]] >= 10:
            expected[i], last[group[i]] = True, moment[i]
    assert (first_of_each(group, moment, 10) == expected).all()


def test_the_window_is_a_year_and_ends_at_t():
    context = context_of([{"ago": 364}, {"ago": 365}, {"ago": -1}, {"ago": 1, "shape": None}])
    assert list(recent_cases(context)["id"]) == ["K0"]
    limit = pd.Timestamp(AS_OF) - pd.Timedelta(days=365)
    for late, count in ((0, 1), (1, 0)):
        context = context_of([{}])
        context.city.table("hotline")["at"] = pd.Series([limit - pd.Timedelta(microseconds=late)]).astype(
            "datetime64[us, UTC]"
        )
        assert len(recent_cases(context)) == count


@pytest.mark.parametrize(("x", "count"), [(40, 1), (40.01, 0), (5, 1), (-30, 1), (-30.01, 0)])
def test_a_night_case_lies_inside_or_within_thirty_metres(x, count):
    context = context_of([{"ago": 3, "hour": 22, "x": x}])
    shapes = np.array([box(0, -5, 10, 5), None, BROKEN], dtype=object)
    assert night_cases(context, shapes).tolist() == [count, 0, 0]


def test_only_calls_at_night_of_the_last_year_are_night_cases():
    shape = np.array([box(-5, -5, 5, 5)], dtype=object)
    for row, count in [
        ({"hour": 12}, 0),
        ({"hour": 19}, 1),
        ({"hour": 5.9}, 1),
        ({"hour": 6}, 0),
        ({"hour": 20, "ago": 400}, 0),
        ({"hour": 20, "source": "Patrol"}, 0),
        ({"hour": 20, "source": "sensor"}, 0),
    ]:
        assert night_cases(context_of([{"ago": 5, **row}]), shape).tolist() == [count]


def test_without_cases_there_are_none():
    assert kept([]) == []
    assert night_cases(context_of([]), np.array([box(0, 0, 1, 1)], dtype=object)).tolist() == [0]
