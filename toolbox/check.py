"""Algorithm `citygap:check`."""

from __future__ import annotations

from typing import Any

from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsProcessingOutputNumber,
    QgsProcessingOutputString,
    QgsProcessingParameterDateTime,
    QgsProcessingParameterExtent,
    QgsProcessingParameterFile,
    QgsProcessingParameterFileDestination,
    QgsProcessingParameterString,
)

from ..model.catalogue import catalogue
from ..model.errors import CityGapError
from .algorithm import CityGapAlgorithm, ask, language
from .inputs import add_files, add_layers_and_maps, files, layers_and_maps, text

WGS84 = "EPSG:4326"


class CheckAlgorithm(CityGapAlgorithm):
    """Runs the rules over a city and merges what they find into a store."""

    command = "check"

    def displayName(self) -> str:  # noqa: N802 - QGIS's name
        """Name on the screen."""
        return self.tr("Check a city for gaps")

    def shortHelpString(self) -> str:  # noqa: N802 - QGIS's name
        """What it does."""
        return self.tr(
            "Runs the gap rules over the files and layers of a city. The store is made if it is not there; "
            "an earlier one is continued: gaps keep their identity, and what people said stays. Without "
            "files and layers the ones of the last run are checked again."
        )

    def initAlgorithm(self, _configuration: Any = None) -> None:  # noqa: N802 - QGIS's name
        """Parameters and outputs."""
        add_files(self)
        add_layers_and_maps(self)
        for parameter in (
            QgsProcessingParameterString(
                "RULES", self.tr("Only these rules (such as D01,N02)"), optional=True
            ),
            QgsProcessingParameterFile("STANDARDS", self.tr("The city's own standards"), optional=True),
            QgsProcessingParameterString("UNIT", self.tr("Only this unit (its code)"), optional=True),
            QgsProcessingParameterExtent("EXTENT", self.tr("Only this part"), optional=True),
            QgsProcessingParameterDateTime(
                "AS_OF",
                self.tr('The day that is "today"'),
                QgsProcessingParameterDateTime.Type.Date,
                optional=True,
            ),
            QgsProcessingParameterString("TZ", self.tr("Time zone"), optional=True),
            QgsProcessingParameterFileDestination(
                "STORE", self.tr("Store of gaps (an earlier one is continued)"), "GeoPackage (*.gpkg)"
            ),
            QgsProcessingParameterFileDestination(
                "CITY",
                self.tr("The city as it was read"),
                "GeoPackage (*.gpkg)",
                optional=True,
                createByDefault=False,
            ),
        ):
            self.addParameter(parameter)
        self.addOutput(QgsProcessingOutputString("RUN_ID", self.tr("Run")))
        self.addOutput(QgsProcessingOutputNumber("FOUND", self.tr("Gaps found")))

    def perform(self, parameters: Any, context: Any, feedback: Any) -> dict[str, Any]:
        """Check in a worker of its own."""
        store = self.parameterAsFileOutput(parameters, "STORE", context)
        city = self.parameterAsFileOutput(parameters, "CITY", context) if parameters.get("CITY") else None
        args = {
            "source": files(self, parameters, context),
            **layers_and_maps(self, parameters, context, feedback),
            "store": store,
            "city_out": city,
            "rules": [text(self, parameters, "RULES", context) or ""],
            "standards": text(self, parameters, "STANDARDS", context),
            "unit": text(self, parameters, "UNIT", context),
            "bbox": self._bbox(parameters, context),
            "as_of": self._day(parameters, context),
            "tz": text(self, parameters, "TZ", context),
        }
        result = ask("check", args, feedback)
        self._tell(result, feedback)
        found = sum(rule["found"] - rule["info"] for rule in result["rules"].values())
        outputs = {"STORE": store, "RUN_ID": result["run_id"], "FOUND": found}
        return {**outputs, "CITY": city} if city else outputs

    def _bbox(self, parameters: Any, context: Any) -> Any:
        if not parameters.get("EXTENT"):
            return None
        extent = self.parameterAsExtent(parameters, "EXTENT", context, QgsCoordinateReferenceSystem(WGS84))
        if extent.isEmpty():
            raise CityGapError("bad_bbox", "the extent is empty", remedy="Draw one that meets the city.")
        return [extent.xMinimum(), extent.yMinimum(), extent.xMaximum(), extent.yMaximum()]

    def _day(self, parameters: Any, context: Any) -> Any:
        if not parameters.get("AS_OF"):
            return None
        return self.parameterAsDateTime(parameters, "AS_OF", context).date().toString("yyyy-MM-dd")

    def _tell(self, result: dict[str, Any], feedback: Any) -> None:
        """One line a rule, and why one did not run."""
        for rule_id, rule in result["rules"].items():
            row = catalogue()[rule_id]
            title = row.title_zh if language() == "zh" else row.title_en
            reason = rule["reason"]["text"] if rule["reason"] else ""
            counts = " ".join(f"{name} {rule[name]}" for name in ("found", "new", "gone", "returned"))
            feedback.pushInfo(f"{rule_id} {title}: {rule['status']} {counts} {reason}".rstrip())
        for warning in result["warnings"]:
            feedback.pushWarning(warning)
