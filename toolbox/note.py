"""Algorithm `citygap:note`."""

from __future__ import annotations

from typing import Any

from qgis.core import (
    QgsProcessing,
    QgsProcessingOutputString,
    QgsProcessingParameterMultipleLayers,
    QgsProcessingParameterString,
)

from ..store.database import open_store
from ..store.notes import add_note
from .algorithm import CityGapAlgorithm, user_name
from .inputs import add_author, add_store, store_path, text


class NoteAlgorithm(CityGapAlgorithm):
    """Attaches an inspection note with photos to a gap."""

    command = "note"

    def displayName(self) -> str:  # noqa: N802 - QGIS's name
        """Name on the screen."""
        return self.tr("Add a note to a gap")

    def shortHelpString(self) -> str:  # noqa: N802 - QGIS's name
        """What it does."""
        return self.tr("Attaches what was seen to a gap: text, time, result and photos, which are copied.")

    def initAlgorithm(self, _configuration: Any = None) -> None:  # noqa: N802 - QGIS's name
        """Parameters and outputs."""
        add_store(self)
        for parameter in (
            QgsProcessingParameterString("GAP_ID", self.tr("Gap")),
            QgsProcessingParameterString("TEXT", self.tr("Text"), multiLine=True),
            QgsProcessingParameterMultipleLayers(
                "PHOTOS", self.tr("Photos"), QgsProcessing.SourceType.TypeFile, optional=True
            ),
            QgsProcessingParameterString(
                "AT", self.tr("When it was seen (ISO 8601; empty: now)"), optional=True
            ),
            QgsProcessingParameterString("RESULT", self.tr("Result"), optional=True),
        ):
            self.addParameter(parameter)
        add_author(self)
        self.addOutput(QgsProcessingOutputString("NOTE_ID", self.tr("Note")))

    def perform(self, parameters: Any, context: Any, _feedback: Any) -> dict[str, Any]:
        """Write the note, in QGIS's own process."""
        photos = self.parameterAsFileList(parameters, "PHOTOS", context)
        with open_store(store_path(self, parameters, context)) as store:
            note_id = add_note(
                store,
                [self.parameterAsString(parameters, "GAP_ID", context).strip()],
                text=self.parameterAsString(parameters, "TEXT", context),
                at=text(self, parameters, "AT", context),
                author=text(self, parameters, "AUTHOR", context) or user_name(),
                result=text(self, parameters, "RESULT", context),
                photos=[photo for photo in photos if photo],
            )
        return {"NOTE_ID": note_id}
