"""What SQLite says of the file, told so that a user can act on it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..model.errors import CityGapError


@contextmanager
def told_plainly(path: Path) -> Iterator[None]:
    """Turn SQLite's errors of the file itself into errors that name it and say what to do."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        text = str(error)
        if "locked" in text or "busy" in text:
            raise CityGapError(
                "locked",
                "the store is locked: another program is writing to it",
                file=str(path),
                remedy="Save or cancel the edits there (QGIS, another check), then try again.",
            ) from error
        if "readonly" in text or "unable to open" in text:
            raise CityGapError(
                "read_only",
                "the store can not be written to",
                file=str(path),
                remedy="Copy it to a folder you may write to.",
            ) from error
        if "disk is full" in text:
            raise CityGapError(
                "disk_full",
                "the disk is full; nothing was changed",
                file=str(path),
                remedy="Make room first.",
            ) from error
        if "not a database" in text or "malformed" in text:
            raise not_store(path) from error
        raise


def not_store(path: Path) -> CityGapError:
    """The error for a file that is none of ours."""
    return CityGapError(
        "not_store",
        "this is no CityGap store, or it is damaged",
        file=str(path),
        remedy="Name the GeoPackage that a check has made.",
    )
