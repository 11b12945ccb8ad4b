"""The coverage ledger and D05 against a plain reading of the catalogue, cell by cell."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from random_city import AS_OF, random_city
from shapely.geometry import LineString, Point, box

from citygap.engine.city import city_from_tables
from citygap.engine.context import Context
from citygap.engine.ledger import ledger
from citygap.engine.rules.data_coverage import NEVER_SURVEYED
from citygap.engine.standards import Standards, shipped_standards

STANDARDS = Standards(shipped_standards(), AS_OF.date())
RECENT, OLD, LATER = (
    pd.Timestamp(f"{day}T12:00:00+08:00") for day in ("2026-06-01", "2020-01-01", "2026-12-01")
)
AREA = box(0, 0, 400, 300)


def context_of(tables):
    return Context(city_from_tables(tables, as_of=AS_OF), STANDARDS)


coordinates = st.sampled_from([0.0, 20.0, 100.0, 130.0, 200.0, 250.0, 300.0, 380.0, 450.0])
days = st.sampled_from([None, OLD, RECENT, LATER])
pipe = st.fixed_dictionaries(
    {
        "class": st.sampled_from(["JS", "PS"]),
        "from": st.tuples(coordinates, coordinates),
        "to": st.tuples(coordinates, coordinates),
        "day": days,
        "year": st.sampled_from([None, 2001.0]),
    }
)
survey = st.fixed_dictionaries(
    {
        "word": st.sampled_from(["JS", "pipes", "*", "housing"]),
        "west": coordinates,
        "south": coordinates,
        "wide": st.sampled_from([4.0, 5.0, 95.0, 100.0, 260.0]),
        "day": st.sampled_from([OLD, RECENT, LATER]),
        "looked": st.booleans(),
    }
)


def tables_of(pipes, surveys):
    return {
        "units": gpd.GeoDataFrame({"code": ["c"], "level": ["city"]}, geometry=[AREA]),
        "pipes": gpd.GeoDataFrame(
            {
                "id": [f"P{i}" for i in range(len(pipes))],
                "class_code": [item["class"] for item in pipes],
                "updated_on": pd.to_datetime([item["day"] for item in pipes], utc=True),
                "laid_year": [item["year"] for item in pipes],
            },
            geometry=[LineString([item["from"], item["to"]]) for item in pipes],
        ),
        "surveys": gpd.GeoDataFrame(
            {
                "id": [f"S{i}" for i in range(len(surveys))],
                "class_code": [item["word"] for item in surveys],
                "captured_on": pd.to_datetime([item["day"] for item in surveys], utc=True),
                "looked_for": [item["looked"] for item in surveys],
            },
            geometry=[survey_box(item) for item in surveys],
        ),
    }


def survey_box(item):
    return box(item["west"], item["south"], item["west"] + item["wide"], item["south"] + 100)


def cells():
    return {(x, y): box(x, y, x + 100, y + 100) for x in range(0, 400, 100) for y in range(0, 300, 100)}


def oracle(pipes, surveys, code):
    """State, records and cover of a class of pipes in each cell."""
    mine = [item for item in pipes if item["class"] == code]
    about = [item for item in surveys if item["word"] in (code, "pipes", "*") and item["day"] <= AS_OF]
    result = {}
    for place, cell in cells().items():
        here = [item for item in mine if LineString([item["from"], item["to"]]).intersection(cell).length > 0]
        cover = shapely.union_all([survey_box(item) for item in about]).intersection(cell).area / 10_000
        looked = [survey_box(item) for item in about if item["looked"]]
        sought = shapely.union_all(looked).intersection(cell).area / 10_000
        touching = [item for item in about if survey_box(item).intersection(cell).area > 0]
        newest = [item["day"] for item in here if item["day"] is not None and item["day"] <= AS_OF]
        newest += [item["day"] for item in touching]
        shares = [1 / 8 + (1 / 8 if item["year"] else 0) for item in here]
        if not here and cover < 0.05:
            state = "never_surveyed"
        elif newest and (AS_OF - max(newest)).total_seconds() > 365 * 86400:
            state = "stale"
        elif not here and sought >= 0.95:
            state = "verified_empty"
        elif here and cover >= 0.95 and np.mean(shares) >= 0.9:
            state = "surveyed_complete"
        else:
            state = "surveyed_partial"
        result[place] = (state, len(here))
    return result


@settings(max_examples=30, deadline=None)
@given(
    st.lists(pipe.filter(lambda item: item["from"] != item["to"]), min_size=1, max_size=5),
    st.lists(survey, min_size=1, max_size=4),
)
def test_states_are_those_of_the_catalogue(pipes, surveys):
    context = context_of(tables_of(pipes, surveys))
    book = context.once(ledger)
    corners = [tuple(int(v) for v in bounds[:2]) for bounds in shapely.bounds(book.outlines)]
    for code in {item["class"] for item in pipes}:
        known = book.classes[f"pipes:{code}"]
        found = dict.fromkeys(corners, ("never_surveyed", 0))
        found |= {
            corners[cell]: (state, int(records))
            for cell, state, records in zip(known.cell, known.state, known.records)
        }
        assert found == oracle(pipes, surveys, code)
        total = sum(LineString([item["from"], item["to"]]).length for item in pipes if item["class"] == code)
        assert np.nansum(known.length_m) + known.outside_length_m == pytest.approx(total, rel=1e-9)


@pytest.mark.parametrize("seed", range(4))
def test_no_metre_and_no_record_is_lost(seed):
    city = random_city(seed)
    context = Context(city, STANDARDS)
    for known in context.once(ledger).classes.values():
        if known.role == "pipes":
            mine = city.table("pipes")
            lines = mine.geometry[(mine["class_code"] == known.class_code).to_numpy()]
            length = np.nansum(shapely.length(lines.to_numpy()))
            assert np.nansum(known.length_m) + known.outside_length_m == pytest.approx(length, rel=1e-9)


def test_nothing_and_nobody_looked_is_never_surveyed_and_not_empty():
    """The main trap: a cell without records and surveys."""
    tables = tables_of(
        [{"class": "JS", "from": (10, 10), "to": (50, 10), "day": RECENT, "year": None}],
        [{"word": "JS", "west": 100.0, "south": 0.0, "wide": 100.0, "day": RECENT, "looked": True}],
    )
    known = context_of(tables).once(ledger).classes["pipes:JS"]
    assert list(zip(known.cell.tolist(), known.state)) == [(0, "surveyed_partial"), (1, "verified_empty")]


def test_official_cells_of_any_shape():
    west = shapely.Polygon([(0, 0), (150, 0), (100, 100), (0, 100)])
    east = shapely.Polygon([(150, 0), (300, 0), (300, 100), (100, 100)])
    tables = {
        "units": gpd.GeoDataFrame(
            {"code": ["c", "w", "e"], "level": ["city", "cell", "cell"]},
            geometry=[box(0, 0, 300, 100), west, east],
        ),
        "pipes": gpd.GeoDataFrame(
            {"id": ["P"], "class_code": ["JS"]}, geometry=[LineString([(50, 50), (400, 50)])]
        ),
        "components": gpd.GeoDataFrame(
            {"id": ["C", "D"], "class_code": ["street_lamp", "0118"]}, geometry=[Point(10, 10), Point(290, 5)]
        ),
    }
    book = context_of(tables).once(ledger)
    pipes, lamps = book.classes["pipes:JS"], book.classes["components:street_lamp"]
    codes = book.codes[pipes.cell].tolist()
    assert dict(zip(codes, pipes.length_m.round(6))) == {"w": 75.0, "e": 175.0}
    assert pipes.outside_length_m == pytest.approx(100.0)
    assert lamps.records.tolist() == [1, 1]


def test_d05_names_the_cells_nobody_looked_at():
    tables = tables_of(
        [{"class": "JS", "from": (10, 10), "to": (50, 10), "day": RECENT, "year": None}],
        [{"word": "JS", "west": 100.0, "south": 0.0, "wide": 100.0, "day": RECENT, "looked": True}],
    )
    tables["housing"] = gpd.GeoDataFrame(
        {"id": ["H"], "built_year": [1990.0]}, geometry=[box(310, 210, 330, 230)]
    )
    context = context_of(tables)
    found = NEVER_SURVEYED.find(context.city, context).findings
    rows = {row.class_code: row for row in found.itertuples()}
    assert set(rows) == {"JS", "housing"}
    assert rows["JS"].object_id == "c" and rows["JS"].measured == pytest.approx(10 / 12)
    assert rows["JS"].severity == "high" and rows["JS"].params["old_housing"]
    assert rows["JS"].geometry.equals(AREA.difference(box(0, 0, 200, 100)))
    assert rows["housing"].severity == "medium" and not rows["housing"].steps


def test_d05_asks_for_surveys():
    tables = tables_of([{"class": "JS", "from": (0, 0), "to": (50, 0), "day": None, "year": None}], [])
    del tables["surveys"]
    assert NEVER_SURVEYED.missing(city_from_tables(tables)) == "no surveys given"
