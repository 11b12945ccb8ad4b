"""The six questions in PostGIS: a real server, started for this and stopped after it."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import psycopg
import pyarrow.parquet as pq
from answering import (
    CELL_M,
    CLASSES,
    END_M,
    GAS_M,
    OLD_UNTIL,
    PATROL_M,
    REACH_CLASSES,
    REACH_M,
    SEGMENTS,
    STREET_M,
    STREET_SHARE,
    TOUCH_M,
    Answer,
    ends,
    ids,
    lengths,
    main,
)

SETTINGS = {
    "listen_addresses": "",
    "shared_buffers": "2GB",
    "work_mem": "256MB",
    "maintenance_work_mem": "512MB",
    "effective_cache_size": "8GB",
    "max_parallel_workers_per_gather": "2",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_wal_size": "8GB",
    "random_page_cost": "1.1",
    "dynamic_shared_memory_type": "mmap",
}
COLUMNS = {"buildings": "built_year float8", "pipes": "class_code text", "roads": None, "tracks": None}
SAMPLE_EVERY_S = 0.25


class Memory:
    """Highest proportional memory of the server's processes, looked at a few times a second."""

    def __init__(self, server: int) -> None:
        self._server = server
        self._highest = 0.0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._look)

    def __enter__(self) -> Memory:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def forget(self) -> None:
        self._highest = 0.0

    def peak_mb(self) -> float:
        self._highest = max(self._highest, self._now())
        return self._highest

    def _look(self) -> None:
        while not self._ended.wait(SAMPLE_EVERY_S):
            self._highest = max(self._highest, self._now())

    def _now(self) -> float:
        listed = Path(f"/proc/{self._server}/task/{self._server}/children")
        children = listed.read_text(encoding="ascii").split()
        return sum(proportional_kb(int(process)) for process in [self._server, *children]) / 1024


def proportional_kb(process: int) -> int:
    """Memory of a process, shared pages counted by their share; 0 if it has gone."""
    try:
        lines = Path(f"/proc/{process}/smaps_rollup").read_text(encoding="ascii").splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))


def programs() -> Path:
    """Folder of the newest server programs that Debian put in place, else that of the PATH."""
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda path: int(path.parts[4]))
    found = debian[-1] if debian else shutil.which("postgres")
    if not found:
        raise SystemExit("no PostgreSQL server: apt-get install postgresql postgis")
    return Path(found).parent


@contextmanager
def server() -> Iterator[tuple[str, int]]:
    """A server of its own in a temporary folder: its socket's folder, and its process."""
    home = Path(tempfile.mkdtemp(prefix="citygap-postgis-"))
    options: dict[str, object] = {"cwd": home}
    if os.getuid() == 0:
        # PostgreSQL refuses to run as root.
        account = pwd.getpwnam("postgres")
        os.chown(home, account.pw_uid, account.pw_gid)
        options |= {"user": account.pw_uid, "group": account.pw_gid}
    here = str(programs())
    data = str(home / "data")
    subprocess.run(
        [f"{here}/initdb", "-D", data, "-A", "trust", "-U", "bench", "-E", "UTF8", "--locale=C"],
        check=True,
        stdout=subprocess.DEVNULL,
        **options,
    )
    settings = [word for name, value in SETTINGS.items() for word in ("-c", f"{name}={value}")]
    process = subprocess.Popen(
        [f"{here}/postgres", "-D", data, "-k", str(home), *settings], stderr=subprocess.DEVNULL, **options
    )
    try:
        yield str(home), process.pid
    finally:
        process.terminate()
        process.wait()
        shutil.rmtree(home)


def connect(socket: str) -> psycopg.Connection:
    """A connection, as soon as the server takes one."""
    for _ in range(100):
        try:
            return psycopg.connect(host=socket, user="bench", dbname="postgres", autocommit=True)
        except psycopg.OperationalError:
            time.sleep(0.2)
    raise SystemExit("the PostgreSQL server did not start")


def load(database: psycopg.Connection, folder: Path) -> psycopg.Connection:
    for name, column in COLUMNS.items():
        extra = f", {column}" if column else ""
        database.execute(f"CREATE UNLOGGED TABLE {name} (id int8{extra}, geom geometry)")
        with database.cursor().copy(f"COPY {name} FROM STDIN (FORMAT BINARY)") as copy:
            copy.set_types(["int8", *([column.split()[1]] if column else []), "bytea"])
            for batch in pq.ParquetFile(folder / f"{name}.parquet").iter_batches(50_000):
                rows = [part.to_pylist() for part in batch.columns]
                for row in zip(*rows):
                    copy.write_row(row)
        database.execute(f"CREATE INDEX ON {name} USING gist (geom)")
        database.execute(f"ALTER TABLE {name} ADD PRIMARY KEY (id)")
        database.execute(f"VACUUM ANALYZE {name}")
    for code in CLASSES:
        database.execute(f"CREATE INDEX ON pipes USING gist (geom) WHERE class_code = '{code}'")
    return database


def columns(database: psycopg.Connection, sql: str) -> list[np.ndarray]:
    """The columns of a query."""
    cursor = database.cursor(binary=True)
    rows = cursor.execute(sql).fetchall()
    return [np.array(column) for column in zip(*rows)] or [np.zeros(0)] * len(cursor.description or ())


def old_by_gas(database: psycopg.Connection) -> Answer:
    sql = f"""SELECT id FROM buildings b WHERE built_year <= {OLD_UNTIL} AND EXISTS (SELECT FROM pipes p
        WHERE p.class_code = 'RQ' AND ST_DWithin(b.geom, p.geom, {GAS_M}))"""
    return ids(columns(database, sql)[0])


