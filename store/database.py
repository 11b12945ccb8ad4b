"""Making and opening a store, and the one way to write to it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timezone, tzinfo
from pathlib import Path
from typing import Any, Optional, Union

from ..model.catalogue import CatalogueRow, catalogue
from ..model.errors import CityGapError
from ..model.identity import ulid
from . import lifecycle, seal, times, upgrade
from .geometry import register_functions
from .refusals import not_store, told_plainly

SCHEMA = 2
"""Number of the schema this program writes; a store of a lower one is brought to it, a higher one refused."""

BUSY_MS = 5000
_CACHE_KIB = 65536
_SCHEMA_FILE = Path(__file__).with_name("schema.sql")
_FIRST_LOCAL_SRS = 100_000
"""Numbers from here on are no EPSG codes."""


class Store:
    """An open store.

    Attributes
    ----------
    path : Path
    connection : sqlite3.Connection
        Autocommit (``isolation_level=None``), with the ST_ functions of the spatial index.
    """

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self.path = path
        self.connection = connection

    @property
    def meta(self) -> dict[str, str]:
        """What the table `meta` holds: schema, project, tz, as_of…."""
        return dict(self.connection.execute("SELECT key, value FROM meta"))

    @property
    def srs_id(self) -> int:
        """The city CRS, as a row of gpkg_spatial_ref_sys."""
        row = self.connection.execute(
            "SELECT srs_id FROM gpkg_geometry_columns WHERE table_name = 'gaps'"
        ).fetchone()
        return int(row[0])

    @property
    def zone(self) -> tzinfo:
        """The city's time zone."""
        return times.zone(self.meta["tz"])

    @property
    def photo_folder(self) -> Path:
        """Folder of the photos, beside the store; it is made with the first photo."""
        return self.path.with_name(self.path.stem + "_photos")

    @contextmanager
    def write(self, author: str = "", *, undoes: Optional[int] = None) -> Iterator[sqlite3.Connection]:
        """One transaction and one action: all or nothing, and undone as a whole.

        Inside another `write` it joins that one.

        Parameters
        ----------
        author : str
            Who acts; empty if not known.
        undoes : int, optional
            First event of the action that this one takes back.

        Raises
        ------
        CityGapError
            ``locked`` if another program holds the store for more than 5 s.
        """
        if self.connection.in_transaction:
            yield self.connection
            return
        with told_plainly(self.path):
            self.connection.execute("BEGIN IMMEDIATE")
            try:
                self._begin_action(author, undoes)
                yield self.connection
                self.connection.execute("DELETE FROM meta WHERE key IN ('action', 'author', 'undoes')")
                self.connection.execute("COMMIT")
            except BaseException:
                if self.connection.in_transaction:
                    self.connection.execute("ROLLBACK")
                raise

    def _begin_action(self, author: str, undoes: Optional[int]) -> None:
        rows = [("action", ulid()), ("author", author)]
        if undoes is not None:
            rows.append(("undoes", str(undoes)))
        self.connection.executemany("INSERT INTO meta (key, value) VALUES (?, ?)", rows)

    def close(self) -> None:
        """Close the connection; a second time does nothing."""
        self.connection.close()

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()


def create_store(path: Union[str, Path], *, crs_name: str, srs_id: int, crs_wkt: str, tz: str) -> Store:
    """Make a new, empty store and open it.

    Parameters
    ----------
    path : path
        File to make; it appears only when it is complete.
    crs_name, srs_id, crs_wkt
        The city CRS (metres): its name, its EPSG code (100000 or more: a local number), its WKT.
    tz : str
        Time zone of the city, such as ``Asia/Shanghai``.

    Raises
    ------
    CityGapError
        ``exists``, ``missing_folder``, ``no_zone``.
    """
    path = Path(path)
    times.zone(tz)
    _refuse_existing(path)
    if not path.parent.is_dir():
        raise CityGapError("missing_folder", "the folder does not exist", file=str(path.parent))
    partial = path.with_name(f".{path.name}.{ulid()}")
    try:
        with told_plainly(path):
            _fill(partial, path.stem, crs_name, srs_id, crs_wkt, tz)
        _refuse_existing(path)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
    return open_store(path)


def _refuse_existing(path: Path) -> None:
    if path.exists():
        raise CityGapError(
            "exists", "there is a file of this name already", file=str(path), remedy="Name another one."
        )


