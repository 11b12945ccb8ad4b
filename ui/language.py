"""The language of the screen: Chinese where QGIS is Chinese, else English."""

from __future__ import annotations

from pathlib import Path
from typing import Optional

from qgis.core import QgsApplication
from qgis.PyQt.QtCore import QCoreApplication, QTranslator

CHINESE = Path(__file__).resolve().parent.parent / "i18n" / "citygap_zh.qm"


def screen_language() -> str:
    """``zh`` if QGIS speaks Chinese, else ``en``."""
    return "zh" if QgsApplication.locale().startswith("zh") else "en"


def install_translator(language: str) -> Optional[QTranslator]:
    """The translator now in use, for `remove_translator`; None where none is needed or compiled."""
    translator = QTranslator()
    if language != "zh" or not translator.load(str(CHINESE)):
        return None
    QCoreApplication.installTranslator(translator)
    return translator


def remove_translator(translator: Optional[QTranslator]) -> None:
    """Undo `install_translator`."""
    if translator is not None:
        QCoreApplication.removeTranslator(translator)
