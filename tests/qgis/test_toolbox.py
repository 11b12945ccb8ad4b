"""The algorithms: in this QGIS process with and without a worker, and once in `qgis_process`."""

import csv
import json
import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from qgis.core import (
    QgsApplication,
    QgsCoordinateReferenceSystem,
    QgsCoordinateTransform,
    QgsFeature,
    QgsGeometry,
    QgsProcessingContext,
    QgsProcessingFeedback,
    QgsProject,
    QgsVectorLayer,
)

from citygap.link import finder
from citygap.model.gap import RECORD_COLUMNS
from citygap.toolbox.provider import ALGORITHMS, CityGapProvider


class Feedback(QgsProcessingFeedback):
    """Keeps what an algorithm says."""

    def __init__(self):
        super().__init__(False)
        self.said, self.errors, self.shares = [], [], []
        self.progressChanged.connect(self.shares.append)

    def pushInfo(self, text):
        self.said.append(text)

    def reportError(self, text, fatalError=False):  # noqa: N803 - QGIS's name
        self.errors.append(text)


@pytest.fixture(scope="module")
def provider(qgis_app):
    provider = CityGapProvider()
    QgsApplication.processingRegistry().addProvider(provider)
    yield provider
    QgsApplication.processingRegistry().removeProvider(provider)


@pytest.fixture(scope="module")
def worker_python(root):
    python = root / ".venv" / "bin" / "python"
    if not python.is_file():
        pytest.skip("no .venv for the worker")
    return str(python)


@pytest.fixture(autouse=True)
def chosen_python(request, monkeypatch, worker_python):
    """A worker, unless the test says `no_worker`."""
    without = "no_worker" in request.fixturenames
    monkeypatch.setenv(finder.VARIABLE, "/no/such/python" if without else worker_python)


@pytest.fixture
def no_worker():
    """Marks a test as one without any worker."""


@pytest.fixture
def run(provider):
    """Run an algorithm; its outputs, what it said, and its error (None: it worked)."""

    def run(name, feedback=None, **parameters):
        feedback = feedback or Feedback()
        context = QgsProcessingContext()
        context.setProject(QgsProject.instance())
        algorithm = QgsApplication.processingRegistry().createAlgorithmById(f"citygap:{name}")
        outputs, ok = algorithm.run(parameters, context, feedback)
        error = None if ok else " ".join(feedback.errors)
        return outputs, feedback, error

    return run


@pytest.fixture(scope="module")
def checked(tmp_path_factory, worker_python, root):
    """A sample city and a store of its gaps, made once by the console."""
    folder = tmp_path_factory.mktemp("checked")
    script = str(Path(worker_python).with_name("citygap"))
    for words in (
        ["sample", "city.gpkg", "--buildings", "200"],
        ["check", "city.gpkg", "--store", "S.gpkg", "--rules", "A02,D01"],
    ):
        subprocess.run([script, *words], cwd=folder, check=True, capture_output=True)
    return folder


@pytest.fixture
def store(checked, tmp_path):
    return shutil.copy(checked / "S.gpkg", tmp_path / "S.gpkg")


def _records(run, store, tmp_path, where=""):
    outputs, _, error = run("gaps", STORE=str(store), WHERE=where, OUTPUT=str(tmp_path / "gaps.json"))
    assert error is None
    records = json.loads((tmp_path / "gaps.json").read_text(encoding="utf-8"))
    assert outputs["COUNT"] == len(records)
    return records


def test_names_are_the_commands(provider):
    assert {algorithm.id() for algorithm in provider.algorithms()} == {
        f"citygap:{name}" for name in ("sample", "card", "check", "flag", "gaps", "note", "report")
    }
    assert not provider.icon().isNull() and all(kind().displayName() for kind in ALGORITHMS)
    assert all(kind().shortHelpString() for kind in ALGORITHMS)


def test_sample_card_and_check_run_in_a_worker(run, tmp_path):
    city, store = tmp_path / "city.gpkg", tmp_path / "S.gpkg"
    assert run("sample", OUT=str(city), BUILDINGS=200)[2] is None
    outputs, _, error = run("card", SOURCES=[str(city)], OUTPUT=str(tmp_path / "card.json"))
    assert error is None
    assert "housing" in {entry["role"] for entry in json.loads(outputs["CARD"])}
    assert json.loads((tmp_path / "card.json").read_text(encoding="utf-8")) == json.loads(outputs["CARD"])
    words = {"SOURCES": [str(city)], "STORE": str(store), "CITY": str(tmp_path / "S_city.gpkg")}
    outputs, feedback, error = run("check", **words, RULES="A02,D01", AS_OF="2026-01-31")
    assert error is None and outputs["FOUND"] > 0 and outputs["RUN_ID"]
    assert feedback.shares == sorted(feedback.shares) and len(feedback.shares) > 2
    assert any(line.startswith("A02") for line in feedback.said)
    assert (tmp_path / "S_city.gpkg").exists()
    assert len(_records(run, store, tmp_path, "severity <> 'info'")) == outputs["FOUND"]


