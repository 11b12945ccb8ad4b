"""The data card against plain counting."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from random_city import AS_OF, random_city
from shapely.geometry import LineString, Point, box

from citygap.engine.card import CARDS, data_card
from citygap.engine.check import run_check
from citygap.engine.city import city_from_tables
from citygap.engine.context import Context
from citygap.engine.ledger import ledger
from citygap.engine.standards import Standards, shipped_standards

STANDARDS = Standards(shipped_standards(), AS_OF.date())
FRESH, OLD = (pd.Timestamp(f"{day}T12:00:00+08:00") for day in ("2026-06-01", "2020-01-01"))


def units():
    return gpd.GeoDataFrame(
        {"code": ["c", "w", "e"], "level": ["city", "district", "district"]},
        geometry=[box(0, 0, 400, 200), box(0, 0, 200, 200), box(200, 0, 400, 200)],
    )


def pipes():
    """Four pipes: whole and fresh; without year and old; without grade and date; outside of all units."""
    return gpd.GeoDataFrame(
        {
            "id": list("ABCD"),
            "class_code": "JS",
            "kind_code": "JP",
            "material_code": "PE",
            "diameter_mm": [200.0, 200.0, 200.0, -5.0],
            "depth_m": 1.0,
            "burial_method": "direct",
            "owner": "甲",
            "laid_year": [2010.0, None, 2010.0, 2010.0],
            "accuracy_grade": ["A", "B", None, "C"],
            "updated_on": [FRESH, OLD, None, FRESH],
        },
        geometry=[LineString([(x, 50), (x + 20, 50)]) for x in (30, 130, 230, 530)],
    )


def surveys():
    return gpd.GeoDataFrame(
        {
            "id": ["S", "N"],
            "class_code": ["JS", "JS"],
            "captured_on": [FRESH, FRESH],
            "looked_for": [True, True],
        },
        geometry=[box(0, 0, 100, 100), box(0, 100, 400, 200)],
    )


def card_of(frame, level, area):
    rows = frame[(frame["level"] == level) & (frame["area_code"] == area) & (frame["role"] == "pipes")]
    return {row.card: (row.numerator, row.denominator) for row in rows.itertuples()}


def test_four_pipes():
    tables = {"units": units(), "pipes": pipes(), "surveys": surveys()}
    frame = data_card(Context(city_from_tables(tables, as_of=AS_OF), STANDARDS))
    west, east, rest = (card_of(frame, "district", code) for code in ("w", "e", "*"))
    # Of the four cells in the west one is complete and two are verified empty; of those in the east two.
    assert west == {
        "completeness": (pytest.approx(3 / 4 * (1 + 7 / 8)), 2),
        "correctness": (2, 2),
        "precision": (2, 2),
        "currency": (1, 2),
    }
    assert east == {
        "completeness": (pytest.approx(2 / 4), 1),
        "correctness": (1, 1),
        "precision": (0, 1),
        "currency": (0, 1),
    }
    assert rest["completeness"] == (0, 0) and rest["correctness"] == (0, 1)
    whole = card_of(frame, "city", "c")
    assert whole["completeness"] == (pytest.approx(5 / 8 * (2 + 7 / 8)), 3)
    rates = frame[(frame["level"] == "city") & (frame["card"] == "completeness")].iloc[-1]
    assert (rates["coverage_rate"], rates["filled_rate"]) == (5 / 8, pytest.approx((2 + 7 / 8) / 3))


def test_nothing_to_count_is_null():
    """Lamps have no list of fields, no accuracy and no date column: the rest is not known, and not 0."""
    lamps = gpd.GeoDataFrame({"id": ["L"], "class_code": "street_lamp"}, geometry=[Point(9, 9)])
    frame = data_card(
        Context(city_from_tables({"units": units(), "components": lamps}, as_of=AS_OF), STANDARDS)
    )
    of_city = frame[frame["level"] == "city"].set_index("card")["value"]
    assert of_city["correctness"] == 1
    assert of_city.drop("correctness").isna().all()
    empty = frame[(frame["area_code"] == "e")]
    assert len(empty) == 4 and empty["value"].isna().all()


def test_what_rules_found_in_this_run_is_no_longer_correct():
    tables = {
        "units": units(),
        "pipes": gpd.GeoDataFrame(
            {"id": ["A", "B", "C"], "class_code": ["PS", "PS", "TX"]},
            geometry=[
                LineString([(30, 50), (60, 50)]),
                LineString([(60.5, 50), (90, 50)]),
                LineString([(60, 70), (90, 70)]),
            ],
        ),
    }
    result = run_check(city_from_tables(tables, as_of=AS_OF), STANDARDS, rules=("N02",))
    assert card_of(data_card(result.context), "city", "c")["correctness"] == (1, 3)


def test_dismissed_values_are_not_held_against_a_record():
    city = city_from_tables({"pipes": pipes()}, as_of=AS_OF)
    plain = card_of(data_card(Context(city, STANDARDS)), "city", "*")
    key = frozenset({'["D02",["pipes:D"],""]'})
    dismissed = card_of(data_card(Context(city, STANDARDS, dismissed=key)), "city", "*")
    assert plain["correctness"] == (3, 4) and dismissed["correctness"] == (4, 4)


def test_stated_metres_against_the_limit_of_the_grade():
    table = pipes().assign(accuracy_m=[0.5, 1.1, 0.1, 10.0])
    found = card_of(
        data_card(Context(city_from_tables({"pipes": table}, as_of=AS_OF), STANDARDS)), "city", "*"
    )
    assert found["precision"] == (2, 4)


@pytest.mark.parametrize("seed", range(4))
def test_counts_of_a_level_add_up_and_lie_between_0_and_1(seed):
    context = Context(random_city(seed), STANDARDS)
    frame = data_card(context)
    assert frame["value"].dropna().between(0, 1).all()
    assert (frame["value"].isna() == (frame["denominator"] == 0)).all()
    assert list(frame["card"][:4]) == list(CARDS)
    counted = frame[frame["card"] != "completeness"]
    sums = counted.groupby(["role", "card", "level"])[["numerator", "denominator"]].sum()
    for _, levels in sums.groupby(["role", "card"]):
        assert (levels == levels.iloc[0]).all().all()
    for role in ("housing", "pipes"):
        tested = sums.loc[(role, "correctness")]
        assert (tested["denominator"] == len(context.city.table(role))).all()


@pytest.mark.parametrize("seed", range(3))
def test_coverage_of_the_city_is_that_of_its_ledger(seed):
    context = Context(random_city(seed), STANDARDS)
    book = context.once(ledger)
    weights = context.cell_weights
    good = total = 0.0
    for known in book.classes.values():
        if known.role != "pipes":
            continue
        state = dict(zip(known.cell.tolist(), known.state))
        for place, code in enumerate(book.codes):
            centre = book.outlines[place].centroid
            if not any(unit.covers(centre) for unit in context.units.of_level("city").geometry):
                continue
            weight = weights.get(code, 0.0) if weights.sum() else book.outlines[place].area
            total += weight
            good += weight if state.get(place) in ("surveyed_complete", "verified_empty") else 0.0
    frame = data_card(context)
    frame = frame[(frame["role"] == "pipes") & (frame["level"] == "city") & (frame["area_code"] != "*")]
    rate = frame["coverage_rate"].dropna().to_numpy()
    assert rate == pytest.approx([good / total]) if total else not len(rate)


def test_an_empty_city_has_an_empty_card():
    frame = data_card(Context(city_from_tables({"units": units()}, as_of=AS_OF), STANDARDS))
    assert not len(frame) and "value" in frame
    assert np.array_equal(frame["value"], [])
