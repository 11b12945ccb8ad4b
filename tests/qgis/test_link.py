"""The worker's client against real processes: the real worker, and scripts that misbehave."""

import json
import os
import sys
import time
from pathlib import Path

import pytest
from qgis.core import QgsSettings
from qgis.PyQt.QtCore import QCoreApplication

from citygap.link import finder
from citygap.link.client import WorkerClient
from citygap.link.finder import Candidate
from citygap.link.lines import LineBuffer, encode, read_result, refusal
from citygap.link.wait import ask_worker
from citygap.model.errors import Cancelled, CityGapError
from citygap.model.version import PROTOCOL, SCHEMA, VERSION

HELLO = {
    "protocol": PROTOCOL,
    "version": VERSION,
    "schema": SCHEMA,
    "python": "3.11",
    "packages": {},
    "missing": [],
}

FAKE = """#!{python}
import json, os, sys, time
print(json.dumps({{"hello": {hello}}}), flush=True)
for line in sys.stdin:
    message = json.loads(line)
    do = message.get("do")
    if do == "shutdown":
        break
    if do == "crash":
        sys.stderr.write("last words\\n")
        sys.stderr.flush()
        os._exit(7)
    if do == "deaf":
        time.sleep(60)
    if do == "shout":
        sys.stderr.write("x" * 300000 + "\\n")
    if do == "flood":
        print("x" * 2_000_000, flush=True)
    if do == "steps":
        for share in (0.25, 0.5):
            print(json.dumps({{"id": message["id"], "progress": {{"share": share}}}}), flush=True)
    if do:
        print(json.dumps({{"id": message["id"], "result": {{"pid": os.getpid()}}}}), flush=True)
"""


class Heard:
    """What a client's signals said, in order."""

    def __init__(self, client):
        self.said = []
        client.finished.connect(lambda number, result: self.said.append((number, "finished", result)))
        client.failed.connect(lambda number, error: self.said.append((number, "failed", error.code)))
        client.cancelled.connect(lambda number: self.said.append((number, "cancelled", None)))

    def ends(self):
        return [(number, kind) for number, kind, _ in self.said]


@pytest.fixture
def fake(tmp_path):
    """A script that behaves like a worker, or like a bad one."""

    def write(hello=HELLO, body=None):
        path = tmp_path / f"fake{len(list(tmp_path.iterdir()))}"
        path.write_text(body or FAKE.format(python=sys.executable, hello=hello))
        path.chmod(0o755)
        return Candidate(str(path), "setting")

    return write


@pytest.fixture
def client_of(qtbot):
    """A client over given candidates, shut down after the test."""
    clients = []

    def make(*candidates):
        client = WorkerClient(None, lambda: list(candidates))
        clients.append(client)
        return client, Heard(client)

    yield make
    for client in clients:
        with qtbot.waitSignal(client.closed, timeout=4000):
            client.shutdown()


@pytest.fixture
def worker_python(root):
    """The worker's Python of the development set-up."""
    python = root / ".venv" / "bin" / "python"
    if not python.is_file():
        pytest.skip("no .venv for the worker")
    return Candidate(str(python), "setting")


def test_real_worker_answers_one_after_the_other(client_of, worker_python, qtbot):
    client, heard = client_of(worker_python)
    hellos = []
    client.started.connect(hellos.append)
    ids = [client.request("secret", {"ref": "a", "uri": "b"}), client.request("no such thing", {})]
    qtbot.waitUntil(lambda: len(heard.said) == 2, timeout=15000)
    assert heard.said == [(ids[0], "finished", {}), (ids[1], "failed", "no_command")]
    assert hellos[0]["version"] == VERSION and len(hellos) == 1


def test_nothing_heavy_is_imported_here():
    assert not {"shapely", "geopandas", "pyogrio", "fiona"} & set(sys.modules)


def test_progress_comes_before_the_end(client_of, fake, qtbot):
    client, heard = client_of(fake())
    shares = []
    client.progress.connect(lambda number, progress: shares.append((number, progress["share"])))
    number = client.request("steps", {})
    qtbot.waitUntil(lambda: bool(heard.said), timeout=5000)
    assert shares == [(number, 0.25), (number, 0.5)]


def test_crash_fails_what_ran_and_the_next_request_restarts(client_of, fake, qtbot):
    client, heard = client_of(fake())
    client.request("crash", {})
    client.request("ok", {})
    qtbot.waitUntil(lambda: len(heard.said) == 2, timeout=5000)
    assert [(kind, what) for _, kind, what in heard.said[:1]] == [("failed", "worker_stopped")]
    assert heard.ends()[1] == (2, "finished")


