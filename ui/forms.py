"""Loads the .ui file beside a widget's module, and fills its combo boxes."""

from __future__ import annotations

from pathlib import Path

from qgis.PyQt import uic
from qgis.PyQt.QtWidgets import QComboBox, QWidget

from .choices import Choices


def load_form(widget: QWidget, module_file: str) -> None:
    """Put the widgets of ``<module>.ui`` into a widget, under their names."""
    uic.loadUi(str(Path(module_file).with_suffix(".ui")), widget)


def fill(combo: QComboBox, choices: Choices) -> None:
    """Offer these choices in place of the ones before, keeping what is chosen where it is still there."""
    chosen = combo.currentData()
    combo.blockSignals(True)
    combo.clear()
    for value, text in choices:
        combo.addItem(text, value)
    combo.setCurrentIndex(max(0, combo.findData(chosen)))
    combo.blockSignals(False)
