"""Opens stores, makes the sample city, and keeps the layers page in step with the layer tree."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from qgis.core import (
    QgsApplication,
    QgsCoordinateReferenceSystem,
    QgsCoordinateTransform,
    QgsPointXY,
    QgsProject,
    QgsUnitTypes,
)
from qgis.PyQt.QtCore import QDir, QObject, QTimeZone
from qgis.PyQt.QtWidgets import QFileDialog

from ..model.errors import CityGapError
from ..store.database import create_store
from .desk import Desk, city_beside
from .layers_page import ORDER, LayersPage
from .messages import guarded

ROOM_FACTOR = 1.05
SAMPLE_SHARE = 0.3
"""Part of the sample city's work that makes its data; the rest is its check."""


class StoreController(QObject):
    """Between the layers page and the desk.

    Parameters
    ----------
    desk : Desk
    page : LayersPage
    show_check : callable
        Brings the check page to the front.
    """

    def __init__(self, desk: Desk, page: LayersPage, show_check: Any) -> None:
        super().__init__()
        self.desk = desk
        self._page = page
        self._show_check = show_check

    def load(self) -> None:
        """Connect page, desk and tree."""
        for signal, slot in self._connections():
            signal.connect(slot)
        self._page.show_recent(self.desk.preferences.recent)
        self._show_store()

    def unload(self) -> None:
        """Undo `load`."""
        for signal, slot in reversed(self._connections()):
            signal.disconnect(slot)

    def _connections(self) -> tuple[tuple[Any, Any], ...]:
        page, desk = self._page, self.desk
        return (
            (page.open_requested, self._on_open),
            (page.new_requested, self._on_new),
            (page.sample_requested, self._on_sample),
            (page.recent_requested, self._on_recent),
            (page.zoom_requested, self._on_zoom),
            (page.visibility_requested, self._on_visibility_wanted),
            (desk.store_opened, self._show_store),
            (desk.store_closed, self._show_store),
            (desk.gaps_changed, self._show_groups),
            (desk.tree.visibility_changed, self._on_visibility_changed),
        )

    def open(self, path: str) -> None:
        """Open a store and zoom to its city; errors become a message."""
        self._on_recent(path)

    @guarded
    def _on_open(self) -> None:
        path, _ = QFileDialog.getOpenFileName(
            self._page, self.tr("Open a store"), self._folder(), self.tr("CityGap stores (*.gpkg)")
        )
        if path:
            self._open(Path(path))

    @guarded
    def _on_recent(self, path: str) -> None:
        self._open(Path(path))

    @guarded
    def _on_new(self) -> None:
        path, _ = QFileDialog.getSaveFileName(
            self._page, self.tr("New store"), self._folder(), self.tr("CityGap stores (*.gpkg)")
        )
        if path:
            self._new(Path(path if path.endswith(".gpkg") else f"{path}.gpkg"))

    def _new(self, path: Path) -> None:
        """With a worker the first check writes the store, in the CRS that fits the city."""
        if path.exists():
            raise CityGapError(
                "exists", "the file is there already", file=str(path), remedy="Choose another name."
            )
        if self.desk.missing is None:
            self.desk.plan_store(path)
            self._show_check()
            self.desk.messages.info(
                self.tr("Add the city's files and run the check: it writes {}.").format(path.name)
            )
        else:
            crs = metric_crs(self.desk.iface.mapCanvas())
            zone = bytes(QTimeZone.systemTimeZoneId()).decode()
            srs_id = crs.postgisSrid()
            create_store(
                path, crs_name=crs.description(), srs_id=srs_id, crs_wkt=wkt_of(crs), tz=zone
            ).close()
            self._open(path)

    def _open(self, path: Path) -> None:
        self.desk.open_store(path)
        self._zoom()

    def _zoom(self) -> None:
        bounds = self.desk.tree.zoom_extent()
        if not bounds.isNull():
            bounds.scale(ROOM_FACTOR)
            canvas = self.desk.iface.mapCanvas()
            canvas.setExtent(bounds)
            canvas.refresh()

    @guarded
    def _on_sample(self) -> None:
        """Open the sample city; the first time it is made and checked."""
        folder = Path(QgsApplication.qgisSettingsDirPath()) / "citygap"
        store = folder / "sample_store.gpkg"
        if store.exists() and city_beside(store).exists():
            self._open(store)
            return
        folder.mkdir(parents=True, exist_ok=True)
        source = folder / "sample.gpkg"
        self._page.show_progress(0.0, self.tr("Making the city"))
        task = self.desk.ask("sample", {"out": str(source)}, self.tr("CityGap: sample city"))
        task.progressChanged.connect(
            lambda percent: self._page.show_progress(percent / 100 * SAMPLE_SHARE, self.tr("Making the city"))
        )
        task.succeeded.connect(lambda result: self._check_sample(source, store, result["as_of"]))
        self._end_on_trouble(task)

    def _check_sample(self, source: Path, store: Path, as_of: str) -> None:
        """Check it as of the last day of its records: later, most of them would be overdue."""
        outputs = {"store": str(store), "city_out": str(city_beside(store))}
        args = {"source": [str(source)], "as_of": as_of, **outputs}
        task = self.desk.ask("check", args, self.tr("CityGap: check of the sample city"))
        task.progressChanged.connect(
            lambda percent: self._page.show_progress(
                SAMPLE_SHARE + percent / 100 * (1 - SAMPLE_SHARE), self.tr("Checking it")
            )
        )
        task.succeeded.connect(lambda _result: self._on_sample_ready(store))
        self._end_on_trouble(task)

    def _end_on_trouble(self, task: Any) -> None:
        task.failed.connect(self._on_failed)
        task.cancelled.connect(lambda: self._page.show_progress(None))

    @guarded
    def _on_sample_ready(self, store: Path) -> None:
        self._page.show_progress(None)
        self._open(store)

    def _on_failed(self, error: CityGapError) -> None:
        self._page.show_progress(None)
        self.desk.messages.error(error)

    @guarded
    def _on_zoom(self) -> None:
        self._zoom()

    def _on_visibility_wanted(self, key: str, visible: bool) -> None:
        self.desk.tree.set_visible(key, visible)

    def _on_visibility_changed(self, key: str, visible: bool) -> None:
        self._page.show_group(key, visible, self.desk.tree.count(key))

    def _show_store(self) -> None:
        tree, store = self.desk.tree, self.desk.store
        self._page.show_store(self.desk.store_path if store else None)
        self._page.show_groups({key: tree.title(key) for key in ORDER} if store else {})
        self._page.show_recent(self.desk.preferences.recent)
        self._show_groups()

    def _show_groups(self) -> None:
        tree = self.desk.tree
        for key in self._page.toggles:
            self._page.show_group(key, tree.is_visible(key), tree.count(key))

    def _folder(self) -> str:
        path = self.desk.store_path
        return str(path.parent) if path else QDir.homePath()


def metric_crs(canvas: Any) -> QgsCoordinateReferenceSystem:
    """The map's CRS if it counts in metres, else the UTM zone of the map's centre."""
    crs = canvas.mapSettings().destinationCrs()
    if (
        crs.isValid()
        and not crs.isGeographic()
        and crs.mapUnits() == QgsUnitTypes.DistanceUnit.DistanceMeters
    ):
        return crs
    centre = QgsPointXY(canvas.extent().center())
    if crs.isValid():
        world = QgsCoordinateReferenceSystem("EPSG:4326")
        centre = QgsCoordinateTransform(crs, world, QgsProject.instance()).transform(centre)
    zone = min(max(int((centre.x() + 180) // 6) + 1, 1), 60)
    return QgsCoordinateReferenceSystem(f"EPSG:{(32600 if centre.y() >= 0 else 32700) + zone}")


def wkt_of(crs: QgsCoordinateReferenceSystem) -> str:
    """A CRS as the WKT that GeoPackage asks for."""
    return crs.toWkt(QgsCoordinateReferenceSystem.WktVariant.WKT1_GDAL)
