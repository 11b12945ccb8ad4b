"""Runs the check in the worker and shows what each rule found."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any, Optional

from qgis.core import QgsProject, QgsVectorLayer
from qgis.PyQt.QtCore import QDir, QObject
from qgis.PyQt.QtWidgets import QFileDialog

from ..layers.making import PART_PROPERTY
from ..model.errors import CityGapError
from ..tasks.snapshot import snapshot_task, source_text
from .check_page import CheckPage
from .desk import Desk, city_beside
from .messages import guarded
from .rule_result_model import rule_results
from .source_model import AUTO, Source
from .store_reading import StoreReadTask

COUNTS = "SELECT rule_id, severity, run_state, count(*) FROM gaps GROUP BY rule_id, severity, run_state"


class CheckController(QObject):
    """Between the check page and the worker.

    Parameters
    ----------
    desk : Desk
    page : CheckPage
    show_rule : callable
        Shows the gaps of a rule, by its id.
    """

    def __init__(self, desk: Desk, page: CheckPage, show_rule: Any) -> None:
        super().__init__()
        self.desk = desk
        self._page = page
        self._show_rule = show_rule
        self._task: Optional[Any] = None
        self._snapshots: Optional[tempfile.TemporaryDirectory] = None

    def load(self) -> None:
        """Connect page and desk."""
        for signal, slot in self._connections():
            signal.connect(slot)
        self._show_missing()

    def unload(self) -> None:
        """Undo `load`."""
        for signal, slot in reversed(self._connections()):
            signal.disconnect(slot)
        if self._snapshots is not None:
            self._snapshots.cleanup()

    def _connections(self) -> tuple[tuple[Any, Any], ...]:
        page, desk = self._page, self.desk
        return (
            (page.files_requested, self._on_files),
            (page.layer_menu_opened, self._on_layer_menu),
            (page.layer_requested, self._on_layer),
            (page.run_requested, self._on_run),
            (page.cancel_requested, self._on_cancel),
            (page.python_requested, self._on_python),
            (page.rule_requested, self._show_rule),
            (desk.worker_known, self._show_missing),
            (desk.store_opened, self._on_store),
            (desk.store_closed, self._on_store),
        )

    @guarded
    def _on_files(self) -> None:
        paths, _ = QFileDialog.getOpenFileNames(
            self._page,
            self.tr("Add files"),
            QDir.homePath(),
            self.tr("City data (*.gpkg *.shp *.geojson *.json *.pbf *.osm *.csv *.fgb);;All files (*)"),
        )
        for path in paths:
            self._page.sources.add(path)

    def _on_layer_menu(self) -> None:
        """Offer the project's layers, but for those that show a store or its city."""
        layers = [
            (layer.id(), layer.name())
            for layer in QgsProject.instance().mapLayers().values()
            if isinstance(layer, QgsVectorLayer) and not layer.customProperty(PART_PROPERTY)
        ]
        self._page.show_layers(sorted(layers, key=lambda layer: layer[1]))

    @guarded
    def _on_layer(self, layer_id: str) -> None:
        layer = QgsProject.instance().mapLayer(layer_id)
        if layer is None:
            return
        text = source_text(layer)
        if text is not None:
            self._page.sources.add(text)
            return
        if self._snapshots is None:
            self._snapshots = tempfile.TemporaryDirectory(prefix="citygap-")
        path = Path(self._snapshots.name) / f"{_file_name(layer.name())}.gpkg"
        task = snapshot_task(layer, path)
        task.completed.connect(lambda *_: self._page.sources.add(str(path)))
        task.errorOccurred.connect(
            lambda _code, why: self.desk.messages.error(CityGapError("bad_layer", why, layer=path.stem))
        )
        self.desk.start(task)

    @guarded
    def _on_run(self) -> None:
        path = self.desk.store_path
        if path is None:
            raise CityGapError(
                "no_store", "no store is open", remedy="Open a store or start a new one first."
            )
        args = {
            **source_args(self._page.sources.sources()),
            "store": str(path),
            "city_out": str(city_beside(path)),
        }
        task = self.desk.ask("check", args, self.tr("CityGap: check of {}").format(path.stem))
        task.progressChanged.connect(self._on_progress)
        task.succeeded.connect(lambda result: self._on_done(path, result))
        task.failed.connect(self._on_failed)
        task.cancelled.connect(self._on_cancelled)
        self._task = task
        self._page.show_progress(0.0, self.tr("Starting…"))

    def _on_progress(self, percent: float) -> None:
        if self._task is not None:
            self._page.show_progress(percent / 100, self.tr("Checking: {} %").format(round(percent)))

    def _on_cancel(self) -> None:
        if self._task is not None:
            self._task.cancel()

    @guarded
    def _on_done(self, path: Path, result: dict[str, Any]) -> None:
        self._end()
        self.desk.open_store(path)
        self._show_results(result["rules"])
        info = sum(rule.get("info", 0) for rule in result["rules"].values())
        found = sum(rule.get("found", 0) for rule in result["rules"].values()) - info
        new = sum(rule.get("new", 0) for rule in result["rules"].values())
        gone = sum(rule.get("gone", 0) for rule in result["rules"].values())
        text = self.tr("Found {} and {} for information; new {}, gone {}, in {} s.")
        counts = (f"{count:,}" for count in (found, info, new, gone))
        self._page.show_stage(text.format(*counts, round(result["seconds"], 1)))

    def _on_failed(self, error: CityGapError) -> None:
        self._end()
        self.desk.messages.error(error)

    def _on_cancelled(self) -> None:
        self._end()
        self._page.show_stage(self.tr("Cancelled: nothing was changed."))

    def _end(self) -> None:
        self._task = None
        self._page.show_progress(None)

    def _show_results(self, rules: dict[str, dict[str, Any]]) -> None:
        """Show a run's rules once the store's gaps are counted."""
        path = self.desk.needed_store().path
        task = StoreReadTask(path, (COUNTS, []), self.tr("CityGap: counting gaps"))
        task.found.connect(lambda counts: self._show_counts(path, rules, counts))
        task.failed.connect(lambda why: self.desk.messages.error(CityGapError("io", why)))
        self.desk.read(task)

    def _show_counts(self, path: Path, rules: dict[str, Any], counts: list[Any]) -> None:
        if self.desk.store is not None and self.desk.store.path == path:
            self._page.show_results(rule_results(rules, counts, self.desk.language))

    @guarded
    def _on_store(self) -> None:
        """Show the store's last run."""
        if self._task is not None:
            return
        self._page.show_stage("")
        rules = last_run(self.desk.store) if self.desk.store else {}
        if rules:
            self._show_results(rules)
        else:
            self._page.show_results([])

    @guarded
    def _on_python(self) -> None:
        path, _ = QFileDialog.getOpenFileName(
            self._page, self.tr("A Python with the packages"), QDir.homePath()
        )
        if path:
            self.desk.preferences.python = path
            self.desk.preferences.save()
            self.desk.client.reset()
            self.desk.look_for_worker()

    def _show_missing(self) -> None:
        missing = self.desk.missing
        if missing is None:
            self._page.show_missing("", "")
        else:
            sentence = self.tr(
                "Checks need a Python with GeoPandas, and none was found. "
                "Run the line, then choose that Python. "
                "Layers, flags, notes and the report work without it."
            )
            self._page.show_missing(sentence, install_line(missing))


