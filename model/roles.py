"""What a layer can stand for, and the fields each role has."""

from __future__ import annotations

from typing import NamedTuple


class Field(NamedTuple):
    """A field of a role. `kind` is text, int, number, date, time, bool or year."""

    name: str
    kind: str = "text"
    required: bool = False


class Role(NamedTuple):
    """A role: its name, the geometry kinds it takes (empty: none needed) and its fields."""

    name: str
    geometries: tuple[str, ...]
    needs_geometry: bool
    fields: tuple[Field, ...]

    @property
    def field_names(self) -> tuple[str, ...]:
        """Names of the role's fields, in their order."""
        return tuple(field.name for field in self.fields)


def _fields(text: str) -> tuple[Field, ...]:
    """Fields from words such as ``id! name built_year:year``: ``!`` required, ``:kind`` not text."""
    fields = []
    for word in text.split():
        name, _, kind = word.rstrip("!").partition(":")
        fields.append(Field(name, kind or "text", word.endswith("!")))
    return (*fields, Field("source_name"))


def _role(name: str, geometries: str, fields: str, needs_geometry: bool = True) -> Role:
    return Role(name, tuple(geometries.split()), needs_geometry, _fields(fields))


ROLES: dict[str, Role] = {
    role.name: role
    for role in (
        _role(
            "housing",
            "polygon point",
            "id! name address use built_year:year floors:number floor_area_m2:number structure "
            "danger_grade households:number residents:number last_repair_date:date updated_on:date "
            "owner maintainer",
        ),
        _role(
            "pipes",
            "line",
            "id! class_code! kind_code material_code diameter_mm:number section_mm depth_m:number "
            "invert_from_m:number invert_to_m:number pressure_grade burial_method use_status "
            "laid_year:year assessed_on:date hazard_found:bool captured_on:date updated_on:date "
            "accuracy_grade owner maintainer from_node to_node",
        ),
        _role("pipe_points", "point", "id! class_code! feature captured_on:date"),
        _role(
            "components",
            "point line polygon",
            "id! class_code! name condition owner maintainer updated_on:date",
        ),
        _role(
            "roads",
            "line",
            "id! name highway width_m:number lanes:number bridge:bool tunnel:bool layer:number",
        ),
        _role("neglected", "line polygon", "id! kind! name width_m:number owner maintainer updated_on:date"),
        _role("water", "polygon line", "id! name"),
        _role(
            "units",
            "polygon",
            "code! level! name parent_code zone_type grade population:number residents_60_plus:number "
            "abolished_town:bool",
        ),
        _role("surveys", "polygon", "id! class_code! captured_on:date! looked_for:bool accuracy_grade"),
        _role(
            "duties",
            "polygon line point",
            "id! body! trade object_class! duty! level area_code basis valid_from:date valid_to:date",
            needs_geometry=False,
        ),
        _role(
            "visits", "point line", "id! at:time! activity object_id body result text", needs_geometry=False
        ),
        _role("repairs", "", "id! object_id! reported_on:date! closed_on:date kind", needs_geometry=False),
        _role(
            "hotline",
            "point",
            "id! at:time! category caller_key text opened_at:time dispatched_at:time due_at:time "
            "closed_at:time stage reworks:number",
        ),
        _role("events", "polygon", "id! started_at:time! ended_at:time! kind level", needs_geometry=False),
        _role("resources", "point", "id! kind! capacity:number unit_code", needs_geometry=False),
        _role(
            "totals",
            "",
            "measure! value:number! unit area_code class_code source as_of:date",
            needs_geometry=False,
        ),
        _role(
            "standards",
            "",
            "standard_id rule_or_activity! object_class! subtype applies_if grade zone value! unit body use "
            "source clause confidence valid_from:date valid_to:date version note",
            needs_geometry=False,
        ),
    )
}

OBJECT_LAYERS = ("housing", "pipes", "pipe_points", "components", "roads", "neglected", "water")
"""Roles whose rows are objects that rules test."""

BOUNDARY_LEVELS = ("city", "district", "subdistrict")
"""Levels of units from largest to smallest, cells left out."""
