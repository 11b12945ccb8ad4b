"""H01 against a brute-force oracle, its statistics against exact sums, and hand-drawn cases."""

import math
from fractions import Fraction

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import from_wkt
from shapely.geometry import LineString, Point, box

from citygap.engine.city import city_from_tables
from citygap.engine.context import Context
from citygap.engine.poisson import poisson_tail, significant
from citygap.engine.rules.demand import HOTSPOT_WITHOUT_INSPECTION
from citygap.engine.standards import Standards, shipped_standards

AS_OF = pd.Timestamp("2026-07-01T23:59:59.999999+08:00").to_pydatetime()
CELLS = 6


def exact_tail(count, mean):
    """P(X >= n) as 1 minus an exact sum of fractions, times exp."""
    mean = Fraction(mean)
    below = sum(mean**k / math.factorial(k) for k in range(count))
    return 1 - math.exp(-float(mean)) * float(below)


@pytest.mark.parametrize(
    ("count", "mean"), [(1, 0.5), (5, 1.0), (5, 4.9), (20, 10.0), (60, 40.0), (150, 140.0)]
)
def test_poisson_tail_is_the_exact_sum(count, mean):
    assert poisson_tail(np.array([count]), np.array([mean]))[0] == pytest.approx(
        exact_tail(count, mean), rel=1e-9
    )


def test_poisson_tail_of_published_values_and_far_out():
    # Table of the Poisson distribution: mean 2, P(X <= 4) = 0.9473; mean 5, P(X <= 9) = 0.9682.
    tail = poisson_tail(np.array([5, 10, 400, 3]), np.array([2.0, 5.0, 1.0, 3.0]))
    assert tail[:2] == pytest.approx([1 - 0.9473, 1 - 0.9682], abs=5e-5)
    assert tail[2] == pytest.approx(math.exp(-1 - math.lgamma(401)) * (1 + 1 / 401 + 1 / 401 / 402), rel=1e-6)
    assert tail[3] == 1.0


def test_false_discovery_as_in_the_paper_of_benjamini_and_hochberg():
    # Section 3.2 of the paper: of fifteen tests the first four are believed at 0.05.
    words = (
        "0.0001 0.0004 0.0019 0.0095 0.0201 0.0278 0.0298 0.0344 0.0459 0.324 0.4262 0.5719 0.6528 0.759 1"
    )
    chances = np.array(words.split(), dtype="float64")
    assert significant(chances, 0.05).tolist() == [True] * 4 + [False] * 11
    assert significant(chances[::-1], 0.05).sum() == 4
    assert not significant(np.array([0.9, 0.2]), 0.05).any() and not len(significant(np.array([]), 0.05))


cells = st.lists(
    st.fixed_dictionaries(
        {
            "calls": st.sampled_from([0, 1, 2, 4, 5, 9, 14]),
            "again": st.integers(0, 2),  # calls of callers who called within the month
            "reworked": st.booleans(),
            "residents": st.sampled_from([None, 0.0, 20.0, 100.0, 1000.0]),
            "visits": st.sampled_from([0, 0, 1, 3]),
            "found": st.integers(0, 2),
        }
    ),
    min_size=CELLS,
    max_size=CELLS,
)


def city_of(rows, found=True, as_units=False):
    told, log = [], []
    for column, row in enumerate(rows):
        for number in range(row["calls"]):
            told.append(
                (
                    column,
                    f"{column}-{number}",
                    1.0 if row["reworked"] and number == 0 else 0.0,
                    "hotline_12345",
                )
            )
        if row["calls"]:
            told += [(column, f"{column}-0", 0.0, "hotline_12319")] * row["again"]
        if found:
            told += [(column, None, 0.0, "patrol")] * row["found"]
        log += [column] * row["visits"]
    hotline = gpd.GeoDataFrame(
        {
            "id": [f"K{i}" for i in range(len(told))],
            "at": [pd.Timestamp("2026-06-01T12:00+08:00") + pd.Timedelta(hours=i) for i in range(len(told))],
            "caller_key": [item[1] for item in told],
            "reworks": [item[2] for item in told],
            "source_name": [item[3] for item in told],
        },
        geometry=[Point(100 * item[0] + 50, 50) for item in told],
    )
    visits = gpd.GeoDataFrame(
        {
            "id": [f"V{i}" for i in range(len(log))],
            "at": [pd.Timestamp("2026-05-01T12:00+08:00")] * len(log),
        },
        geometry=[Point(100 * column + 20, 20) for column in log],
    )
    units = {"code": ["310000"], "level": ["city"], "population": [None]}
    shapes = [box(0, 0, 100 * len(rows), 100)]
    tables = {"hotline": hotline, "visits": visits}
    if as_units:
        units = {
            "code": ["310000", *(f"c{i}" for i in range(len(rows)))],
            "level": ["city"] + ["cell"] * len(rows),
            "population": [None, *(row["residents"] for row in rows)],
        }
        shapes += [box(100 * i, 0, 100 * i + 100, 100) for i in range(len(rows))]
    else:
        tables["housing"] = gpd.GeoDataFrame(
            {"id": [f"H{i}" for i in range(len(rows))], "residents": [row["residents"] for row in rows]},
            geometry=[box(100 * i + 40, 40, 100 * i + 60, 60) for i in range(len(rows))],
        )
    tables["units"] = gpd.GeoDataFrame(units, geometry=shapes)
    return city_from_tables(tables, as_of=AS_OF)


