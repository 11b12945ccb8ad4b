"""A line of the layers page: switch, icon, name and count of one group."""

from __future__ import annotations

from typing import Any, Optional

from qgis.PyQt.QtCore import QSize, Qt, pyqtSignal
from qgis.PyQt.QtWidgets import QCheckBox, QHBoxLayout, QLabel, QWidget

from .icons import icon

ICON_SIZE = QSize(20, 20)
OTHER_ICONS = {"notes": "note"}
"""Groups whose icon is not named like their key."""


class LayerToggle(QWidget):
    """Shows and switches the visibility of a group.

    Parameters
    ----------
    key : str
        Key of the group in the layer tree; its icon has the same name, or the one in `OTHER_ICONS`.
    title : str
    """

    toggled = pyqtSignal(str, bool)
    """Key, and whether the user wants it visible."""

    def __init__(self, key: str, title: str, parent: Any = None) -> None:
        super().__init__(parent)
        self.key = key
        self.check_box = QCheckBox(title, self)
        self.check_box.setIcon(icon(OTHER_ICONS.get(key, key)))
        self.check_box.setIconSize(ICON_SIZE)
        self.count_label = QLabel(self)
        self.count_label.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(2, 3, 6, 3)
        layout.addWidget(self.check_box, 1)
        layout.addWidget(self.count_label)
        self.check_box.toggled.connect(lambda on: self.toggled.emit(self.key, on))

    def show_state(self, visible: bool, count: Optional[int]) -> None:
        """Show a visibility and a count, without asking for either; None: no data, so nothing to switch."""
        self.check_box.blockSignals(True)
        self.check_box.setChecked(visible)
        self.check_box.blockSignals(False)
        self.check_box.setEnabled(count is not None)
        self.count_label.setText("–" if count is None else f"{count:,}")