def test_check_takes_a_memory_layer_a_column_and_an_extent(run, tmp_path):
    houses_layer = QgsVectorLayer(
        "Polygon?crs=EPSG:4549&field=nr:string&field=jahr:integer", "houses", "memory"
    )
    for number, year in enumerate((1950, 1951)):
        east = 640000 + 500 * number
        feature = QgsFeature(houses_layer.fields())
        feature.setGeometry(
            QgsGeometry.fromWkt(
                f"POLYGON (({east} 3456000, {east + 9} 3456000, {east} 3456009, {east} 3456000))"
            )
        )
        feature.setAttributes([f"H{number}", year])
        houses_layer.dataProvider().addFeatures([feature])
    QgsProject.instance().addMapLayer(houses_layer)
    _, _, error = run(
        "check",
        HOUSING=houses_layer.id(),
        MAPS="housing.id=nr\nhousing.built_year=jahr",
        EXTENT="639900,640100,3455900,3456100 [EPSG:4549]",
        STORE=str(tmp_path / "S.gpkg"),
    )
    QgsProject.instance().removeMapLayer(houses_layer.id())
    assert error is None
    records = _records(run, tmp_path / "S.gpkg", tmp_path, "rule_id = 'A02'")
    assert [record["object_id"] for record in records] == ["H0"]


def test_check_of_what_is_not_there_is_one_line(run, tmp_path):
    _, _, error = run("check", SOURCES=[str(tmp_path / "none.gpkg")], STORE=str(tmp_path / "S.gpkg"))
    assert "none.gpkg" in error and "does not exist" in error and "Traceback" not in error
    assert list(tmp_path.iterdir()) == []


def test_cancel_ends_a_check_and_changes_nothing(run, checked, tmp_path):
    feedback = Feedback()
    feedback.cancel()
    outputs, _, error = run(
        "check", feedback, SOURCES=[str(checked / "city.gpkg")], STORE=str(tmp_path / "S.gpkg")
    )
    assert error is None and "RUN_ID" not in outputs
    assert list(tmp_path.iterdir()) == []


def test_algorithm_runs_in_a_thread_of_its_own(run, checked, tmp_path):
    """As the Processing dialog runs it: off the main thread, without an event loop."""
    ended = []
    thread = threading.Thread(
        target=lambda: ended.append(run("card", SOURCES=[str(checked / "city.gpkg")])[2])
    )
    thread.start()
    thread.join(30)
    assert ended == [None]


