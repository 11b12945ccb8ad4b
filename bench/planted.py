"""Planted gaps, rule by rule: how many are found, how many look-alikes are taken for one, what else is found.

``python -m citygap.bench.planted [--buildings N] [--seed S]`` prints the table.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from datetime import datetime, time
from zoneinfo import ZoneInfo

from ..commands.thresholds import standards_in_force
from ..engine.check import run_check
from ..engine.city import city_from_tables
from ..engine.registry import RULES
from ..sample.days import SAMPLE_AS_OF
from ..sample.town import build_sample
from ..sample.truth import key_of

ZONE = "Asia/Shanghai"


@dataclass(frozen=True)
class Score:
    """How one rule did on the sample.

    Attributes
    ----------
    planted, found : int
        Gaps of the truth table, and how many of them the rule found.
    decoys, taken : int
        Look-alikes of the truth table, and how many the rule took for a gap.
    beyond : int
        Findings that count (not info) and that the truth table does not name.
    status : str
        What the run says of the rule, where it did not run.
    """

    rule_id: str
    planted: int
    found: int
    decoys: int
    taken: int
    beyond: int
    status: str

    @property
    def holds(self) -> bool:
        """Whether all that is planted is found, and nothing else."""
        return self.found == self.planted and not self.taken and not self.beyond


def scores(buildings: int, seed: int) -> list[Score]:
    """Check a sample city on its own day and compare with its truth table, rule by rule."""
    sample = build_sample(buildings, seed)
    as_of = datetime.combine(SAMPLE_AS_OF, time.max, tzinfo=ZoneInfo(ZONE))
    city = city_from_tables(sample.tables, as_of=as_of, tz=ZONE)
    result = run_check(city, standards_in_force(None, city))
    status = {run.rule_id: "" if run.status == "run" else run.status for run in result.rules}
    truth = sample.truth[sample.truth["as_of"].isin(["", SAMPLE_AS_OF.isoformat()])]
    truth = truth.assign(key=[key_of(row) for row in truth.itertuples()])
    found = result.findings
    rows = []
    for rule in RULES:
        mine = truth[truth["rule_id"] == rule.rule_id]
        yes, no = (set(mine.loc[mine["expected"] == word, "key"]) for word in ("yes", "no"))
        seen = found[found["rule_id"] == rule.rule_id]
        every, counted = set(seen["key"]), set(seen.loc[seen["severity"] != "info", "key"])
        rows.append(
            Score(
                rule.rule_id,
                len(yes),
                len(yes & every),
                len(no),
                len(no & every),
                len(counted - yes),
                status[rule.rule_id],
            )
        )
    return rows


def table(rows: list[Score]) -> str:
    """The scores as Markdown."""
    lines = [
        "| rule | planted | found | recall | look-alikes | taken for a gap | beyond the truth |  |",
        "|---|--:|--:|--:|--:|--:|--:|---|",
    ]
    for row in rows:
        recall = f"{row.found / row.planted:.3f}" if row.planted else ""
        lines.append(
            f"| {row.rule_id} | {row.planted} | {row.found} | {recall} | {row.decoys} | {row.taken} "
            f"| {row.beyond} | {row.status} |"
        )
    return "\n".join(lines)


def main() -> int:
    """Print the table; 1 if a planted gap is missed or anything else is found."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--buildings", default=1500, type=int)
    arguments.add_argument("--seed", default=1, type=int)
    chosen = arguments.parse_args()
    rows = scores(chosen.buildings, chosen.seed)
    print(table(rows))
    return 0 if all(row.holds for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
