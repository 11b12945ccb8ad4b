"""How accurately records say where things lie."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from .context import Context

GRADES = ("A", "B", "C")


def stated_accuracy(role: str, context: Context) -> np.ndarray:
    """Stated accuracy of each object in metres, 0 where none is stated, shape (n,)."""
    return context.own(_stated_accuracy, role)


def _stated_accuracy(context: Context, role: str) -> np.ndarray:
    rows = context.subject(role).rows
    accuracy = np.zeros(len(rows))
    if "accuracy_grade" in rows:
        for grade in GRADES:
            stated = (rows["accuracy_grade"] == grade).fillna(False).to_numpy(dtype=bool)
            accuracy[stated] = context.number(f"accuracy.{grade}", role)
    return accuracy


def widest_accuracy_m(context: Context) -> float:
    """The widest accuracy an object can state, metres."""
    return max(context.number(f"accuracy.{grade}") for grade in GRADES)
