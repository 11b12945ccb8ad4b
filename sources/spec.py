"""What the user says about the sources: files, layers, roles, columns."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Optional

from ..model.errors import CityGapError
from ..model.gap import SourceRow
from ..model.roles import ROLES


@dataclass(frozen=True)
class SourceSpec:
    """One source as the user names it.

    Attributes
    ----------
    path : str
        A file, or a folder that a GDAL driver reads as one (file geodatabase).
    layer : str, optional
        None: every layer that is recognised.
    role : str, optional
        None: recognised from names, columns, geometry and values.
    fields : dict of str to str
        ``role.field`` (or ``field``, if `role` is given) to the column that holds it.
    """

    path: str
    layer: Optional[str] = None
    role: Optional[str] = None
    fields: dict[str, str] = field(default_factory=dict, hash=False)

    def columns_for(self, role: str) -> dict[str, str]:
        """Field to column, as given for one role."""
        given: dict[str, str] = {}
        for key, column in self.fields.items():
            of_role, dot, name = key.rpartition(".")
            if (dot and of_role == role) or (not dot and role == self.role):
                given[name] = column
        return given


def parse_sources(positional: Sequence[str], roles: Sequence[str], maps: Sequence[str]) -> list[SourceSpec]:
    """The sources that the command line names.

    Parameters
    ----------
    positional : sequence of str
        Files whose layers are to be recognised.
    roles : sequence of str
        ``ROLE=FILE`` or ``ROLE=FILE|LAYER``.
    maps : sequence of str
        ``ROLE.FIELD=COLUMN``; holds for every source of the role.

    Raises
    ------
    CityGapError
        ``bad_role``, ``bad_map``: not of that form, or no such role or field.
    """
    fields = dict(_parse_map(text) for text in maps)
    specs = [SourceSpec(path, None, None, dict(fields)) for path in positional]
    for text in roles:
        role, separator, target = text.partition("=")
        role = role.strip()
        if not separator or not target or role not in ROLES:
            known = ", ".join(ROLES)
            raise CityGapError(
                "bad_role",
                f"{text!r} is not ROLE=FILE or ROLE=FILE|LAYER",
                remedy=f"Name one of the roles {known}.",
            )
        path, bar, layer = target.rpartition("|")
        own = {key: column for key, column in fields.items() if key.startswith(f"{role}.")}
        specs.append(SourceSpec(path if bar else target, layer if bar else None, role, own))
    return specs


def _parse_map(text: str) -> tuple[str, str]:
    key, separator, column = text.partition("=")
    role, dot, name = key.strip().partition(".")
    if not separator or not column or not dot or role not in ROLES or name not in ROLES[role].field_names:
        raise CityGapError(
            "bad_map",
            f"{text!r} is not ROLE.FIELD=COLUMN with a field of the role",
            remedy="Write it like housing.built_year=YearBuilt.",
        )
    return f"{role}.{name}", column


def source_row(
    spec: SourceSpec,
    *,
    source_name: str,
    layer: Optional[str],
    role: str,
    rows: int = 0,
    dated: Optional[str] = None,
    encoding: Optional[str] = None,
) -> SourceRow:
    """The row that remembers one layer read, and in its options the source as the user named it."""
    path = str(Path(spec.path).expanduser().absolute())
    options = {
        "path": path,
        "layer": spec.layer,
        "role": spec.role,
        "fields": dict(spec.fields),
        "encoding": encoding,
    }
    return SourceRow(source_name, uri_of(path, layer), role, rows, dated, options)


def specs_from_rows(rows: Iterable[SourceRow]) -> list[SourceSpec]:
    """The sources that remembered rows came from, each once and as the user named it."""
    specs: list[SourceSpec] = []
    for row in rows:
        given = row.options
        spec = SourceSpec(
            str(given.get("path") or row.uri),
            given.get("layer"),
            given.get("role"),
            dict(given.get("fields") or {}),
        )
        if spec not in specs:
            specs.append(spec)
    return specs


def specs_to_rows(specs: Iterable[SourceSpec]) -> list[SourceRow]:
    """Rows that `specs_from_rows` turns back into the same sources; without a role their role is ``""``."""
    return [
        source_row(spec, source_name=Path(spec.path).stem, layer=spec.layer, role=spec.role or "")
        for spec in specs
    ]


def uri_of(path: str, layer: Optional[str]) -> str:
    """``FILE`` or ``FILE|LAYER``."""
    return f"{path}|{layer}" if layer else path
