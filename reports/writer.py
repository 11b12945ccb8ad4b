"""The one way shapefiles are written and read back, and the choice of the engine that does it."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Callable, NamedTuple, Optional, Protocol, cast

from ..model.errors import CityGapError
from .columns import FieldSpec

KINDS = {"pt": "Point", "ln": "LineString", "pg": "Polygon"}
"""Ending of a file's name to the one geometry type it holds (multi parts included, except points)."""


class Crs(NamedTuple):
    """A CRS: its EPSG code if it has one, its full WKT2, and the engine's own object."""

    epsg: Optional[int]
    wkt2: str
    native: Any


class Shape(NamedTuple):
    """A geometry ready for a shapefile: 2D, straight, valid, of one kind (a key of `KINDS`).

    `kind` is None without a usable place. `changes` names what was done: linearised, flattened,
    made_valid, parts_dropped, multipoint_reduced, area_changed; or why there is no place: empty,
    unreadable. `original` is the WKT of a multipoint of which only the first point is kept.
    """

    kind: Optional[str]
    native: Any = None
    changes: tuple[str, ...] = ()
    original: Optional[str] = None


class ReadBack(NamedTuple):
    """A shapefile as another program reads it.

    `columns` holds a list of values a field: text, float, int, ISO date or None.
    """

    geometry: str
    epsg: Optional[int]
    columns: dict[str, list[Any]]
    shapes: list[Any]


class Engine(Protocol):
    """What both engines do; they are held to the same tests."""

    name: str

    def versions(self) -> dict[str, str]:
        """Versions of the ``writer`` and the ``reader``."""

    def crs(self, wkt: str, epsg: Optional[int]) -> Crs:
        """The CRS of an EPSG code, else of a WKT; ``bad_crs`` if neither says one."""

    def prepare(self, wkbs: Sequence[Optional[bytes]]) -> list[Shape]:
        """Geometries ready for a shapefile, one for each WKB."""

    def centre(self, shape: Shape) -> tuple[float, float]:
        """Centre of the bounds of a shape that has a kind."""

    def write(
        self,
        path: Path,
        geometry: str,
        fields: Sequence[FieldSpec],
        rows: Sequence[Sequence[Any]],
        shapes: Sequence[Any],
        crs: Crs,
        encoding: str,
        is_cancelled: Callable[[], bool],
    ) -> None:
        """Write one shapefile; ``write_failed`` if it can't be written, `Cancelled` on request."""

    def read(self, path: Path) -> ReadBack:
        """Read a shapefile afresh, told nothing but its path."""

    def unequal(self, meant: Sequence[Any], read: Sequence[Any]) -> list[int]:
        """Positions at which two lists of native geometries differ, order of rings and parts aside."""


def engine(name: Optional[str] = None) -> Engine:
    """The engine of that name (``fiona``, ``ogr``), or the right one for this process.

    fiona brings a GDAL of its own, so it is never loaded into QGIS's process.

    Raises
    ------
    CityGapError
        ``no_writer`` if there is neither fiona nor osgeo.
    """
    chosen = name or _usable()
    module = import_module(f".{chosen}_writer", __package__)
    return cast(Engine, module.ENGINE)


def _usable() -> str:
    if "qgis.core" not in sys.modules and all(map(find_spec, ("fiona", "pyogrio", "shapely"))):
        return "fiona"
    if find_spec("osgeo") is not None:
        return "ogr"
    raise CityGapError(
        "no_writer",
        "this Python has neither fiona nor GDAL's own bindings",
        remedy="Install fiona: python -m pip install fiona pyogrio shapely",
    )
