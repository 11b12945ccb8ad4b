"""Parameters that several algorithms have, and what they hold as the commands want it."""

from __future__ import annotations

import os
from typing import Any, Optional

from qgis.core import (
    QgsProcessing,
    QgsProcessingAlgorithm,
    QgsProcessingContext,
    QgsProcessingFeedback,
    QgsProcessingParameterCrs,
    QgsProcessingParameterDefinition,
    QgsProcessingParameterFile,
    QgsProcessingParameterMultipleLayers,
    QgsProcessingParameterString,
    QgsProcessingParameterVectorLayer,
)

from ..model.roles import ROLES
from ..model.words import word
from .algorithm import CityGapAlgorithm, language

READABLE = ["gpkg", "shp", "geojson", "json", "fgb", "csv", "pbf", "osm"]
"""What the worker reads by path; other layers are written to a temporary GeoPackage first."""


def add_store(algorithm: CityGapAlgorithm) -> None:
    """The parameter STORE: a store that is there."""
    algorithm.addParameter(
        QgsProcessingParameterFile(
            "STORE", _tr("Store of gaps"), extension="gpkg", fileFilter="GeoPackage (*.gpkg)"
        )
    )


def add_author(algorithm: CityGapAlgorithm) -> None:
    """The parameter AUTHOR: who says so."""
    algorithm.addParameter(
        QgsProcessingParameterString("AUTHOR", _tr("Author (empty: the system's user)"), optional=True)
    )


def add_where(algorithm: CityGapAlgorithm) -> None:
    """The parameter WHERE: which gaps."""
    algorithm.addParameter(
        QgsProcessingParameterString(
            "WHERE", _tr("Only gaps with (such as severity = 'high')"), optional=True
        )
    )


def add_files(algorithm: CityGapAlgorithm) -> None:
    """The parameter SOURCES: files whose layers are recognised."""
    algorithm.addParameter(
        QgsProcessingParameterMultipleLayers(
            "SOURCES", _tr("Files of the city"), QgsProcessing.SourceType.TypeFile, optional=True
        )
    )


def add_layers_and_maps(algorithm: CityGapAlgorithm) -> None:
    """One parameter for each role (HOUSING, PIPES, …), besides MAPS and CRS; all optional."""
    for role in ROLES.values():
        parameter = QgsProcessingParameterVectorLayer(
            role.name.upper(),
            word("role", role.name, language()),
            [QgsProcessing.SourceType.TypeVector],
            optional=True,
        )
        if not role.geometries or not role.needs_geometry:
            _make_advanced(parameter)
        algorithm.addParameter(parameter)
    maps = QgsProcessingParameterString(
        "MAPS", _tr("Columns, one a line, such as housing.built_year=YEAR"), multiLine=True, optional=True
    )
    algorithm.addParameter(_make_advanced(maps))
    algorithm.addParameter(
        _make_advanced(
            QgsProcessingParameterCrs("CRS", _tr("CRS of the city (empty: by the data)"), optional=True)
        )
    )


def _make_advanced(parameter: QgsProcessingParameterDefinition) -> QgsProcessingParameterDefinition:
    parameter.setFlags(parameter.flags() | QgsProcessingParameterDefinition.Flag.FlagAdvanced)
    return parameter


def store_path(algorithm: QgsProcessingAlgorithm, parameters: Any, context: QgsProcessingContext) -> str:
    """The store that is named."""
    return os.path.abspath(algorithm.parameterAsFile(parameters, "STORE", context))  # noqa: PTH100 - as typed


def files(algorithm: QgsProcessingAlgorithm, parameters: Any, context: QgsProcessingContext) -> list[str]:
    """The files that are named."""
    named = algorithm.parameterAsFileList(parameters, "SOURCES", context)
    return [os.path.abspath(path) for path in named if path]  # noqa: PTH100 - as typed


def layers_and_maps(
    algorithm: QgsProcessingAlgorithm,
    parameters: Any,
    context: QgsProcessingContext,
    feedback: QgsProcessingFeedback,
) -> dict[str, Any]:
    """The arguments `role`, `map` and `crs` of a command.

    Layers that are no file, or that are filtered, are written to a temporary GeoPackage.
    """
    roles = []
    for role in ROLES:
        if parameters.get(role.upper()):
            path, layer = algorithm.parameterAsCompatibleSourceLayerPathAndLayerName(
                parameters, role.upper(), context, READABLE, "gpkg", feedback
            )
            roles.append(f"{role}={path}|{layer}" if layer else f"{role}={path}")
    maps = algorithm.parameterAsString(parameters, "MAPS", context).splitlines()
    crs = algorithm.parameterAsCrs(parameters, "CRS", context)
    return {
        "role": roles,
        "map": [line.strip() for line in maps if line.strip()],
        "crs": crs.authid() or crs.toWkt() if crs.isValid() else None,
    }


def text(
    algorithm: QgsProcessingAlgorithm, parameters: Any, name: str, context: QgsProcessingContext
) -> Optional[str]:
    """A parameter's text; None if it is empty."""
    return algorithm.parameterAsString(parameters, name, context).strip() or None


def _tr(message: str) -> str:
    from qgis.PyQt.QtCore import QCoreApplication

    return QCoreApplication.translate("Inputs", message)
