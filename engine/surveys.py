"""Where and when somebody looked for what."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import shapely

from ..model.vocabulary import component_classes
from .city import usable

if TYPE_CHECKING:
    from .context import Context

NO_DAY = np.iinfo("int64").min
"""Stands for no date among microseconds."""


def micros_of(times: pd.Series) -> np.ndarray:
    """Microseconds UTC, the least integer for null."""
    moments = times.dt.tz_convert("UTC").dt.tz_localize(None).to_numpy().astype("datetime64[us]")
    return np.where(np.isnat(moments), NO_DAY, moments.astype("int64"))


class SurveySheets:
    """Where and when somebody looked for what, surveys after T left out."""

    def __init__(self, context: Context) -> None:
        table = context.city.table("surveys")
        kept = usable(table.geometry) & ~(table["captured_on"] > pd.Timestamp(context.at)).to_numpy(
            dtype=bool
        )
        table = table[kept]
        self.shapes = shapely.make_valid(table.geometry.to_numpy())
        self.days = micros_of(table["captured_on"])
        self.looked_for = table["looked_for"].fillna(False).to_numpy(dtype=bool)
        self._words = table["class_code"].astype(object).to_numpy()

    def words(self) -> set[str]:
        """The class words that surveys name."""
        return {word for word in self._words.tolist() if isinstance(word, str)}

    def of(self, object_class: str) -> np.ndarray:
        """Which surveys looked for a class: they name it, its role or ``*``, shape (s,)."""
        role, _, word = object_class.partition(":")
        named = {object_class, role, "*", word or role}
        if role == "components":
            named |= {code for code, ours in component_classes().items() if ours == word}
        return (
            np.isin(self._words.astype(str), sorted(named)) if len(self._words) else np.zeros(0, dtype=bool)
        )
