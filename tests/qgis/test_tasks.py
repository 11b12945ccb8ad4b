"""Requests and snapshots in QGIS's task manager."""

import subprocess
import sys
import threading
import time

import pytest
from qgis.core import (
    QgsApplication,
    QgsFeature,
    QgsField,
    QgsGeometry,
    QgsTask,
    QgsVectorLayer,
)
from qgis.PyQt.QtCore import QVariant

from citygap.link.client import WorkerClient
from citygap.link.finder import Candidate
from citygap.model.errors import CityGapError
from citygap.model.version import PROTOCOL, SCHEMA, VERSION
from citygap.tasks.request_task import RequestTask
from citygap.tasks.snapshot import snapshot_task, source_text

FAKE = f"""#!{sys.executable}
import json, sys, time
hello = {{"protocol": {PROTOCOL}, "version": "{VERSION}", "schema": {SCHEMA}}}
print(json.dumps({{"hello": hello}}), flush=True)
for line in sys.stdin:
    message = json.loads(line)
    do, number = message.get("do"), message.get("id")
    if do == "slow":
        for step in range(1, 5):
            print(json.dumps({{"id": number, "progress": {{"share": step / 4}}}}), flush=True)
            time.sleep(0.2)
    if do == "deaf":
        time.sleep(60)
    end = {{"error": {{"code": "bad", "message": "no"}}}} if do == "bad" else {{"result": {{"did": do}}}}
    if do:
        print(json.dumps({{"id": number, **end}}), flush=True)
"""


@pytest.fixture
def client(tmp_path, qtbot):
    path = tmp_path / "fake"
    path.write_text(FAKE)
    path.chmod(0o755)
    client = WorkerClient(None, lambda: [Candidate(str(path), "setting")])
    yield client
    with qtbot.waitSignal(client.closed, timeout=4000):
        client.shutdown()


class Outcome:
    def __init__(self, task):
        self.said = []
        self.threads = set()
        task.succeeded.connect(lambda result: self._hear("succeeded", result))
        task.failed.connect(lambda error: self._hear("failed", error))
        task.cancelled.connect(lambda: self._hear("cancelled", None))

    def _hear(self, kind, what):
        self.said.append((kind, what))
        self.threads.add(threading.current_thread())


def _start(client, do):
    task = RequestTask(client, do, {}, do)
    outcome = Outcome(task)
    shown = []
    task.progressChanged.connect(shown.append)
    QgsApplication.taskManager().addTask(task)
    return task, outcome, shown


def test_result_comes_on_the_main_thread_with_progress_before(client, qtbot):
    _task, outcome, shown = _start(client, "slow")
    qtbot.waitUntil(lambda: bool(outcome.said), timeout=8000)
    assert outcome.said == [("succeeded", {"did": "slow"})]
    assert outcome.threads == {threading.main_thread()}
    assert any(0 < share < 100 for share in shown) and shown == sorted(shown)


def test_error_is_told_once(client, qtbot):
    _task, outcome, _ = _start(client, "bad")
    qtbot.waitUntil(lambda: bool(outcome.said), timeout=8000)
    qtbot.wait(200)
    assert [(kind, error.code) for kind, error in outcome.said] == [("failed", "bad")]
    assert isinstance(outcome.said[0][1], CityGapError)


def test_cancel_in_the_task_manager_ends_the_request(client, qtbot):
    task, outcome, _ = _start(client, "deaf")
    qtbot.wait(600)
    asked = time.monotonic()
    task.cancel()
    qtbot.waitUntil(lambda: bool(outcome.said), timeout=4000)
    assert outcome.said == [("cancelled", None)] and time.monotonic() - asked < 2.5
    _again, outcome, _ = _start(client, "quick")
    qtbot.waitUntil(lambda: bool(outcome.said), timeout=8000)
    assert outcome.said == [("succeeded", {"did": "quick"})]


