"""Algorithm `citygap:report`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from qgis.core import (
    QgsProcessingOutputNumber,
    QgsProcessingParameterBoolean,
    QgsProcessingParameterEnum,
    QgsProcessingParameterFolderDestination,
)

from ..reports.report import PROFILES, report_from_store
from ..reports.summary import loss_lines
from ..store.database import open_store
from .algorithm import CityGapAlgorithm, ask, language, or_here
from .inputs import add_store, add_where, store_path, text

ENCODINGS = ("UTF-8", "GBK", "GB18030")


class ReportAlgorithm(CityGapAlgorithm):
    """Writes the gap report as a shapefile set; without a worker by QGIS's own GDAL."""

    command = "report"

    def displayName(self) -> str:  # noqa: N802 - QGIS's name
        """Name on the screen."""
        return self.tr("Export the gap report")

    def shortHelpString(self) -> str:  # noqa: N802 - QGIS's name
        """What it does."""
        return self.tr(
            "Writes the gaps as shapefiles (points, lines, areas) with a legend, notes and photos, reads "
            "them back and says what the format could not hold. An earlier report in the folder is kept "
            "as FOLDER.1."
        )

    def initAlgorithm(self, _configuration: Any = None) -> None:  # noqa: N802 - QGIS's name
        """Parameters and outputs."""
        add_store(self)
        add_where(self)
        self.addParameter(
            QgsProcessingParameterEnum(
                "ENCODING", self.tr("Encoding"), ENCODINGS, defaultValue=ENCODINGS[0], usesStaticStrings=True
            )
        )
        self.addParameter(
            QgsProcessingParameterEnum(
                "PROFILE", self.tr("Profile"), PROFILES, defaultValue=PROFILES[0], usesStaticStrings=True
            )
        )
        self.addParameter(QgsProcessingParameterBoolean("STRICT", self.tr("Fail on any difference"), False))
        self.addParameter(QgsProcessingParameterFolderDestination("OUT", self.tr("Folder of the report")))
        self.addOutput(QgsProcessingOutputNumber("GAPS", self.tr("Gaps written")))

    def perform(self, parameters: Any, context: Any, feedback: Any) -> dict[str, Any]:
        """Write the report."""
        store = store_path(self, parameters, context)
        out = self.parameterAsString(parameters, "OUT", context)
        options = {
            "where": text(self, parameters, "WHERE", context) or "",
            "encoding": self.parameterAsEnumString(parameters, "ENCODING", context),
            "profile": self.parameterAsEnumString(parameters, "PROFILE", context),
            "strict": self.parameterAsBoolean(parameters, "STRICT", context),
        }
        report = or_here(
            feedback,
            lambda: ask("report", {"store": store, "out": out, **options}, feedback),
            lambda: _write_here(store, out, options, feedback),
        )
        for line in loss_lines(report, language()):
            feedback.pushInfo(line)
        return {"OUT": out, "GAPS": report["gaps"]}


def _write_here(store: str, out: str, options: dict[str, Any], feedback: Any) -> dict[str, Any]:
    with open_store(store) as opened:
        return report_from_store(
            opened,
            Path(out),
            language=language(),
            on_progress=lambda share: feedback.setProgress(100 * share),
            is_cancelled=feedback.isCanceled,
            **options,
        )
