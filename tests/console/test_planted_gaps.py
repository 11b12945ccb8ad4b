"""The sample city: every planted gap is found, and no look-alike is taken for one."""

import base64
import csv
import hashlib
import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from citygap.model.catalogue import catalogue
from citygap.model.gap import SEVERITIES

RULES = ("A02", "D01", "I02", "I05", "N02", "N05", "R01", "S01")
DAYS = ("2026-06-30", "2027-03-01")
"""The day the truth table is made for, and a later one: rows without a day of their own hold on both."""


@pytest.fixture(scope="module")
def sample(console, tmp_path_factory):
    """The folder of the sample city, what `citygap sample` says of it, and its truth table."""
    folder = tmp_path_factory.mktemp("sample")
    said = console.json("sample", folder / "city.gpkg")
    with open(folder / "city_truth.csv", encoding="utf-8", newline="") as stream:
        return folder, said, list(csv.DictReader(stream))


@pytest.fixture(scope="module")
def checked(console, sample):
    """Day to the gap records of a check on that day."""
    folder = sample[0]

    def check(day):
        store = folder / f"{day}.gpkg"
        result = console.json("check", folder / "city.gpkg", "--store", store, "--as-of", day)
        assert {rule["status"] for rule in result["rules"].values()} == {"run"}
        return console.json("gaps", store)

    with ThreadPoolExecutor(2) as pool:
        return dict(zip(DAYS, pool.map(check, DAYS)))


def gap_id(row):
    """The identity that the catalogue gives to a finding, byte for byte."""
    objects = sorted(f"{row['object_role']}:{name}" for name in row["object_id"].split("|"))
    key = json.dumps(
        [row["rule_id"], objects, row["discriminator"]], ensure_ascii=False, separators=(",", ":")
    )
    digest = base64.b32encode(hashlib.sha256(key.encode("utf-8")).digest()).decode("ascii")
    return f"{row['rule_id']}-{digest[:16]}"


def stepped(gap):
    """Whether the catalogue's general rule 2 raised the severity by one step, by the gap's own word."""
    return bool(json.loads(gap["params_json"]).get("step"))


@pytest.mark.parametrize("day", DAYS)
@pytest.mark.parametrize("rule_id", RULES)
def test_planted_gaps_are_found_and_decoys_are_not(sample, checked, rule_id, day):
    found = {gap["gap_id"]: gap for gap in checked[day]}
    rows = [row for row in sample[2] if row["rule_id"] == rule_id and row["as_of"] in ("", day)]
    assert {row["expected"] for row in rows} == {"yes", "no"}
    for row in rows:
        gap = found.get(gap_id(row))
        if row["expected"] == "no":
            assert gap is None, row
            continue
        assert gap is not None, row
        assert (gap["rule_id"], gap["object_role"]) == (rule_id, row["object_role"]), row
        assert (gap["object_id"], gap["class_code"] or "") == (row["object_id"], row["class_code"]), row
        raised = SEVERITIES[min(SEVERITIES.index(row["severity"]) + stepped(gap), len(SEVERITIES) - 1)]
        assert gap["severity"] == raised, (row, gap["params_json"])


def test_what_the_command_says_is_what_the_table_holds(sample):
    _, said, truth = sample
    assert sorted(said["rules"]) == sorted({row["rule_id"] for row in truth}) == sorted(catalogue())
    for rule_id, count in said["rules"].items():
        mine = [row["expected"] for row in truth if row["rule_id"] == rule_id]
        assert (mine.count("yes"), mine.count("no")) == (count["planted"], count["decoys"])


def test_near_misses_are_the_planted_ones_and_no_more(sample, checked):
    """The net of the sample is otherwise whole; the other rules also find what nobody planted."""
    planted = {gap_id(row) for row in sample[2] if row["rule_id"] == "N02" and row["expected"] == "yes"}
    for gaps in checked.values():
        assert {gap["gap_id"] for gap in gaps if gap["rule_id"] == "N02"} == planted


def test_a_run_without_the_books_closes_nothing_that_they_told(console, sample, checked):
    """Duties, repairs and visits are left out: that is no proof that somebody now cares for these places."""
    folder, day = sample[0], DAYS[0]
    words = ["--store", folder / f"{day}.gpkg", "--as-of", day]
    alone = console.json("check", f"{folder / 'city.gpkg'}|housing", *words)["rules"]
    assert {alone[rule_id]["status"] for rule_id in ("I05", "R01")} == {"run"}
    assert {rule_id: rule["gone"] for rule_id, rule in alone.items()} == dict.fromkeys(alone, 0)
    again = console.json("check", folder / "city.gpkg", *words)["rules"]
    known = {gap["gap_id"] for gap in checked[day]}
    after = [gap for gap in console.json("gaps", folder / f"{day}.gpkg") if gap["gap_id"] in known]
    assert {gap["status"] for gap in after} == {"open"}
    assert sum(rule["returned"] for rule in again.values()) == 0
