"""Makes one layer from what the plan says of it."""

from __future__ import annotations

from collections.abc import Iterator

from qgis.core import QgsFeatureRequest, QgsMapLayer, QgsRectangle, QgsVectorLayer

from ..model.errors import CityGapError
from .forms import set_up_form
from .rows import LayerRow
from .styling import apply_style

Bounds = dict[str, QgsRectangle]
"""Table to its bounds, as far as asked for."""

PART_PROPERTY = "citygap/part"
"""Custom property of our layers: which part of the map it is (``gaps_point``)."""


def make_layer(row: LayerRow, language: str, bounds: Bounds) -> Iterator[QgsVectorLayer]:
    """The layer, styled; none where the row asks for rows and there are none.

    `bounds` is kept over several calls.

    Raises
    ------
    CityGapError
        ``unreadable`` if the layer can't be opened.
    """
    layer = QgsVectorLayer(row.uri, row.title, row.provider)
    if not layer.isValid():
        raise CityGapError(
            "unreadable", "the layer can't be opened", layer=row.title, file=row.uri.split("|")[0]
        )
    if row.only_with_rows and not _has_rows(layer):
        return
    layer.setCustomProperty(PART_PROPERTY, row.part)
    if row.provider == "memory":
        layer.setCustomProperty("skipMemoryLayersCheck", 1)
    apply_style(layer, row.style, language, row.bodies)
    set_up_form(layer, row.part.split("_")[0] if row.editable else "", language)
    layer.setMapTipTemplate(row.tip)
    layer.setReadOnly(not row.editable)
    if row.private:
        layer.setFlags(layer.flags() | QgsMapLayer.LayerFlag.Private)
    set_known_extent(layer, bounds)
    yield layer


def _has_rows(layer: QgsVectorLayer) -> bool:
    return any(True for _ in layer.getFeatures(QgsFeatureRequest().setLimit(1).setNoAttributes()))


def set_known_extent(layer: QgsVectorLayer, bounds: Bounds) -> None:
    """Tell a filtered layer its table's bounds, looked up in `bounds` or added there.

    Asked for its own, QGIS would read every feature (2.2 s of a million); the table's index keeps the bounds.
    """
    place, _, name = layer.source().partition("|layername=")
    name, _, filters = name.partition("|")
    if not filters or not layer.isSpatial():
        return
    table = f"{place}|layername={name}"
    if table not in bounds:
        bounds[table] = QgsVectorLayer(table, "", "ogr").extent()
    if not bounds[table].isNull():
        layer.setExtent(bounds[table])