def unreached(database: psycopg.Connection) -> Answer:
    return {
        code: np.sort(
            columns(
                database,
                f"""SELECT id FROM buildings b WHERE NOT EXISTS (SELECT FROM pipes p
                WHERE p.class_code = '{code}' AND ST_DWithin(b.geom, p.geom, {REACH_M}))""",
            )[0]
        )
        for code in REACH_CLASSES
    }


def unpatrolled(database: psycopg.Connection) -> Answer:
    """Old area less the union, building by building, of what the buffers cover of it."""
    database.execute(
        f"""DROP TABLE IF EXISTS buffers; CREATE TEMP TABLE buffers AS
        SELECT ST_Buffer(geom, {PATROL_M}, 'quad_segs={SEGMENTS}') AS shape FROM tracks;
        CREATE INDEX ON buffers USING gist (shape); ANALYZE buffers"""
    )
    sql = f"""SELECT sum(ST_Area(b.geom) - coalesce(covered, 0)) FROM buildings b LEFT JOIN LATERAL (
            SELECT ST_Area(CASE WHEN count(*) = 1 THEN (array_agg(piece))[1] ELSE ST_Union(piece) END) AS
                covered
            FROM (SELECT ST_Intersection(b.geom, shape) AS piece FROM buffers WHERE ST_Intersects(b.geom,
                shape)) p
        ) c ON true WHERE built_year <= {OLD_UNTIL}"""
    return {"area": columns(database, sql)[0][0]}


def length_per_cell(database: psycopg.Connection) -> Answer:
    """Pipes that lie in one cell count whole; the others are cut by every cell their bounds meet."""
    sql = f"""WITH bounds AS (SELECT class_code, geom,
            floor(ST_XMin(geom) / {CELL_M})::int8 AS west, floor(ST_XMax(geom) / {CELL_M})::int8 AS east,
            floor(ST_YMin(geom) / {CELL_M})::int8 AS south, floor(ST_YMax(geom) / {CELL_M})::int8 AS north
            FROM pipes),
        parts AS (SELECT class_code, c, r, ST_Length(ST_Intersection(geom, ST_MakeEnvelope(
                c * {CELL_M}, r * {CELL_M}, (c + 1) * {CELL_M}, (r + 1) * {CELL_M}))) AS metres
            FROM bounds, generate_series(west, east) c, generate_series(south, north) r
            WHERE west < east OR south < north UNION ALL
            SELECT class_code, west, south, ST_Length(geom) FROM bounds WHERE west = east AND south = north)
        SELECT c, r, class_code, sum(metres) FROM parts WHERE metres > 0 GROUP BY 1, 2, 3"""
    return lengths(*columns(database, sql))


def loose_ends(database: psycopg.Connection) -> Answer:
    database.execute(
        """DROP TABLE IF EXISTS lone; CREATE TEMP TABLE lone AS
        WITH ends AS (SELECT id, 0 AS which, class_code, ST_StartPoint(geom) AS place FROM pipes UNION ALL
            SELECT id, 1, class_code, ST_EndPoint(geom) FROM pipes)
        SELECT min(id) AS id, min(which) AS which, class_code, (array_agg(place))[1] AS place
        FROM ends GROUP BY class_code, ST_X(place), ST_Y(place) HAVING count(*) = 1; ANALYZE lone"""
    )
    parts = [
        columns(
            database,
            f"""SELECT e.id, e.which FROM lone e JOIN pipes p ON ST_DWithin(e.place, p.geom, {END_M})
            WHERE e.class_code = '{code}' AND p.class_code = '{code}' AND e.id <> p.id
            GROUP BY 1, 2 HAVING min(ST_Distance(e.place, p.geom)) > {TOUCH_M}""",
        )
        for code in CLASSES
    ]
    return ends(np.concatenate([part[0] for part in parts]), np.concatenate([part[1] for part in parts]))


def bare_streets(database: psycopg.Connection) -> Answer:
    """What is left of each street once the buffers near it are taken away as one."""
    database.execute(
        f"""DROP TABLE IF EXISTS strips; CREATE TEMP TABLE strips AS
        SELECT ST_Buffer(geom, {STREET_M}, 'quad_segs={SEGMENTS} endcap=flat') AS shape FROM pipes;
        CREATE INDEX ON strips USING gist (shape); ANALYZE strips"""
    )
    sql = f"""SELECT r.id FROM roads r LEFT JOIN LATERAL (
            SELECT ST_Union(shape) AS cover FROM strips WHERE ST_Intersects(r.geom, shape)) c ON true
        WHERE cover IS NULL
            OR ST_Length(ST_Difference(r.geom, cover)) >= {STREET_SHARE} * ST_Length(r.geom)"""
    return ids(columns(database, sql)[0])


def versions(database: psycopg.Connection) -> str:
    found = columns(
        database, "SELECT current_setting('server_version'), postgis_lib_version(), postgis_geos_version()"
    )
    return f"PostgreSQL {found[0][0]}, PostGIS {found[1][0]}, GEOS {found[2][0]}"


def leave(*_: object) -> None:
    """Stop the server before the process that started it."""
    raise SystemExit(1)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, leave)
    with server() as (socket, process), Memory(process) as memory, connect(socket) as connection:
        connection.execute("CREATE EXTENSION postgis")
        main(
            lambda folder: load(connection, folder),
            (old_by_gas, unreached, unpatrolled, length_per_cell, loose_ends, bare_streets),
            lambda: versions(connection),
            memory.peak_mb,
            memory.forget,
        )
