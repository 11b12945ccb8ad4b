"""A small store without a check, and the dock with or without a worker."""

import os
import sys
from pathlib import Path

import pytest
from qgis.core import (
    QgsApplication,
    QgsCoordinateReferenceSystem,
    QgsGeometry,
    QgsProject,
    QgsRectangle,
    QgsSettings,
)

from citygap.link import finder
from citygap.model.gap import FindingRow, RuleRun, SourceRow
from citygap.model.identity import gap_key, ulid
from citygap.store.database import create_store, open_store
from citygap.store.merge import RunInfo, merge_run

ROOT = Path(__file__).resolve().parent.parent.parent.parent
WORKER_PYTHON = ROOT / ".venv" / "bin" / "python"
CRS = QgsCoordinateReferenceSystem("EPSG:4549")
X, Y = 500_000.0, 3_450_000.0
PLACES = (
    "POINT({x} {y})",
    "LINESTRING({x} {y}, {x1} {y1})",
    "POLYGON(({x} {y}, {x1} {y}, {x1} {y1}, {x} {y1}, {x} {y}))",
    None,
)
RULES = ("A02", "D01", "I02", "I05", "S01", "N02")
SEVERITIES = ("high", "medium", "low", "info")


def finding(number):
    """The finding of a number: rules, severities and geometry kinds take turns."""
    rule, severity, place = RULES[number % 6], SEVERITIES[number % 4], PLACES[number % 4]
    geometry = None
    if place:
        x, y = X + 40.0 * (number % 50), Y + 40.0 * (number // 50)
        geometry = QgsGeometry.fromWkt(place.format(x=x, y=y, x1=x + 20, y1=y + 15))
    box = geometry.boundingBox() if geometry else None
    objects = (f"housing:H{number:05d}",)
    return FindingRow(
        rule,
        gap_key(rule, objects),
        severity,
        "known",
        "housing",
        f"H{number:05d}",
        "housing",
        "310101001" if number % 3 else "310101002",
        None,
        "西藏路街道" if number % 2 else None,
        30.0 + number,
        20.0,
        "a",
        "PA020 v1",
        "project",
        "{}",
        objects,
        bytes(geometry.asWkb()) if geometry else None,
        (box.xMinimum(), box.yMinimum(), box.xMaximum(), box.yMaximum()) if box else None,
        (box.center().x(), box.center().y()) if box else None,
    )


@pytest.fixture
def make_store(tmp_path):
    """Makes a store with so many findings of one run."""

    def make(count=24, name="huangpu.gpkg"):
        path = tmp_path / name
        wkt = CRS.toWkt(QgsCoordinateReferenceSystem.WktVariant.WKT1_GDAL)
        with create_store(
            path, crs_name=CRS.description(), srs_id=4549, crs_wkt=wkt, tz="Asia/Shanghai"
        ) as store:
            run = RunInfo(
                ulid(), "2026-11-24T08:00:00+08:00", "2026-11-24", "0.1.0", "city", 1.2, "Asia/Shanghai"
            )
            rules = [RuleRun(rule, "run", None, None, ("housing",)) for rule in RULES]
            rules.append(RuleRun("R01", "not_run", "missing_input", "duties", ("duties",)))
            source = SourceRow("houses", str(tmp_path / "houses.gpkg"), "housing", count, "2026-11-01", {})
            merge_run(store, run, rules, [finding(number) for number in range(count)], [source])
        return path

    return make


@pytest.fixture
def store_path(make_store):
    return make_store()


@pytest.fixture
def read_store(store_path):
    """Opens the store afresh, as another program would."""
    stores = []

    def read():
        stores.append(open_store(store_path))
        return stores[-1]

    yield read
    for store in stores:
        store.close()


@pytest.fixture
def no_worker(monkeypatch):
    """A machine on which no Python can run the worker."""
    monkeypatch.setenv(finder.VARIABLE, "/no/such/python")


@pytest.fixture
def real_worker(monkeypatch):
    """The worker's own Python, as the project's set-up makes it."""
    if not WORKER_PYTHON.is_file():
        if os.environ.get("CI"):
            pytest.fail(f"{WORKER_PYTHON} is missing in CI")
        pytest.skip(f"no {WORKER_PYTHON}")
    monkeypatch.setenv(finder.VARIABLE, str(WORKER_PYTHON))
    return str(WORKER_PYTHON)


@pytest.fixture
def clean_settings():
    QgsSettings().remove("citygap")
    yield
    QgsSettings().remove("citygap")


@pytest.fixture
def make_bench(qgis_iface, qgis_new_project, qtbot, clean_settings):
    """Makes a workbench as the plugin does, shown at the size of a small screen's dock."""
    from citygap.ui.workbench import Workbench

    benches = []

    def make(language="en"):
        QgsProject.instance().setCrs(CRS)
        canvas = qgis_iface.mapCanvas()
        canvas.resize(800, 600)
        canvas.setDestinationCrs(CRS)
        canvas.setExtent(QgsRectangle(X - 50, Y - 50, X + 750, Y + 550))
        qgis_iface.messageBar().clearWidgets()
        bench = Workbench(qgis_iface, language)
        bench.load()
        benches.append(bench)
        bench.dock.setFloating(True)
        bench.dock.resize(420, 690)
        bench.dock.show()
        qtbot.waitExposed(bench.dock)
        return bench

    yield make
    for bench in benches:
        bench.unload()
    QgsApplication.processEvents()


@pytest.fixture
def bench(make_bench, no_worker, store_path):
    """A workbench with the small store open and no worker to be had."""
    bench = make_bench()
    bench.desk.open_store(store_path)
    return bench


@pytest.fixture
def photo(tmp_path):
    """A real picture, small."""
    from qgis.PyQt.QtGui import QColor, QImage

    image = QImage(64, 48, QImage.Format.Format_RGB32)
    image.fill(QColor("#884422"))
    path = tmp_path / "wall.jpg"
    image.save(str(path))
    return path


@pytest.fixture
def loaded_worker_packages():
    """Packages of the worker that this process has imported; there must be none."""
    return lambda: {"shapely", "geopandas", "pyogrio", "fiona"} & set(sys.modules)
