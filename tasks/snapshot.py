"""What of a layer the worker can read by path, and a temporary GeoPackage of the rest."""

from __future__ import annotations

from pathlib import Path
from typing import Optional

from qgis.core import (
    QgsFields,
    QgsProviderRegistry,
    QgsVectorFileWriter,
    QgsVectorFileWriterTask,
    QgsVectorLayer,
)

from ..model.errors import CityGapError


def source_text(layer: QgsVectorLayer) -> Optional[str]:
    """The layer as the worker takes it, ``FILE`` or ``FILE|LAYER``; None if it needs a snapshot.

    A snapshot is needed for whatever is more than a file as it lies on the disk: memory and
    database layers, filters, joins, computed fields and edits that are not committed.
    """
    if layer.providerType() != "ogr" or layer.subsetString() or layer.vectorJoins() or layer.isEditable():
        return None
    fields = layer.fields()
    origins = {fields.fieldOrigin(index) for index in range(fields.count())}
    if origins - {QgsFields.FieldOrigin.OriginProvider}:
        return None
    parts = QgsProviderRegistry.instance().decodeUri("ogr", layer.source())
    path = parts.get("path") or ""
    if not Path(path).exists() or parts.get("vsiPrefix") or parts.get("layerId"):
        return None
    name = parts.get("layerName")
    return f"{path}|{name}" if name else path


def snapshot_task(layer: QgsVectorLayer, path: Path) -> QgsVectorFileWriterTask:
    """A task that writes the layer, filter, joins and uncommitted edits included, to a GeoPackage.

    Everything of the layer that the task needs is taken here, on the main thread. The task's
    signals `completed` and `errorOccurred` tell its end.

    Parameters
    ----------
    layer : QgsVectorLayer
    path : Path
        The file to write; its layer is named like its stem.

    Raises
    ------
    CityGapError
        ``bad_layer`` if the layer's data can't be reached.
    """
    if not layer.isValid():
        raise CityGapError(
            "bad_layer",
            "the layer's data can't be reached",
            layer=layer.name(),
            remedy="Repair its data source or take it out of the project.",
        )
    options = QgsVectorFileWriter.SaveVectorOptions()
    options.driverName = "GPKG"
    options.layerName = path.stem
    options.fileEncoding = "UTF-8"
    options.layerOptions = ["FID=snapshot_fid"]  # a field named fid stays a field
    return QgsVectorFileWriterTask(layer, str(path), options)
