"""Statistics of a whole city after an edit: carried along, they are what the edited city gives."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from random_city import AS_OF, random_city
from random_edit import ROLES, draw_edit
from shapely.geometry import box

from citygap.engine.check import Ask, run_rules
from citygap.engine.city import city_from_tables
from citygap.engine.context import Context
from citygap.engine.index import CityIndex
from citygap.engine.recorded_cells import recorded_cells
from citygap.engine.registry import RULES
from citygap.engine.rules.network_nodes import flow
from citygap.engine.standards import Standards, shipped_standards
from citygap.engine.statistic import STATISTICS, recounted
from citygap.engine.weights import cell_weights
from citygap.engine.window import lay_over

STANDARDS = Standards(shipped_standards(), AS_OF.date())
PIPES = ("pipes:JS", "pipes:PS", "pipes:RQ", "pipes:DL", "pipes:TX", "pipes:RL", "pipes:HY")


def said(fact, value, context):
    """What rules read of a statistic, in a form that can be compared."""
    if fact is cell_weights:
        weights = value.by_cell[value.by_cell > 0].sort_index()
        return weights.to_dict(), value.heavy
    if fact is recorded_cells:
        codes, _ = context.grid.all_cells()
        return {name: value.never_surveyed(name, codes).tolist() for name in PIPES}
    if fact is flow:
        return value.is_against_itself
    name = fact.name.rpartition(".")[2]
    if name == "_residents":
        return str(value.bands)
    if name == "_sources":
        return {(*pair, source) for pair, sources in value.items() for source in sources}
    if name == "_longest_part":
        return value.nodes.tolist()
    return value


def may_differ(fact):
    """Statistics that are upper bounds after an edit."""
    return fact.name.endswith(("_thickest_m", "_sources"))


@settings(max_examples=12, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from(ROLES))
def test_carried_over_edits_they_are_those_of_the_edited_city(seed, role):
    city, rng = random_city(seed), np.random.default_rng(seed)
    context = Context(city, STANDARDS)
    for _ in range(3):
        lay_over(context, role, *draw_edit(context.once(CityIndex).city(), role, rng))
    edited = Context(context.once(CityIndex).city(), STANDARDS)
    carried = [fact for fact in STATISTICS if role in fact.roles and fact.name not in context.moved]
    for fact in carried:
        mine, fresh = (said(fact, each.once(fact), each) for each in (context, edited))
        if may_differ(fact):
            assert mine >= fresh, fact.name
        else:
            assert mine == fresh, fact.name


def test_a_statistic_names_the_roles_that_can_alter_it():
    assert len(RULES) == 35
    named = {fact.name.rpartition(".")[2]: set(fact.roles) for fact in STATISTICS}
    assert named["cell_weights"] == {"housing"}
    assert named["_first_visit"] == {"visits"}
    assert named["_longest_part"] == {"roads"}
    assert "pipes" in named["recorded_cells"]


def test_a_name_that_comes_or_goes_can_not_be_told():
    assert recounted({"JS": 2}, {"JS": 1}, {}).value == {"JS": 1}
    assert recounted({"JS": 1}, {"JS": 1}, {}) is None
    assert recounted({"JS": 1}, {}, {"PS": 1}) is None


@pytest.mark.parametrize("moves, sure", [(0, True), (2, True), (12, False)])
def test_flow_is_sure_as_long_as_no_edit_can_have_turned_it(moves, sure):
    tally = type(Context(random_city(1), STANDARDS).once(flow))(nodes=100, against=15, most=0.2, unsure=moves)
    assert not tally.is_against_itself
    assert tally.is_sure == sure


def test_a_cell_that_turns_heavy_far_from_the_edit_is_looked_at_again():
    shapes = [box(100 * x + 40, 40, 100 * x + 60, 60) for x in (0, 10, 20, 30)]
    housing = gpd.GeoDataFrame(
        {
            "id": list("abcd"),
            "use": "residential",
            "danger_grade": "C",
            "residents": [10.0, 20.0, 30.0, 40.0],
        },
        geometry=shapes,
    )
    units = gpd.GeoDataFrame({"code": ["c"], "level": ["city"]}, geometry=[box(0, 0, 3200, 100)])
    context = Context(city_from_tables({"housing": housing, "units": units}), STANDARDS)
    ask = {"rules": frozenset(("A02",)), "switched_off": frozenset(("D07",))}
    before = steps(run_rules(context, Ask(**ask), lambda *_: None))
    assert before == {"a": False, "b": False, "c": False, "d": True}
    row = context.city.table("housing").iloc[[3]].assign(residents=5.0).reset_index(drop=True)
    edit = lay_over(context, "housing", row, pd.Series([], dtype="str"))
    after = steps(run_rules(context, Ask(edit=edit, **ask), lambda *_: None))
    assert after == {"c": True, "d": False}


def steps(result):
    """Whether each building's finding went a step up."""
    return {row.object_id: "step" in row.params for row in result.findings.itertuples()}
