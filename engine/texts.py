"""Columns of text with millions of rows: no Python text is made for each."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc


def shared(column: pd.Series) -> np.ndarray:
    """The texts of a column that has few different ones, None for null; rows that are equal share one.

    Returns
    -------
    ndarray of object, shape (n,)
    """
    place, words = pd.factorize(column)
    return np.array([*words, None], dtype=object)[place]


def is_among(column: pd.Series, wanted: Iterable[str]) -> np.ndarray:
    """Whether each text of a column is one of those wanted, shape (n,); a null is not."""
    texts = pa.array(column, type=pa.large_string())
    found = pc.is_in(texts, value_set=pa.array(list(wanted), type=pa.large_string()))
    return np.asarray(found.to_numpy(zero_copy_only=False), dtype=bool)
