"""Shapefiles by fiona, read back by pyogrio, whose GDAL is another one. For the worker, never in QGIS.

The libraries are imported where they are used: importing this module needs none of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Callable, Optional

from ..model.errors import Cancelled, CityGapError
from .columns import FieldSpec
from .writer import Crs, ReadBack, Shape

_DIMENSION_KINDS = ("pt", "ln", "pg")
_LOOK_EVERY = 1000
_SURE_PERCENT = 90


class FionaEngine:
    """Writes with fiona, reads with pyogrio; native geometries are shapely's."""

    name = "fiona"

    def versions(self) -> dict[str, str]:
        """Versions of the writer and the reader, each with the GDAL it brings."""
        import fiona
        import pyogrio

        reader_gdal = ".".join(map(str, pyogrio.__gdal_version__))
        return {
            "writer": f"fiona {fiona.__version__} (GDAL {fiona.__gdal_version__})",
            "reader": f"pyogrio {pyogrio.__version__} (GDAL {reader_gdal})",
        }

    def crs(self, wkt: str, epsg: Optional[int]) -> Crs:
        """The CRS of an EPSG code, else of a WKT."""
        from fiona.crs import CRS
        from fiona.errors import CRSError

        tries: list[Callable[[], Any]] = []
        if epsg:
            tries.append(lambda: CRS.from_epsg(epsg))
        if wkt:
            tries.append(lambda: CRS.from_wkt(wkt))
        for attempt in tries:
            try:
                system = attempt()
                return Crs(system.to_epsg(_SURE_PERCENT), system.to_wkt(version="WKT2_2019"), system)
            except CRSError:
                continue
        raise CityGapError("bad_crs", "the city's CRS can't be read", remedy="Give it by its EPSG code.")

    def prepare(self, wkbs: Sequence[Optional[bytes]]) -> list[Shape]:
        """Geometries ready for a shapefile, one for each WKB."""
        return _prepared(wkbs)

    def centre(self, shape: Shape) -> tuple[float, float]:
        """Centre of the bounds of a shape that has a kind."""
        west, south, east, north = shape.native.bounds
        return (west + east) / 2, (south + north) / 2

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
        """Write one shapefile."""
        import fiona
        from fiona.errors import FionaError

        schema = {"geometry": geometry, "properties": {spec.name: _type(spec) for spec in fields}}
        names = [spec.name for spec in fields]

        def records() -> Iterator[dict[str, Any]]:
            for number, (row, shape) in enumerate(zip(rows, shapes)):
                if number % _LOOK_EVERY == 0 and is_cancelled():
                    raise Cancelled
                yield {"geometry": shape.__geo_interface__, "properties": dict(zip(names, row))}

        try:
            with fiona.open(
                str(path), "w", driver="ESRI Shapefile", schema=schema, crs=crs.native, encoding=encoding
            ) as layer:
                layer.writerecords(records())
        except (FionaError, OSError, RuntimeError, ValueError) as error:
            raise CityGapError("write_failed", str(error), file=str(path)) from error

    def read(self, path: Path) -> ReadBack:
        """Read a shapefile afresh, told nothing but its path."""
        import pyogrio
        import shapely

        try:
            meta, _ids, shapes, values = pyogrio.raw.read(str(path))
        except (pyogrio.errors.DataSourceError, UnicodeDecodeError) as error:
            raise CityGapError("write_failed", f"can't be read back: {error}", file=str(path)) from error
        authority, _, code = (meta["crs"] or "").partition(":")
        return ReadBack(
            meta["geometry_type"].replace("Multi", ""),
            int(code) if authority == "EPSG" else None,
            {name: _plain(column) for name, column in zip(meta["fields"], values)},
            list(shapely.from_wkb(shapes)),
        )

    def unequal(self, meant: Sequence[Any], read: Sequence[Any]) -> list[int]:
        """Positions at which two lists of geometries differ."""
        import numpy as np
        import shapely

        pair = [shapely.normalize(_single(np.array(list(shapes), dtype=object))) for shapes in (meant, read)]
        return np.flatnonzero(~shapely.equals_exact(*pair, tolerance=0)).tolist()


ENGINE = FionaEngine()


def _type(spec: FieldSpec) -> str:
    if spec.kind == "date":
        return "date"
    if spec.kind == "number":
        return f"float:{spec.width}.{spec.decimals}"
    return f"int:{spec.width}" if spec.kind == "count" else f"str:{spec.width}"


def _plain(column: Any) -> list[Any]:
    """A numpy column as text, numbers and ISO dates, None for null."""
    if column.dtype.kind == "M":
        return [None if day is None else day.isoformat() for day in column.tolist()]
    return [None if value is None or value != value else value for value in column.tolist()]


