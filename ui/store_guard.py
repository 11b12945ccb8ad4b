"""Keeps an open store whole while GDAL and SQLite meet in QGIS's process.

On POSIX systems a process loses all its locks on a file as soon as it closes any descriptor of it
(https://www.sqlite.org/howtocorrupt.html, 2.2), and GDAL does so each time it opens a GeoPackage.
Another program that then closes the store believes to be the last user and deletes the write-ahead
log that QGIS goes on writing to. A lock that belongs to a descriptor of its own is not lost.
"""

from __future__ import annotations

import os
import struct
import sys
from pathlib import Path
from typing import Optional

from ..model.errors import CityGapError

if sys.platform != "win32":
    import fcntl

SHARED_FIRST = 0x40000002
SHARED_SIZE = 510
"""The bytes that SQLite locks: a shared lock here keeps others from an exclusive one (sqlite3 os.h)."""

MACOS_OFD_SETLK = 90
"""F_OFD_SETLK of macOS, which Python does not name."""


class StoreGuard:
    """Holds a shared lock on a store in WAL mode; it hinders neither readers nor writers.

    On Windows locks belong to descriptors anyway, and nothing is done.

    Raises
    ------
    CityGapError
        ``no_lock`` if the file system knows no such locks; SQLite asks for them too.
    """

    def __init__(self, path: Path) -> None:
        self._descriptor: Optional[int] = None
        if sys.platform == "win32":
            return
        self._descriptor = os.open(path, os.O_RDONLY)
        try:
            fcntl.fcntl(self._descriptor, *_shared_lock())
        except OSError as error:
            self.release()
            raise CityGapError(
                "no_lock",
                f"the store can't be locked here ({error.strerror})",
                file=str(path),
                remedy="Copy it to a disk of this computer.",
            ) from error

    def release(self) -> None:
        """Let go; a second time does nothing. The process loses its other locks on the file too."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def _shared_lock() -> tuple[int, bytes]:
    """Command and argument of fcntl for the lock: struct flock as the system lays it out."""
    if sys.platform == "darwin":
        flock = struct.pack("qqihh", SHARED_FIRST, SHARED_SIZE, 0, fcntl.F_RDLCK, os.SEEK_SET)
        return MACOS_OFD_SETLK, flock
    return fcntl.F_OFD_SETLK, struct.pack("hhqqi", fcntl.F_RDLCK, os.SEEK_SET, SHARED_FIRST, SHARED_SIZE, 0)
