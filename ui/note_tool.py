"""The map tool that picks the gap a note is about."""

from __future__ import annotations

from typing import Any, Callable, Optional

from qgis.core import (
    QgsCoordinateTransform,
    QgsFeatureRequest,
    QgsGeometry,
    QgsPointXY,
    QgsProject,
    QgsRectangle,
    QgsVectorLayer,
)
from qgis.gui import QgsMapTool
from qgis.PyQt.QtCore import Qt, pyqtSignal

TOLERANCE_PIXELS = 10


class NoteTool(QgsMapTool):
    """A click picks the nearest gap within ten pixels.

    Parameters
    ----------
    canvas : qgis.gui.QgsMapCanvas
    gap_layers : callable
        Gives the layers of gaps that are on the map; each has the field ``gap_id``.
    """

    picked = pyqtSignal(str)
    missed = pyqtSignal()

    def __init__(self, canvas: Any, gap_layers: Callable[[], list[QgsVectorLayer]]) -> None:
        super().__init__(canvas)
        self._gap_layers = gap_layers
        self.setCursor(Qt.CursorShape.PointingHandCursor)

    def canvasReleaseEvent(self, event: Any) -> None:  # noqa: N802
        """Pick the gap under the click."""
        if event.button() != Qt.MouseButton.LeftButton:
            return
        gap_id = self._nearest(event.mapPoint())
        if gap_id is None:
            self.missed.emit()
        else:
            self.picked.emit(gap_id)

    def _nearest(self, point: QgsPointXY) -> Optional[str]:
        reach = TOLERANCE_PIXELS * self.canvas().mapUnitsPerPixel()
        map_crs = self.canvas().mapSettings().destinationCrs()
        best: Optional[tuple[float, str]] = None
        for layer in self._gap_layers():
            transform = QgsCoordinateTransform(map_crs, layer.crs(), QgsProject.instance())
            around = QgsRectangle(point.x() - reach, point.y() - reach, point.x() + reach, point.y() + reach)
            area = transform.transformBoundingBox(around)
            target = QgsGeometry.fromPointXY(transform.transform(point))
            request = QgsFeatureRequest(area).setFlags(QgsFeatureRequest.Flag.ExactIntersect)
            for feature in layer.getFeatures(request):
                found = (feature.geometry().distance(target), str(feature["gap_id"]))
                best = found if best is None else min(best, found)
        return None if best is None else best[1]
