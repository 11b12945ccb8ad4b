"""Which objects a class word such as `pipes:RQ` or `components:street_lamp` means."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ..model.vocabulary import component_classes
from .texts import shared

CLASS_FIELD = {
    "pipes": "class_code",
    "pipe_points": "class_code",
    "components": "class_code",
    "neglected": "kind",
    "surveys": "class_code",
}

YEAR_FIELD = {"housing": "built_year", "pipes": "laid_year"}
"""Field that says when an object of a role was made."""


def class_codes(role: str, rows: pd.DataFrame) -> np.ndarray:
    """The class of each object, as a gap's `class_code` gives it: the class alone.

    A role without classes is one class of its own name.

    Returns
    -------
    ndarray of object, shape (n,); None where the class is unrecorded. Rows of a class share one text.
    """
    field = CLASS_FIELD.get(role)
    if field is None:
        return np.full(len(rows), role, dtype=object)
    return shared(rows[field])


def class_codes_at(role: str, table: pd.DataFrame, rows: np.ndarray) -> np.ndarray:
    """As `class_codes`, of some rows of a table (by place)."""
    field = CLASS_FIELD.get(role)
    if field is None:
        return np.full(len(rows), role, dtype=object)
    return shared(table[field].iloc[rows])


def of_class(role: str, rows: pd.DataFrame, object_class: str) -> np.ndarray:
    """Which rows of a role's table belong to an object class.

    Parameters
    ----------
    object_class : str
        A role, ``role:class``, ``pipes:class/kind`` or ``*``. A component code belongs to its own
        class and to the word that component_codes.csv names for it.

    Returns
    -------
    ndarray of bool, shape (n,)
    """
    wanted_role, _, wanted = object_class.partition(":")
    if object_class == "*" or (wanted_role == role and not wanted):
        return np.ones(len(rows), dtype=bool)
    if wanted_role != role:
        return np.zeros(len(rows), dtype=bool)
    wanted_class, _, wanted_kind = wanted.partition("/")
    if role not in CLASS_FIELD:
        return np.full(len(rows), wanted_class == role)
    words = [wanted_class]
    if role == "components":
        words += [code for code, word in component_classes().items() if word == wanted_class]
    fit = rows[CLASS_FIELD[role]].isin(words)
    if wanted_kind:
        fit &= rows["kind_code"].isin([wanted_kind])
    return np.array(fit, dtype=bool)


def is_home_use(housing: pd.DataFrame) -> np.ndarray:
    """Residential or empty use, shape (n,)."""
    use = housing["use"]
    return (use.isna() | (use == "residential")).to_numpy(dtype=bool)
