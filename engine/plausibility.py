"""Which recorded values can't be right."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from .context import Context


def implausible(role: str, context: Context) -> Mapping[str, np.ndarray]:
    """Fields of a role with an open D02 of severity medium or high, and the rows, shape (n,)."""
    return {}
