"""Planted rounds: objects that were seen too long ago, by day only, or not after a storm."""

from __future__ import annotations

from datetime import date

from .plants import HIGH, LOW, MEDIUM, TODAY, days_ago, decoy
from .truth import Plant, Visit

STORM = "SJ006"
"""The last storm: over at 22:00 on 27 June 2026, so that its 72 hours end at 22:00 on the last day."""

_C_NEW = {"built_year": 2012, "danger_grade": "C"}
_OLD = {"built_year": 1990}


def _watched(days: int) -> tuple[Visit, ...]:
    return (Visit(days_ago(days), "watch_visit"),)


_BEFORE = (Visit(date(2026, 6, 20), "walk_round_patrol"),)
HOUSING = (
    Plant(
        "I01",
        LOW,
        "grade C, seen 40 days ago",
        _C_NEW,
        "watch_visit",
        "yes",
        TODAY,
        _watched(40),
        silent=True,
    ),
    Plant(
        "I01",
        MEDIUM,
        "grade C, seen 60 days ago",
        _C_NEW,
        "watch_visit",
        "yes",
        TODAY,
        _watched(60),
        silent=True,
    ),
    Plant(
        "I01",
        HIGH,
        "grade C, seen 100 days ago",
        _C_NEW,
        "watch_visit",
        "yes",
        TODAY,
        _watched(100),
        silent=True,
    ),
    Plant(
        "I01", "", "grade C, seen 29 days ago", _C_NEW, "watch_visit", "no", TODAY, _watched(29), silent=True
    ),
    Plant("I04", MEDIUM, "old house, seen before the storm only", _OLD, STORM, visits=_BEFORE, silent=True),
    Plant(
        "I04", HIGH, "grade C, seen before the storm only", _C_NEW, STORM, visits=_watched(10), silent=True
    ),
    Plant(
        "I04",
        MEDIUM,
        "old house, seen 73 hours after the storm",
        _OLD,
        STORM,
        visits=(Visit(date(2026, 6, 30), "walk_round_patrol", "ok", 23.0),),
        silent=True,
    ),
    decoy(
        "I04",
        "old house, seen 71 hours after the storm",
        _OLD,
        discriminator=STORM,
        visits=(Visit(date(2026, 6, 30), "walk_round_patrol", "ok", 21.0),),
        silent=True,
    ),
    decoy("I04", "new house: a storm asks for no visit", discriminator=STORM, visits=_BEFORE, silent=True),
)

PIPES = (
    (
        "JS",
        "main",
        Plant(
            "I01",
            LOW,
            "seen 31 days ago",
            {},
            "line_patrol",
            "yes",
            TODAY,
            (Visit(days_ago(31), "line_patrol"),),
            silent=True,
        ),
    ),
    (
        "JS",
        "main",
        Plant(
            "I01",
            "",
            "seen 29 days ago",
            {},
            "line_patrol",
            "no",
            TODAY,
            (Visit(days_ago(29), "line_patrol"),),
            silent=True,
        ),
    ),
    (
        "DL",
        "main",
        Plant(
            "I01",
            MEDIUM,
            "seen 200 days ago",
            {},
            "patrol",
            "yes",
            TODAY,
            (Visit(days_ago(200), "patrol"),),
            silent=True,
        ),
    ),
)


def _by_day(count: int) -> tuple[Visit, ...]:
    return tuple(Visit(days_ago(2 + 7 * number), "patrol_day") for number in range(count))


ALLEYS = (
    Plant("I02", MEDIUM, "never visited by day or night", silent=True),
    Plant("I03", MEDIUM, "5 visits in 90 days, none at night", {}, "", "yes", TODAY, _by_day(5), silent=True),
    Plant("I03", "", "4 visits in 90 days, none at night", {}, "", "no", TODAY, _by_day(4), silent=True),
    Plant(
        "I03",
        "",
        "6 visits in 90 days, one at night",
        {},
        "",
        "no",
        TODAY,
        (*_by_day(5), Visit(days_ago(3), "patrol_night", "ok", 20.0)),
        silent=True,
    ),
)
