"""The gap list: reads it, shows and zooms to gaps, and writes what people say of them."""

from __future__ import annotations

from array import array
from pathlib import Path
from typing import Any, Optional

from qgis.core import QgsCoordinateTransform, QgsGeometry, QgsProject
from qgis.PyQt.QtCore import QObject, QUrl, pyqtSignal
from qgis.PyQt.QtGui import QDesktopServices

from ..model.errors import CityGapError
from ..model.words import word
from ..store import lifecycle, notes
from ..store.database import Store
from ..store.gaps import read_gap
from .desk import Desk
from .gap_highlight import GapHighlight
from .gap_query import GapQuery, GapQueryTask
from .gap_text import gap_html
from .gaps_page import GapsPage
from .map_controller import MapController, city_crs
from .messages import guarded
from .status_dialog import StatusDialog

ROOM_FACTOR = 1.8
LEAST_SIDE_M = 120.0
"""What is shown around a gap: nearly twice its size, and never less than a street's width and its houses."""


class GapsController(QObject):
    """Between the gaps page, the map and the store.

    Parameters
    ----------
    desk : Desk
    page : GapsPage
    maps : MapController
    """

    list_changed = pyqtSignal(int)
    """How many gaps the list shows."""

    def __init__(self, desk: Desk, page: GapsPage, maps: MapController) -> None:
        super().__init__()
        self.desk = desk
        self._page = page
        self._maps = maps
        self._task: Optional[GapQueryTask] = None
        self._wanted: Optional[str] = None
        self._keeps_place = False
        self._highlight = GapHighlight(desk.iface.mapCanvas())

    def load(self) -> None:
        """Connect page, map tools and desk."""
        for signal, slot in self._connections():
            signal.connect(slot)
        self._read_list()

    def unload(self) -> None:
        """Undo `load`."""
        self._drop_task()
        for signal, slot in reversed(self._connections()):
            signal.disconnect(slot)
        self._highlight.drop()

    def _connections(self) -> tuple[tuple[Any, Any], ...]:
        page, desk = self._page, self.desk
        return (
            (page.filter_changed, self._read_list),
            (page.sort_changed, self._read_list),
            (page.gap_selected, self._on_selected),
            (page.zoom_requested, self._on_zoom),
            (page.flag_requested, self._maps.begin_flag),
            (page.note_requested, self._on_note),
            (page.status_requested, self._on_status),
            (page.undo_requested, desk.undo),
            (page.photo_requested, self._on_photo),
            (self._maps.gap_touched, self._on_touched),
            (desk.gaps_changed, self._read_list),
            (desk.store_closed, self._read_list),
        )

    def where(self) -> str:
        """What the list shows, as the report's ``--where``."""
        return self._page.filter().where()

    @guarded
    def _read_list(self) -> None:
        """Read the rows again, keeping the place in the list."""
        self._drop_task()
        self._page.allow_undo(self.desk.can_undo)
        store = self.desk.store
        self._wanted = self._wanted or self._page.current_id()
        if store is None:
            self._show_rows(array("q"))
            return
        query = GapQuery(self.where(), *self._page.sorting())
        task = GapQueryTask(store.path, query, self.tr("CityGap: gap list"))
        task.found.connect(self._show_rows)
        task.failed.connect(self._on_read_failed)
        self._task = self.desk.read(task)

    def _drop_task(self) -> None:
        """Forget a reading under way: what it brings is out of date."""
        if self._task is not None:
            self._task.found.disconnect(self._show_rows)
            self._task.failed.disconnect(self._on_read_failed)
            self._task.cancel()
            self._task = None

    def _show_rows(self, rows: array) -> None:
        self._task = None
        store = self.desk.store
        self._page.model.show_rows(store, rows)
        self._page.show_count(len(rows), self.desk.total())
        self.list_changed.emit(len(rows))
        self._keeps_place = True
        if store is None or self._wanted is None or not self._page.select(self._wanted):
            self._show_nothing()
        if store is not None:
            self._wanted = None
        self._keeps_place = False

    def _on_read_failed(self, why: str) -> None:
        self._task = None
        self.desk.messages.error(CityGapError("io", why))

    @guarded
    def _on_selected(self, gap_id: str) -> None:
        if not gap_id:
            self._show_nothing()
            return
        store = self.desk.needed_store()
        gap = read_gap(store, gap_id, self.desk.language)
        said = notes.read_notes(store, gap_id)
        self._page.show_details(gap_html(gap, said, self.desk.language), photo_paths(store, said))
        self._mark(gap)
        if not self._keeps_place:
            self._show_on_map(gap)

    def _show_nothing(self) -> None:
        self._page.show_details("", [])
        self._highlight.clear()

    def _mark(self, gap: dict[str, Any]) -> None:
        """Mark a gap on the map while it is selected."""
        if gap["wkb"] is None:
            self._highlight.clear()
        else:
            self._highlight.show(geometry_of(gap), city_crs(self.desk.store))

    @guarded
    def _on_zoom(self, gap_id: str) -> None:
        if gap_id:
            self._show_on_map(read_gap(self.desk.needed_store(), gap_id, self.desk.language))

    def _show_on_map(self, gap: dict[str, Any]) -> None:
        """Zoom to a gap and flash it; one without a place is only told about."""
        if gap["wkb"] is None:
            self.desk.messages.info(self.tr("This gap has no place on the map."))
            return
        geometry = geometry_of(gap)
        canvas, crs = self.desk.iface.mapCanvas(), city_crs(self.desk.store)
        box = geometry.boundingBox()
        side = max(box.width(), box.height()) * ROOM_FACTOR
        box.grow(max(side - max(box.width(), box.height()), LEAST_SIDE_M) / 2)
        transform = QgsCoordinateTransform(crs, canvas.mapSettings().destinationCrs(), QgsProject.instance())
        canvas.setExtent(transform.transformBoundingBox(box))
        canvas.refresh()
        canvas.flashGeometries([geometry], crs)

    def _on_touched(self, gap_id: str) -> None:
        """Select a gap that was flagged or noted, if the list shows it."""
        self._keeps_place = True
        self._page.select(gap_id)
        self._keeps_place = False

    def _on_note(self) -> None:
        self._maps.note_gaps(self._page.selected_ids())

    @guarded
    def _on_status(self, status: str) -> None:
        gap_ids = self._page.selected_ids()
        self.desk.needed_store()
        if not gap_ids:
            self.desk.messages.info(self.tr("Select a gap first."))
        elif status in ("accepted", "false_alarm"):
            words = word("status", status, self.desk.language)
            dialog = StatusDialog(words, len(gap_ids), status == "accepted", self.desk.iface.mainWindow())
            dialog.accepted.connect(lambda: self._write_status(gap_ids, status, dialog.until(), dialog.why()))
            dialog.finished.connect(dialog.deleteLater)
            dialog.open()
        else:
            self._write_status(gap_ids, status, None, None)

    @guarded
    def _write_status(
        self, gap_ids: list[str], status: str, until: Optional[str], why: Optional[str]
    ) -> None:
        words = word("status", status, self.desk.language)
        self.desk.act(
            self.tr("Status set: {} ({}).").format(words, f"{len(gap_ids):,}"),
            lambda store, author: lifecycle.set_status(
                store, gap_ids, status, until=until, why=why, author=author
            ),
        )

    def _on_photo(self, path: str) -> None:
        QDesktopServices.openUrl(QUrl.fromLocalFile(path))


def geometry_of(gap: dict[str, Any]) -> QgsGeometry:
    """The place of a gap record that has one, in the city's CRS."""
    geometry = QgsGeometry()
    geometry.fromWkb(bytes(gap["wkb"]))
    return geometry


def photo_paths(store: Store, said: list[dict[str, Any]]) -> list[Path]:
    """Photos of notes; a path that leads out of the store's folder is not followed."""
    folder = store.photo_folder.resolve()
    paths = [(folder / photo["path"]).resolve() for note in said for photo in note["photos"]]
    return [path for path in paths if path.is_relative_to(folder)]