def test_cancel_of_a_task_that_has_not_begun_is_told(client, qtbot):
    task = RequestTask(client, "quick", {}, "held")
    outcome = Outcome(task)
    task.hold()
    QgsApplication.taskManager().addTask(task)
    task.cancel()
    qtbot.wait(500)
    assert outcome.said == [("cancelled", None)]


def test_two_tasks_wait_without_holding_up_others(client, qtbot):
    waiting = [_start(client, do) for do in ("slow", "slow", "slow")]
    done = []
    quick = QgsTask.fromFunction(
        "quick", lambda task: True, on_finished=lambda error, value=None: done.append(error)
    )
    QgsApplication.taskManager().addTask(quick)
    qtbot.waitUntil(lambda: bool(done), timeout=500)
    qtbot.waitUntil(lambda: all(outcome.said for _, outcome, _ in waiting), timeout=8000)


@pytest.fixture
def houses_layer():
    layer = QgsVectorLayer("Polygon?crs=EPSG:4549&field=id:string&field=楼层:integer", "houses", "memory")
    for number in range(3):
        feature = QgsFeature(layer.fields())
        feature.setGeometry(
            QgsGeometry.fromWkt(f"POLYGON (({number} 0, {number} 1, {number + 1} 1, {number} 0))")
        )
        feature.setAttributes([f"H{number}", number])
        layer.dataProvider().addFeatures([feature])
    return layer


def _ogrinfo(path):
    return subprocess.run(["ogrinfo", "-al", str(path)], capture_output=True, text=True, check=True).stdout


def _write(layer, path, qtbot):
    task = snapshot_task(layer, path)
    with qtbot.waitSignal(task.completed, timeout=8000):
        QgsApplication.taskManager().addTask(task)


def test_memory_layer_is_written_as_it_is_shown(houses_layer, tmp_path, qtbot):
    assert source_text(houses_layer) is None
    houses_layer.setSubsetString("")
    houses_layer.addExpressionField('"楼层" * 2', QgsField("twice", QVariant.Int))
    houses_layer.startEditing()
    houses_layer.changeAttributeValue(1, houses_layer.fields().indexOf("楼层"), 77)
    _write(houses_layer, tmp_path / "snapshot.gpkg", qtbot)
    houses_layer.rollBack()
    text = _ogrinfo(tmp_path / "snapshot.gpkg")
    assert "Layer name: snapshot" in text and "Feature Count: 3" in text
    assert "楼层 (Integer) = 77" in text and "twice (Integer) = 154" in text
    assert 'ID["EPSG",4549]' in text


def test_file_is_named_and_a_filter_needs_a_snapshot(houses_layer, tmp_path, qtbot):
    path = tmp_path / "houses.gpkg"
    _write(houses_layer, path, qtbot)
    layer = QgsVectorLayer(f"{path}|layername=houses", "h", "ogr")
    assert source_text(layer) == f"{path}|houses"
    layer.setSubsetString("\"id\" = 'H1'")
    assert source_text(layer) is None
    _write(layer, tmp_path / "part.gpkg", qtbot)
    assert "Feature Count: 1" in _ogrinfo(tmp_path / "part.gpkg")


def test_field_named_fid_stays_a_field(tmp_path, qtbot):
    odd_layer = QgsVectorLayer("Point?crs=EPSG:4549&field=fid:string", "odd", "memory")
    feature = QgsFeature(odd_layer.fields())
    feature.setGeometry(QgsGeometry.fromWkt("POINT (1 1)"))
    feature.setAttributes(["A-1"])
    odd_layer.dataProvider().addFeatures([feature])
    _write(odd_layer, tmp_path / "odd.gpkg", qtbot)
    assert "fid (String) = A-1" in _ogrinfo(tmp_path / "odd.gpkg")


def test_broken_layer_is_refused(tmp_path):
    broken_layer = QgsVectorLayer("/no/such/file.shp", "gone", "ogr")
    with pytest.raises(CityGapError) as caught:
        snapshot_task(broken_layer, tmp_path / "x.gpkg")
    assert caught.value.code == "bad_layer" and "gone" in caught.value.line()