def run(city):
    return HOTSPOT_WITHOUT_INSPECTION.find(
        city, Context(city, Standards(shipped_standards(), AS_OF.date()))
    ).findings


def quantile(values, share):
    values = sorted(values)
    place = share * (len(values) - 1)
    low = math.floor(place)
    high = min(low + 1, len(values) - 1)
    return values[low] + (values[high] - values[low]) * (place - low)


def oracle(rows, found):
    expected = [0.0] * len(rows)
    for lived_in in (True, False):
        mine = [i for i, row in enumerate(rows) if ((row["residents"] or 0) > 0) is lived_in]
        weight = {i: rows[i]["residents"] if lived_in else 1.0 for i in mine}
        for i in mine:
            expected[i] = sum(rows[j]["calls"] for j in mine) * weight[i] / sum(weight.values())
    tested = [i for i in range(len(rows)) if expected[i] > 0]
    chance = {
        i: exact_tail(rows[i]["calls"], expected[i]) if rows[i]["calls"] > expected[i] else 1.0
        for i in tested
    }
    order = sorted(chance.values())
    limit = max((p for rank, p in enumerate(order, 1) if p <= rank / len(order) * 0.05), default=-1)
    few = quantile([row["visits"] for row in rows], 0.25)
    rate = {}
    for i, row in enumerate(rows):
        mine = row["found"] if found else 0
        every = row["calls"] + (row["again"] if row["calls"] else 0) + mine
        if every:
            rate[i] = mine / every
    asks_own = found and any(row["found"] for row in rows)
    hot = [
        i
        for i in tested
        if chance[i] <= limit
        and rows[i]["calls"] >= 5
        and (rows[i]["visits"] <= few or (asks_own and rate[i] <= quantile(rate.values(), 0.25)))
    ]
    answer = {}
    for lived_in in (True, False):
        mine = [i for i in hot if ((rows[i]["residents"] or 0) > 0) is lived_in]
        level = {
            i: 1000 * rows[i]["calls"] / rows[i]["residents"] if lived_in else rows[i]["calls"] for i in mine
        }
        for i in mine:
            rank = 1
            rank += level[i] > quantile(level.values(), 0.5)
            rank += level[i] > quantile(level.values(), 0.75)
            rank += rows[i]["reworked"]
            answer[i] = (["", "low", "medium", "high"][min(rank, 3)], rows[i]["calls"])
    return answer


@settings(max_examples=70, deadline=None)
@given(cells, st.booleans(), st.booleans())
def test_agrees_with_the_oracle_on_random_cities(rows, found, as_units):
    if not any(row["calls"] for row in rows) or not any(row["visits"] for row in rows):
        return
    findings = run(city_of(rows, found, as_units))
    got = {
        int(code[-1] if as_units else code[2:8]): (severity, calls)
        for code, severity, calls in zip(*(findings[n] for n in ("object_id", "severity", "measured")))
    }
    assert got == oracle(rows, found)
    assert not findings["steps"].any()


def row(calls=1, visits=1, residents=100.0, **more):
    return {
        "calls": calls,
        "again": 0,
        "reworked": False,
        "residents": residents,
        "visits": visits,
        "found": 0,
        **more,
    }


def test_many_calls_and_no_visit():
    findings = run(city_of([row(14, visits=0), *[row()] * 9]))
    assert list(findings["key"]) == ['["H01",["cell:XA000000000000"],"XA000000000000"]']
    assert (findings["measured"].iat[0], findings["reference"].iat[0]) == (14, 2.3)
    params = findings["params"].iat[0]
    assert (params["visits"], params["residents"], params["reworked"]) == (0, 100.0, 0)
    assert not len(run(city_of([row(14, visits=4), *[row()] * 9])))  # somebody looks


def test_many_people_call_more_often():
    crowded = [row(14, visits=0, residents=1400.0), *[row()] * 9]
    assert not len(run(city_of(crowded)))


@pytest.mark.parametrize(("calls", "count"), [(4, 0), (5, 1)])
def test_at_least_five_calls(calls, count):
    quiet = [row(0) for _ in range(40)]
    assert len(run(city_of([row(calls, visits=0), *quiet]))) == count


def test_one_caller_many_times_is_one_call():
    rows = [row(1, visits=0, again=20), *[row()] * 9]
    assert not len(run(city_of(rows)))


def test_a_track_is_a_visit_to_every_cell_it_runs_through():
    city = city_of([row(14, visits=0), *[row(visits=0)] * 9, row(1, visits=1)])
    assert len(run(city)) == 1
    track = city.table("visits")
    track.loc[0, "geometry"] = LineString([(10, 50), (60, 50)])
    assert not len(run(city_of([row(14, visits=2), *[row(visits=0)] * 3, *[row(visits=1)] * 9])))
    # Now the first cell alone has a visit: the quartile of all is 0 and it has 1.
    assert not len(run(city))


def test_bad_values_do_not_stop_it():
    city = city_of([row(14, visits=0), *[row()] * 9])
    hotline = city.table("hotline")
    hotline.loc[0, "geometry"] = from_wkt("POINT (NaN 1)")
    hotline.loc[1, "geometry"] = None
    hotline.loc[2, "at"] = pd.NaT
    city.table("housing").loc[3, "residents"] = -7.0
    city.table("visits").loc[0, "geometry"] = from_wkt("LINESTRING (0 0, NaN 5)")
    assert list(run(city)["measured"]) == [11]


def test_not_run_without_its_inputs():
    assert HOTSPOT_WITHOUT_INSPECTION.missing(city_from_tables({})) == "no hotline and no visits given"
