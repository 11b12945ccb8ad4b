"""An edit followed by a run around it gives what a run over the whole edited city gives."""

from dataclasses import replace

import numpy as np
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from random_city import AS_OF, random_city
from random_edit import ROLES, draw_edit

from citygap.engine.check import Ask, run_rules
from citygap.engine.context import Context
from citygap.engine.index import CityIndex
from citygap.engine.registry import RULES
from citygap.engine.rows import to_rows
from citygap.engine.standards import Standards, shipped_standards
from citygap.engine.window import lay_over

STANDARDS = Standards(shipped_standards(), AS_OF.date())
WITH_REACH = frozenset(rule.rule_id for rule in RULES if rule.reach_m is not None)
D07 = frozenset(("D07",))
"""Its verdict on a whole layer waits for a run over the whole city: switched off, no rule waits for it."""

DRAW = (Phase.explicit, Phase.reuse, Phase.generate)


def rows_of(result, city):
    return {row.key: row for row in to_rows(result.findings, city) if row.object_role != "units"}


def whole(city):
    context = Context(city, STANDARDS)
    return context, run_rules(context, Ask(rules=WITH_REACH, switched_off=D07), lambda *_: None)


def still(gaps, stale):
    """The gaps of the rules that don't wait for a run over the whole city."""
    return {key: row for key, row in gaps.items() if row.rule_id not in stale}


def test_a_rule_without_reach_is_asked_about_what_the_edited_object_meets():
    """C01 says of a pipe that a building stands on it: a moved building alters what it says of pipes."""
    city = random_city(0)
    context = Context(city, STANDARDS)
    pipe = city.table("pipes").iloc[0]
    house = city.table("housing").iloc[[0]].reset_index(drop=True)
    house.geometry = [pipe.geometry.buffer(3)]
    edit = lay_over(context, "housing", house, house["id"][:0])
    assert 0 in edit.around(context, {"pipes": 0.0}).rows["pipes"]


@settings(max_examples=15, deadline=None, phases=DRAW, derandomize=True)
@given(st.integers(0, 10_000), st.sampled_from(ROLES), st.booleans())
def test_an_edit_and_a_run_around_it_equal_a_whole_run(seed, role, has_units):
    city, rng = random_city(seed), np.random.default_rng(seed)
    if not has_units:
        city = replace(city, tables={name: table for name, table in city.tables.items() if name != "units"})
    context, before = whole(city)
    gaps = rows_of(before, city)
    index, stale = context.once(CityIndex), set()
    for _ in range(2):
        edit = lay_over(context, role, *draw_edit(index.city(), role, rng))
        after = run_rules(context, Ask(edit=edit, switched_off=D07), lambda *_: None)
        stale |= {rule.rule_id for rule in after.rules if rule.reason_code == "stale"}
        found = rows_of(after, index.city())
        kept = {
            key: row
            for key, row in gaps.items()
            if row.objects[0] not in after.owners.get(row.rule_id, frozenset())
        }
        gaps = {**kept, **found}
    edited = index.city()
    _, expected = whole(edited)
    assert still(gaps, stale) == still(rows_of(expected, edited), stale)
