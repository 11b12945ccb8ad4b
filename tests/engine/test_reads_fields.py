"""A rule that names the fields it reads says the same whatever the other fields hold."""

from dataclasses import replace

import numpy as np
import pytest
from random_city import AS_OF, random_city

from citygap.engine.check import run_check
from citygap.engine.context import Context
from citygap.engine.registry import RULES
from citygap.engine.rows import to_rows
from citygap.engine.standards import Standards, shipped_standards

STANDARDS = Standards(shipped_standards(), AS_OF.date())
NAMED = [(rule, role) for rule in RULES for role in rule.reads_fields]
SEEDS = (3, 4)


def found(city, rule):
    result = run_check(city, STANDARDS, rules=[rule.rule_id], switched_off=frozenset(["D07"]))
    return {row.key: row for row in to_rows(result.findings, city)}


def with_others(city, role, field, rng):
    """The city with the values of a field dealt out anew."""
    table = city.table(role).copy()
    table[field] = table[field].iloc[rng.permutation(len(table))].reset_index(drop=True)
    return replace(city, tables={**city.tables, role: table})


def with_others_unread(city, role, field, fields, rng):
    """As `with_others`, but for rows where that makes another of some fields implausible, and so empty."""
    other = with_others(city, role, field, rng)
    was, now = as_read(city, role, fields), as_read(other, role, fields)
    told = ~((was == now) | (was.isna() & now.isna())).fillna(False).to_numpy(dtype=bool).any(axis=1)
    table = other.table(role).copy()
    table[field] = table[field].where(~told, city.table(role)[field])
    return replace(city, tables={**city.tables, role: table})


def as_read(city, role, fields):
    rows = Context(city, STANDARDS).subject(role).rows
    return rows[[name for name in fields if name in rows]]


@pytest.mark.parametrize(("rule", "role"), NAMED, ids=lambda it: getattr(it, "rule_id", it))
def test_other_fields_alter_nothing(rule, role):
    dealt = 0
    for seed in SEEDS:
        city, rng = random_city(seed), np.random.default_rng(seed)
        before, fields = found(city, rule), rule.reads_fields[role]
        others = city.table(role).columns.difference(["id", "geometry", "source_name", *fields])
        for field in others:
            other = with_others_unread(city, role, field, fields, rng)
            if as_read(city, role, fields).equals(as_read(other, role, fields)):
                dealt += 1
                assert found(other, rule) == before, field
    assert dealt


def test_a_field_that_is_named_alters_something():
    """The test above would pass if nothing altered anything."""
    rule = next(rule for rule in RULES if rule.rule_id == "S01")
    city = random_city(3)
    other = with_others(city, "pipes", "class_code", np.random.default_rng(3))
    assert found(other, rule) != found(city, rule)
