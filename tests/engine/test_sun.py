"""Height of the sun against published values, and the two ways to tell the night."""

from dataclasses import replace

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from shapely.geometry import Point, box

from citygap.engine.city import city_from_tables
from citygap.engine.context import Context
from citygap.engine.night import is_night
from citygap.engine.standards import Standards, shipped_standards
from citygap.engine.sun import CIVIL_TWILIGHT_DEG, sun_height, sun_position
from citygap.model.errors import CityGapError

AS_OF = pd.Timestamp("2026-12-31T23:59:59.999999+08:00").to_pydatetime()


def us(text):
    return np.array([pd.Timestamp(text).value // 1000])


def height(text, longitude, latitude):
    return float(sun_height(us(text), np.array([longitude]), np.array([latitude]))[0])


def test_position_as_in_meeus_examples_25a_and_28b():
    declination, equation = sun_position(us("1992-10-13T00:00:00Z"))
    assert np.degrees(declination[0]) == pytest.approx(-7.78507, abs=0.005)
    assert equation[0] == pytest.approx(13 + 42.7 / 60, abs=0.02)


def test_position_as_in_the_example_of_the_nrel_solar_position_algorithm():
    # Reda and Andreas 2008, NREL/TP-560-34302, appendix A.5; its zenith holds refraction (0.016 degrees).
    declination, equation = sun_position(us("2003-10-17T12:30:30-07:00"))
    assert np.degrees(declination[0]) == pytest.approx(-9.31434, abs=0.005)
    assert equation[0] == pytest.approx(14.641503, abs=0.02)
    assert height("2003-10-17T12:30:30-07:00", -105.1786, 39.742476) == pytest.approx(90 - 50.11162, abs=0.03)


@pytest.mark.parametrize(
    ("moment", "longitude", "latitude"),
    [
        ("2003-10-17T06:12:43-07:00", -105.1786, 39.742476),  # the same example
        ("2024-06-20T04:43:00+01:00", -0.1278, 51.5074),  # London, as almanacs print it, to the minute
        ("2024-06-20T21:21:00+01:00", -0.1278, 51.5074),
    ],
)
def test_the_sun_is_34_plus_16_minutes_below_the_horizon_at_published_rise_and_set(
    moment, longitude, latitude
):
    # The upper limb, lifted by refraction: 0.833 degrees; it moves 0.12 degrees a minute here.
    assert height(moment, longitude, latitude) == pytest.approx(-0.833, abs=0.13)


def test_civil_twilight_lasts_21_minutes_at_the_equator_at_an_equinox():
    minutes = np.arange(24 * 60) * 60_000_000 + us("2024-03-20T00:00:00Z")[0]
    heights = sun_height(minutes, np.zeros(1440), np.zeros(1440))
    twilight = (heights > CIVIL_TWILIGHT_DEG) & (heights <= -0.833)
    assert twilight.sum() == pytest.approx(2 * 21, abs=1)


def test_in_the_far_north_it_is_never_night_in_june():
    hours = np.arange(24) * 3_600_000_000 + us("2024-06-20T00:00:00Z")[0]
    assert (sun_height(hours, np.full(24, 25.0), np.full(24, 67.0)) > CIVIL_TWILIGHT_DEG).all()
    assert np.isnan(sun_height(hours, np.full(24, np.nan), np.full(24, 67.0))).all()


def context_of(crs="EPSG:4549", **values):
    rows = [
        replace(row, value=values.get(row.rule_or_activity.removeprefix("night."), row.value))
        for row in shipped_standards()
    ]
    # Near People's Square: 121.475 E, 31.232 N.
    units = gpd.GeoDataFrame(
        {"code": ["310000"], "level": ["city"]}, geometry=[box(639_000, 3_456_000, 641_000, 3_458_000)]
    )
    city = city_from_tables({"units": units}, crs=crs, as_of=AS_OF)
    return Context(city, Standards(rows, AS_OF.date()))


def night(text, context, shape=None):
    times = pd.Series(pd.to_datetime([text], utc=True)).astype("datetime64[us, UTC]")
    return bool(is_night(context, times, np.array([shape], dtype=object))[0])


@pytest.mark.parametrize(
    ("clock", "dark"),
    [
        ("18:59:59.999999", False),
        ("19:00", True),
        ("23:59:59.999998", True),
        ("23:59:59.999999", False),  # a date alone
        ("00:00", True),
        ("05:59:59.999999", True),
        ("06:00", False),
        ("12:00", False),
    ],
)
def test_night_by_the_clock_of_the_city(clock, dark):
    context = context_of()
    assert night(f"2026-06-21T{clock}+08:00", context) is dark
    # The same moment written in UTC.
    written = pd.Timestamp(f"2026-06-21T{clock}+08:00").tz_convert("UTC").isoformat()
    assert night(written, context) is dark


@pytest.mark.parametrize(
    ("moment", "dark"),
    [
        ("2026-06-21T19:10", False),  # sunset in Shanghai at 19:01, civil dusk half an hour later
        ("2026-06-21T19:45", True),
        ("2026-06-21T04:00", True),
        ("2026-06-21T05:00", False),
        ("2026-12-21T17:10", False),  # sunset at 16:55
        ("2026-12-21T17:40", True),
        ("2026-12-21T06:40", False),
        ("2026-12-21T06:10", True),
    ],
)
@pytest.mark.parametrize("shape", [None, Point(640_000, 3_457_000)])
def test_night_by_the_sun(moment, dark, shape):
    assert night(f"{moment}+08:00", context_of(by="sun"), shape) is dark


def test_night_hours_that_do_not_pass_midnight():
    context = context_of(from_hour="1", to_hour="5")
    assert [night(f"2026-06-21T{h:02d}:00+08:00", context) for h in (0, 1, 4, 5, 20)] == [
        False,
        True,
        True,
        False,
        False,
    ]


def test_what_can_not_be_told_is_said():
    with pytest.raises(CityGapError, match="no way to tell the night"):
        night("2026-06-21T20:00+08:00", context_of(by="moon"))
    nowhere = 'LOCAL_CS["site",UNIT["metre",1]]'
    with pytest.raises(CityGapError, match="no place on the earth"):
        night("2026-06-21T20:00+08:00", context_of(by="sun", crs=nowhere))
