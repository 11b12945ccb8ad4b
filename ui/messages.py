"""What the user is told: one sentence in the message bar, with a remedy or an Undo."""

from __future__ import annotations

import functools
import sqlite3
from typing import Any, Callable

from qgis.core import Qgis, QgsMessageLog
from qgis.gui import QgsMessageBarItem
from qgis.PyQt import sip
from qgis.PyQt.QtCore import QCoreApplication, QObject
from qgis.PyQt.QtWidgets import QMessageBox, QPushButton

from ..model.errors import CityGapError

LOG_TAG = "CityGap"
ERROR_CONTEXT = "CityGapErrors"
SECONDS_SHOWN = 12


def sentence(error: CityGapError) -> str:
    """The error in the language of the screen: where it is, what is wrong and what helps.

    Translations are kept by the error's code, so that they hold whatever the details are.
    """
    translated = QCoreApplication.translate(ERROR_CONTEXT, error.code)
    if translated == error.code:
        return error.line()
    place = _place(error)
    return f"{place}: {translated}" if place else translated


def _place(error: CityGapError) -> str:
    """Where an error is, in the language of the screen."""
    named = ((_tr("layer {}"), error.layer), (_tr("field {}"), error.field), (_tr("row {}"), error.row))
    parts = [error.file, *(text.format(value) if value else None for text, value in named)]
    return ", ".join(part for part in parts if part)


def _tr(text: str) -> str:
    return QCoreApplication.translate("ErrorPlace", text)


class Messages(QObject):
    """Speaks through QGIS's message bar and log.

    Parameters
    ----------
    iface : qgis.gui.QgisInterface
    """

    def __init__(self, iface: Any) -> None:
        super().__init__()
        self._iface = iface
        self._items: list[QgsMessageBarItem] = []

    def info(self, text: str) -> None:
        """Say something that needs no answer."""
        self._push(text, Qgis.MessageLevel.Info)

    def error(self, error: CityGapError) -> None:
        """Say what went wrong; the full line goes to the log and behind *Details…*."""
        QgsMessageLog.logMessage(f"{error.code}: {error.line()}", LOG_TAG, Qgis.MessageLevel.Warning)
        text = sentence(error)
        if text == error.line():
            self._push(text, Qgis.MessageLevel.Warning)
        else:
            self._push(text, Qgis.MessageLevel.Warning, self.tr("Details…"), lambda: self._details(error))

    def done(self, text: str, undo: Callable[[], None]) -> None:
        """Say what was done, with a button that undoes it."""
        self._push(text, Qgis.MessageLevel.Success, self.tr("Undo"), undo)

    def offer(self, text: str, label: str, action: Callable[[], None]) -> None:
        """Say something with a button for what comes next."""
        self._push(text, Qgis.MessageLevel.Success, label, action)

    def clear(self) -> None:
        """Take away what is still shown: its buttons would act on what is gone."""
        for item in self._items:
            if not sip.isdeleted(item):
                self._iface.messageBar().popWidget(item)
        self._items.clear()

    def _push(
        self, text: str, level: Qgis.MessageLevel, label: str = "", action: Callable[[], None] = lambda: None
    ) -> None:
        """Show a sentence; what is done takes the place of what was said before, an error waits beside it."""
        if level != Qgis.MessageLevel.Warning:
            self.clear()
        bar = self._iface.messageBar()
        item = bar.createMessage("CityGap", text)
        if label:
            button = QPushButton(label, item)
            button.clicked.connect(lambda: (bar.popWidget(item), action()))
            item.layout().addWidget(button)
        bar.pushWidget(item, level, SECONDS_SHOWN)
        self._items = [shown for shown in (*self._items, item) if not sip.isdeleted(shown)]

    def _details(self, error: CityGapError) -> None:
        QMessageBox.information(self._iface.mainWindow(), "CityGap", error.line())


def guarded(slot: Callable[..., Any]) -> Callable[..., Any]:
    """A controller's slot whose errors become a message; the controller has `desk.messages`."""

    @functools.wraps(slot)
    def safe(self: Any, *args: Any) -> Any:
        try:
            return slot(self, *args)
        except CityGapError as error:
            self.desk.messages.error(error)
        except (OSError, sqlite3.Error) as error:
            self.desk.messages.error(CityGapError("io", str(error)))
        return None

    return safe
