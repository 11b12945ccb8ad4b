"""Ids of the sample's objects: a word and a number."""

from __future__ import annotations

from typing import Union

import numpy as np
import pandas as pd


def numbered(word: Union[str, np.ndarray], numbers: np.ndarray, width: int = 7) -> pd.Series:
    """A word, or one a row, followed by a number with zeros in front, as text."""
    digits = pd.Series(np.asarray(numbers, dtype="int64")).astype("str").str.zfill(width)
    return (
        pd.Series(word, index=digits.index, dtype="str") + digits
        if isinstance(word, np.ndarray)
        else word + digits
    )
