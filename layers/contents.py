"""What a GeoPackage holds, found without reading its features."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from qgis.core import QgsFeatureRequest, QgsProviderRegistry, QgsVectorLayer, QgsWkbTypes

from ..model.errors import CityGapError

KINDS = ("point", "line", "polygon")
"""Geometry kinds, in the order in which they are drawn from the top."""

_OGR_TYPES = {"point": "MultiPoint", "line": "MultiLineString", "polygon": "MultiPolygon"}
# QGIS 3.22 and 4 have these words in common, the scoped ones they have not.
_KIND_OF_TYPE = {
    QgsWkbTypes.PointGeometry: "point",
    QgsWkbTypes.LineGeometry: "line",
    QgsWkbTypes.PolygonGeometry: "polygon",
}


def quoted(name: str) -> str:
    """A column's name for SQL."""
    return '"' + name.replace('"', '""') + '"'


_COUNT = "SELECT count(*) FROM {table} WHERE {condition}"


class Table(NamedTuple):
    """A table of a GeoPackage. `kind`: point, line, polygon, mixed (any geometry) or none."""

    name: str
    uri: str
    kind: str
    geometry_column: str

    @property
    def path(self) -> str:
        """The file that holds it."""
        return self.uri.split("|")[0]

    def uri_of(self, kind: str, subset: str = "") -> str:
        """Where the table's features of one geometry kind are; `subset` is a condition or a SELECT."""
        uri = f"{self.uri}|geometrytype={_OGR_TYPES[kind]}" if self.kind == "mixed" else self.uri
        return f"{uri}|subset={subset}" if subset else uri

    def uri_without_place(self) -> str:
        """Where the rows are that have no geometry."""
        return f"{self.uri}|subset={quoted(self.geometry_column)} IS NULL"

    def kinds(self) -> tuple[str, ...]:
        """Geometry kinds the table holds now; a table of any geometry is asked for one feature of each."""
        if self.kind != "mixed":
            return (self.kind,) if self.kind in KINDS else ()
        return tuple(kind for kind in KINDS if _has_a_feature(self.uri_of(kind)))


def _has_a_feature(uri: str) -> bool:
    request = QgsFeatureRequest().setLimit(1).setNoAttributes()
    return any(True for _ in QgsVectorLayer(uri, "", "ogr").getFeatures(request))


def read_tables(path: Path) -> dict[str, Table]:
    """Name to table, for every layer and attribute table of a GeoPackage.

    Raises
    ------
    CityGapError
        ``missing_file`` if there is no such file; ``unreadable`` if QGIS can't open it.
    """
    if not path.is_file():
        raise CityGapError("missing_file", "there is no such file", file=str(path))
    found = QgsProviderRegistry.instance().querySublayers(str(path))
    if not found:
        raise CityGapError(
            "unreadable", "no layer can be read", file=str(path), remedy="Give a GeoPackage of CityGap."
        )
    return {
        part.name(): Table(part.name(), part.uri(), _kind(part.wkbType()), part.geometryColumnName())
        for part in found
    }


def _kind(wkb_type: int) -> str:
    if wkb_type == QgsWkbTypes.NoGeometry:
        return "none"
    return _KIND_OF_TYPE.get(QgsWkbTypes.geometryType(wkb_type), "mixed")


def count_rows(table: Table, condition: str = "1") -> int:
    """Number of rows that meet a condition of ours, by one question to the database.

    QGIS's own count is no use here: on a table without OGR's row counts it forgets the condition and,
    from 100,000 rows, estimates.
    """
    address = f"{Path(table.path).resolve().as_uri()}?mode=ro"
    with closing(sqlite3.connect(address, uri=True)) as connection:
        statement = _COUNT.format(table=quoted(table.name), condition=condition)
        return int(connection.execute(statement).fetchone()[0])


def distinct_values(table: Table, column: str, limit: int = -1) -> list[str]:
    """The values of a column in alphabetical order, empty ones left out; none if there is no such column."""
    layer = QgsVectorLayer(table.uri, "", "ogr")
    index = layer.fields().lookupField(column)
    if index < 0:
        return []
    values = layer.dataProvider().uniqueValues(index, limit)
    return sorted(value for value in values if isinstance(value, str) and value.strip())


def column_names(table: Table) -> list[str]:
    """Columns of a table, its row number included, its geometry left out."""
    return QgsVectorLayer(table.uri, "", "ogr").fields().names()


def crs_name(table: Table) -> str:
    """The table's CRS as ``EPSG:4549``; empty where it has no such number."""
    return QgsVectorLayer(table.uri, "", "ogr").crs().authid()
