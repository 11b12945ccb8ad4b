"""The protocol, against a real worker process."""

import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import geopandas as gpd
import pytest
import shapely

from citygap.commands.held import IDLE_S, HeldCities
from citygap.model.errors import CityGapError
from citygap.model.version import PROTOCOL, SCHEMA, VERSION
from citygap.sample.city import write_sample

TEST_COMMANDS = """
import sys, time
from citygap import commands, worker
from citygap.model.errors import Cancelled, CityGapError

def look(call):
    for step in range(600):
        if call.is_cancelled():
            raise Cancelled
        call.on_progress("steps", None, step, 600, step / 600)
        time.sleep(0.01)
    return {}

def geos(call):
    import numpy as np, shapely
    points = shapely.points(np.random.default_rng(1).random((20000, 2)))
    until = time.monotonic() + float(call.args["seconds"])
    while time.monotonic() < until:
        shapely.union_all(shapely.buffer(points[:2000], 0.1))
        if call.is_cancelled():
            raise Cancelled
    return {"geos": True}

def backwards(call):
    for share in (0.5, 0.2, 0.9, 0.1):
        call.on_progress("steps", None, 1, 2, share)
        time.sleep(0.15)
    return {}

def noisy(call):
    import os
    print("printed")
    os.write(1, b"raw bytes on fd 1\\n")
    os.system("echo from a child")
    return {"quiet": True, "stdin": sys.stdin.read() if call.args.get("read") else None}

def deaf(call):
    time.sleep(60)

def big(call):
    return {"text": "\\u697c" * 600000}

def broken(call):
    raise KeyError("secret\\nline")

def refused(call):
    raise CityGapError("bad_thing", "no good", file="a.shp", layer="a", field="f", row="3", remedy="Fix it.")

commands.COMMANDS.update(look=look, geos=geos, backwards=backwards, noisy=noisy, deaf=deaf, big=big)
commands.COMMANDS.update(broken=broken, refused=refused, echo=lambda call: dict(call.args))
sys.exit(worker.main())
"""


class Pipe:
    """A worker process and its two ends; stderr is drained."""

    def __init__(self, command, cwd, env):
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=cwd, env=env
        )
        self.words = []
        self._drain = threading.Thread(target=lambda: self.words.extend(self.process.stderr), daemon=True)
        self._drain.start()

    def write(self, message):
        data = message if isinstance(message, bytes) else json.dumps(message).encode() + b"\n"
        self.process.stdin.write(data)
        self.process.stdin.flush()

    def read(self):
        line = self.process.stdout.readline()
        assert line, b"".join(self.words).decode()
        return json.loads(line)

    def ask(self, request_id, do, **args):
        """The end of a request and the progress before it."""
        self.write({"id": request_id, "do": do, "args": args})
        return self.end_of(request_id)

    def end_of(self, request_id):
        before = []
        while True:
            message = self.read()
            if message.get("id") == request_id and "progress" not in message:
                return message, before
            before.append(message)

    def stderr(self):
        self.process.wait(10)
        self._drain.join(10)
        return b"".join(self.words).decode()


@pytest.fixture
def link_folder(tmp_path, root):
    """A folder in which the package lies under its real name."""
    (tmp_path / "link").mkdir()
    (tmp_path / "link" / "citygap").symlink_to(root, target_is_directory=True)
    return tmp_path / "link"


@pytest.fixture
def start(link_folder):
    pipes = []

    def start(code=None):
        tail = ["-c", code] if code else ["-m", "citygap.worker"]
        env = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
        pipe = Pipe([sys.executable, "-u", "-X", "utf8", *tail], link_folder, env)
        pipes.append(pipe)
        return pipe

    yield start
    for pipe in pipes:
        pipe.process.kill()
        pipe.process.wait()
        for file in (pipe.process.stdin, pipe.process.stdout):
            file.close()


@pytest.fixture
def pipe(start):
    """A worker with the test's own commands that has said hello."""
    pipe = start(TEST_COMMANDS)
    pipe.read()
    return pipe


def test_hello_comes_first_with_numbers_and_packages(start):
    hello = start().read()["hello"]
    assert (hello["protocol"], hello["version"], hello["schema"]) == (PROTOCOL, VERSION, SCHEMA)
    assert hello["python"] == ".".join(map(str, sys.version_info[:3]))
    assert hello["packages"]["shapely"].startswith("2.") and "shapely" not in hello["missing"]


def test_hello_needs_no_heavy_package(start):
    code = "import sys; from citygap import worker; print({'geopandas', 'shapely'} & set(sys.modules))"
    assert start(code).process.stdout.readline().strip() == b"set()"