def test_gaps_as_json_and_csv(run, store, tmp_path):
    records = _records(run, store, tmp_path)
    assert records and all(set(record) == {*RECORD_COLUMNS, "geometry"} for record in records)
    place = next(record["geometry"] for record in records if record["geometry"])
    assert QgsGeometry.fromWkt(place).area() > 0
    some = _records(run, store, tmp_path, "rule_id = 'A02' AND severity = 'high'")
    assert some and {record["rule_id"] for record in some} == {"A02"}
    object_id = next(record["object_id"] for record in records if record["rule_id"] == "A02")
    assert run("flag", STORE=str(store), OBJECT=f"housing:{object_id}", TEXT="=1+1")[2] is None
    outputs, _, _ = run("gaps", STORE=str(store), OUTPUT=str(tmp_path / "gaps.csv"))
    with open(outputs["OUTPUT"], encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(records) + 1 and "'=1+1" in {row["text"] for row in rows}
    assert run("gaps", STORE=str(store), WHERE="1; DROP", OUTPUT=str(tmp_path / "x.csv"))[2]
    assert not (tmp_path / "x.csv").exists()


@pytest.mark.parametrize("form", ["POINT ({} {}) [EPSG:4326]", "CRS=EPSG:4326;POINT ({} {})"])
def test_flag_by_place_in_another_crs_and_by_object(run, store, tmp_path, form):
    one = _records(run, store, tmp_path, "rule_id = 'A02'")[0]
    centre = QgsGeometry.fromWkt(one["geometry"]).centroid().asPoint()
    to_degrees = QgsCoordinateTransform(
        QgsCoordinateReferenceSystem("EPSG:4549"),
        QgsCoordinateReferenceSystem("EPSG:4326"),
        QgsProject.instance(),
    )
    degrees = to_degrees.transform(centre)
    outputs, _, error = run(
        "flag",
        STORE=str(store),
        PLACE=form.format(degrees.x(), degrees.y()),
        SEVERITY="high",
        TEXT="dark",
        RULE="missing_attribute",
        AUTHOR="Li",
    )
    assert error is None
    record = _records(run, store, tmp_path, f"gap_id = '{outputs['GAP_ID']}'")[0]
    assert (record["origin"], record["severity"], record["rule_id"], record["edited_by"]) == (
        "planner",
        "high",
        "D01",
        "Li",
    )
    assert QgsGeometry.fromWkt(record["geometry"]).asPoint().distance(centre) < 0.01
    outputs, _, _ = run("flag", STORE=str(store), OBJECT=f"housing:{one['object_id']}", TEXT="x")
    record = _records(run, store, tmp_path, f"gap_id = '{outputs['GAP_ID']}'")[0]
    assert QgsGeometry.fromWkt(record["geometry"]).equals(QgsGeometry.fromWkt(one["geometry"]))
    assert run("flag", STORE=str(store), TEXT="x")[2]


def _png(path):
    path.write_bytes(bytes.fromhex("89504e470d0a1a0a0000000d49484452") + b"0" * 50)
    return str(path)


def test_without_a_worker_flag_note_gaps_and_report_work(no_worker, run, store, tmp_path):
    one = _records(run, store, tmp_path, "rule_id = 'A02'")[0]
    outputs, _, error = run("flag", STORE=str(store), OBJECT=f"housing:{one['object_id']}", TEXT="x")
    assert error is None and outputs["GAP_ID"]
    outputs, _, error = run(
        "note", STORE=str(store), GAP_ID=one["gap_id"], TEXT="seen", PHOTOS=[_png(tmp_path / "a.png")]
    )
    assert error is None and outputs["NOTE_ID"]
    count = len(_records(run, store, tmp_path))
    outputs, feedback, error = run("report", STORE=str(store), OUT=str(tmp_path / "report"))
    assert error is None and outputs["GAPS"] == count
    assert any("/no/such/python" in line for line in feedback.said)
    report = json.loads((tmp_path / "report" / "report.json").read_text(encoding="utf-8"))
    assert report["read_back"]["equal"] and report["gaps"] == count
    info = subprocess.run(
        ["ogrinfo", "-al", "-so", str(tmp_path / "report" / "gap_report_pg.shp")],
        capture_output=True,
        text=True,
        check=True,
    )
    assert f"Feature Count: {report['files']['gap_report_pg.shp']['rows']}" in info.stdout
    assert not {"shapely", "geopandas", "pyogrio", "fiona"} & set(sys.modules)


@pytest.mark.parametrize("name", ["check", "card", "sample"])
def test_without_a_worker_the_rest_says_what_to_install(no_worker, run, name, checked, tmp_path):
    words = {"sample": {"OUT": str(tmp_path / "c.gpkg")}}.get(name, {"SOURCES": [str(checked / "city.gpkg")]})
    words |= {"STORE": str(tmp_path / "S.gpkg")} if name == "check" else {}
    _, _, error = run(name, **words)
    assert "pip install" in error and "\n" not in error.strip()


def test_report_by_the_worker(run, store, tmp_path):
    _, feedback, error = run("report", STORE=str(store), OUT=str(tmp_path / "report"), ENCODING="GBK")
    assert error is None and (tmp_path / "report" / "gap_report_pt.cpg").read_text() == "GBK"
    assert any("read" in line.lower() or "回读" in line for line in feedback.said)


def test_in_qgis_process(checked, root, tmp_path, worker_python):
    program = shutil.which("qgis_process.bin") or shutil.which("qgis_process")
    if program is None:
        pytest.skip("no qgis_process on this machine")
    plugins = tmp_path / "config" / "profiles" / "default" / "python" / "plugins"
    plugins.mkdir(parents=True)
    (plugins / "citygap").symlink_to(root, target_is_directory=True)
    environment = {
        **os.environ,
        "QGIS_CUSTOM_CONFIG_PATH": str(tmp_path / "config"),
        "QT_QPA_PLATFORM": "offscreen",
        finder.VARIABLE: worker_python,
    }

    def qgis_process(*words):
        done = subprocess.run([program, *words], capture_output=True, text=True, env=environment, timeout=100)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    qgis_process("plugins", "enable", "citygap")
    store = tmp_path / "S.gpkg"
    words = [f"--SOURCES={checked / 'city.gpkg'}", f"--STORE={store}", "--RULES=A02"]
    result = json.loads(qgis_process("--json", "run", "citygap:check", *words))["results"]
    assert result["FOUND"] > 0
    words = [f"--STORE={store}", f"--OUT={tmp_path / 'report'}"]
    assert (
        json.loads(qgis_process("--json", "run", "citygap:report", *words))["results"]["GAPS"]
        >= result["FOUND"]
    )
    assert (tmp_path / "report" / "gap_report_pg.shp").exists()
