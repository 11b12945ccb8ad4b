"""The pipe matrix, old stock by decade and the data card: parts that add up, against plain sums."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from random_city import AS_OF, random_city
from shapely.geometry import LineString, box

from citygap.engine.card import data_card
from citygap.engine.city import city_from_tables
from citygap.engine.context import Context
from citygap.engine.matrix import ATTRIBUTES, pipe_matrix, stock_by_decade
from citygap.engine.standards import Standards, shipped_standards

STANDARDS = Standards(shipped_standards(), AS_OF.date())


def drawn(seed):
    city = random_city(seed)
    return city, Context(city, STANDARDS)


@pytest.mark.parametrize("seed", range(5))
def test_every_level_of_the_matrix_adds_up_to_the_layer(seed):
    city, context = drawn(seed)
    matrix = pipe_matrix(context)
    pipes = city.table("pipes")
    length = np.nansum(shapely.length(pipes.geometry.to_numpy()))
    for _, level in matrix.groupby("level"):
        assert level["records"].sum() == len(pipes)
        assert level["length_m"].sum() == pytest.approx(length, rel=1e-12)
    of_districts = (
        matrix[matrix["level"] == "district"].groupby(["class_code", "kind_code"])["length_m"].sum()
    )
    of_city = matrix[(matrix["level"] == "*") & (matrix["records"] > 0)].set_index(
        ["class_code", "kind_code"]
    )
    pd.testing.assert_series_equal(of_districts, of_city["length_m"].sort_index(), check_names=False)
    shares = matrix[[f"known_{name}" for name in ATTRIBUTES]].to_numpy(dtype="float64")
    assert ((shares >= 0) & (shares <= 1 + 1e-12) | np.isnan(shares)).all()


def test_a_matrix_one_can_check_by_hand():
    pipes = gpd.GeoDataFrame(
        {
            "id": ["a", "b", "c"],
            "class_code": ["PS", "PS", "PS"],
            "kind_code": ["WS", "WS", None],
            "laid_year": [2016.0, None, None],
            "material_code": ["T", "T", None],
        },
        geometry=[LineString([(0, 0), (30, 0)]), LineString([(0, 5), (10, 5)]), LineString([(0, 9), (2, 9)])],
    )
    context = Context(city_from_tables({"pipes": pipes}, as_of=AS_OF), STANDARDS)
    matrix = pipe_matrix(context).set_index(["class_code", "kind_code"])
    foul = matrix.loc["PS", "WS"]
    assert (foul["records"], foul["length_m"], foul["mean_age_a"], foul["paper_kind"]) == (2, 40.0, 10.0, 7)
    assert (foul["known_laid_year"], foul["known_material_code"]) == (0.75, 1.0)
    assert matrix.loc["PS", "unrecorded"]["length_m"] == 2.0
    gas = matrix.loc["RQ", "TR"]
    assert gas["records"] == 0 and np.isnan(gas["known_owner"])
    assert set(matrix["paper_kind"].dropna()) == set(range(1, 24))


@pytest.mark.parametrize("seed", range(3))
def test_decades_add_up_and_the_unrecorded_stand_apart(seed):
    city, context = drawn(seed)
    stock = stock_by_decade(context)
    years = context.subject("housing").rows["built_year"]
    for _, level in stock[stock["role"] == "housing"].groupby("level"):
        assert level["records"].sum() == len(years)
        assert level.loc[level["decade"] == "unrecorded", "records"].sum() == years.isna().sum()
        assert (
            level.loc[level["decade"] == "1990", "records"].sum() == ((years >= 1990) & (years < 2000)).sum()
        )
    pipes = stock[(stock["role"] == "pipes") & (stock["level"] == "*")]
    length = np.nansum(shapely.length(city.table("pipes").geometry.to_numpy()))
    assert pipes["length_m"].sum() == pytest.approx(length, rel=1e-12)


def test_floor_area_without_floors_is_a_lower_bound_and_said_to_be_estimated():
    housing = gpd.GeoDataFrame(
        {
            "id": ["a", "b"],
            "built_year": [1985.0, 1985.0],
            "floors": [3.0, None],
            "floor_area_m2": [None, None],
        },
        geometry=[box(0, 0, 10, 10), box(20, 0, 30, 10)],
    )
    (row,) = stock_by_decade(
        Context(city_from_tables({"housing": housing}, as_of=AS_OF), STANDARDS)
    ).itertuples()
    assert (row.decade, row.floor_area_m2, row.estimated_m2) == ("1980", 400.0, 400.0)


@pytest.mark.parametrize("seed", range(3))
def test_every_part_of_the_card_is_a_share_with_its_counts(seed):
    _, context = drawn(seed)
    card = data_card(context)
    value = card["value"].to_numpy(dtype="float64")
    assert ((value >= 0) & (value <= 1) | np.isnan(value)).all()
    kept = card[card["part"].isin(("Q1_fields", "Q2_correctness", "Q4_currency"))]
    for (role, _), group in kept[kept["level"] == "*"].groupby(["role", "part"]):
        assert group["denominator"].sum() == len(context.city.table(role))


def test_a_card_one_can_check_by_hand():
    recent, old = (pd.Timestamp(f"{day}T12:00:00+08:00") for day in ("2026-06-01", "2020-01-01"))
    housing = gpd.GeoDataFrame(
        {"id": list("abc"), "updated_on": [recent, old, None], "built_year": [1990.0, None, None]},
        geometry=[box(x, 0, x + 10, 10) for x in (10, 30, 50)],
    )
    units = gpd.GeoDataFrame({"code": ["c"], "level": ["city"]}, geometry=[box(0, 0, 100, 100)])
    context = Context(city_from_tables({"housing": housing, "units": units}, as_of=AS_OF), STANDARDS)
    card = data_card(context).query("level == '*'").set_index("part")
    assert card.loc["Q4_currency", ["numerator", "denominator"]].tolist() == [1.0, 3.0]
    assert card.loc["Q1_fields", "value"] == pytest.approx(1 / 18)
    assert card.loc["Q1_coverage", "value"] == 0.0 and card.loc["Q1_completeness", "value"] == 0.0
    assert "Q3_precision" not in card.index
