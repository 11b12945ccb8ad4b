"""The law of windows: whatever the tiling, the findings are those of the whole city."""

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from random_city import SIDE_M, random_city
from shapely.geometry import box

from citygap.engine.check import run_check
from citygap.engine.registry import RULES
from citygap.engine.rows import to_rows
from citygap.engine.standards import Standards, shipped_standards

WITH_REACH = [rule.rule_id for rule in RULES if rule.reach_m is not None]
FAR = 50 * SIDE_M
# A city of one seed says as much as a smaller one would: shrinking costs minutes and tells nothing.
DRAW = (Phase.explicit, Phase.reuse, Phase.generate)


def findings(city, window=None):
    standards = Standards(shipped_standards(), city.as_of.date())
    result = run_check(city, standards, rules=WITH_REACH, window=window)
    # Columns that are lacking in a whole layer belong to units, which no window owns.
    return {row.key: row for row in to_rows(result.findings, city) if row.object_role != "units"}


def tiles(cuts_x, cuts_y):
    xs, ys = [-FAR, *sorted(cuts_x), FAR], [-FAR, *sorted(cuts_y), FAR]
    return [
        box(west, south, east, north)
        for west, east in zip(xs, xs[1:])
        for south, north in zip(ys, ys[1:])
        if west < east and south < north
    ]


cuts = st.lists(st.integers(0, SIDE_M // 2).map(lambda n: n * 2.0), max_size=2, unique=True)


@settings(max_examples=12, deadline=None, phases=DRAW)
@given(st.integers(0, 10_000), cuts, cuts)
def test_any_tiling_finds_what_the_whole_city_has(seed, cuts_x, cuts_y):
    city = random_city(seed)
    whole = findings(city)
    parts = {}
    for tile in tiles(cuts_x, cuts_y):
        for key, row in findings(city, tile).items():
            assert key not in parts, "two windows own one finding"
            parts[key] = row
    assert sorted(parts) == sorted(key for key, row in whole.items() if row.anchor is not None)
    for key, row in parts.items():
        assert row == whole[key]


def test_the_random_cities_make_every_rule_with_a_reach_speak():
    spoken = set()
    for seed in range(12):
        spoken |= {row.rule_id for row in findings(random_city(seed)).values()}
    assert spoken == set(WITH_REACH)


@pytest.mark.parametrize("seed", range(2))
def test_a_round_window_finds_what_the_whole_city_has_in_it(seed):
    from shapely.geometry import Point

    city = random_city(seed)
    outline = Point(600, 600).buffer(330)
    expected = {
        key
        for key, row in findings(city).items()
        if row.anchor is not None and outline.intersects(Point(np.array(row.anchor)))
    }
    assert set(findings(city, outline)) == expected
