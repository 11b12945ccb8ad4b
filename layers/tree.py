"""CityGap's group in the layer tree: loading, refreshing, switching and counting its parts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Optional, Union

from qgis.core import (
    QgsCoordinateTransform,
    QgsLayerTreeGroup,
    QgsLayerTreeLayer,
    QgsLayerTreeNode,
    QgsProject,
    QgsRectangle,
    QgsVectorLayer,
)
from qgis.PyQt.QtCore import QObject, pyqtSignal

from .contents import count_rows, read_tables
from .forms import relate, unrelate
from .labels import label
from .making import PART_PROPERTY, Bounds, make_layer, set_known_extent
from .plan import HIDDEN_KEYS, KEYS, Plan, plan_layers
from .rows import LayerRow

KEY_PROPERTY = "citygap/key"
ROOT_KEY = "root"
GAP_PARTS = ("gaps_point", "gaps_line", "gaps_polygon", "gaps_none")

_EXPANDED_KEYS = ("gaps",)
_EXPANDED_PARTS = ("gaps_point",)


class CityGapTree(QObject):
    """The plugin's part of a project's layer tree.

    Nothing is remembered of tree nodes: they are looked up each time by a property of theirs, so people may
    move, rename or delete them, and a project saved with the group is found again.

    Parameters
    ----------
    project : QgsProject
    language : str
        ``zh`` or ``en``.
    """

    visibility_changed = pyqtSignal(str, bool)
    """A group was switched, by the layer tree or by `set_visible`: its key and whether it is on."""

    def __init__(self, project: QgsProject, language: str, parent: Optional[QObject] = None) -> None:
        super().__init__(parent)
        self._project = project
        self._language = language
        self._plan = Plan((), {})
        self._counts: dict[str, Optional[int]] = {}
        project.layerTreeRoot().visibilityChanged.connect(self._on_visibility_changed)

    def load(self, store_path: Union[str, Path], city_path: Union[str, Path, None] = None) -> None:
        """Show a store and its city at the top of the layer tree, in place of what was shown before.

        Raises
        ------
        CityGapError
            ``missing_file`` or ``unreadable`` for either file; the layers of before are then left alone.
        """
        store = read_tables(Path(store_path))
        city = read_tables(Path(city_path)) if city_path else {}
        plan = plan_layers(store, city, self._language)
        bounds: Bounds = {}
        made = [(row, layer) for row in plan.rows for layer in make_layer(row, self._language, bounds)]
        before = self._switches()
        self.remove()
        self._plan = plan
        alone = not self._project.mapLayers()
        self._show(made, alone)
        self._restore(before)
        relate(self._project, {row.part: layer for row, layer in made}, self._language)

    def remove(self) -> None:
        """Take the group, its layers and relations out of the project; people's own layers in it move up."""
        unrelate(self._project)
        root = self._project.layerTreeRoot()
        group = self._group(ROOT_KEY)
        if group is not None:
            for node in group.findLayers():
                if node.layer() is None or not node.layer().customProperty(PART_PROPERTY):
                    root.insertChildNode(0, node.clone())
        self._project.removeMapLayers([layer.id() for layer in self._layers()])
        group = self._group(ROOT_KEY)
        if group is not None:
            group.parent().removeChildNode(group)
        self._plan = Plan((), {})
        self._counts.clear()

    def refresh(self) -> None:
        """Show what the store holds now: gaps and notes are read again, the tree stays as it is.

        A layer that someone is editing keeps the edits; it is read again with the next refresh.
        """
        self._counts.clear()
        bounds: Bounds = {}
        for layer in self._layers():
            if not layer.customProperty(PART_PROPERTY).startswith(("gaps_", "note", "photos")):
                continue
            if not layer.isEditable():
                layer.dataProvider().reloadData()
            set_known_extent(layer, bounds)
            layer.triggerRepaint()

    def keys(self) -> tuple[str, ...]:
        """The groups in drawing order, top first."""
        return KEYS

    def title(self, key: str) -> str:
        """A group's name in the tree's language."""
        return label(f"group.{key}", self._language)

    def set_visible(self, key: str, visible: bool) -> None:
        """Switch a group on or off; on also switches on the groups that hold it."""
        group = self._group(key)
        if group is None:
            return
        if visible:
            group.setItemVisibilityCheckedParentRecursive(True)
        else:
            group.setItemVisibilityChecked(False)

    def is_visible(self, key: str) -> bool:
        """Whether a group is ticked in the layer tree."""
        group = self._group(key)
        return group is not None and group.itemVisibilityChecked()

    def count(self, key: str) -> Optional[int]:
        """Features of a group (gaps: those to be closed, without info); None if its data are missing."""
        if key not in self._counts:
            counted = self._plan.counted.get(key, ())
            self._counts[key] = sum(count_rows(*part) for part in counted) if counted else None
        return self._counts[key]

    def gap_layers(self) -> list[QgsVectorLayer]:
        """The layers of gaps: points, lines, areas, and those without a place."""
        parts = {layer.customProperty(PART_PROPERTY): layer for layer in self._layers()}
        return [parts[part] for part in GAP_PARTS if part in parts]

    def zoom_extent(self) -> QgsRectangle:
        """Bounds of gaps and city in the project's CRS; null where nothing has a place."""
        bounds = QgsRectangle()
        for layer in self._layers():
            extent = layer.extent() if layer.isSpatial() else QgsRectangle()
            if extent.isNull() or not extent.isFinite():
                continue
            if self._project.crs().isValid():
                transform = QgsCoordinateTransform(layer.crs(), self._project.crs(), self._project)
                extent = transform.transformBoundingBox(extent)
            bounds.combineExtentWith(extent)
        return bounds

    def _layers(self) -> list[QgsVectorLayer]:
        """The project's layers that are ours."""
        return [layer for layer in self._project.mapLayers().values() if layer.customProperty(PART_PROPERTY)]

    def _group(self, key: str) -> Optional[QgsLayerTreeGroup]:
        root = self._project.layerTreeRoot()
        for group in root.findGroups(True):
            if group.customProperty(KEY_PROPERTY) == key:
                return group
        return None

    def _show(self, made: list[tuple[LayerRow, QgsVectorLayer]], alone: bool) -> None:
        """Build the group and put the layers into it."""
        self._project.addMapLayers([layer for _, layer in made], False)
        top = _group_node(self.title(ROOT_KEY), ROOT_KEY)
        for key in KEYS:
            group = _group_node(self.title(key), key)
            rows = [(row, layer) for row, layer in made if row.key == key]
            for row, layer in rows:
                node = group.addLayer(layer)
                # The background would hide maps of people's own that lie below.
                node.setItemVisibilityChecked(row.visible and (alone or row.part != "background"))
                node.setExpanded(row.part in _EXPANDED_PARTS)
            group.setItemVisibilityChecked(bool(rows) and key not in HIDDEN_KEYS)
            group.setExpanded(key in _EXPANDED_KEYS)
            top.addChildNode(group)
        self._project.layerTreeRoot().insertChildNode(0, top)

    def _switches(self) -> dict[str, tuple[bool, bool]]:
        """Group or part to whether it is ticked and whether it is open."""
        return {name: (node.itemVisibilityChecked(), node.isExpanded()) for name, node in self._named_nodes()}

    def _restore(self, before: dict[str, tuple[bool, bool]]) -> None:
        for name, node in self._named_nodes():
            if name in before:
                ticked, expanded = before[name]
                node.setItemVisibilityChecked(ticked)
                node.setExpanded(expanded)

    def _named_nodes(self) -> Iterator[tuple[str, QgsLayerTreeNode]]:
        """Our groups by key and our layers by part; a group without layers has nothing to keep."""
        top = self._group(ROOT_KEY)
        if top is None:
            return
        for group in top.findGroups(True):
            if group.findLayers():
                yield f"group {group.customProperty(KEY_PROPERTY)}", group
        for node in top.findLayers():
            if node.layer() is not None:
                yield f"layer {node.layer().customProperty(PART_PROPERTY)}", node

    def _on_visibility_changed(self, node: QgsLayerTreeNode) -> None:
        key = node.customProperty(KEY_PROPERTY)
        if not isinstance(node, QgsLayerTreeLayer) and key in KEYS:
            self.visibility_changed.emit(key, node.itemVisibilityChecked())


def _group_node(title: str, key: str) -> QgsLayerTreeGroup:
    node = QgsLayerTreeGroup(title)
    node.setCustomProperty(KEY_PROPERTY, key)
    return node
