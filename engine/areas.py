"""Which unit holds each object of a role: looked up once for all that ask."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from .city import row_parts
from .units import ALL_LEVELS

if TYPE_CHECKING:
    from .context import Context


def unit_of(context: Context, role: str, level: str) -> np.ndarray:
    """Row label in `Units.rows` of the unit of a level that holds each object's representative point.

    Returns
    -------
    ndarray of int32, shape (n,); -1 where none does
    """
    return context.own(_units_of, role)[ALL_LEVELS.index(level)]


def in_smallest_unit(
    context: Context, role: str, field: str, levels: Sequence[str] = ALL_LEVELS
) -> np.ndarray:
    """Value of a field in the smallest unit that holds each object and has a value.

    Parameters
    ----------
    levels : sequence of str
        From large to small.

    Returns
    -------
    ndarray of object, shape (n,); None where no such unit has one
    """
    return context.units.smallest_of([unit_of(context, role, level) for level in levels], field)


def _units_of(context: Context, role: str) -> list[np.ndarray]:
    """What `unit_of` gives for each of `ALL_LEVELS`."""
    held = [np.zeros((len(ALL_LEVELS), 0), dtype="int32")]
    for part in row_parts(len(context.city.table(role))):
        held.append(np.stack(context.units.holding_each(context.points(role, part), ALL_LEVELS)))
    return list(np.concatenate(held, axis=1))
