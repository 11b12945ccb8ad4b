"""R03 against a raster that counts cells, and hand-drawn cases."""

import geopandas as gpd
import pandas as pd
import pytest
import shapely
from duty_areas import AS_OF, city_of, duty, raster_holes, run, shape_of
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import LineString, Point, box

from citygap.engine.rules.boundaries import SEAM_SLIVER

PLACES = st.sampled_from([0, 1, 2, 3, 11, 12, 13, 22, 23, 24])


@st.composite
def rects(draw):
    west, east = sorted(draw(st.lists(PLACES, min_size=2, max_size=2, unique=True)))
    south, north = sorted(draw(st.lists(PLACES, min_size=2, max_size=2, unique=True)))
    return west, south, east, north


def rank(area):
    return "low" if area < 100 else "medium" if area < 1000 else "high"


@settings(max_examples=60, deadline=None)
@given(st.lists(rects(), min_size=1, max_size=6, unique=True))
def test_agrees_with_the_raster(areas):
    findings = run(SEAM_SLIVER, city_of([duty(shape_of(area)) for area in areas])).findings
    thin = [
        area
        for _, area, perimeter, touching in raster_holes(areas)
        if touching > 1 and 2 * area / perimeter <= 10
    ]
    if not thin:
        assert len(findings) == 0
        return
    assert list(findings["object_id"]) == ["district:patrol:order"]
    assert findings["measured"].iat[0] == pytest.approx(sum(thin))
    assert findings["severity"].iat[0] == rank(sum(thin))
    assert findings.geometry.area.iat[0] == pytest.approx(sum(thin))


def seam(width, length=96):
    """Two duty areas with a seam of this width (m) between them, closed at the top."""
    return [
        duty(box(0, 0, 40, 96), "甲"),
        duty(box(40 + width, 0, 96, 96), "乙"),
        duty(box(0, length, 96, 96), "丙"),
    ]


@pytest.mark.parametrize(
    ("width", "length", "severity"),
    [
        (3, 60, "medium"),
        (1, 5, "low"),
        (1, 4.9, None),
        (20, 20, "medium"),  # 2 x 400 / 80 = 10 m wide
        (20, 20.5, None),
        (2, 50, "medium"),  # 100 m² is no longer low
        (2, 49.9, "low"),
    ],
)
def test_width_and_area(width, length, severity):
    findings = run(SEAM_SLIVER, city_of(seam(width, length))).findings
    assert list(findings["severity"]) == ([] if severity is None else [severity])
    if severity:
        assert findings["measured"].iat[0] == pytest.approx(width * length)
        assert findings["key"].iat[0] == '["R03",["duties:district:patrol:order"],"XA000000000000"]'
        assert findings.geometry.iat[0].equals(box(40, 0, 40 + width, length))


def test_a_strip_along_the_border_of_one_area_alone_is_no_seam():
    assert len(run(SEAM_SLIVER, city_of([duty(box(0, 0, 93, 96))])).findings) == 0


def test_areas_of_another_level_duty_or_trade_do_not_close_the_seam():
    for more in ({"level": "city"}, {"duty": "own"}, {"trade": "greening"}):
        assert len(run(SEAM_SLIVER, city_of([*seam(3, 60), duty(box(30, 0, 60, 96), **more)])).findings) == 1
    assert len(run(SEAM_SLIVER, city_of([*seam(3, 60), duty(box(30, 0, 60, 96))])).findings) == 0


def test_duties_over_or_not_yet_begun_do_not_close_it():
    end = pd.Timestamp("2026-06-30T23:59:59.999999+08:00")
    late = pd.Timestamp("2026-07-02T23:59:59.999999+08:00")
    for more in ({"valid_to": end}, {"valid_from": late}):
        assert len(run(SEAM_SLIVER, city_of([*seam(3, 60), duty(box(30, 0, 60, 96), **more)])).findings) == 1