def test_last_words_go_to_the_log(client_of, fake, qtbot, qgis_app):
    client, heard = client_of(fake())
    logged = []
    qgis_app.messageLog().messageReceived[str, str, type(_warning())].connect(
        lambda text, tag, level: logged.append((tag, text))
    )
    client.request("crash", {})
    qtbot.waitUntil(lambda: bool(heard.said), timeout=5000)
    assert ("CityGap", "last words") in logged


def _warning():
    from qgis.core import Qgis

    return Qgis.MessageLevel.Warning


def test_three_crashes_turn_it_off_and_reset_turns_it_on(client_of, fake, qtbot):
    client, heard = client_of(fake())
    for _ in range(3):
        client.request("crash", {})
    client.request("ok", {})
    qtbot.waitUntil(lambda: len(heard.said) == 4, timeout=10000)
    assert [what for _, _, what in heard.said] == ["worker_stopped"] * 3 + ["worker_off"]
    assert client.is_off
    client.reset()
    client.request("ok", {})
    qtbot.waitUntil(lambda: len(heard.said) == 5, timeout=5000)
    assert heard.said[4][1] == "finished"


def test_cancel_of_a_waiting_request_is_immediate(client_of, fake, qtbot):
    client, heard = client_of(fake())
    first = client.request("deaf", {})
    second = client.request("ok", {})
    client.cancel(second)
    assert heard.ends() == [(second, "cancelled")]
    client.cancel(first)
    assert heard.ends() == [(second, "cancelled"), (first, "cancelled")]


def test_cancel_of_a_deaf_worker_kills_it_within_a_second_or_so(client_of, fake, qtbot):
    client, heard = client_of(fake())
    pids = []
    client.finished.connect(lambda _, result: pids.append(result["pid"]))
    client.request("ok", {})
    qtbot.waitUntil(lambda: bool(pids), timeout=5000)
    number = client.request("deaf", {})
    after = client.request("ok", {})
    qtbot.wait(300)
    asked = time.monotonic()
    client.cancel(number)
    qtbot.waitUntil(lambda: (number, "cancelled") in heard.ends(), timeout=3000)
    assert 0.8 < time.monotonic() - asked < 2
    qtbot.waitUntil(lambda: (after, "finished") in heard.ends(), timeout=5000)
    assert pids[1] != pids[0] and not client.is_off
    qtbot.waitUntil(lambda: not _is_alive(pids[0]), timeout=3000)


def _is_alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_megabyte_on_stderr_does_not_block(client_of, fake, qtbot):
    client, heard = client_of(fake())
    for _ in range(4):
        client.request("shout", {})
    qtbot.waitUntil(lambda: len(heard.said) == 4, timeout=10000)
    assert {kind for _, kind, _ in heard.said} == {"finished"}


def test_line_over_one_mib_ends_the_worker(client_of, fake, qtbot):
    client, heard = client_of(fake())
    client.request("flood", {})
    qtbot.waitUntil(lambda: bool(heard.said), timeout=5000)
    assert heard.said[0][2] == "worker_stopped"


def test_request_over_one_mib_fails_alone(client_of, fake, qtbot):
    client, heard = client_of(fake())
    client.request("ok", {"text": "x" * 1_100_000})
    client.request("ok", {})
    qtbot.waitUntil(lambda: len(heard.said) == 2, timeout=5000)
    assert [what if kind == "failed" else kind for _, kind, what in heard.said] == [
        "request_too_long",
        "finished",
    ]


def test_next_python_is_tried_and_the_refused_are_named(client_of, fake, qtbot):
    other = fake({**HELLO, "version": "9.9.9"})
    lacking = fake({**HELLO, "missing": ["geopandas"]})
    silent = fake(body=f"#!{sys.executable}\nraise SystemExit(3)\n")
    absent = Candidate("/no/such/python", "path")
    client, heard = client_of(other, lacking, silent, absent, fake())
    client.request("ok", {})
    qtbot.waitUntil(lambda: bool(heard.said), timeout=8000)
    assert heard.said[0][1] == "finished"
    client, heard = client_of(other, lacking, silent, absent)
    errors = []
    client.failed.connect(lambda _, error: errors.append(error))
    client.request("ok", {})
    qtbot.waitUntil(lambda: bool(errors), timeout=8000)
    line = errors[0].line()
    assert errors[0].code == "no_worker" and "pip install" in errors[0].remedy
    assert all(part in line for part in ("9.9.9", "lacks geopandas", "exit 3", "/no/such/python"))


