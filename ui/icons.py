"""Icons by file path; `resources.qrc` lists them."""

from __future__ import annotations

from pathlib import Path

from qgis.PyQt.QtCore import QSize
from qgis.PyQt.QtGui import QIcon

STEADY_SIDES = (16, 32, 64)
ICON_DIR = Path(__file__).resolve().parent.parent / "icons"


def icon_path(name: str) -> Path:
    """Path of the icon ``icons/<name>.svg``.

    Raises
    ------
    FileNotFoundError
        If the plugin ships no such icon: Qt would show nothing and stay silent.
    """
    path = ICON_DIR / f"{name}.svg"
    if not path.is_file():
        raise FileNotFoundError(f"no icon {path.name}")
    return path


def steady_icon(name: str) -> QIcon:
    """The icon, the same in a selected row: its colour means something."""
    steady = QIcon()
    for side in STEADY_SIDES:
        pixmap = icon(name).pixmap(QSize(side, side))
        steady.addPixmap(pixmap, QIcon.Mode.Normal)
        steady.addPixmap(pixmap, QIcon.Mode.Selected)
    return steady


def icon(name: str) -> QIcon:
    """The icon ``icons/<name>.svg``."""
    return QIcon(str(icon_path(name)))