@pytest.mark.parametrize(("place", "severity"), [((41, 30), "high"), ((45, 30), "medium")])
def test_objects_inside_raise_it(place, severity):
    components = gpd.GeoDataFrame({"id": ["a"], "class_code": ["0103"]}, geometry=[Point(place)])
    findings = run(SEAM_SLIVER, city_of(seam(3, 60), components=components)).findings
    assert list(findings["severity"]) == [severity]
    pipes = gpd.GeoDataFrame({"id": ["p"], "class_code": ["JS"]}, geometry=[LineString([(0, 30), (90, 30)])])
    assert list(run(SEAM_SLIVER, city_of(seam(3, 60), pipes=pipes)).findings["severity"]) == ["medium"]


@pytest.mark.parametrize(("days", "severity"), [(0, "high"), (-1, "medium")])
def test_cases_up_to_t_inside_raise_it(days, severity):
    at = pd.Timestamp(AS_OF) - pd.Timedelta(days=days)
    hotline = gpd.GeoDataFrame({"id": ["c"], "at": [at]}, geometry=[Point(41, 30)])
    findings = run(SEAM_SLIVER, city_of(seam(3, 60), hotline=hotline)).findings
    assert list(findings["severity"]) == [severity]
    assert findings["params"].iat[0] == {
        "width_m": round(2 * 180 / 126, 2),
        "objects": 0,
        "cases": int(severity == "high"),
    }


def outlines(*shapes, sources=("city", "district"), kind="under_viaduct"):
    return gpd.GeoDataFrame(
        {
            "id": [f"u{i}" for i in range(len(shapes))],
            "kind": [kind] * len(shapes),
            "source_name": sources[: len(shapes)],
        },
        geometry=list(shapes),
    )


@pytest.mark.parametrize(
    ("table", "count"),
    [
        (outlines(box(0, 0, 90, 20), box(0, 0, 90, 23)), 1),
        (outlines(box(0, 0, 90, 20), box(0, 0, 90, 23), sources=("city", "city")), 0),
        (outlines(box(0, 0, 90, 20), box(0, 0, 90, 23), kind="back_alley"), 0),
        (outlines(box(0, 0, 90, 20), box(0, 0, 90, 20.05)), 0),  # under 5 m²
        (outlines(box(0, 0, 90, 20), box(0, 19, 90, 40)), 0),  # another space: they share too little
        (outlines(box(0, 0, 90, 20), box(0, 0, 90, 60)), 0),  # 40 m wide
    ],
)
def test_two_outlines_of_one_space(table, count):
    findings = run(SEAM_SLIVER, city_of([duty(box(0, 0, 96, 96))], neglected=table)).findings
    assert len(findings) == count
    if count:
        assert findings["key"].iat[0] == '["R03",["neglected:u0","neglected:u1"],"XA000000000000"]'
        assert findings["measured"].iat[0] == pytest.approx(270)
        assert findings["object_id"].iat[0] == "u0|u1"


def test_a_space_cut_in_two_by_the_other_source_has_no_sliver():
    table = outlines(
        box(0, 0, 90, 8), box(0, 0, 45, 8), box(45, 0, 90, 8), sources=("city", "district", "district")
    )
    assert len(run(SEAM_SLIVER, city_of([duty(box(0, 0, 96, 96))], neglected=table)).findings) == 0


def test_bad_shapes_do_not_stop_it():
    crossed = shapely.from_wkt("POLYGON ((0 0, 40 96, 40 0, 0 96, 0 0))")
    rows = [*seam(3, 60), duty(crossed), duty(Point()), duty(box(float("nan"), 0, 1, 1)), duty(Point(1, 1))]
    outcome = run(SEAM_SLIVER, city_of(rows, neglected=outlines(crossed, None)))
    assert list(outcome.findings["severity"]) == ["medium"]


def test_without_areas_or_study_area():
    assert SEAM_SLIVER.missing(city_of([])) == "no duties with areas given"
    assert SEAM_SLIVER.missing(city_of([duty(None)])) == "no duties with areas given"
    assert SEAM_SLIVER.missing(city_of([duty("310000")])) is None
    outcome = run(SEAM_SLIVER, city_of(seam(3), study=None))
    assert len(outcome.findings) == 0
    assert "study area" in outcome.untested[0]