def test_worker_outlives_no_client(client_of, fake, qtbot):
    client, heard = client_of(fake())
    number = client.request("ok", {})
    qtbot.waitUntil(lambda: bool(heard.said), timeout=5000)
    pid = heard.said[0][2]["pid"]
    deaf = client.request("deaf", {})
    qtbot.wait(200)
    client.shutdown()
    assert heard.ends() == [(number, "finished"), (deaf, "cancelled")]
    qtbot.waitUntil(lambda: not _is_alive(pid), timeout=3000)


def test_waiting_gives_result_error_and_cancel(monkeypatch, fake, worker_python):
    monkeypatch.setenv(finder.VARIABLE, fake().python)
    seen = []
    result = ask_worker("steps", {}, is_cancelled=lambda: False, on_progress=seen.append)
    assert result["pid"] and seen == [{"share": 0.25}, {"share": 0.5}]
    with pytest.raises(Cancelled):
        ask_worker("deaf", {}, is_cancelled=lambda: True, on_progress=seen.append)
    with pytest.raises(CityGapError) as caught:
        ask_worker("crash", {}, is_cancelled=lambda: False, on_progress=seen.append)
    assert caught.value.code == "worker_stopped"


def test_chosen_python_is_the_only_one(monkeypatch):
    monkeypatch.setenv(finder.VARIABLE, "/from/environment")
    assert finder.candidates() == [Candidate("/from/environment", "environment")]
    QgsSettings().setValue(finder.SETTING, "/from/setting")
    try:
        assert finder.candidates() == [Candidate("/from/setting", "setting")]
    finally:
        QgsSettings().remove(finder.SETTING)


def test_order_of_pythons_and_the_script_on_the_path(monkeypatch, tmp_path):
    monkeypatch.delenv(finder.VARIABLE, raising=False)
    script = tmp_path / "citygap"
    script.write_text(f"#!{sys.executable}\nprint(1)\n")
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    found = finder.candidates()
    origins = [candidate.origin for candidate in found]
    assert origins == sorted(origins, key=["qgis", "path", "beside"].index) and "path" in origins
    assert {c.origin: c.python for c in found}["path"] == sys.executable
    script.write_text(f"#!/bin/sh\n'''exec' \"{sys.executable}\" \"$0\" \"$@\"\n' '''\n")
    assert finder.console_python() == sys.executable
    script.write_text("#!/no/such/python\n")
    assert finder.console_python() is None


def test_environment_leads_no_other_python_astray(monkeypatch):
    for name in ("PYTHONHOME", "PYTHONPATH", "PROJ_LIB", "PROJ_DATA", "GDAL_DATA", "LD_LIBRARY_PATH", "KEPT"):
        monkeypatch.setenv(name, "x")
    cleaned = finder.environment(Candidate("python", "path"))
    assert cleaned.value("KEPT") == "x"
    assert not any(
        cleaned.contains(name)
        for name in ("PYTHONHOME", "PYTHONPATH", "PROJ_LIB", "PROJ_DATA", "GDAL_DATA", "LD_LIBRARY_PATH")
    )
    assert finder.environment(Candidate("python", "qgis")).value("PYTHONHOME") == "x"


def test_installed_plugin_runs_its_own_code(monkeypatch):
    monkeypatch.setattr(finder, "ROOT", Path("/profile/python/plugins/citygap"))
    assert finder.working_folder(Candidate("/venv/bin/python", "path")) == "/profile/python/plugins"
    monkeypatch.setattr(finder, "ROOT", Path("/checkout/other-name"))
    assert finder.working_folder(Candidate("/venv/bin/python", "path")) == "/venv/bin"


def test_lines_are_cut_wherever_the_pipe_cuts():
    data = b"".join(encode({"text": text}) for text in ("楼房", "", "a\nb"))
    for size in (1, 2, 7, len(data)):
        buffer = LineBuffer()
        lines = [line for at in range(0, len(data), size) for line in buffer.feed(data[at : at + size])]
        assert [json.loads(line)["text"] for line in lines] == ["楼房", "", "a\nb"]


def test_old_shapely_is_refused():
    assert refusal(HELLO) is None
    assert "shapely>=2" in refusal({**HELLO, "packages": {"shapely": "1.8.5"}}).message


def test_result_file_is_read_and_deleted(tmp_path):
    path = tmp_path / "r.json"
    path.write_text('{"a": "楼"}', encoding="utf-8")
    assert read_result({"id": 1, "result_file": str(path)}) == {"a": "楼"}
    assert not path.exists() and QCoreApplication.instance() is not None
