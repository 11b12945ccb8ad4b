"""Forms of gaps and notes: words, what people may edit, and which rows belong together."""

from __future__ import annotations

from typing import Optional

from qgis.core import (
    QgsEditorWidgetSetup,
    QgsFieldConstraints,
    QgsProject,
    QgsRelation,
    QgsVectorLayer,
)

from .labels import field_label, label, labels_under

PEOPLES_COLUMNS = {
    "gaps": ("status", "until", "why", "text", "assigned_to", "due_at"),
    "notes": ("text", "result", "weather", "private"),
}
"""Columns that people may edit in a form; all others are shown only."""

RELATION_PREFIX = "citygap_"

_CODED = ("severity", "data_state", "status", "run_state", "origin", "result")

_INTERNAL = ("fid", "key", "objects", "anchor_x", "anchor_y", "sources")
"""Columns that only the program reads."""

_PROVEN = (
    "\"status\" IS NULL OR \"status\" NOT IN ('verified', 'reopened')"
    " OR \"status\" = attribute(get_feature_by_id(@layer_id, $id), 'status')"
)
_REASONED = (
    "\"status\" IS NULL OR \"status\" NOT IN ('accepted', 'false_alarm') OR trim(coalesce(\"why\", '')) <> ''"
)
_ENDED = '"status" IS NULL OR "status" <> \'accepted\' OR "until" IS NOT NULL'


def set_up_form(layer: QgsVectorLayer, table: str, language: str) -> None:
    """Words for every column; on a table that people edit, choices, locks and the lifecycle's rules."""
    for index, column in enumerate(layer.fields()):
        layer.setFieldAlias(index, field_label(column.name(), language))
    if table not in PEOPLES_COLUMNS:
        return
    config = layer.editFormConfig()
    for index, column in enumerate(layer.fields()):
        config.setReadOnly(index, column.name() not in PEOPLES_COLUMNS[table])
        if column.name() in _INTERNAL:
            layer.setEditorWidgetSetup(index, QgsEditorWidgetSetup("Hidden", {}))
        elif column.name() in _CODED:
            words = labels_under(column.name(), language)
            choices = [{text: value} for value, text in words.items()]
            layer.setEditorWidgetSetup(index, QgsEditorWidgetSetup("ValueMap", {"map": choices}))
    layer.setEditFormConfig(config)
    if table == "gaps":
        _require(layer, "status", _PROVEN, label("rule.proven", language))
        _require(layer, "why", _REASONED, label("rule.reasoned", language))
        _require(layer, "until", _ENDED, label("rule.ended", language))


def _require(layer: QgsVectorLayer, column: str, expression: str, words: str) -> None:
    index = layer.fields().lookupField(column)
    if index >= 0:
        layer.setConstraintExpression(index, expression, words)
        layer.setFieldConstraint(
            index,
            QgsFieldConstraints.Constraint.ConstraintExpression,
            QgsFieldConstraints.ConstraintStrength.ConstraintStrengthHard,
        )


def relate(project: QgsProject, layers: dict[str, QgsVectorLayer], language: str) -> None:
    """Tell QGIS that gaps have notes and notes have photos, so that its forms show them.

    `layers` maps a layer's part (``gaps_point``, ``note_gaps`` …) to it; a missing one has no relation.
    """
    links, notes, photos = (layers.get(name) for name in ("note_gaps", "notes", "photos"))
    to_notes = _relation("link_notes", links, notes, "note_id", label("relation.gaps", language))
    _add(project, to_notes)
    _add(project, _relation("notes_photos", photos, notes, "note_id", label("relation.photos", language)))
    for part in ("gaps_point", "gaps_line", "gaps_polygon", "gaps_none"):
        gaps = layers.get(part)
        to_links = _relation(f"{part}_notes", links, gaps, "gap_id", label("relation.notes", language))
        _add(project, to_links)
        if gaps is not None and to_links is not None and to_notes is not None:
            config = gaps.editFormConfig()
            config.setWidgetConfig(to_links.id(), {"nm-rel": to_notes.id()})
            gaps.setEditFormConfig(config)


def _relation(
    name: str, child: Optional[QgsVectorLayer], parent: Optional[QgsVectorLayer], column: str, title: str
) -> Optional[QgsRelation]:
    if child is None or parent is None:
        return None
    relation = QgsRelation()
    relation.setId(RELATION_PREFIX + name)
    relation.setName(title)
    relation.setReferencingLayer(child.id())
    relation.setReferencedLayer(parent.id())
    relation.addFieldPair(column, column)
    return relation


def _add(project: QgsProject, relation: Optional[QgsRelation]) -> None:
    if relation is not None:
        project.relationManager().addRelation(relation)


def unrelate(project: QgsProject) -> None:
    """Take back what `relate` told QGIS."""
    relations = project.relationManager()
    for name in list(relations.relations()):
        if name.startswith(RELATION_PREFIX):
            relations.removeRelation(name)
