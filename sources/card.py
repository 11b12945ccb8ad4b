"""What is in the sources: the guess of roles and columns, how sure, and what is missing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Optional, Union
from zoneinfo import ZoneInfo

from ..model.errors import CityGapError
from ..model.roles import ROLES
from .build import source_names
from .normalise import normalised
from .parts import Part, read_parts
from .place import metric_crs, require_crs
from .recognise import class_from_name
from .spec import SourceSpec

_LABELS = {
    "source": ("来源", "source"),
    "role": ("角色", "role"),
    "rows": ("行数", "rows"),
    "crs": ("坐标系", "CRS"),
    "encoding": ("编码", "encoding"),
    "fields": ("字段", "fields"),
    "missing": ("缺少字段", "missing"),
    "warnings": ("提示", "warnings"),
    "unknown": ("未识别", "not recognised"),
    "none": ("无", "none"),
    "sure": ("把握", "sure"),
}


def card(
    specs: Sequence[SourceSpec], *, crs: Union[str, int, None] = None, tz: str = "Asia/Shanghai"
) -> list[dict[str, Any]]:
    """One entry per layer and role.

    Parameters
    ----------
    specs : sequence of SourceSpec
    crs : str or int, optional
        The city CRS, for layers that state none.
    tz : str

    Returns
    -------
    list of dict
        `source`, `layer` (None: the file has one), `source_name`, `role` (None: not recognised), `sure`
        (0 to 1), `why`, `rows`, `crs` (None: none stated), `encoding`, `fields` (list of `field`,
        `column`, `sure`), `missing` (fields without a column), `warnings`.

    Raises
    ------
    CityGapError
        Only for a file that cannot be read; what would keep a readable layer out of a check is a warning.
    """
    parts = read_parts(specs)
    known = [part for part in parts if part.guess]
    names = dict(zip(map(id, known), source_names(known)))
    return [_entry(part, names.get(id(part)), crs, ZoneInfo(tz)) for part in parts]


def card_text(cards: Sequence[dict[str, Any]], language: str = "en") -> str:
    """The card for a terminal, in ``zh`` or ``en``."""
    blocks = []
    for entry in cards:
        where = f"{entry['source']}|{entry['layer']}" if entry["layer"] else entry["source"]
        role = entry["role"] or _label("unknown", language)
        lines = [
            where,
            f"  {_label('role', language)}: {role} ({_sure(entry['sure'], language)}; {entry['why']})",
        ]
        crs, rows = entry["crs"] or _label("none", language), entry["rows"]
        lines.append(
            f"  {_label('rows', language)}: {rows}   {_label('crs', language)}: {crs}"
            f"   {_label('encoding', language)}: {entry['encoding']}"
        )
        if entry["fields"]:
            lines.append(f"  {_label('fields', language)}:")
            width = max(len(item["field"]) for item in entry["fields"])
            lines.extend(
                f"    {item['field']:<{width}} <- {item['column']} ({_sure(item['sure'], language)})"
                for item in entry["fields"]
            )
        if entry["role"]:
            lines.append(
                f"  {_label('missing', language)}: {', '.join(entry['missing']) or _label('none', language)}"
            )
        lines.extend(f"  {_label('warnings', language)}: {text}" for text in entry["warnings"])
        blocks.append("\n".join(lines))
    return "\n\n".join(blocks)


def _entry(
    part: Part, source_name: Optional[str], crs: Union[str, int, None], zone: ZoneInfo
) -> dict[str, Any]:
    stated = part.raw.crs
    warnings = [] if part.guess is None else _trial(part, source_name or part.stem, crs, zone)
    names = ROLES[part.role].field_names if part.guess else ()
    by_name = class_from_name(part.role, part.fields, part.guess.class_word) if part.guess else None
    return {
        "source": part.spec.path,
        "layer": part.layer,
        "source_name": source_name,
        "role": part.role or None,
        "sure": round(part.guess.sure, 2) if part.guess else 0.0,
        "why": part.guess.why if part.guess else "nothing in its name, columns or values tells",
        "rows": len(part.raw.frame),
        "crs": None if stated is None else stated.to_string() if stated.to_authority() else stated.name,
        "encoding": part.raw.encoding,
        "fields": [
            {"field": name, "column": part.fields[name].column, "sure": part.fields[name].sure}
            for name in names
            if name in part.fields
        ],
        "missing": [name for name in names if name not in (*part.fields, by_name, "source_name")],
        "warnings": [*part.raw.warnings, *warnings],
    }


def _trial(part: Part, source_name: str, crs: Union[str, int, None], zone: ZoneInfo) -> list[str]:
    """Read the part as a check would; its own warnings gather in the layer, what stops it is given back."""
    try:
        require_crs(part.raw, crs)
        normalised(part, source_name, metric_crs(crs, [part.raw]), zone)
    except CityGapError as error:
        return [f"{error.message}. {error.remedy or ''}".strip()]
    return []


def _label(word: str, language: str) -> str:
    zh, en = _LABELS[word]
    return zh if language == "zh" else en


def _sure(value: float, language: str) -> str:
    return f"{_label('sure', language)} {value:.0%}"
