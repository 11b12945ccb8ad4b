"""What the columns mean: a table beside the shapefiles, and aliases that QGIS picks up."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any

from .columns import COLUMNS, FieldSpec

LEGEND_NAMES = ("column", "title_zh", "title_en", "meaning", "type", "width")

_TYPE_NAMES = {"text": "text", "date": "date", "number": "number", "count": "integer"}


def legend_rows(specs: Sequence[FieldSpec], language: str) -> list[list[Any]]:
    """Rows of ``gap_report_fields.csv``: column, both titles, meaning, type, width in bytes."""
    return [
        [
            column.name,
            column.title_zh,
            column.title_en,
            column.meaning_zh if language == "zh" else column.meaning_en,
            _TYPE_NAMES[spec.kind],
            spec.width,
        ]
        for column, spec in zip(COLUMNS, specs)
    ]


def aliases_qml() -> str:
    """A QGIS style that holds only the aliases, each in Chinese and English."""
    aliases = "\n".join(
        f'    <alias index="{index}" field="{column.name}" '
        f'name="{escape(f"{column.title_zh} {column.title_en}")}"/>'
        for index, column in enumerate(COLUMNS)
    )
    return (
        "<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>\n"
        '<qgis version="3.22.0" styleCategories="Fields">\n'
        f"  <aliases>\n{aliases}\n  </aliases>\n"
        "</qgis>\n"
    )
