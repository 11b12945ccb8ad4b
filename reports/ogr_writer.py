"""Shapefiles by GDAL's own bindings, which every QGIS has."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Callable, Optional

from ..model.errors import Cancelled, CityGapError
from .columns import FieldSpec
from .writer import Crs, ReadBack, Shape

_DIMENSION_KINDS = ("pt", "ln", "pg")
_LOOK_EVERY = 1000
_SURE_PERCENT = 90


@contextmanager
def _listening() -> Iterator[list[str]]:
    """Collect GDAL's messages of this thread instead of printing them, whatever its exception mode."""
    from osgeo import gdal

    heard: list[str] = []
    gdal.PushErrorHandler(lambda _level, _number, message: heard.append(message))
    try:
        yield heard
    finally:
        gdal.PopErrorHandler()


@contextmanager
def _recoding(encoding: str) -> Iterator[None]:
    """Make this thread's shapefiles be of the encoding, also where QGIS has switched recoding off.

    QGIS sets SHAPE_ENCODING to nothing for its whole process: GDAL would then write UTF-8 bytes
    beside a ``.cpg`` that says GBK.
    """
    from osgeo import gdal

    before = gdal.GetThreadLocalConfigOption("SHAPE_ENCODING")
    gdal.SetThreadLocalConfigOption("SHAPE_ENCODING", encoding)
    try:
        yield
    finally:
        gdal.SetThreadLocalConfigOption("SHAPE_ENCODING", before)


class OgrEngine:
    """Writes and reads with ``osgeo``; native geometries are `ogr.Geometry`."""

    name = "ogr"

    def versions(self) -> dict[str, str]:
        """Versions of the writer and the reader: both GDAL, the reader in a fresh open."""
        from osgeo import gdal

        return {
            "writer": f"osgeo.ogr (GDAL {gdal.__version__})",
            "reader": f"osgeo.ogr (GDAL {gdal.__version__})",
        }

    def crs(self, wkt: str, epsg: Optional[int]) -> Crs:
        """The CRS of an EPSG code, else of a WKT."""
        from osgeo import osr

        system = osr.SpatialReference()
        with _listening():
            if not (_works(lambda: system.ImportFromEPSG(int(epsg))) if epsg else False) and not (
                _works(lambda: system.ImportFromWkt(wkt)) if wkt else False
            ):
                raise CityGapError(
                    "bad_crs", "the city's CRS can't be read", remedy="Give it by its EPSG code."
                )
        system.SetAxisMappingStrategy(osr.OAMS_TRADITIONAL_GIS_ORDER)
        return Crs(_epsg(system), system.ExportToWkt(["FORMAT=WKT2_2019"]), system)

    def prepare(self, wkbs: Sequence[Optional[bytes]]) -> list[Shape]:
        """Geometries ready for a shapefile, one for each WKB."""
        with _listening():
            return [Shape(None) if wkb is None else _prepared(wkb) for wkb in wkbs]

    def centre(self, shape: Shape) -> tuple[float, float]:
        """Centre of the bounds of a shape that has a kind."""
        west, east, south, north = shape.native.GetEnvelope()
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
        with _listening() as heard, _recoding(encoding):
            try:
                _write(path, geometry, fields, rows, shapes, crs, encoding, is_cancelled)
            except RuntimeError as error:
                message = "; ".join([str(error), *heard])
                raise CityGapError("write_failed", message, file=str(path)) from error

    def read(self, path: Path) -> ReadBack:
        """Read a shapefile afresh, told nothing but its path: the encoding is what the ``.cpg`` says."""
        from osgeo import ogr

        encoding = path.with_suffix(".cpg").read_text(encoding="ascii").strip()
        with _listening() as heard, _recoding(encoding):
            source = ogr.Open(str(path))
            if source is None:
                raise CityGapError("write_failed", "; ".join(heard) or "can't be opened", file=str(path))
            return _read(source.GetLayer(0))

    def unequal(self, meant: Sequence[Any], read: Sequence[Any]) -> list[int]:
        """Positions at which two lists of geometries differ."""
        return [place for place, (a, b) in enumerate(zip(meant, read)) if _normal(a) != _normal(b)]


ENGINE = OgrEngine()


def _works(call: Callable[[], int]) -> bool:
    try:
        return call() == 0
    except RuntimeError:
        return False


def _epsg(system: Any) -> Optional[int]:
    if system.GetAuthorityName(None) == "EPSG":
        return int(system.GetAuthorityCode(None))
    matches = [known for known, confidence in system.FindMatches() if confidence >= _SURE_PERCENT]
    codes = {known.GetAuthorityCode(None) for known in matches if known.GetAuthorityName(None) == "EPSG"}
    return int(codes.pop()) if len(codes) == 1 else None


def _prepared(wkb: bytes) -> Shape:
    try:
        return _shape(wkb)
    except RuntimeError:
        return Shape(None, None, ("unreadable",))


def _shape(wkb: bytes) -> Shape:
    from osgeo import ogr

    shape = ogr.CreateGeometryFromWkb(bytes(wkb))
    if shape is None:
        return Shape(None, None, ("unreadable",))
    if shape.IsEmpty():
        return Shape(None, None, ("empty",))
    changes = []
    if shape.HasCurveGeometry(1):
        shape = shape.GetLinearGeometry()
        changes.append("linearised")
    if shape.Is3D() or shape.IsMeasured():
        shape.FlattenTo2D()
        changes.append("flattened")
    area = _area(shape)
    if not shape.IsValid():
        shape = shape.MakeValid()
        if shape is None or shape.IsEmpty() or not shape.IsValid():
            return Shape(None, None, ("unreadable",))
        changes.append("made_valid")
    shape, dropped = _highest(shape)
    if dropped and "made_valid" not in changes:
        changes.append("parts_dropped")
    if abs(_area(shape) - area) > 1e-6 * max(area, 1.0):
        changes.append("area_changed")
    kind = _DIMENSION_KINDS[shape.GetDimension()]
    original = None
    if kind == "pt" and shape.GetGeometryCount() > 1:
        original = shape.ExportToWkt()
        changes.append("multipoint_reduced")
    return Shape(kind, _single(shape), tuple(changes), original)


