"""R04 against a raster that counts cells, and hand-drawn cases."""

import pytest
import shapely
from duty_areas import SIDE, STEP, city_of, duty, raster_holes, run, shape_of
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import Point, box

from citygap.engine.rules.boundaries import BOUNDARY_OVERLAP_OR_GAP, SEAM_SLIVER

PLACES = st.sampled_from([0, 1, 2, 3, 11, 12, 13, 22, 23, 24])


@st.composite
def rects(draw):
    west, east = sorted(draw(st.lists(PLACES, min_size=2, max_size=2, unique=True)))
    south, north = sorted(draw(st.lists(PLACES, min_size=2, max_size=2, unique=True)))
    return west, south, east, north


def shared(one, other):
    wide = min(one[2], other[2]) - max(one[0], other[0])
    high = min(one[3], other[3]) - max(one[1], other[1])
    return max(wide, 0) * max(high, 0) * STEP * STEP


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(rects(), st.sampled_from("甲乙丙")), min_size=1, max_size=5))
def test_agrees_with_the_raster(rows):
    findings = run(
        BOUNDARY_OVERLAP_OR_GAP, city_of([duty(shape_of(area), body) for area, body in rows])
    ).findings
    kinds = [params["kind"] for params in findings["params"]]
    found = {
        object_id: (severity, measured)
        for object_id, severity, measured in zip(
            *(findings[name] for name in ("object_id", "severity", "measured"))
        )
    }
    expected = {
        f"d{i}|d{j}": ("medium", shared(rows[i][0], rows[j][0]))
        for i in range(len(rows))
        for j in range(i + 1, len(rows))
        if rows[i][1] != rows[j][1] and shared(rows[i][0], rows[j][0]) > 0
    }
    areas = [area for area, _ in rows]
    holes = raster_holes(areas)
    if sum(area for _, area, _, _ in holes) <= 0.5 * (SIDE * STEP) ** 2:
        wide = [area for _, area, perimeter, _ in holes if 2 * area / perimeter > 10]
        if wide:
            expected["district:patrol:order"] = ("high", sum(wide))
    assert found == {name: (word, pytest.approx(area)) for name, (word, area) in expected.items()}
    assert kinds.count("overlap") == sum("|" in name for name in expected)


def halves(west=48.0, east=48.0, **more):
    return [duty(box(0, 0, west, 96), "甲"), duty(box(east, 0, 96, 96), **{"body": "乙", **more})]


@pytest.mark.parametrize(
    ("rows", "kinds"),
    [
        (halves(), []),
        ([duty(box(0, 0, 96, 96)), duty(box(0, 0, 1, 1), "乙")], ["overlap"]),  # 1 m²
        ([duty(box(0, 0, 96, 96)), duty(box(0, 0, 1, 0.99), "乙")], []),
        (halves(60, 48, body="甲"), []),  # one body against itself
        (halves(60, 48, level="city"), ["vacancy", "vacancy"]),  # each by itself covers half
        (halves(60, 48, duty="own"), ["vacancy", "vacancy"]),  # each by itself covers half
        (halves(60, 48, trade="greening"), ["vacancy", "vacancy"]),  # each by itself covers half
        (halves(40, 44), []),  # a seam: R03
        (halves(36, 60), ["vacancy"]),
        (halves(24, 74), []),  # under half of the study area is covered
        (halves(24, 72), ["vacancy"]),
        ([duty(box(0, 0, 96, 96)), duty(box(0, 0, 9, 9), "乙")], ["overlap"]),
    ],
)
def test_overlap_and_vacancy(rows, kinds):
    findings = run(BOUNDARY_OVERLAP_OR_GAP, city_of(rows)).findings
    assert [params["kind"] for params in findings["params"]] == kinds
    assert list(findings["severity"]) == [{"overlap": "medium", "vacancy": "high"}[kind] for kind in kinds]


def test_duties_for_other_classes_may_share_their_ground():
    def over(one, other):
        rows = [
            duty(box(0, 0, 96, 96), "甲", object_class=one),
            duty(box(0, 0, 9, 9), "乙", object_class=other),
        ]
        return len(run(BOUNDARY_OVERLAP_OR_GAP, city_of(rows)).findings)

    assert over("pipes:RQ", "housing") == 0
    assert over("pipes:RQ", "pipes:JS") == 0
    assert over("pipes:RQ", "pipes") == 1
    assert over("pipes:RQ", "*") == 1
    assert over(None, None) == 1  # the trade covers no class: the ground itself


def test_a_hole_is_a_sliver_or_a_vacancy_never_both():
    for width in (3, 10, 11.5, 12, 30):
        city = city_of([*halves(40, 40 + width), duty(box(0, 60, 96, 96), "丙")])
        assert len(run(SEAM_SLIVER, city).findings) + len(run(BOUNDARY_OVERLAP_OR_GAP, city).findings) == (
            1 if width <= 40 else 0
        ) + _overlaps(city)


def _overlaps(city):
    found = run(BOUNDARY_OVERLAP_OR_GAP, city).findings
    return sum(params["kind"] == "overlap" for params in found["params"])


def test_areas_by_code_are_those_of_the_units_and_parts_are_told_apart_by_cell():
    rows = [duty("310000"), duty(box(-50, -50, 350, 10), "乙", level="city")]
    rows[0]["level"] = None  # the unit's: city
    findings = run(BOUNDARY_OVERLAP_OR_GAP, city_of(rows, study=box(0, 0, 300, 300))).findings
    assert list(findings["key"]) == ['["R04",["duties:d0","duties:d1"],"XA000001000000"]']
    cut = shapely.difference(box(-50, -50, 350, 10), box(100, -50, 200, 10))
    rows[1]["geometry"] = cut
    findings = run(BOUNDARY_OVERLAP_OR_GAP, city_of(rows, study=box(0, 0, 300, 300))).findings
    assert sorted(findings["key"].str[-17:]) == ['"XA000000000000"]', '"XA000002000000"]']
    assert list(findings["measured"]) == [1000, 1000]
    assert findings["params"].iat[0]["bodies"] == ["乙", "甲"]


def test_a_trade_that_covers_less_than_half_is_named():
    outcome = run(BOUNDARY_OVERLAP_OR_GAP, city_of([duty(box(0, 0, 40, 96))]))
    assert outcome.untested == ("district:patrol:order: covers less than half of the study area, no vacancy",)


def test_bad_shapes_do_not_stop_it():
    crossed = shapely.from_wkt("POLYGON ((0 0, 96 96, 96 0, 0 96, 0 0))")
    rows = [*halves(), duty(crossed, "丁"), duty(Point()), duty(box(float("nan"), 0, 1, 1)), duty("nowhere")]
    findings = run(BOUNDARY_OVERLAP_OR_GAP, city_of(rows)).findings
    assert list(findings["object_id"]) == ["d0|d2", "d1|d2"]
    assert findings["measured"].sum() == pytest.approx(96 * 96 / 2)
    assert BOUNDARY_OVERLAP_OR_GAP.missing(city_of([])) == "no duties with areas given"
