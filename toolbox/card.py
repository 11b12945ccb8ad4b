"""Algorithm `citygap:card`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from qgis.core import QgsProcessingOutputString, QgsProcessingParameterFileDestination

from .algorithm import CityGapAlgorithm, ask
from .inputs import add_files, add_layers_and_maps, files, layers_and_maps


class CardAlgorithm(CityGapAlgorithm):
    """Says what is in sources: role, fields, CRS, quality."""

    command = "card"

    def displayName(self) -> str:  # noqa: N802 - QGIS's name
        """Name on the screen."""
        return self.tr("Describe the sources")

    def shortHelpString(self) -> str:  # noqa: N802 - QGIS's name
        """What it does."""
        return self.tr(
            "Says which role each layer is taken for, how sure that is, its fields, and what is missing."
        )

    def initAlgorithm(self, _configuration: Any = None) -> None:  # noqa: N802 - QGIS's name
        """Parameters and outputs."""
        add_files(self)
        add_layers_and_maps(self)
        self.addParameter(
            QgsProcessingParameterFileDestination(
                "OUTPUT", self.tr("Card"), "JSON (*.json)", optional=True, createByDefault=False
            )
        )
        self.addOutput(QgsProcessingOutputString("CARD", self.tr("Card")))

    def perform(self, parameters: Any, context: Any, feedback: Any) -> dict[str, Any]:
        """Read the sources in a worker of its own."""
        args = {
            "source": files(self, parameters, context),
            **layers_and_maps(self, parameters, context, feedback),
        }
        card = json.dumps(ask("card", args, feedback), ensure_ascii=False, indent=1)
        feedback.pushInfo(card)
        outputs = {"CARD": card}
        if parameters.get("OUTPUT"):
            output = self.parameterAsFileOutput(parameters, "OUTPUT", context)
            Path(output).write_text(card, encoding="utf-8")
            outputs["OUTPUT"] = output
        return outputs
