"""Asks what was seen at a gap."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple, Optional

from qgis.PyQt.QtCore import QDateTime, QSize, Qt
from qgis.PyQt.QtWidgets import QDialog, QDialogButtonBox, QFileDialog, QListWidgetItem

from .choices import note_results
from .forms import fill, load_form
from .gaps_page import thumbnail

PHOTO_SIZE = QSize(96, 72)
PHOTO_PATTERN = "*.jpg *.jpeg *.png *.heic *.webp *.tif *.tiff *.gif"


class NoteWords(NamedTuple):
    """What a person saw: text, time (ISO 8601 with zone), result (None: not said) and photo paths."""

    text: str
    at: str
    result: Optional[str]
    photos: tuple[str, ...]


class NoteDialog(QDialog):
    """Text, time, result and photos of a note; photos can be dropped. Save waits for a text or a photo.

    Parameters
    ----------
    language : str
        ``zh`` or ``en``.
    about : str
        Title of the gap, or how many gaps.
    """

    def __init__(self, language: str, about: str, parent: Any = None) -> None:
        super().__init__(parent)
        load_form(self, __file__)
        self.gap_label.setText(about)
        self.time_edit.setDateTime(QDateTime.currentDateTime())
        fill(self.result_combo, [("", self.tr("Not said")), *note_results(language)])
        self.save_button = self.button_box.button(QDialogButtonBox.StandardButton.Save)
        self.save_button.setText(self.tr("Save note"))
        self.button_box.button(QDialogButtonBox.StandardButton.Cancel).setText(self.tr("Cancel"))
        self.text_edit.textChanged.connect(self._on_changed)
        self.add_photo_button.clicked.connect(self._on_add)
        self.remove_photo_button.clicked.connect(self._on_remove)
        self.photo_list.itemSelectionChanged.connect(
            lambda: self.remove_photo_button.setEnabled(bool(self.photo_list.selectedItems()))
        )
        self.button_box.accepted.connect(self.accept)
        self.button_box.rejected.connect(self.reject)
        self.text_edit.setFocus()
        self._on_changed()

    def add_photos(self, paths: list[str]) -> None:
        """Attach photos; one that is attached already is not attached twice."""
        for path in paths:
            if path not in self._photos():
                item = QListWidgetItem(thumbnail(Path(path), PHOTO_SIZE), Path(path).name, self.photo_list)
                item.setData(Qt.ItemDataRole.UserRole, path)
        self._on_changed()

    def words(self) -> NoteWords:
        """What was said."""
        moment = self.time_edit.dateTime()
        at = moment.toOffsetFromUtc(moment.offsetFromUtc()).toString(Qt.DateFormat.ISODate)
        text = self.text_edit.toPlainText().strip()
        return NoteWords(text, at, self.result_combo.currentData() or None, tuple(self._photos()))

    def dragEnterEvent(self, event: Any) -> None:  # noqa: N802
        """Take files."""
        if any(url.isLocalFile() for url in event.mimeData().urls()):
            event.acceptProposedAction()

    def dropEvent(self, event: Any) -> None:  # noqa: N802
        """Attach the files that were dropped."""
        self.add_photos([url.toLocalFile() for url in event.mimeData().urls() if url.isLocalFile()])
        event.acceptProposedAction()

    def _photos(self) -> list[str]:
        items = (self.photo_list.item(row) for row in range(self.photo_list.count()))
        return [item.data(Qt.ItemDataRole.UserRole) for item in items]

    def _on_add(self) -> None:
        photos = self.tr("Photos ({})").format(PHOTO_PATTERN)
        self.add_photos(QFileDialog.getOpenFileNames(self, self.tr("Add photos"), "", photos)[0])

    def _on_remove(self) -> None:
        for item in self.photo_list.selectedItems():
            self.photo_list.takeItem(self.photo_list.row(item))
        self._on_changed()

    def _on_changed(self) -> None:
        has_text = bool(self.text_edit.toPlainText().strip())
        self.save_button.setEnabled(has_text or self.photo_list.count() > 0)
