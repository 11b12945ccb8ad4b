"""The console script as users start it: a process of its own."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

TIMEOUT_S = 300


class Console:
    """Starts `citygap` beside this Python."""

    def __init__(self, script):
        self.script = script

    def run(self, *words, cwd=None):
        """Perform a command and give the finished process, its streams as text."""
        return subprocess.run(
            [str(self.script), *(str(word) for word in words)],
            capture_output=True,
            encoding="utf-8",
            cwd=cwd,
            env={**os.environ, "LC_ALL": "C.UTF-8"},
            timeout=TIMEOUT_S,
        )

    def json(self, *words, cwd=None):
        """What a command that succeeds prints with ``--json`` (or ``--geojson``)."""
        asked = words if "--geojson" in words else (*words, "--json")
        done = self.run(*asked, cwd=cwd)
        assert (done.returncode, done.stderr) == (0, "")
        return json.loads(done.stdout)


@pytest.fixture(scope="session")
def console():
    """The console script; a Python without it skips, but never in CI."""
    script = Path(sys.executable).with_name("citygap")
    if not script.exists():
        if os.environ.get("CI"):
            pytest.fail("the console script is not installed beside this Python")
        pytest.skip("the console script is not installed beside this Python")
    return Console(script)


def ogrinfo(path, *words):
    """What GDAL's own program, another build than the worker's, reads from a file."""
    done = subprocess.run(
        ["ogrinfo", "-ro", *words, str(path)], capture_output=True, encoding="utf-8", timeout=TIMEOUT_S
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="session", name="ogrinfo")
def ogrinfo_fixture():
    """`ogrinfo` with a file and options."""
    return ogrinfo
