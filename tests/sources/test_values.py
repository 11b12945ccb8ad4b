from zoneinfo import ZoneInfo

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from citygap.sources.values import moment_of, text_of, to_flag, to_number, to_time, to_year, year_of

SHANGHAI = ZoneInfo("Asia/Shanghai")


@pytest.mark.parametrize(
    ("text", "year"),
    [
        ("1985", 1985),
        ("0", 0),
        ("9999", 9999),
        ("1985.0", 1985),
        ("１９８５年", 1985),
        ("1985-06-01", 1985),
        ("1985年6月", 1985),
        ("19850601", 1985),
        ("1930s", 1939),
        ("late 1980s", 1989),
        ("1980年代", 1989),
        ("20世纪80年代", 1989),
        ("上世纪70年代", 1979),
        ("1929-1931", 1931),
        ("1920..1930", 1930),
        ("C19", 1900),
        ("before 1920", 1920),
    ],
)
def test_a_year_or_the_last_of_its_period(text, year):
    assert year_of(text) == year


@pytest.mark.parametrize(
    "text", ["~1900", "1900?", "after 1950", "不详", "无", "/", "unknown", "民国", "12"[:0]]
)
def test_what_bounds_no_year_is_unrecorded(text):
    assert pd.isna(year_of(text))


def test_unread_cells_are_counted_and_empty_ones_are_not():
    converted = to_year(pd.Series(["1985", "不详", None, "", "~1900"]))
    assert converted.unread == 2
    assert converted.values.notna().tolist() == [True, False, False, False, False]


@given(st.integers(min_value=1000, max_value=2199))
def test_a_plain_year_is_itself(year):
    assert year_of(str(year)) == year
    assert year_of(f"{year}年") == year


def test_numbers_with_units_follow_the_field():
    text = pd.Series(["6 m", "1,234", "６", "20'", "0.5km", "abc", "6;5", None])
    width = to_number(text, "width_m")
    assert width.values[:5].round(3).tolist() == [6, 1234, 6, 6.096, 500]
    assert width.unread == 2
    assert (
        to_number(pd.Series(["DN300", "0.3m", "300mm", "300", "φ300"]), "diameter_mm").values.tolist()
        == [300] * 5
    )
    assert to_number(pd.Series(["3层", "6F"]), "floors").values.tolist() == [3, 6]


def test_infinite_numbers_are_unrecorded():
    assert to_number(pd.Series([1.0, float("inf")]), "floors").values.isna().tolist() == [False, True]


def test_any_kind_of_bridge_is_one_but_a_flag_must_be_clear():
    assert to_flag(pd.Series(["yes", "no", "viaduct", None]), "bridge").values.tolist()[:3] == [
        True,
        False,
        True,
    ]
    flags = to_flag(pd.Series(["是", "否", "也许"]), "looked_for")
    assert flags.values.tolist()[:2] == [True, False]
    assert flags.unread == 1


def test_a_day_alone_is_its_end_in_the_city():
    for text in ("2020-05-01", "2020/5/1", "2020年5月1日", "20200501"):
        assert moment_of(text, SHANGHAI) == pd.Timestamp("2020-05-01 15:59:59.999999", tz="UTC")
    assert moment_of("2020-02", SHANGHAI) == pd.Timestamp("2020-02-29 15:59:59.999999", tz="UTC")
    assert moment_of("2019", SHANGHAI) == pd.Timestamp("2019-12-31 15:59:59.999999", tz="UTC")


def test_a_time_is_in_its_zone_else_in_the_citys():
    assert moment_of("2020-05-01T08:00:00Z", SHANGHAI) == pd.Timestamp("2020-05-01 08:00", tz="UTC")
    assert moment_of("2020-05-01T08:00+02:00", SHANGHAI) == pd.Timestamp("2020-05-01 06:00", tz="UTC")
    assert moment_of("2020-05-01 08:00:00", SHANGHAI) == pd.Timestamp("2020-05-01 00:00", tz="UTC")


def test_day_and_month_are_told_apart_by_the_column_or_not_at_all():
    us = to_time(pd.Series(["10/13/2013", "01/02/2013"]), SHANGHAI)
    assert us.values.dt.tz_convert(SHANGHAI).dt.strftime("%Y-%m-%d").tolist() == ["2013-10-13", "2013-01-02"]
    unclear = to_time(pd.Series(["01/02/2013"]), SHANGHAI)
    assert unclear.values.isna().all()
    assert unclear.unread == 1


def test_timestamps_at_midnight_are_days():
    days = to_time(pd.Series(pd.to_datetime(["2020-01-01", None])), SHANGHAI)
    assert days.values[0] == pd.Timestamp("2020-01-01 15:59:59.999999", tz="UTC")


def test_ids_keep_zeros_and_lose_decimals():
    assert text_of(pd.Series([1.0, 2.5])).tolist() == ["1", "2.5"]
    assert text_of(pd.Series([" 007 ", ""])).tolist()[0] == "007"
    assert text_of(pd.Series([" 007 ", ""])).isna().tolist() == [False, True]


@pytest.mark.parametrize("zone", ["Asia/Shanghai", "America/New_York"])
def test_times_are_read_all_at_once_as_they_are_one_by_one(zone):
    days = ["2026-03-08", "2026-11-01", "1988-04-10", "2024-02-29", "2023-02-29", "2026-13-01"]
    clocks = ["T02:30:00", " 01:30", "T23:59:59.5", "T24:00:00", "T02:30:00.123456"]
    zones = ["", "Z", "+08:00", "-05:30", "+0800", " CST"]
    texts = [f"{day}{clock}{at}" for day in days for clock in clocks for at in zones] + days + ["soon", None]
    read = to_time(pd.Series(texts, dtype="str"), ZoneInfo(zone))
    one_by_one = [pd.NaT if text is None else moment_of(text, ZoneInfo(zone)) for text in texts]
    pd.testing.assert_series_equal(read.values, pd.Series(one_by_one).astype(read.values.dtype))
    assert read.unread == sum(
        text is not None and moment is pd.NaT for text, moment in zip(texts, one_by_one)
    )
