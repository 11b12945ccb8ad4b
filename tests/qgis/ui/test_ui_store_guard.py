"""The store stays whole while QGIS shows it and other programs write to it and leave."""

import sqlite3
import subprocess
import sys

import pytest

from citygap.model.errors import CityGapError
from citygap.store import flags, gaps
from citygap.ui import store_guard
from citygap.ui.store_guard import StoreGuard

OTHER_PROGRAM = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("UPDATE sources SET uri = uri || hex(randomblob(2000))")
connection.close()
"""


CHECK = """
import sqlite3, sys
print(sqlite3.connect(sys.argv[1]).execute("PRAGMA integrity_check").fetchone()[0])
"""


def other_program_writes(path):
    subprocess.run([sys.executable, "-c", OTHER_PROGRAM, str(path)], check=True)


def problems_of(path):
    """What SQLite, in another process, finds wrong with the file."""
    done = subprocess.run(
        [sys.executable, "-c", CHECK, str(path)], capture_output=True, text=True, check=False
    )
    return done.stdout.strip() or done.stderr.strip().splitlines()[-1]


def test_other_programs_come_and_go(bench, store_path):
    for number in range(5):
        other_program_writes(store_path)
        bench.desk.act(
            "flagged",
            lambda store, author: flags.flag(
                store, severity="low", text="x" * 500, object_role="housing", object_id="H1", author=author
            ),
        )
        bench.desk.open_store(store_path)
        assert problems_of(store_path) == "ok"
        assert gaps.count_by(bench.desk.store) == [(25 + number,)]


@pytest.mark.skipif(
    sys.platform == "win32", reason="Windows locks belong to descriptors: there is nothing to guard"
)
def test_log_stays_while_the_store_is_open(bench, store_path):
    other_program_writes(store_path)
    assert store_path.with_name(store_path.name + "-wal").exists()


def test_closed_store_stays_whole_in_other_hands(bench, store_path):
    bench.desk.close_store()
    other_program_writes(store_path)
    bench.desk.open_store(store_path)
    bench.desk.close_store()
    assert problems_of(store_path) == "ok"


def test_guard_hinders_no_writer(store_path):
    connection = sqlite3.connect(store_path, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    guard = StoreGuard(store_path)
    other_program_writes(store_path)
    connection.execute("UPDATE meta SET value = value")
    guard.release()
    guard.release()
    connection.close()


@pytest.mark.skipif(
    sys.platform == "win32", reason="Windows locks belong to descriptors: there is nothing to guard"
)
def test_file_system_without_locks_is_refused(store_path, monkeypatch):
    monkeypatch.setattr(store_guard, "_shared_lock", lambda: (-1, b""))
    with pytest.raises(CityGapError) as caught:
        StoreGuard(store_path)
    assert caught.value.code == "no_lock"
