"""In which administrative units objects lie, so that figures of units add up to those of the city."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ..model.roles import BOUNDARY_LEVELS

if TYPE_CHECKING:
    from .context import Context

EVERYWHERE = "*"
"""Stands for the whole city, and with a level for what lies in no unit of it."""


def areas_of(role: str, context: Context) -> pd.DataFrame:
    """Code of the unit of each level that holds each object's representative point.

    Returns
    -------
    DataFrame
        A column for ``*`` (the whole city) and each level that has units; ``*`` where none holds the object.
    """
    points = context.points(role)
    codes = context.units.rows["code"].to_numpy(dtype=object)
    columns = {EVERYWHERE: np.full(len(points), EVERYWHERE, dtype=object)}
    for level in BOUNDARY_LEVELS:
        if len(context.units.of_level(level)):
            row = context.units.holding(points, level)
            columns[level] = np.where(row >= 0, codes[row], EVERYWHERE)
    return pd.DataFrame(columns)
