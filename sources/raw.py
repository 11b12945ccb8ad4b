"""A layer as its file holds it, before anything is known of its meaning."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Optional

import numpy as np
import pandas as pd
import pyproj
import shapely

_KINDS = np.array(["", "point", "line", "line", "polygon", "point", "line", "polygon", "collection"])
"""Kind of an empty or no geometry, then those of GEOS's types from 0 on."""


@dataclass
class RawLayer:
    """A layer as its file holds it.

    Attributes
    ----------
    frame : DataFrame
        Its columns under their own names, with a RangeIndex.
    shapes : ndarray of shapely geometries, shape (n,), or None
        2D, no curves; None where a row has none. None for a table without geometry.
    crs : pyproj.CRS or None
    encoding : str
        Encoding of its text, for the user's eyes.
    warnings : list of str
    dated : str or None
        Date that the file states about itself, ISO 8601.
    """

    path: str
    layer: Optional[str]
    frame: pd.DataFrame
    shapes: Optional[np.ndarray]
    crs: Optional[pyproj.CRS]
    encoding: str
    warnings: list[str] = field(default_factory=list)
    dated: Optional[str] = None

    @property
    def kinds(self) -> frozenset[str]:
        """Geometry kinds met: point, line, polygon, collection."""
        if self.shapes is None:
            return frozenset()
        met = _KINDS[np.unique(_kind_numbers(self.shapes))]
        return frozenset(str(kind) for kind in met if kind)

    def let_go(self) -> None:
        """Forget rows and shapes once a table has taken them over; what is said of the layer stays."""
        self.frame, self.shapes = pd.DataFrame(), None


def kinds_of(shapes: np.ndarray) -> np.ndarray:
    """Kind of each geometry: point, line, polygon, collection, or ``""`` for none or an empty one.

    Returns
    -------
    ndarray of str, shape (n,)
    """
    return _KINDS[_kind_numbers(shapes)]


def _kind_numbers(shapes: np.ndarray) -> np.ndarray:
    """Place of the kind of each geometry in `_KINDS`, shape (n,)."""
    return np.where(shapely.is_empty(shapes), 0, shapely.get_type_id(shapes) + 1)


def crs_of(text: Any) -> Optional[pyproj.CRS]:
    """The CRS that a layer names; None for none and for those that are nowhere on Earth."""
    if not text:
        return None
    try:
        crs = pyproj.CRS.from_user_input(text)
    except pyproj.exceptions.CRSError:
        return None
    base = crs.source_crs if crs.is_bound and crs.source_crs is not None else crs
    return crs if base.is_geographic or base.is_projected or base.is_compound else None


def clean_shapes(raw: RawLayer) -> np.ndarray:
    """Shapes in 2D, those with absurd coordinates (beyond 1e12 or not a number) made none and counted."""
    shapes = shapely.force_2d(raw.shapes) if shapely.has_z(raw.shapes).any() else raw.shapes
    bounds = shapely.bounds(shapes)
    absurd = ~shapely.is_missing(shapes) & ~shapely.is_empty(shapes) & ~(np.abs(bounds) < 1e12).all(axis=1)
    if absurd.any():
        raw.warnings.append(f"{int(absurd.sum())} rows have absurd coordinates and count as without a place")
        shapes = np.where(absurd, None, shapes)
    return np.asarray(shapes, dtype=object)
