"""The map tool that draws the place of a flag: a point, a line or an area."""

from __future__ import annotations

from typing import Any

from qgis.core import QgsGeometry, QgsPointXY, QgsWkbTypes
from qgis.gui import QgsMapTool, QgsRubberBand
from qgis.PyQt.QtCore import Qt, pyqtSignal
from qgis.PyQt.QtGui import QColor

POINTS_NEEDED = {"point": 1, "line": 2, "area": 3}
COLOUR = "#e4572e"
WIDTH = 2
FILL_ALPHA = 60


class FlagTool(QgsMapTool):
    """A click ends a point; lines and areas grow by left clicks and end with a right click.

    Backspace takes the last corner back, Escape starts anew.
    """

    drawn = pyqtSignal(object)
    """QgsGeometry in the map's CRS."""

    def __init__(self, canvas: Any) -> None:
        super().__init__(canvas)
        self._points: list[QgsPointXY] = []
        self._kind = "point"
        self._band = QgsRubberBand(canvas, QgsWkbTypes.GeometryType.LineGeometry)
        self.setCursor(Qt.CursorShape.CrossCursor)

    @property
    def kind(self) -> str:
        """point, line or area."""
        return self._kind

    def draw(self, kind: str) -> None:
        """Draw points, lines or areas from now on."""
        self._kind = kind
        self._start()

    def canvasReleaseEvent(self, event: Any) -> None:  # noqa: N802
        """Add a corner, or end."""
        if event.button() == Qt.MouseButton.RightButton:
            self._end()
        elif event.button() == Qt.MouseButton.LeftButton:
            self._points.append(event.mapPoint())
            self._show(event.mapPoint())
            if self._kind == "point":
                self._end()

    def canvasMoveEvent(self, event: Any) -> None:  # noqa: N802
        """Show where the next corner would be."""
        if self._points:
            self._show(event.mapPoint())

    def keyPressEvent(self, event: Any) -> None:  # noqa: N802
        """Backspace and Escape."""
        if event.key() == Qt.Key.Key_Backspace and self._points:
            self._points.pop()
            self._show(self._points[-1] if self._points else QgsPointXY())
            event.ignore()
        elif event.key() == Qt.Key.Key_Escape:
            self._start()

    def deactivate(self) -> None:
        """Forget what was begun."""
        self._start()
        super().deactivate()

    def drop(self) -> None:
        """Take the rubber band off the map, for good."""
        self.canvas().scene().removeItem(self._band)

    def _start(self) -> None:
        self._points = []
        kinds = QgsWkbTypes.GeometryType
        self._band.reset(kinds.PolygonGeometry if self._kind == "area" else kinds.LineGeometry)
        fill = QColor(COLOUR)
        fill.setAlpha(FILL_ALPHA)
        self._band.setStrokeColor(QColor(COLOUR))
        self._band.setFillColor(fill)
        self._band.setWidth(WIDTH)

    def _show(self, cursor: QgsPointXY) -> None:
        geometry = self._geometry([*self._points, cursor]) if self._points else QgsGeometry()
        self._band.setToGeometry(geometry, None)

    def _end(self) -> None:
        points = self._points
        self._start()
        if len(points) >= POINTS_NEEDED[self._kind]:
            self.drawn.emit(self._geometry(points))

    def _geometry(self, points: list[QgsPointXY]) -> QgsGeometry:
        if self._kind == "point":
            return QgsGeometry.fromPointXY(points[0])
        if self._kind == "area" and len(points) >= POINTS_NEEDED["area"]:
            return QgsGeometry.fromPolygonXY([points])
        return QgsGeometry.fromPolylineXY(points)