def test_unknown_do_is_an_error_and_unknown_keys_are_ignored(pipe):
    assert pipe.ask(1, "paint")[0]["error"]["code"] == "no_command"
    pipe.write({"id": 2, "do": "echo", "args": {"a": [1]}, "colour": "red"})
    assert pipe.end_of(2)[0] == {"id": 2, "result": {"a": [1]}}


def test_error_is_the_whole_error(pipe):
    error = pipe.ask(1, "refused")[0]["error"]
    assert error == {
        "code": "bad_thing",
        "message": "no good",
        "file": "a.shp",
        "layer": "a",
        "field": "f",
        "row": "3",
        "remedy": "Fix it.",
    }


def test_bug_is_internal_with_its_trace_on_stderr_only(pipe):
    end, _ = pipe.ask(1, "broken")
    assert end["error"]["code"] == "internal" and "Traceback" not in json.dumps(end)
    assert pipe.ask(2, "echo")[0]["result"] == {}
    pipe.process.stdin.close()
    assert "Traceback" in pipe.stderr()


def test_ping_and_cancel_are_answered_while_geos_works(pipe):
    pipe.write({"id": 1, "do": "geos", "args": {"seconds": 30}})
    time.sleep(1.0)
    asked = time.monotonic()
    pipe.write({"ping": 1})
    assert pipe.read() == {"pong": 1}
    assert time.monotonic() - asked < 0.5
    pipe.write({"cancel": 1})
    assert pipe.end_of(1)[0] == {"id": 1, "cancelled": True}
    assert time.monotonic() - asked < 3


def test_cancel_of_a_waiting_request_ends_it_at_once_and_once(pipe):
    pipe.write({"id": 1, "do": "look", "args": {}})
    pipe.write({"id": 2, "do": "echo", "args": {}})
    pipe.write({"cancel": 2})
    end, before = pipe.end_of(2)
    assert end == {"id": 2, "cancelled": True} and all("progress" in message for message in before)
    pipe.write({"cancel": 1})
    assert pipe.end_of(1)[0].get("cancelled")
    assert pipe.ask(3, "echo")[0]["id"] == 3


def test_cancel_of_an_ended_request_touches_no_other(pipe):
    pipe.ask(1, "echo")
    pipe.write({"cancel": 1})
    pipe.write({"cancel": [1]})
    assert pipe.ask(2, "echo")[0] == {"id": 2, "result": {}}


def test_progress_is_at_most_ten_a_second_and_never_falls(pipe):
    started = time.monotonic()
    pipe.write({"id": 1, "do": "look", "args": {}})
    reports = [pipe.read()["progress"] for _ in range(8)]
    assert time.monotonic() - started > 0.6
    assert set(reports[0]) == {"stage", "rule", "done", "of", "share"}
    pipe.write({"cancel": 1})
    pipe.end_of(1)
    shares = [message["progress"]["share"] for message in pipe.ask(2, "backwards")[1]]
    assert shares == [0.5, 0.5, 0.9, 0.9]


def test_prints_do_not_break_a_line(pipe):
    assert pipe.ask(1, "noisy", read=True)[0] == {"id": 1, "result": {"quiet": True, "stdin": ""}}
    pipe.process.stdin.close()
    words = pipe.stderr()
    assert all(text in words for text in ("printed", "raw bytes on fd 1", "from a child"))


def test_line_over_one_mib_is_refused_and_the_next_is_read(pipe):
    pipe.write(b'{"id": 1, "do": "echo", "args": {"x": "' + b"x" * 3_000_000 + b'"}}\n')
    assert pipe.read()["error"]["code"] == "line_too_long"
    assert pipe.ask(2, "echo")[0]["id"] == 2


@pytest.mark.parametrize(
    "line", [b"{nonsense\n", b"[1]\n", b'{"id": 1}\n', b'{"id": [1], "do": "echo"}\n', b"\xff\xfe\n"]
)
def test_bad_lines_are_refused_and_the_next_is_read(pipe, line):
    pipe.write(line)
    assert pipe.read()["error"]["code"] == "bad_request"
    assert pipe.ask(2, "echo")[0]["id"] == 2


def test_result_too_long_for_a_line_goes_by_path(pipe):
    end, _ = pipe.ask(1, "big")
    assert "result" not in end
    with open(end["result_file"], encoding="utf-8") as file:
        assert json.load(file) == {"text": "楼" * 600000}
    Path(end["result_file"]).unlink()