def source_args(sources: tuple[Source, ...]) -> dict[str, list[str]]:
    """Arguments of a check: sources whose role is guessed, and roles with theirs."""
    return {
        "source": [source.uri for source in sources if source.role == AUTO],
        "role": [f"{source.role}={source.uri}" for source in sources if source.role != AUTO],
    }


def last_run(store: Any) -> dict[str, dict[str, Any]]:
    """Rules of a store's last run, as ``check --json`` gives them; empty before the first."""
    rows = store.connection.execute(
        "SELECT rule_id, status, reason_code, reason_text, found, new, gone FROM run_rules "
        "WHERE run_id = (SELECT run_id FROM runs ORDER BY fid DESC LIMIT 1) ORDER BY rule_id"
    )
    return {
        rule_id: {
            "status": status,
            "reason": {"code": code, "text": text},
            "found": found,
            "new": new,
            "gone": gone,
        }
        for rule_id, status, code, text, found, new, gone in rows
    }


def install_line(missing: CityGapError) -> str:
    """The line to copy, out of the remedy of a worker that was not found."""
    return (missing.remedy or "").partition(": ")[2].partition(" -- ")[0]


def _file_name(layer_name: str) -> str:
    """A layer's name as a file's: no separators, never empty."""
    kept = "".join(letter if letter.isalnum() or letter in "-_ " else "_" for letter in layer_name).strip()
    return kept or "layer"
