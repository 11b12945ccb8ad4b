"""Texts of columns, without a Python text for each row."""

import pandas as pd

from citygap.engine.texts import is_among, shared


def test_equal_rows_share_one_text_and_null_is_none():
    texts = shared(pd.Series(["甲", None, "乙", "甲"], dtype="str"))
    assert texts.tolist() == ["甲", None, "乙", "甲"] and texts[0] is texts[3]
    assert shared(pd.Series([None, None])).tolist() == [None, None]
    assert shared(pd.Series([], dtype="str")).tolist() == []


def test_a_null_is_never_among_the_texts_wanted():
    column = pd.Series(["a", None, "b"], dtype="str")
    assert is_among(column, {"a", "c"}).tolist() == [True, False, False]
    assert is_among(column, []).tolist() == [False] * 3
    assert is_among(column.astype(object), ["b"]).tolist() == [False, False, True]
