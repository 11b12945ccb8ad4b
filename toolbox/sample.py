"""Algorithm `citygap:sample`."""

from __future__ import annotations

from typing import Any

from qgis.core import QgsProcessingParameterFileDestination, QgsProcessingParameterNumber

from .algorithm import CityGapAlgorithm, ask


class SampleAlgorithm(CityGapAlgorithm):
    """Writes the sample city."""

    command = "sample"

    def displayName(self) -> str:  # noqa: N802 - QGIS's name
        """Name on the screen."""
        return self.tr("Write the sample city")

    def shortHelpString(self) -> str:  # noqa: N802 - QGIS's name
        """What it does."""
        return self.tr("Writes a made-up city with known gaps, to try CityGap on.")

    def initAlgorithm(self, _configuration: Any = None) -> None:  # noqa: N802 - QGIS's name
        """Parameters."""
        for name, label in (
            ("BUILDINGS", self.tr("Buildings")),
            ("SEED", self.tr("Seed of the random numbers")),
        ):
            self.addParameter(
                QgsProcessingParameterNumber(
                    name, label, QgsProcessingParameterNumber.Type.Integer, optional=True, minValue=0
                )
            )
        self.addParameter(
            QgsProcessingParameterFileDestination("OUT", self.tr("Sample city"), "GeoPackage (*.gpkg)")
        )

    def perform(self, parameters: Any, context: Any, feedback: Any) -> dict[str, Any]:
        """Write it in a worker of its own."""
        out = self.parameterAsFileOutput(parameters, "OUT", context)
        args = {"out": out}
        for name in ("BUILDINGS", "SEED"):
            if parameters.get(name) is not None:
                args[name.lower()] = self.parameterAsInt(parameters, name, context)
        ask("sample", args, feedback)
        return {"OUT": out}
