"""Flags and notes from the map: tools, dialogs, and what they write."""

from __future__ import annotations

from typing import Any, Callable, Optional

from qgis.core import QgsCoordinateReferenceSystem, QgsCoordinateTransform, QgsGeometry, QgsProject
from qgis.gui import QgsMapTool
from qgis.PyQt.QtCore import QObject, pyqtSignal
from qgis.PyQt.QtWidgets import QDialog

from ..store import flags, notes
from ..store.database import Store
from ..store.gaps import read_gap
from .desk import Desk
from .flag_dialog import FlagDialog, FlagWords
from .flag_tool import FlagTool
from .gap_text import headline
from .messages import guarded
from .note_dialog import NoteDialog, NoteWords
from .note_tool import NoteTool


class MapController(QObject):
    """Between the map tools, their dialogs and the store.

    Parameters
    ----------
    desk : Desk
    """

    gap_touched = pyqtSignal(str)
    """A gap was flagged or noted: show it in the list."""
    flagging_changed = pyqtSignal(bool)
    noting_changed = pyqtSignal(bool)

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self.desk = desk
        self._canvas = desk.iface.mapCanvas()
        self._earlier_tool: Optional[QgsMapTool] = None
        self.flag_tool = FlagTool(self._canvas)
        self.note_tool = NoteTool(self._canvas, desk.tree.gap_layers)

    def load(self) -> None:
        """Listen to the tools."""
        for signal, slot in self._connections():
            signal.connect(slot)

    def unload(self) -> None:
        """Undo `load`, and take the tools off the map."""
        for tool in (self.flag_tool, self.note_tool):
            self._canvas.unsetMapTool(tool)
        for signal, slot in reversed(self._connections()):
            signal.disconnect(slot)
        self.flag_tool.drop()
        for tool in (self.flag_tool, self.note_tool):
            tool.deleteLater()

    def _connections(self) -> tuple[tuple[Any, Any], ...]:
        return (
            (self.flag_tool.drawn, self._on_drawn),
            (self.note_tool.picked, self._on_picked),
            (self.note_tool.missed, self._on_missed),
            (self._canvas.mapToolSet, self._on_tool_set),
        )

    @guarded
    def begin_flag(self, kind: str) -> None:
        """Let the user draw a flag: point, line or area."""
        self.desk.needed_store()
        self.flag_tool.draw(kind)
        self._canvas.setMapTool(self.flag_tool)
        self._canvas.setFocus()
        if kind == "point":
            self.desk.messages.info(self.tr("Click the place of the gap on the map."))
        else:
            self.desk.messages.info(
                self.tr("Click the corners on the map; a right click ends, Backspace takes one back.")
            )

    @guarded
    def begin_note(self) -> None:
        """Let the user pick a gap on the map."""
        self.desk.needed_store()
        self._canvas.setMapTool(self.note_tool)
        self.desk.messages.info(self.tr("Click the gap that the note is about."))

    def end_tools(self) -> None:
        """Give the map back to the tool before."""
        self._canvas.unsetMapTool(self.flag_tool)
        self._canvas.unsetMapTool(self.note_tool)

    @guarded
    def note_gaps(self, gap_ids: list[str]) -> None:
        """Ask for a note on gaps, and write it."""
        store = self.desk.needed_store()
        if not gap_ids:
            self.desk.messages.info(self.tr("Select a gap first."))
            return
        about = headline(read_gap(store, gap_ids[0]), self.desk.language)
        if len(gap_ids) > 1:
            about = self.tr("Gaps: {}").format(len(gap_ids))
        dialog = NoteDialog(self.desk.language, about, self.desk.iface.mainWindow())
        self._open(dialog, lambda: self._write_note(gap_ids, dialog.words()))

    @guarded
    def _on_drawn(self, geometry: QgsGeometry) -> None:
        store = self.desk.needed_store()
        map_crs = self._canvas.mapSettings().destinationCrs()
        placed = QgsGeometry(geometry)
        placed.transform(QgsCoordinateTransform(map_crs, city_crs(store), QgsProject.instance()))
        dialog = FlagDialog(self.desk.language, self.desk.iface.mainWindow())
        self._open(dialog, lambda: self._write_flag(placed, dialog.words()))

    @guarded
    def _on_picked(self, gap_id: str) -> None:
        self.gap_touched.emit(gap_id)
        self.note_gaps([gap_id])

    def _on_missed(self) -> None:
        self.desk.messages.info(self.tr("No gap here: click on a gap of the map."))

    def _on_tool_set(self, tool: Optional[QgsMapTool], _earlier: Optional[QgsMapTool] = None) -> None:
        self.flagging_changed.emit(tool is self.flag_tool)
        self.noting_changed.emit(tool is self.note_tool)

    @guarded
    def _write_flag(self, geometry: QgsGeometry, words: FlagWords) -> None:
        box = geometry.boundingBox()
        gap_id = self.desk.act(
            self.tr("Gap flagged."),
            lambda store, author: flags.flag(
                store,
                severity=words.severity,
                text=words.text,
                wkb=bytes(geometry.asWkb()),
                bounds=(box.xMinimum(), box.yMinimum(), box.xMaximum(), box.yMaximum()),
                rule_id=words.rule_id,
                class_code=words.class_code,
                author=author,
            ),
        )
        self.gap_touched.emit(gap_id)

    @guarded
    def _write_note(self, gap_ids: list[str], words: NoteWords) -> None:
        self.desk.act(
            self.tr("Note saved."),
            lambda store, author: notes.add_note(
                store,
                gap_ids,
                text=words.text,
                at=words.at,
                author=author,
                result=words.result,
                photos=words.photos,
            ),
        )
        self.gap_touched.emit(gap_ids[0])

    def _open(self, dialog: QDialog, on_accepted: Callable[[], None]) -> None:
        """Show a dialog without stopping the window; it goes when it is done."""
        dialog.accepted.connect(on_accepted)
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()


def city_crs(store: Store) -> QgsCoordinateReferenceSystem:
    """The CRS of a store's geometries: by its EPSG code, else by its definition."""
    crs = QgsCoordinateReferenceSystem.fromEpsgId(store.srs_id)
    if crs.isValid():
        return crs
    row = store.connection.execute(
        "SELECT definition FROM gpkg_spatial_ref_sys WHERE srs_id = ?", (store.srs_id,)
    ).fetchone()
    return QgsCoordinateReferenceSystem.fromWkt(row[0])
