"""A planner's flag: its place from a WKT, or from the object it is about."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple, Optional

from ..model.catalogue import rule_id_of
from ..model.errors import CityGapError
from ..model.roles import ROLES
from ..store.database import Store, open_store
from ..store.flags import flag
from .call import Call
from .crs import crs_of_store

CLASS_FIELDS = {"neglected": "kind"}
"""The field that holds an object's class, where it is not `class_code`."""


class Found(NamedTuple):
    """An object that a flag is about: WKB in the city's CRS (None: no place) and its class."""

    wkb: Optional[bytes]
    class_code: Optional[str]


def flag_gap(call: Call) -> str:
    """Flag a gap and give its gap_id."""
    rule = call.optional("rule")
    with open_store(call.text("store")) as store:
        role, object_id, found = None, None, Found(None, None)
        if call.optional("object"):
            role, object_id = _role_and_id(call.text("object"))
            found = _object(call, store, role, object_id)
        return flag(
            store,
            severity=call.text("severity"),
            text=call.text("text"),
            wkb=_given_place(call, store) or found.wkb,
            object_role=role,
            object_id=object_id,
            rule_id=rule_id_of(rule) if rule else None,
            class_code=call.optional("class") or found.class_code,
            author=call.words("author"),
        )


def _role_and_id(text: str) -> tuple[str, str]:
    role, colon, object_id = text.partition(":")
    if role not in ROLES or not colon or not object_id:
        raise CityGapError(
            "bad_object", f"{text!r} is not ROLE:ID", remedy=f"Name one of the roles {', '.join(ROLES)}."
        )
    return role, object_id


def _given_place(call: Call, store: Store) -> Optional[bytes]:
    if not call.optional("wkt"):
        return None
    import shapely

    from .shapes import shape_from_wkt

    placed = shape_from_wkt(call.text("wkt"), call.text("crs"), crs_of_store(store))
    return bytes(shapely.to_wkb(placed, output_dimension=2))


def _object(call: Call, store: Store, role: str, object_id: str) -> Found:
    """The object from the city's snapshot, else from the remembered sources, else from a gap on it."""
    snapshot = store.path.with_name(f"{store.path.stem}_city.gpkg")
    found = (
        _in_snapshot(snapshot, role, object_id)
        or _in_sources(call, store, role, object_id)
        or _in_a_gap(store, role, object_id)
    )
    if found is None:
        raise CityGapError(
            "no_object",
            f"there is no object {role}:{object_id}",
            layer=role,
            remedy="Name one of the checked city, or give its place with --wkt and --crs.",
        )
    return found


def _in_snapshot(snapshot: Path, role: str, object_id: str) -> Optional[Found]:
    if not snapshot.exists():
        return None
    import pyogrio

    if role not in {str(name) for name in pyogrio.list_layers(snapshot)[:, 0]}:
        return None
    return _row_of(pyogrio.read_dataframe(snapshot, layer=role), role, object_id)


def _in_sources(call: Call, store: Store, role: str, object_id: str) -> Optional[Found]:
    from ..sources.build import build_city
    from ..sources.spec import specs_from_rows
    from ..store.runs import remembered_sources
    from .cities import time_zone

    specs = specs_from_rows(row for row in remembered_sources(store) if row.role == role)
    if not specs or not all(Path(spec.path).exists() for spec in specs):
        return None
    city = build_city(
        specs, crs=crs_of_store(store), tz=time_zone(call, store), is_cancelled=call.is_cancelled
    )
    return _row_of(city.table(role), role, object_id)


def _in_a_gap(store: Store, role: str, object_id: str) -> Optional[Found]:
    """What a gap on the very object says of it, for a city whose files are gone."""
    row = store.connection.execute(
        "SELECT gap_id FROM gaps WHERE object_role = ? AND object_id = ? ORDER BY geometry IS NULL, gap_id",
        (role, object_id),
    ).fetchone()
    if row is None:
        return None
    from ..store.gaps import read_gap

    gap = read_gap(store, row[0])
    return Found(gap["wkb"], gap["class_code"])


def _row_of(table: Any, role: str, object_id: str) -> Optional[Found]:
    """The object with an id in a table of its role; None if there is none."""
    import shapely

    rows = table[(table["code" if role == "units" else "id"].astype("str") == object_id).to_numpy(dtype=bool)]
    if not len(rows):
        return None
    shape = rows.geometry.iloc[0] if hasattr(rows, "geometry") else None
    field = CLASS_FIELDS.get(role, "class_code")
    word = rows[field].iloc[0] if field in rows else None
    has_place = shape is not None and not shape.is_empty
    return Found(
        bytes(shapely.to_wkb(shape, output_dimension=2)) if has_place else None,
        str(word) if isinstance(word, str) and word else None,
    )