@pytest.mark.parametrize("do", ["look", "deaf"])
def test_end_of_input_ends_it_also_at_work(pipe, do):
    pipe.write({"id": 1, "do": do, "args": {}})
    time.sleep(0.4)
    pipe.process.stdin.close()
    pipe.process.wait(4)


def test_shutdown_ends_it(pipe):
    assert pipe.ask(9, "shutdown")[0] == {"id": 9, "result": {}}
    assert pipe.process.wait(3) == 0


def test_secret_is_never_said_again(pipe):
    assert pipe.ask(1, "secret", ref="db", uri="postgresql://me:hunter2@host")[0]["result"] == {}
    pipe.process.stdin.close()
    assert "hunter2" not in pipe.stderr()


def test_city_that_is_not_open(pipe):
    assert pipe.ask(1, "close", city="c7")[0]["error"]["code"] == "no_such_city"


@pytest.fixture
def city_file(tmp_path):
    path = tmp_path / "city.gpkg"
    _write_houses(path, [1950, 2015])
    return path


def _write_houses(path, years):
    shapes = [shapely.box(640000 + 50 * i, 3456000, 640010 + 50 * i, 3456010) for i in range(len(years))]
    columns = {"id": [f"H{i}" for i in range(len(years))], "built_year": years, "geometry": shapes}
    gpd.GeoDataFrame(columns, crs="EPSG:4549").to_file(path, layer="housing")


def test_open_city_is_checked_until_its_file_changes(start, city_file, tmp_path):
    pipe = start()
    pipe.read()
    opened = pipe.ask(1, "open", sources=[str(city_file)], roles=[], maps=[], crs=None)[0]["result"]
    assert opened["rows"] == {"housing": 2} and opened["bytes"] > 0
    words = {"city": opened["city"], "store": str(tmp_path / "S.gpkg"), "rules": ["A02"]}
    end, progress = pipe.ask(2, "check", **words)
    assert end["result"]["rules"]["A02"]["new"] == 1
    assert {message["progress"]["stage"] for message in progress} <= {"rules", "store"}
    end, _ = pipe.ask(3, "check", **words, as_of="2000-01-01")
    assert end["result"]["as_of"] == "2000-01-01"
    _write_houses(city_file, [1950, 1951, 2015])
    assert pipe.ask(4, "check", **words)[0]["error"]["code"] == "city_stale"
    assert pipe.ask(5, "check", **words)[0]["error"]["code"] == "no_such_city"
    again = pipe.ask(6, "open", sources=[str(city_file)])[0]["result"]["city"]
    assert again != opened["city"] and pipe.ask(7, "close", city=again)[0]["result"] == {}
    assert pipe.ask(8, "close", city=again)[0]["error"]["code"] == "no_such_city"


def test_idle_city_is_dropped_and_a_used_one_is_not(city_file):
    now = [0.0]
    cities = HeldCities(lambda: now[0])
    name = cities.open({"sources": [str(city_file)]}, lambda *_: None, lambda: False)["city"]
    for moment in (IDLE_S - 1, 2 * IDLE_S - 2):
        now[0] = moment
        cities.drop_idle()
        assert len(cities.city(name).table("housing")) == 2
    now[0] += IDLE_S + 1
    cities.drop_idle()
    with pytest.raises(CityGapError) as caught:
        cities.city(name)
    assert caught.value.code == "no_such_city"


def test_cancelled_check_leaves_nothing(start, tmp_path):
    write_sample(tmp_path / "city.gpkg", 1500, 1)
    before = set(tmp_path.iterdir())
    pipe = start()
    pipe.read()
    args = {"source": [str(tmp_path / "city.gpkg")], "store": str(tmp_path / "S.gpkg")}
    pipe.write({"id": 1, "do": "check", "args": args})
    while pipe.read()["progress"]["stage"] != "rules":
        pass
    pipe.write({"cancel": 1})
    assert pipe.end_of(1)[0] == {"id": 1, "cancelled": True}
    assert set(tmp_path.iterdir()) == before


def test_result_of_a_check_is_that_of_the_console(start, city_file, tmp_path):
    pipe = start()
    pipe.read()
    result = pipe.ask(1, "check", source=[str(city_file)], store=str(tmp_path / "S.gpkg"))[0]["result"]
    gaps = pipe.ask(2, "gaps", store=str(tmp_path / "S.gpkg"), where="rule_id = 'A02'", lang="zh")[0][
        "result"
    ]
    assert set(result) >= {"run_id", "seconds", "rules"} and gaps[0]["title"].startswith("住房老化")
