"""Marks the selected gap on the map for as long as it is selected."""

from __future__ import annotations

from typing import Any

from qgis.core import QgsCoordinateReferenceSystem, QgsGeometry, QgsWkbTypes
from qgis.gui import QgsRubberBand
from qgis.PyQt.QtCore import Qt
from qgis.PyQt.QtGui import QColor

CASING, COLOUR = "#1B1B1B", "#FFD400"
WIDTHS = ((CASING, 6), (COLOUR, 3))
"""A yellow line in a dark casing: it stands out from every severity and every class of pipes."""
RING_SIZE = 26


class GapHighlight:
    """An outline around an area, a line over a line, a ring around a point.

    Parameters
    ----------
    canvas : qgis.gui.QgsMapCanvas
    """

    def __init__(self, canvas: Any) -> None:
        self._canvas = canvas
        self._bands = [_band(canvas, colour, width) for colour, width in WIDTHS]

    def show(self, geometry: QgsGeometry, crs: QgsCoordinateReferenceSystem) -> None:
        """Mark a geometry in place of the one before."""
        for band in self._bands:
            band.reset(geometry.type())
            band.setToGeometry(geometry, crs)

    def clear(self) -> None:
        """Mark nothing."""
        for band in self._bands:
            band.reset(QgsWkbTypes.GeometryType.PointGeometry)

    def drop(self) -> None:
        """Take the marks off the map, for good."""
        for band in self._bands:
            self._canvas.scene().removeItem(band)
        self._bands = []


def _band(canvas: Any, colour: str, width: int) -> QgsRubberBand:
    band = QgsRubberBand(canvas, QgsWkbTypes.GeometryType.PointGeometry)
    band.setStrokeColor(QColor(colour))
    band.setFillColor(QColor(0, 0, 0, 0))
    band.setBrushStyle(Qt.BrushStyle.NoBrush)
    band.setWidth(width)
    band.setIcon(QgsRubberBand.IconType.ICON_CIRCLE)
    band.setIconSize(RING_SIZE)
    return band