def _area(shape: Any) -> float:
    return float(shape.Area()) if shape.GetDimension() == 2 else 0.0


def _leaves(shape: Any) -> Iterator[Any]:
    if shape.GetGeometryCount() and shape.GetGeometryName() not in ("POLYGON", "TRIANGLE"):
        for place in range(shape.GetGeometryCount()):
            yield from _leaves(shape.GetGeometryRef(place))
    elif not shape.IsEmpty():
        yield shape


def _highest(shape: Any) -> tuple[Any, bool]:
    """The parts of the highest dimension, and whether others were dropped."""
    from osgeo import ogr

    if shape.GetGeometryName() != "GEOMETRYCOLLECTION":
        return shape, False
    leaves = list(_leaves(shape))
    top = max(leaf.GetDimension() for leaf in leaves)
    kept = [leaf for leaf in leaves if leaf.GetDimension() == top]
    types = (ogr.wkbMultiPoint, ogr.wkbMultiLineString, ogr.wkbMultiPolygon)
    multi = ogr.Geometry(types[top])
    for leaf in kept:
        multi.AddGeometry(leaf)
    if not multi.IsValid():
        multi = multi.UnionCascaded() if top == 2 else multi.MakeValid()
    return multi, len(kept) < len(leaves)


def _single(shape: Any) -> Any:
    """The one part of a multi part geometry of one part, or the first of several points."""
    name = shape.GetGeometryName()
    if name == "MULTIPOINT" or (name.startswith("MULTI") and shape.GetGeometryCount() == 1):
        return shape.GetGeometryRef(0).Clone()
    return shape


def _write(
    path: Path,
    geometry: str,
    fields: Sequence[FieldSpec],
    rows: Sequence[Sequence[Any]],
    shapes: Sequence[Any],
    crs: Crs,
    encoding: str,
    is_cancelled: Callable[[], bool],
) -> None:
    from osgeo import ogr

    types = {"Point": ogr.wkbPoint, "LineString": ogr.wkbLineString, "Polygon": ogr.wkbPolygon}
    source = ogr.GetDriverByName("ESRI Shapefile").CreateDataSource(str(path))
    if source is None:
        raise RuntimeError("can't be created")
    layer = source.CreateLayer(path.stem, crs.native, types[geometry], [f"ENCODING={encoding}"])
    if layer is None:
        raise RuntimeError("can't be created")
    for spec in fields:
        _done(layer.CreateField(_definition(spec)))
    definition = layer.GetLayerDefn()
    for number, (row, shape) in enumerate(zip(rows, shapes)):
        if number % _LOOK_EVERY == 0 and is_cancelled():
            raise Cancelled
        feature = ogr.Feature(definition)
        for index, (spec, value) in enumerate(zip(fields, row)):
            if value is None:
                feature.SetFieldNull(index)
            elif spec.kind == "date":
                feature.SetField(index, *(int(part) for part in value.split("-")), 0, 0, 0, 0)
            else:
                feature.SetField(index, value)
        feature.SetGeometry(shape)
        _done(layer.CreateFeature(feature))
    _done(layer.SyncToDisk())


def _done(code: int) -> None:
    if code:
        raise RuntimeError(f"can't be written (OGR error {code})")


def _definition(spec: FieldSpec) -> Any:
    from osgeo import ogr

    types = {"text": ogr.OFTString, "date": ogr.OFTDate, "number": ogr.OFTReal, "count": ogr.OFTInteger}
    definition = ogr.FieldDefn(spec.name, types[spec.kind])
    if spec.kind != "date":
        definition.SetWidth(spec.width)
        definition.SetPrecision(spec.decimals)
    return definition


def _read(layer: Any) -> ReadBack:
    from osgeo import ogr

    definition = layer.GetLayerDefn()
    names = [definition.GetFieldDefn(index).GetName() for index in range(definition.GetFieldCount())]
    dates = {index for index in range(len(names)) if definition.GetFieldDefn(index).GetType() == ogr.OFTDate}
    values: list[list[Any]] = [[] for _ in names]
    shapes = []
    for feature in layer:
        for index, column in enumerate(values):
            if not feature.IsFieldSetAndNotNull(index):
                column.append(None)
            elif index in dates:
                year, month, day = feature.GetFieldAsDateTime(index)[:3]
                column.append(f"{year:04d}-{month:02d}-{day:02d}")
            else:
                column.append(feature.GetField(index))
        shape = feature.GetGeometryRef()
        shapes.append(None if shape is None else shape.Clone())
    system = layer.GetSpatialRef()
    geometry = (
        ogr.GeometryTypeToName(layer.GetGeomType()).replace("Multi ", "").replace("Line String", "LineString")
    )
    return ReadBack(geometry, None if system is None else _epsg(system), dict(zip(names, values)), shapes)


def _normal(shape: Any) -> Optional[bytes]:
    if shape is None:
        return None
    return bytes(_single(shape.Normalize()).ExportToIsoWkb())
