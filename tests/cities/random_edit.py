"""Small random edits of a city."""

import numpy as np
import pandas as pd
import shapely

ROLES = ("housing", "pipes", "pipe_points", "components", "roads", "neglected", "visits", "repairs")


def draw_edit(city, role, rng):
    """Rows to lay over and ids to delete: one row moved, changed, copied under a new id, or taken away."""
    table = city.table(role)
    row = table.iloc[[rng.integers(len(table))]].copy().reset_index(drop=True)
    kind = rng.integers(4)
    if kind == 0:
        return table.iloc[:0], row["id"]
    if kind == 1:
        row["id"] = f"{role}-new"
    if kind in (1, 2) and row.geometry.iloc[0] is not None:
        dx, dy = rng.integers(-60, 60, 2) * 1.0
        row.geometry = [shapely.transform(row.geometry.iloc[0], lambda xy: np.add(xy, (dx, dy)))]
    for column in rng.choice(table.columns.difference(["id", "geometry", "source_name"]), 4):
        row[column] = table[column].iloc[[rng.integers(len(table))]].reset_index(drop=True)
    return row, pd.Series([], dtype="str")