def _prepared(wkbs: Sequence[Optional[bytes]]) -> list[Shape]:
    import shapely

    given, linearised = _parsed(wkbs)
    flattened = shapely.has_z(given) | shapely.has_m(given)
    shapes, marks = _mended(shapely.force_2d(given))
    several = (shapely.get_dimensions(shapes) == 0) & (shapely.get_num_geometries(shapes) > 1)
    marks = {"linearised": linearised, "flattened": flattened, **marks, "multipoint_reduced": several}
    changes: list[list[str]] = [[] for _ in wkbs]
    for word, mask in marks.items():
        for place in mask.nonzero()[0].tolist():
            changes[place].append(word)
    originals = {
        place: shapely.to_wkt(shapes[place], rounding_precision=-1) for place in several.nonzero()[0].tolist()
    }
    dimensions, empty = shapely.get_dimensions(shapes), shapely.is_empty(shapes)
    prepared = []
    for place, shape in enumerate(_single(shapes)):
        if wkbs[place] is None:
            prepared.append(Shape(None))
        elif shape is None:
            prepared.append(Shape(None, None, ("unreadable",)))
        elif empty[place]:
            prepared.append(Shape(None, None, ("empty",)))
        else:
            kind = _DIMENSION_KINDS[dimensions[place]]
            prepared.append(Shape(kind, shape, tuple(changes[place]), originals.get(place)))
    return prepared


def _mended(shapes: Any) -> tuple[Any, dict[str, Any]]:
    """Valid geometries of one dimension each, None where that can't be, and masks of what changed."""
    import numpy as np
    import shapely

    shapes[_not_finite(shapes)] = None
    area = shapely.area(shapes)
    mended = ~shapely.is_valid(shapes) & ~shapely.is_missing(shapes)
    shapes[mended] = shapely.make_valid(shapes[mended])
    shapes[mended & ~shapely.is_valid(shapes)] = None
    dropped = np.zeros(len(shapes), dtype=bool)
    collections = shapely.get_type_id(shapes) == shapely.GeometryType.GEOMETRYCOLLECTION
    for place in np.flatnonzero(collections):
        shapes[place], dropped[place] = _highest(shapes[place])
    changed = np.abs(shapely.area(shapes) - area) > 1e-6 * np.maximum(area, 1.0)
    return shapes, {"made_valid": mended, "parts_dropped": dropped & ~mended, "area_changed": changed}


def _parsed(wkbs: Sequence[Optional[bytes]]) -> tuple[Any, Any]:
    """Shapely geometries, None where unreadable, and which of them had curves."""
    import numpy as np
    import shapely

    linearised = np.zeros(len(wkbs), dtype=bool)
    blobs = np.array([None if wkb is None else bytes(wkb) for wkb in wkbs] + [None], dtype=object)[:-1]
    try:
        return shapely.from_wkb(blobs, on_invalid="ignore"), linearised
    except NotImplementedError:
        shapes = np.full(len(blobs), None, dtype=object)
    for place, blob in enumerate(blobs):
        try:
            shapes[place] = shapely.from_wkb(blob, on_invalid="ignore")
        except NotImplementedError:
            shapes[place] = _straight(blob)
            linearised[place] = True
    return shapes, linearised


def _straight(blob: bytes) -> Any:
    """A curved geometry with its arcs as lines, by GDAL: GEOS knows no curves; None if GDAL can't."""
    import shapely.geometry
    from fiona.errors import FionaError
    from fiona.io import MemoryFile

    table = b"WKT\n" + blob.hex().encode("ascii") + b"\n"
    try:
        with MemoryFile(table, ext="csv") as memory, memory.open(driver="CSV") as layer:
            shape = next(iter(layer)).geometry
    except (FionaError, ValueError):
        return None
    return None if shape is None else shapely.geometry.shape(shape)


def _not_finite(shapes: Any) -> Any:
    import numpy as np
    import shapely

    coordinates, owners = shapely.get_coordinates(shapes, return_index=True)
    mask = np.zeros(len(shapes), dtype=bool)
    mask[owners[~np.isfinite(coordinates).all(axis=1)]] = True
    return mask


def _highest(collection: Any) -> tuple[Any, bool]:
    """The parts of the highest dimension, and whether others were dropped."""
    import shapely

    parts = shapely.get_parts(collection)
    while (shapely.get_type_id(parts) == shapely.GeometryType.GEOMETRYCOLLECTION).any():
        parts = shapely.get_parts(parts)
    parts = shapely.get_parts(parts)
    parts = parts[~shapely.is_empty(parts)]
    if not len(parts):
        return collection, False
    top = shapely.get_dimensions(parts).max()
    kept = parts[shapely.get_dimensions(parts) == top]
    builders = (shapely.multipoints, shapely.multilinestrings, shapely.multipolygons)
    multi = builders[top](kept)
    return multi if multi.is_valid else shapely.union_all(kept), len(kept) < len(parts)


def _single(shapes: Any) -> Any:
    """The one part of each multi part geometry of one part, or the first of several points."""
    import shapely

    types, parts = shapely.get_type_id(shapes), shapely.get_num_geometries(shapes)
    reduce = (types == shapely.GeometryType.MULTIPOINT) & (parts > 0)
    reduce |= (
        (types > shapely.GeometryType.MULTIPOINT)
        & (types < shapely.GeometryType.GEOMETRYCOLLECTION)
        & (parts == 1)
    )
    shapes = shapes.copy()
    shapes[reduce] = shapely.get_geometry(shapes[reduce], 0)
    return shapes
