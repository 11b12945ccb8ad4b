"""The layers page: opening a store, and switching its groups on the map."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Optional

from qgis.PyQt.QtCore import QSize, pyqtSignal
from qgis.PyQt.QtWidgets import QMenu, QWidget

from .forms import load_form
from .icons import icon
from .layer_toggle import LayerToggle

ORDER = ("housing", "pipes", "neglected", "responsibility", "units", "gaps", "notes", "base")
EMPTY_ICON = QSize(72, 72)


class LayersPage(QWidget):
    """Emits what the user wants; shows what the controller says."""

    open_requested = pyqtSignal()
    new_requested = pyqtSignal()
    sample_requested = pyqtSignal()
    recent_requested = pyqtSignal(str)
    zoom_requested = pyqtSignal()
    visibility_requested = pyqtSignal(str, bool)

    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        load_form(self, __file__)
        self.toggles: dict[str, LayerToggle] = {}
        self._recent_menu = QMenu(self)
        self.open_button.setMenu(self._recent_menu)
        for button, name in (
            (self.open_button, "open"),
            (self.new_button, "new"),
            (self.sample_button, "sample"),
        ):
            button.setIcon(icon(name))
        self.zoom_button.setIcon(icon("zoom"))
        self.empty_icon.setPixmap(icon("citygap").pixmap(EMPTY_ICON))
        self.progress_bar.hide()
        self.store_label.hide()
        font = self.store_label.font()
        font.setBold(True)
        self.store_label.setFont(font)
        self.open_button.clicked.connect(self.open_requested)
        self.new_button.clicked.connect(self.new_requested)
        self.sample_button.clicked.connect(self.sample_requested)
        self.zoom_button.clicked.connect(self.zoom_requested)

    def show_store(self, path: Optional[Path]) -> None:
        """Name the open store; None: there is none."""
        self.stack.setCurrentWidget(self.layers_panel if path else self.empty_panel)
        self.store_label.setVisible(path is not None)
        if path:
            self.store_label.setText(path.name)
            self.store_label.setToolTip(str(path))

    def show_recent(self, paths: list[str]) -> None:
        """Offer the stores opened last."""
        self._recent_menu.clear()
        for path in paths:
            action = self._recent_menu.addAction(
                Path(path).name, lambda path=path: self.recent_requested.emit(path)
            )
            action.setToolTip(path)
        self._recent_menu.setToolTipsVisible(True)
        self._recent_menu.setEnabled(bool(paths))

    def show_groups(self, titles: dict[str, str]) -> None:
        """Make a toggle for each group, in this order."""
        for toggle in self.toggles.values():
            toggle.setParent(None)
            toggle.deleteLater()
        self.toggles = {key: LayerToggle(key, title, self) for key, title in titles.items()}
        for toggle in self.toggles.values():
            toggle.toggled.connect(self.visibility_requested)
            self.toggle_box.addWidget(toggle)

    def show_group(self, key: str, visible: bool, count: Optional[int]) -> None:
        """Show a group's visibility and count."""
        if key in self.toggles:
            self.toggles[key].show_state(visible, count)

    def show_progress(self, share: Optional[float], text: str = "") -> None:
        """Show how far the sample city is, 0 to 1; None: nothing runs."""
        self.progress_bar.setVisible(share is not None)
        self.sample_button.setEnabled(share is None)
        if share is not None:
            self.progress_bar.setValue(round(share * 100))
            self.progress_bar.setFormat(f"{text} %p%")
