"""Who answers for what: duties by body, or the objects' owners where nobody listed duties."""

from __future__ import annotations

from collections.abc import Iterator

from .contents import Table, column_names, distinct_values, quoted
from .labels import label, vocabulary_words
from .rows import Bodies, LayerRow
from .tips import duty_tip, object_tip

PALETTE = (
    "#4E79A7",
    "#E1A33C",
    "#6A9F58",
    "#9D7BB0",
    "#6FB2B8",
    "#B5724F",
    "#C77C96",
    "#8A8D45",
    "#5C6BA8",
    "#A9927D",
    "#3E8E8C",
    "#D08A6A",
    "#7F9FC6",
    "#B8B24A",
    "#8C6BB1",
    "#5F8F3F",
    "#C95F6D",
    "#4C9BC9",
    "#B58AB0",
    "#7A7FA0",
)
"""A colour a body; further bodies share the class "other"."""

DUTIES = ("maintain", "own", "patrol", "supervise", "fallback")
"""Kinds of duty in the order in which they are of use; the first one found is drawn."""

OWNED_ROLES = ("neglected", "components", "pipes", "housing")

# A duty without a place of its own holds in the unit it names.
_BY_AREA = (
    "SELECT {columns}, u.{shape} FROM duties d JOIN units u ON u.code = d.area_code"
    " WHERE d.duty = '{duty}'{placeless}"
)


def plan_responsibility(city: dict[str, Table], language: str) -> Iterator[LayerRow]:
    """A layer for each kind of duty and geometry, or one for each role's owners."""
    return _duties(city, language) if "duties" in city else _owners(city, language)


def _colours(names: list[str]) -> tuple[tuple[str, str], ...]:
    return tuple(zip(names, PALETTE))


def _duties(city: dict[str, Table], language: str) -> Iterator[LayerRow]:
    """Every layer gives a body the same colour; only the first kind of duty is switched on."""
    duties = city["duties"]
    bodies = Bodies("body", _colours(distinct_values(duties, "body")))
    found = set(distinct_values(duties, "duty"))
    for number, duty in enumerate(duty for duty in DUTIES if duty in found):
        for kind, uri, name in _duty_places(city, duty):
            title = label(f"layer.{name}", language).format(vocabulary_words("duties.duty", language)[duty])
            yield LayerRow(
                "responsibility",
                f"duty_{duty}",
                title,
                uri,
                f"bodies_{kind}",
                tip=duty_tip(language),
                visible=number == 0,
                only_with_rows=True,
                bodies=bodies,
            )


def _duty_places(city: dict[str, Table], duty: str) -> Iterator[tuple[str, str, str]]:
    """(kind, place, label) of a duty's own shapes, then of the units that duties name."""
    duties, units = city["duties"], city.get("units")
    for kind in duties.kinds():
        yield kind, duties.uri_of(kind, f"duty = '{duty}'"), "duty"
    columns = column_names(duties)
    if units is not None and units.kind != "none" and "area_code" in columns:
        select = _BY_AREA.format(
            columns=", ".join(f"d.{quoted(name)}" for name in columns),
            shape=quoted(units.geometry_column),
            duty=duty,
            placeless=f" AND d.{quoted(duties.geometry_column)} IS NULL" if duties.geometry_column else "",
        )
        yield "polygon", f"{units.uri}|subset={select}", "duty_by_unit"


def _owners(city: dict[str, Table], language: str) -> Iterator[LayerRow]:
    for role in OWNED_ROLES:
        table = city.get(role)
        if table is None:
            continue
        owners = distinct_values(table, "owner")
        if not owners:
            continue
        title = label("layer.owner", language).format(label(f"role.{role}", language))
        for kind in table.kinds():
            yield LayerRow(
                "responsibility",
                f"owner_{role}",
                title,
                table.uri_of(kind),
                f"bodies_{kind}",
                tip=object_tip(role, language),
                bodies=Bodies("owner", _colours(owners)),
            )
