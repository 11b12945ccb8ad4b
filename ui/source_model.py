"""The list of sources a check reads: files and layers, each with its role or *auto*."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

from qgis.PyQt.QtCore import QAbstractTableModel, QModelIndex, QSize, Qt
from qgis.PyQt.QtWidgets import QComboBox, QStyledItemDelegate, QWidget

from ..model.roles import ROLES
from ..model.words import word

AUTO = ""
"""Role of a source that the worker shall recognise itself."""


class Source(NamedTuple):
    """A source as the command line takes it: ``FILE`` or ``FILE|LAYER``, and its role (`AUTO`: guess)."""

    uri: str
    role: str = AUTO

    @property
    def name(self) -> str:
        """What the list shows: the layer's name, else the file's."""
        file, _, layer = self.uri.partition("|")
        return f"{layer} · {Path(file).name}" if layer else Path(file).name


class SourceModel(QAbstractTableModel):
    """Sources in the order they were added; no source twice.

    Parameters
    ----------
    language : str
        ``zh`` or ``en``, for the roles.
    """

    SOURCE, ROLE = range(2)

    def __init__(self, language: str, parent: Any = None) -> None:
        super().__init__(parent)
        self._sources: list[Source] = []
        self._words = {AUTO: self.tr("auto"), **{role: word("role", role, language) for role in ROLES}}
        self._headings = (self.tr("Source"), self.tr("Role"))

    @property
    def role_words(self) -> dict[str, str]:
        """Role to its word, *auto* first."""
        return self._words

    def sources(self) -> tuple[Source, ...]:
        """The sources in their order."""
        return tuple(self._sources)

    def add(self, uri: str, role: str = AUTO) -> None:
        """Add a source at the end; one that is there already stays as it is."""
        if any(source.uri == uri for source in self._sources):
            return
        self.beginInsertRows(QModelIndex(), len(self._sources), len(self._sources))
        self._sources.append(Source(uri, role))
        self.endInsertRows()

    def remove(self, rows: list[int]) -> None:
        """Take sources away by row."""
        for row in sorted(set(rows), reverse=True):
            self.beginRemoveRows(QModelIndex(), row, row)
            del self._sources[row]
            self.endRemoveRows()

    def clear(self) -> None:
        """Take all sources away."""
        self.beginResetModel()
        self._sources.clear()
        self.endResetModel()

    def rowCount(self, parent: QModelIndex = QModelIndex()) -> int:  # noqa: B008, N802
        """Rows shown."""
        return 0 if parent.isValid() else len(self._sources)

    def columnCount(self, parent: QModelIndex = QModelIndex()) -> int:  # noqa: B008, N802
        """Columns shown."""
        return 0 if parent.isValid() else len(self._headings)

    def headerData(  # noqa: N802
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        """Headings."""
        if role == Qt.ItemDataRole.DisplayRole and orientation == Qt.Orientation.Horizontal:
            return self._headings[section]
        return None

    def flags(self, index: QModelIndex) -> Qt.ItemFlag:
        """The role can be chosen in place."""
        flags = super().flags(index)
        return (
            flags | Qt.ItemFlag.ItemIsEditable if index.isValid() and index.column() == self.ROLE else flags
        )

    def data(self, index: QModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Cell contents."""
        if not index.isValid() or index.row() >= len(self._sources):
            return None
        source = self._sources[index.row()]
        if role == Qt.ItemDataRole.ToolTipRole:
            return source.uri
        if index.column() == self.SOURCE:
            return source.name if role == Qt.ItemDataRole.DisplayRole else None
        if role == Qt.ItemDataRole.EditRole:
            return source.role
        return self._words[source.role] if role == Qt.ItemDataRole.DisplayRole else None

    def setData(  # noqa: N802
        self, index: QModelIndex, value: Any, role: int = Qt.ItemDataRole.EditRole
    ) -> bool:
        """Set the role of a source."""
        if role != Qt.ItemDataRole.EditRole or not index.isValid() or value not in self._words:
            return False
        if index.column() != self.ROLE:
            return False
        self._sources[index.row()] = self._sources[index.row()]._replace(role=value)
        self.dataChanged.emit(index, index, [Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.EditRole])
        return True


class RoleDelegate(QStyledItemDelegate):
    """Chooses the role of a source from a combo box."""

    def createEditor(self, parent: QWidget, _option: Any, index: QModelIndex) -> QWidget:  # noqa: N802
        """A combo box of all roles; a choice is written at once."""
        combo = QComboBox(parent)
        for role, text in index.model().role_words.items():
            combo.addItem(text, role)
        combo.activated.connect(lambda _row: (self.commitData.emit(combo), self.closeEditor.emit(combo)))
        return combo

    def setEditorData(self, editor: QWidget, index: QModelIndex) -> None:  # noqa: N802
        """Show the role as it is."""
        editor.setCurrentIndex(editor.findData(index.data(Qt.ItemDataRole.EditRole)))

    def setModelData(self, editor: QWidget, model: QAbstractTableModel, index: QModelIndex) -> None:  # noqa: N802
        """Write the role that was chosen."""
        model.setData(index, editor.currentData())

    def sizeHint(self, option: Any, index: QModelIndex) -> QSize:  # noqa: N802
        """High enough for the combo box."""
        size = super().sizeHint(option, index)
        return QSize(size.width(), max(size.height(), option.fontMetrics.height() + 10))
