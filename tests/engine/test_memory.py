"""A changed threshold re-runs only the rules that read it, and gives what a fresh run gives."""

from dataclasses import replace

import pytest
from random_city import AS_OF, random_city

from citygap.engine import check
from citygap.engine.check import Ask, run_rules
from citygap.engine.context import Context
from citygap.engine.memory import Memory, changed_names
from citygap.engine.rows import to_rows
from citygap.engine.standards import Standards, shipped_standards


def standards(**values):
    rows = [
        replace(row, value=values.get(row.rule_or_activity.replace(".", "_"), row.value))
        for row in shipped_standards()
    ]
    return Standards(rows, AS_OF.date())


def quiet(*_):
    return None


@pytest.fixture
def ran(monkeypatch):
    """Ids of the rules that were really run, in order."""
    ids = []

    def counted(rule):
        def find(city, context):
            ids.append(rule.rule_id)
            return rule.find(city, context)

        return replace(rule, find=find)

    monkeypatch.setattr(check, "RULES", tuple(counted(rule) for rule in check.RULES))
    return ids


def test_nothing_changed_runs_nothing(ran):
    city = random_city(2)
    context = Context(city, standards())
    first = run_rules(context, Ask(), quiet)
    assert ran
    ran.clear()
    again = run_rules(context.renewed(standards(), frozenset(), lambda: False), Ask(), quiet)
    assert ran == []
    assert list(to_rows(again.findings, city)) == list(to_rows(first.findings, city))


def test_only_the_rules_that_read_a_row_run_again(ran):
    city = random_city(2)
    context = Context(city, standards())
    run_rules(context, Ask(), quiet)
    ran.clear()
    changed = standards(N02_near_tol_m="2.0")
    result = run_rules(context.renewed(changed, frozenset(), lambda: False), Ask(), quiet)
    assert "N02" in ran and not {"D01", "A02", "S01", "R01", "C01"} & set(ran)
    fresh = run_rules(Context(city, changed), Ask(), quiet)
    assert list(to_rows(result.findings, city)) == list(to_rows(fresh.findings, city))


def test_a_row_read_by_way_of_a_shared_value_counts_too(ran):
    """The fillers are read once, for the values that nearly every rule reads."""
    city = random_city(2)
    context = Context(city, standards())
    run_rules(context, Ask(), quiet)
    ran.clear()
    changed = standards(D01_fillers="0|9999")
    result = run_rules(context.renewed(changed, frozenset(), lambda: False), Ask(), quiet)
    assert {"D01", "A02", "S01"} <= set(ran)
    fresh = run_rules(Context(city, changed), Ask(), quiet)
    assert list(to_rows(result.findings, city)) == list(to_rows(fresh.findings, city))


def test_names_read_for_an_inner_value_belong_to_the_outer_one():
    memory = Memory()
    memory.recall("inner", lambda: memory.note("a"))
    memory.recall("outer", lambda: memory.recall("inner", lambda: None))
    assert memory.entry("outer")[1] == {"a"}
    kept = memory.without(frozenset({"a"}))
    with pytest.raises(KeyError):
        kept.entry("outer")


def test_changed_names_are_those_of_rows_that_differ():
    assert changed_names(standards(), standards(N02_near_tol_m="2.0")) == {"N02.near_tol_m"}
    assert changed_names(standards(), standards()) == frozenset()


def test_what_one_family_reads_goes_when_another_begins_and_comes_again():
    memory, computed = Memory(), []

    def compute():
        computed.append(1)
        memory.note("D02.year")
        return len(computed)

    memory.begin("N")
    assert [memory.recall_briefly("network", compute) for _ in range(2)] == [1, 1]
    memory.begin("N")
    assert memory.recall_briefly("network", compute) == 1
    memory.recall("kept", lambda: "kept")
    memory.begin("A")
    assert not memory.knows("network")
    assert memory.knows("kept")
    with memory.reading() as names:
        assert memory.recall_briefly("network", compute) == 2
    assert names == {"D02.year"}