def _fill(path: Path, project: str, crs_name: str, srs_id: int, crs_wkt: str, tz: str) -> None:
    connection = _connect(path)
    try:
        connection.executescript("BEGIN;" + _SCHEMA_FILE.read_text(encoding="utf-8"))
        organization = "EPSG" if 0 < srs_id < _FIRST_LOCAL_SRS else "NONE"
        connection.execute(
            "INSERT OR IGNORE INTO gpkg_spatial_ref_sys VALUES (?, ?, ?, ?, ?, ?)",
            (crs_name, srs_id, organization, srs_id, crs_wkt, crs_name),
        )
        connection.execute(
            "INSERT INTO gpkg_contents (table_name, data_type, identifier, description, srs_id)"
            " VALUES ('gaps', 'features', 'gaps', 'Gaps found by rules and flagged by planners', ?)",
            (srs_id,),
        )
        connection.execute(
            "INSERT INTO gpkg_geometry_columns VALUES ('gaps', 'geometry', 'GEOMETRY', ?, 0, 0)", (srs_id,)
        )
        meta = {
            "schema": str(SCHEMA),
            "project": project,
            "tz": tz,
            "crs": crs_name,
            "created_at": times.stamp(datetime.now(timezone.utc)),
        }
        connection.executemany("INSERT INTO meta (key, value) VALUES (?, ?)", meta.items())
        fill_rules(connection)
        connection.execute("COMMIT")
    finally:
        connection.close()


def fill_rules(connection: sqlite3.Connection) -> None:
    """Bring the table `rules` to the catalogue of this program; what people switched off stays off."""
    columns = ", ".join(f'"{name}"' for name in CatalogueRow._fields)
    marks = ", ".join("?" * len(CatalogueRow._fields))
    renewed = ", ".join(f'"{name}" = excluded."{name}"' for name in CatalogueRow._fields)
    insert = ("INSERT INTO rules (", columns, ") VALUES (", marks, ") ON CONFLICT (rule_id) DO UPDATE SET")
    connection.executemany(" ".join((*insert, renewed)), catalogue().values())


def _connect(path: Path) -> sqlite3.Connection:
    """The one way a connection is made: with the functions the spatial index calls."""
    connection = sqlite3.connect(str(path), timeout=BUSY_MS / 1000, isolation_level=None)
    register_functions(connection)
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute(" ".join(("PRAGMA cache_size =", str(-_CACHE_KIB))))
    return connection


def is_store(path: Union[str, Path]) -> bool:
    """Whether the file is a CityGap store, of whatever schema number."""
    path = Path(path)
    if not path.is_file():
        return False
    with open(path, "rb") as file:
        if not file.read(16).startswith(b"SQLite format 3"):
            return False
    connection = sqlite3.connect(str(path), timeout=BUSY_MS / 1000, isolation_level=None)
    try:
        with told_plainly(path):
            return _schema_of(connection) is not None
    except (CityGapError, sqlite3.DatabaseError) as error:
        if isinstance(error, CityGapError) and error.code != "not_store":
            raise
        return False
    finally:
        connection.close()


def _schema_of(connection: sqlite3.Connection) -> Optional[int]:
    """The schema number of a store; None if the database is none of ours."""
    tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    if not {"meta", "gaps", "events"} <= tables:
        return None
    row = connection.execute("SELECT value FROM meta WHERE key = 'schema'").fetchone()
    return int(row[0]) if row and str(row[0]).isdigit() else None


def open_store(path: Union[str, Path]) -> Store:
    """Open a store; accepted gaps whose time is over open again, and new events are sealed.

    Raises
    ------
    CityGapError
        ``missing_file``, ``not_store``, ``newer_store`` (made by a newer program), ``locked``,
        ``read_only``.
    """
    path = Path(path)
    if not path.is_file():
        raise CityGapError(
            "missing_file", "there is no such store", file=str(path), remedy="Run a check first."
        )
    with told_plainly(path):
        if not is_store(path):
            raise not_store(path)
        store = Store(path, _connect(path))
        try:
            _ready(store)
        except BaseException:
            store.close()
            raise
    return store


def _ready(store: Store) -> None:
    number = _schema_of(store.connection)
    if number is None or number > SCHEMA:
        raise CityGapError(
            "newer_store",
            f"the store has schema {number}, this program knows up to {SCHEMA}",
            file=str(store.path),
            remedy="Install the newer version of CityGap.",
        )
    if store.connection.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
        store.connection.execute("PRAGMA journal_mode = WAL")
    if number < SCHEMA:
        with store.write() as connection:
            upgrade.bring_to_schema(connection)
            connection.execute("UPDATE meta SET value = ? WHERE key = 'schema'", (str(SCHEMA),))
            fill_rules(connection)
    lifecycle.expire_accepted(store, datetime.now(timezone.utc))
    seal.seal_events(store)
