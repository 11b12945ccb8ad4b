"""Draws a gap of the list in two lines: its title, and beneath it which object and where."""

from __future__ import annotations

from typing import Any

from qgis.PyQt.QtCore import QModelIndex, QRect, QSize, Qt
from qgis.PyQt.QtGui import QPainter, QPalette
from qgis.PyQt.QtWidgets import QApplication, QStyle, QStyledItemDelegate, QStyleOptionViewItem

from ._compat import flag_value
from .gap_list_model import SubtitleRole

MARGIN = 4
MUTED = 0.65
"""Opacity of the second line: it reads as beside on light and dark grounds alike."""


def row_height(view: Any) -> int:
    """Height of a row of two lines in the view's font."""
    return int(2 * view.fontMetrics().height() + 2 * MARGIN)


class GapDelegate(QStyledItemDelegate):
    """For the column of titles; both lines end in an ellipsis where there is no room."""

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex) -> None:
        """Draw the cell's ground as the style does, then the two lines."""
        cell = QStyleOptionViewItem(option)
        self.initStyleOption(cell, index)
        title, cell.text = cell.text, ""
        style = cell.widget.style() if cell.widget else QApplication.style()
        style.drawControl(QStyle.ControlElement.CE_ItemViewItem, cell, painter, cell.widget)
        is_selected = bool(cell.state & QStyle.StateFlag.State_Selected)
        role = QPalette.ColorRole.HighlightedText if is_selected else QPalette.ColorRole.Text
        area = cell.rect.adjusted(MARGIN, MARGIN, -MARGIN, -MARGIN)
        upper = QRect(area.left(), area.top(), area.width(), area.height() // 2)
        painter.save()
        painter.setPen(cell.palette.color(role))
        _draw(painter, upper, title)
        painter.setOpacity(MUTED)
        _draw(painter, upper.translated(0, area.height() // 2), index.data(SubtitleRole) or "")
        painter.restore()

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex) -> QSize:  # noqa: N802
        """Room for two lines."""
        size = super().sizeHint(option, index)
        return QSize(size.width(), 2 * option.fontMetrics.height() + 2 * MARGIN)


def _draw(painter: QPainter, area: QRect, text: str) -> None:
    shown = painter.fontMetrics().elidedText(text, Qt.TextElideMode.ElideRight, area.width())
    painter.drawText(area, flag_value(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter), shown)
