"""The provider `citygap` of QGIS's Processing framework."""

from __future__ import annotations

from pathlib import Path

from qgis.core import QgsProcessingProvider
from qgis.PyQt.QtGui import QIcon

from ..model.version import VERSION
from .card import CardAlgorithm
from .check import CheckAlgorithm
from .flag import FlagAlgorithm
from .gaps import GapsAlgorithm
from .note import NoteAlgorithm
from .report import ReportAlgorithm
from .sample import SampleAlgorithm

ICON = Path(__file__).parent.parent / "icons" / "citygap.svg"

ALGORITHMS = (
    SampleAlgorithm,
    CardAlgorithm,
    CheckAlgorithm,
    FlagAlgorithm,
    GapsAlgorithm,
    NoteAlgorithm,
    ReportAlgorithm,
)


class CityGapProvider(QgsProcessingProvider):
    """CityGap's algorithms under one name."""

    def id(self) -> str:
        """Part of every algorithm's id before the colon."""
        return "citygap"

    def name(self) -> str:
        """Name on the screen."""
        return "CityGap"

    def longName(self) -> str:  # noqa: N802 - QGIS's name
        """Name with version."""
        return f"CityGap {VERSION}"

    def icon(self) -> QIcon:
        """The plugin's own."""
        return QIcon(str(ICON))

    def loadAlgorithms(self) -> None:  # noqa: N802 - QGIS's name
        """Hand the algorithms to QGIS."""
        for algorithm in ALGORITHMS:
            self.addAlgorithm(algorithm())
