"""The pipe matrix and the old stock by decade: parts, totals and hand-drawn cases."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from random_city import AS_OF, random_city
from shapely.geometry import LineString, Point, box

from citygap.engine.amounts import floor_areas, lengths_mm
from citygap.engine.city import city_from_tables
from citygap.engine.context import Context
from citygap.engine.matrix import ATTRIBUTES, pipe_matrix, stock_by_decade
from citygap.engine.standards import Standards, shipped_standards

STANDARDS = Standards(shipped_standards(), AS_OF.date())
E0, N0 = 500_000, 3_456_000
"""On the central meridian, where lengths in the CRS are those on the ellipsoid."""


def at(x, y):
    return E0 + x, N0 + y


def context_of(tables):
    return Context(city_from_tables(tables, as_of=AS_OF), STANDARDS)


def day(text):
    return pd.Timestamp(f"{text}T12:00:00+08:00")


def units():
    return gpd.GeoDataFrame(
        {"code": ["c", "w", "e"], "level": ["city", "district", "district"]},
        geometry=[
            box(*at(0, 0), *at(400, 200)),
            box(*at(0, 0), *at(200, 200)),
            box(*at(200, 0), *at(400, 200)),
        ],
    )


def pipes():
    rows = [
        ("JS", "JP", "QM", 200.0, None, 2006.0, "2020-01-01", [(50, 10), (150, 10)]),
        ("JS", "JP", None, None, "300x200", 2016.0, "2024-05-05", [(100, 20), (400, 20)]),
        ("JS", None, "PE", None, None, None, None, [(10, 30), (20, 30)]),
        ("PS", "WS", "T", 400.0, None, 1996.0, None, [(10, 40), (30, 40)]),
        ("PS", "XY", "T", 400.0, None, 1996.0, None, [(10, 50), (30, 50)]),
        (None, None, None, None, None, 1996.0, None, [(390, 60), (450, 60)]),
    ]
    names = ["class_code", "kind_code", "material_code", "diameter_mm", "section_mm", "laid_year"]
    frame = pd.DataFrame([row[:6] for row in rows], columns=names)
    frame["captured_on"] = pd.to_datetime([row[6] and day(row[6]) for row in rows], utc=True)
    frame["id"] = [f"P{number}" for number in range(len(rows))]
    return gpd.GeoDataFrame(frame, geometry=[LineString([at(*spot) for spot in row[7]]) for row in rows])


def keyed(frame):
    frame = frame.astype({"class_code": object, "kind_code": object})
    names = frame[["area_code", "class_code", "kind_code"]].fillna("")
    return dict(zip(map(tuple, names.to_numpy()), frame.to_dict("records")))


def test_a_street_of_pipes():
    tables = {
        "units": units(),
        "pipes": pipes(),
        "housing": gpd.GeoDataFrame({"id": ["H"]}, geometry=[Point(*at(300, 100))]),
        "surveys": gpd.GeoDataFrame(
            {
                "id": ["a", "b", "c"],
                "class_code": ["JS", "pipes", "JS"],
                "captured_on": pd.to_datetime([day("2022-02-02"), day("2019-01-01"), day("2030-01-01")]),
            },
            geometry=[
                box(*at(0, 0), *at(200, 99)),
                box(*at(250, 0), *at(300, 9)),
                box(*at(0, 0), *at(400, 99)),
            ],
        ),
    }
    frame = pipe_matrix(context_of(tables))
    rows = keyed(frame[frame["level"] == "district"])
    west, east = rows["w", "JS", "JP"], rows["e", "JS", "JP"]
    assert (west["records"], west["length_m"], west["paper_kind_no"]) == (2, 200, 3)
    assert (west["material_known"], west["size_known"], west["year_known"]) == (0.5, 1, 1)
    assert west["mean_age_a"] == (100 * 20 + 100 * 10) / 200
    assert west["newest_survey"] == day("2024-05-05")
    # The second pipe is counted where its representative point, one of its ends, lies.
    assert (east["records"], east["length_m"], east["material_known"]) == (0, 200, 0)
    assert west["state"] == east["state"] == "recorded"
    bare = rows["w", "JS", ""]
    assert (bare["records"], bare["length_m"], bare["kind_known"]) == (1, 10, 0)
    assert np.isnan(bare["mean_age_a"]) and bare["newest_survey"] == day("2022-02-02")
    # XY is no kind: D02 calls it implausible, so that it counts as unrecorded.
    assert rows["w", "PS", ""]["records"] == 1 and pd.isna(rows["w", "PS", ""]["paper_kind_no"])
    assert rows["w", "PS", "WS"]["paper_kind_no"] == 7
    assert rows["e", "PS", "WS"]["newest_survey"] == day("2019-01-01")
    assert pd.isna(rows["w", "PS", "WS"]["newest_survey"])
    assert rows["e", "", ""]["length_m"] == 10 and rows["*", "", ""]["length_m"] == 50
    expected = {key for key, row in rows.items() if row["state"] == "expected_none"}
    assert expected == {("e", code, "") for code in ("PS", "RQ", "TX", "DL")}
    assert all(row["records"] == 0 and np.isnan(row["year_known"]) for row in map(rows.get, expected))
    assert rows["w", "HY", "HY"]["state"] == "none" and rows["w", "HY", "HY"]["paper_kind_no"] == 23


def test_all_23_kinds_are_there_for_each_unit():
    frame = pipe_matrix(context_of({"units": units(), "pipes": pipes()}))
    for code in ("c", "w", "e"):
        assert set(frame["paper_kind_no"][frame["area_code"] == code].dropna()) == set(range(1, 24))
    assert not frame.duplicated(["level", "area_code", "class_code", "kind_code"]).any()


@pytest.mark.parametrize("seed", range(4))
def test_parts_add_up_to_all_pipes_to_the_millimetre(seed):
    context = Context(random_city(seed), STANDARDS)
    whole = lengths_mm("pipes", context)
    planar = shapely.length(context.city.table("pipes").geometry.to_numpy())
    assert whole.sum() / 1000 == pytest.approx(np.nansum(planar), rel=0.02)
    for frame in (pipe_matrix(context), stock_by_decade(context)):
        if "role" in frame:
            frame = frame[frame["role"] == "pipes"]
        for _, level in frame.groupby("level"):
            assert (level["length_m"] * 1000).round().astype("int64").sum() == whole.sum()
            assert level["records"].sum() == len(whole)


@pytest.mark.parametrize("seed", range(4))
def test_shares_are_those_of_a_plain_sum(seed):
    """Of the whole city, class by class, pipe by pipe."""
    context = Context(random_city(seed), STANDARDS)
    frame = pipe_matrix(context)
    frame = frame[frame["level"] == "city"]
    rows, mm = context.subject("pipes").rows, lengths_mm("pipes", context)
    for code, mine in frame.groupby("class_code"):
        pick = [number for number in range(len(mm)) if rows["class_code"].iloc[number] == code]
        for name, fields in ATTRIBUTES.items():
            known = sum(
                int(mm[number])
                for number in pick
                if any(pd.notna(rows[field].iloc[number]) for field in fields)
            )
            found = (mine[f"{name}_known"].fillna(0) * mine["length_m"]).sum() * 1000
            assert found == pytest.approx(known, abs=0.5)


def test_stock_by_decade_by_hand():
    years = [1899.0, 1999.0, 2000.0, 2001.0, None, 2009.0]
    tables = {
        "units": units(),
        "housing": gpd.GeoDataFrame(
            {
                "id": [f"H{number}" for number in range(6)],
                "built_year": years,
                "use": ["residential", None, "residential", "residential", None, "office"],
                "floor_area_m2": [None, 500.0, 700.0, None, None, 300.25],
                "floors": [3.0, 3.0, None, None, 2.0, None],
            },
            geometry=[box(*at(10 + 60 * n, 5), *at(20 + 60 * n, 15)) for n in range(4)]
            + [None, Point(*at(390, 9))],
        ),
        "pipes": pipes(),
    }
    frame = stock_by_decade(context_of(tables))
    frame = frame.astype({"decade": object}).fillna({"decade": 0})
    homes = frame[(frame["role"] == "housing") & (frame["level"] == "district")]
    found = {
        (row.area_code, row.class_code, row.decade): (row.records, round(row.floor_area_m2), row.without_area)
        for row in homes.itertuples()
    }
    assert found == {
        ("w", "old_housing", 1890): (1, 300, 0),
        ("w", "old_housing", 1990): (1, 500, 0),
        ("w", "old_housing", 2000): (1, 700, 0),
        ("w", "housing", 2000): (1, 100, 0),
        ("e", "housing", 2000): (1, 300, 0),
        ("*", "housing", 0): (1, 0, 1),
    }
    assert homes["estimated_m2"].sum() == pytest.approx(400, rel=1e-4)
    lines = frame[(frame["role"] == "pipes") & (frame["area_code"] == "w")]
    found = {(row.class_code, row.decade): (row.records, row.length_m) for row in lines.itertuples()}
    assert found == {
        ("JS", 2000): (1, 100),
        ("JS", 2010): (1, 100),
        ("JS", 0): (1, 10),
        ("PS", 1990): (2, 40),
    }


@pytest.mark.parametrize("seed", range(3))
def test_floor_area_adds_up_to_the_square_centimetre(seed):
    context = Context(random_city(seed), STANDARDS)
    frame = stock_by_decade(context)
    whole = context.once(floor_areas).cm2.sum()
    for _, level in frame[frame["role"] == "housing"].groupby("level"):
        assert (level["floor_area_m2"] * 10_000).round().astype("int64").sum() == whole


def test_without_units_all_is_one_area():
    context = context_of(
        {"pipes": pipes(), "housing": gpd.GeoDataFrame({"id": ["H"]}, geometry=[box(0, 0, 9, 9)])}
    )
    frame = pipe_matrix(context)
    assert set(frame["area_code"]) == {"*"}
    assert frame["length_m"].sum() == pytest.approx(510, abs=0.01)
    assert set(frame["class_code"][frame["state"] == "expected_none"]) == {"RQ", "TX", "DL"}
    assert set(stock_by_decade(context)["area_code"]) == {"*"}


def test_an_empty_city():
    assert not len(stock_by_decade(context_of({"units": units()})))
    frame = pipe_matrix(context_of({"units": units()}))
    assert set(frame["state"]) == {"none"} and frame["length_m"].sum() == 0
