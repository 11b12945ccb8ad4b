"""A run over the sample finds what its truth table names, and nothing else: rule by rule, to the severity."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from citygap.commands.thresholds import standards_in_force
from citygap.engine.check import run_check
from citygap.engine.city import city_from_tables
from citygap.engine.registry import RULES
from citygap.model.gap import SEVERITIES
from citygap.sample.days import SAMPLE_AS_OF
from citygap.sample.town import build_sample
from citygap.sample.truth import key_of

LAST_DAY = datetime(
    SAMPLE_AS_OF.year,
    SAMPLE_AS_OF.month,
    SAMPLE_AS_OF.day,
    23,
    59,
    59,
    999999,
    tzinfo=ZoneInfo("Asia/Shanghai"),
)


@pytest.fixture(scope="module", params=[(800, 1), (800, 5)], ids=str)
def checked(request):
    """Truth rows, and what a run over the sample found and did."""
    sample = build_sample(*request.param)
    city = city_from_tables(sample.tables, as_of=LAST_DAY)
    return sample.truth, run_check(city, standards_in_force(None, city))


def test_the_shifted_layer_holds_up_no_rule(checked):
    assert {run.rule_id: run.status for run in checked[1].rules if run.status != "run"} == {}


@pytest.mark.parametrize("rule_id", [rule.rule_id for rule in RULES])
def test_a_rule_finds_the_truth_and_no_more(checked, rule_id):
    truth, result = checked
    findings = result.findings
    rows = truth[truth["rule_id"] == rule_id]
    expected = {key_of(row): row for row in rows[rows["expected"] == "yes"].itertuples()}
    decoys = {key_of(row): row for row in rows[rows["expected"] == "no"].itertuples()}
    assert expected
    found = {row.key: row for row in findings[findings["rule_id"] == rule_id].itertuples()}
    assert [expected[key] for key in expected.keys() - found.keys()] == []
    assert [decoys[key] for key in decoys.keys() & found.keys()] == []
    assert [found[key].object_id for key in found.keys() - expected.keys()] == []
    for key, row in expected.items():
        raised = SEVERITIES.index(row.severity) + bool(found[key].params.get("step"))
        assert found[key].severity == SEVERITIES[min(raised, len(SEVERITIES) - 1)], row
        assert (found[key].class_code or "") == row.class_code, row


def test_every_rule_of_the_catalogue_has_gaps_and_look_alikes(checked):
    truth = checked[0]
    sides = truth.groupby("rule_id")["expected"].agg(set)
    assert {rule.rule_id for rule in RULES} <= set(sides.index)
    assert {rule_id: found for rule_id, found in sides.items() if found != {"yes", "no"}} == {}
