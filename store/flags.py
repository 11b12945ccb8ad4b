"""Planners' own gaps."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Callable, Optional

from ..model.catalogue import rule_id_of
from ..model.errors import CityGapError
from ..model.gap import SEVERITIES
from ..model.identity import ulid
from ..model.roles import ROLES
from . import times
from .gaps import due_dates, grow_extent
from .geometry import Bounds, anchor_of, bounds_of, to_blob, wkb_of

if TYPE_CHECKING:
    from .database import Store

CodesOf = Callable[[Sequence[bytes]], Sequence[tuple[Optional[str], Optional[str]]]]
"""WKB of places in the city CRS to the area code and cell code of each, None outside all."""

_INSERT = (
    "INSERT INTO gaps (gap_id, rule_id, severity, status, run_state, object_role, object_id, class_code,"
    " area_code, cell_code, found_at, seen_at, due_at, origin, text, edited_by, edited_at, key, objects,"
    " anchor_x, anchor_y, geometry) VALUES (:gap_id, :rule_id, :severity, 'open', 'none', :object_role,"
    " :object_id, :class_code, :area_code, :cell_code, :at, :at, :due_at, 'planner', :text, :by, :at,"
    " :gap_id, :objects, :anchor_x, :anchor_y, :geometry)"
)

_OF_A_PERSON = (
    "EXISTS (SELECT 1 FROM events WHERE table_name = 'gaps' AND row_key = gap_id AND (column_name = '{0}'"
    " OR (column_name = '*' AND json_extract(is_now, '$.{0}') IS NOT NULL)))"
)
_SET_CODES = " ".join(
    (
        "UPDATE gaps SET",
        ", ".join(
            f"{name} = CASE WHEN {name} IS NOT NULL AND {_OF_A_PERSON.format(name)}"
            f" THEN {name} ELSE coalesce(?, {name}) END"
            for name in ("area_code", "cell_code")
        ),
        "WHERE gap_id = ?",
    )
)


def flag(
    store: Store,
    *,
    severity: str,
    text: str,
    wkb: Optional[bytes] = None,
    bounds: Optional[Bounds] = None,
    object_role: Optional[str] = None,
    object_id: Optional[str] = None,
    rule_id: Optional[str] = None,
    class_code: Optional[str] = None,
    area_code: Optional[str] = None,
    cell_code: Optional[str] = None,
    author: str = "",
) -> str:
    """Flag a place or an object as a gap; return its gap_id, a ULID.

    Parameters
    ----------
    severity : str
        info, low, medium or high; it sets `due_at`.
    wkb : bytes, optional
        The place, in the city CRS; `bounds` (minx, miny, maxx, maxy) saves reading it.
    object_role, object_id : str, optional
        The object. A flag needs a place or an object.
    rule_id : str, optional
        The type of gap, as id or identifier of a rule.

    Raises
    ------
    CityGapError
        ``bad_severity``, ``bad_text`` (nothing but blanks), ``no_rule``, ``no_role``, ``no_place``,
        ``bad_geometry``, ``locked``.
    """
    _check(severity, text, object_role, object_id)
    blob = None if wkb is None else to_blob(wkb, store.srs_id, bounds)
    box = None if blob is None else bounds_of(blob)
    if box is None and not object_id:
        raise CityGapError(
            "no_place", "the flag names no place and no object", remedy="Draw a place or name an object."
        )
    gap_id, at = ulid(), times.now(store.zone)
    anchor_x, anchor_y = (None, None) if box is None else anchor_of(box)
    row = {
        "gap_id": gap_id,
        "rule_id": rule_id_of(rule_id) if rule_id else "",
        "severity": severity,
        "object_role": object_role or None,
        "object_id": object_id or None,
        "class_code": class_code or None,
        "area_code": area_code or None,
        "cell_code": cell_code or None,
        "at": at,
        "due_at": due_dates(store, at)[severity],
        "text": text,
        "by": author or None,
        "objects": json.dumps([f"{object_role}:{object_id}"] if object_id else [], ensure_ascii=False),
        "anchor_x": anchor_x,
        "anchor_y": anchor_y,
        "geometry": None if box is None else blob,
    }
    with store.write(author) as connection:
        connection.execute(_INSERT, row)
        if box is not None:
            grow_extent(store, *box)
    return gap_id


def _check(severity: str, text: str, object_role: Optional[str], object_id: Optional[str]) -> None:
    if severity not in SEVERITIES:
        raise CityGapError(
            "bad_severity",
            f"there is no severity {severity!r}",
            remedy=f"Name one of {', '.join(SEVERITIES)}.",
        )
    if text and not text.strip():
        raise CityGapError("bad_text", "the text is blank", field="text", remedy="Say what is missing there.")
    if bool(object_role) != bool(object_id):
        raise CityGapError("no_place", "an object needs a role and an id", remedy="Name it as ROLE:ID.")
    if object_role and object_role != "cell" and object_role not in ROLES:
        raise CityGapError(
            "no_role", f"there is no role {object_role!r}", remedy=f"Roles: {', '.join(ROLES)}."
        )


def place_flags(store: Store, codes_of: CodesOf) -> None:
    """Give planners' flags the area and cell that hold them; a code that a person wrote stays.

    Called within the transaction of a run, where this counts as no edit.

    Parameters
    ----------
    codes_of : callable
        See `CodesOf`.
    """
    rows = store.connection.execute(
        "SELECT gap_id, geometry FROM gaps WHERE origin = 'planner' AND geometry IS NOT NULL"
    ).fetchall()
    placed = [(gap_id, wkb) for gap_id, wkb in ((key, wkb_of(blob)) for key, blob in rows) if wkb]
    if not placed:
        return
    codes = codes_of([wkb for _, wkb in placed])
    store.connection.executemany(
        _SET_CODES, [(*pair, gap_id) for pair, (gap_id, _) in zip(codes, placed) if pair != (None, None)]
    )
