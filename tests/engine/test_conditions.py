"""The grammar of applies_if: every shipped condition parses, and rows fit as the catalogue says."""

import numpy as np
import pandas as pd
import pytest

from citygap.engine.conditions import Subject, fields_of, fits, parse
from citygap.engine.standards import shipped_standards
from citygap.model.errors import CityGapError

AT = pd.Timestamp("2026-07-01T23:59:59+08:00").to_pydatetime()
ROWS = pd.DataFrame(
    {
        "age": [10.0, 20.0, 30.0, np.nan],
        "material_code": ["PE", "G", "QM", None],
        "hazard_found": pd.array([True, False, None, True], dtype="boolean"),
        "built_year": [2027.0, 1900.0, 2000.0, np.nan],
    }
)


def fit(text, **options):
    return list(fits(parse(text), Subject(ROWS, {}, AT), **options))


@pytest.mark.parametrize("row", shipped_standards(), ids=lambda row: row.standard_id)
def test_every_shipped_condition_can_be_read(row):
    assert fields_of(parse(row.applies_if)) is not None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", [True, True, True, True]),
        ("age>=20", [False, True, True, False]),
        ("age < 20", [True, False, False, False]),
        ("material_code=pe", [True, False, False, False]),
        ("material_code in G|QM", [False, True, True, False]),
        ("material_code in PE|null", [True, False, False, True]),
        ("hazard_found is true", [True, False, False, True]),
        ("hazard_found is false", [False, True, False, False]),
        ("hazard_found is null", [False, False, True, False]),
        ("age<15 or age>25 & material_code=QM", [True, False, True, False]),
        ("(age<15 or age>25) & material_code=QM", [False, False, True, False]),
        ("built_year>year(T)", [True, False, False, False]),
        ("month(T) in 7|8", [True, True, True, True]),
        ("month(T) in 1|2", [False, False, False, False]),
        ("joint=plain", [False, False, False, False]),
        ("joint is null", [True, True, True, True]),
        ("material_code=T & (joint=plain_butt or reinforced is false)", [False] * 4),
    ],
)
def test_rows_fit(text, expected):
    assert fit(text) == expected


def test_null_of_a_lacking_column_fits_only_where_the_column_is_not_needed():
    assert fit("joint is null", null_needs_column=True) == [False] * 4
    assert fit("joint in a|null", null_needs_column=True) == [False] * 4


def test_a_source_without_the_column_is_told_apart_from_an_empty_cell():
    lacks = {"material_code": np.array([False, False, False, True])}
    subject = Subject(ROWS, lacks, AT)
    assert list(fits(parse("material_code is null"), subject, null_needs_column=True)) == [False] * 4
    assert list(fits(parse("material_code is null"), subject)) == [False, False, False, True]


@pytest.mark.parametrize(
    "text", ["age>", "age 20", "(age>3", "age is maybe", "age>3 age<5", "& age>3", "__import__('os')"]
)
def test_what_is_no_condition_is_refused(text):
    with pytest.raises(CityGapError) as refused:
        parse(text)
    assert refused.value.code == "bad_standard"
