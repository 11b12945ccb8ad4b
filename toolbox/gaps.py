"""Algorithm `citygap:gaps`."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any, Optional

from qgis.core import QgsGeometry, QgsProcessingOutputNumber, QgsProcessingParameterFileDestination

from ..model.errors import CityGapError
from ..model.gap import RECORD_COLUMNS
from ..store.database import open_store
from ..store.gaps import read_gaps
from .algorithm import CityGapAlgorithm, language
from .inputs import add_store, add_where, store_path, text

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
"""What a spreadsheet would run (OWASP, CSV injection); such a text gets an apostrophe."""


class GapsAlgorithm(CityGapAlgorithm):
    """Writes the gap records of a store as JSON or CSV."""

    command = "gaps"

    def displayName(self) -> str:  # noqa: N802 - QGIS's name
        """Name on the screen."""
        return self.tr("List the gaps")

    def shortHelpString(self) -> str:  # noqa: N802 - QGIS's name
        """What it does."""
        return self.tr("Writes the gap records as JSON or CSV, their geometry as WKT in the city's CRS.")

    def initAlgorithm(self, _configuration: Any = None) -> None:  # noqa: N802 - QGIS's name
        """Parameters and outputs."""
        add_store(self)
        add_where(self)
        self.addParameter(
            QgsProcessingParameterFileDestination("OUTPUT", self.tr("Gaps"), "JSON (*.json);;CSV (*.csv)")
        )
        self.addOutput(QgsProcessingOutputNumber("COUNT", self.tr("Number of gaps")))

    def perform(self, parameters: Any, context: Any, _feedback: Any) -> dict[str, Any]:
        """Read the store and write the file, in QGIS's own process."""
        output = Path(self.parameterAsFileOutput(parameters, "OUTPUT", context))
        with open_store(store_path(self, parameters, context)) as store:
            records = read_gaps(store, text(self, parameters, "WHERE", context) or "", language())
        rows = [{**record, "geometry": _wkt(record["wkb"])} for record in records]
        for row in rows:
            del row["wkb"]
        _write(rows, output)
        return {"OUTPUT": str(output), "COUNT": len(rows)}


def _write(rows: list[dict[str, Any]], output: Path) -> None:
    """Write the rows beside their place, then put them there."""
    partial = output.with_name(f".{output.name}.part")
    try:
        if output.suffix.lower() == ".csv":
            _write_csv(rows, partial)
        else:
            partial.write_text(json.dumps(rows, ensure_ascii=False, indent=1), encoding="utf-8")
        partial.replace(output)
    except OSError as error:
        raise CityGapError(
            "write_failed", f"the file can't be written ({error.strerror})", file=str(output)
        ) from error
    finally:
        partial.unlink(missing_ok=True)


def _write_csv(rows: list[dict[str, Any]], path: Path) -> None:
    """UTF-8 with BOM, so that a spreadsheet reads Chinese."""
    with open(path, "w", encoding="utf-8-sig", newline="") as file:
        writer = csv.DictWriter(file, [*RECORD_COLUMNS, "geometry"])
        writer.writeheader()
        writer.writerows({name: _cell(value) for name, value in row.items()} for row in rows)


def _cell(value: Any) -> Any:
    if isinstance(value, str) and value.startswith(_FORMULA_STARTS):
        return f"'{value}"
    return value


def _wkt(wkb: Optional[bytes]) -> Optional[str]:
    if wkb is None:
        return None
    geometry = QgsGeometry()
    geometry.fromWkb(wkb)
    return geometry.asWkt()
