"""From the sources named to the layers read, each with its role and its columns."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Callable, Optional

from ..model.errors import Cancelled, CityGapError
from ..model.roles import ROLES
from .delimited import DELIMITED, read_delimited
from .files import Opened, opened
from .layers import LACKING, layer_names, read_layer
from .osm import OSM_LAYERS, looks_like_tags, read_osm, split_by_tags
from .raw import RawLayer
from .recognise import ColumnGuess, RoleGuess, guess_fields, guess_role
from .spec import SourceSpec

GIVEN = "it was given"


@dataclass
class Part:
    """One layer in one role, as read.

    Attributes
    ----------
    spec : SourceSpec
    layer : str or None
        Layer to name when it is read again; None if the file has but one.
    raw : RawLayer
    guess : RoleGuess or None
        None: no role was recognised.
    fields : dict of str to ColumnGuess
    stem : str
        File name without folder and suffix.
    lacking : dict of str to frozenset of str
        Source name to the fields it lacks, as a snapshot remembers them; empty elsewhere.
    """

    spec: SourceSpec
    layer: Optional[str]
    raw: RawLayer
    guess: Optional[RoleGuess]
    stem: str
    fields: dict[str, ColumnGuess] = field(default_factory=dict)
    lacking: dict[str, frozenset[str]] = field(default_factory=dict)

    @property
    def role(self) -> str:
        """The role; ``""`` if none was recognised."""
        return self.guess.role if self.guess else ""


Progress = Callable[[float, Optional[str]], None]


def read_parts(
    specs: Sequence[SourceSpec],
    *,
    on_progress: Progress = lambda share, text: None,
    is_cancelled: Callable[[], bool] = lambda: False,
) -> list[Part]:
    """Every layer of every source, roles and columns recognised.

    A layer that a source names with a role is not recognised a second time from its file, and a layer
    that is named twice in one role is taken once: twice the same pipes would have no loose end.

    Raises
    ------
    CityGapError
        Whatever keeps a source from being read; see `files.opened`, `layers.read_layer`.
    Cancelled
    """
    given = [spec for spec in specs if spec.role]
    parts: list[Part] = []
    taken: set[tuple[Path, Optional[str], str]] = set()
    for number, spec in enumerate(specs):
        if is_cancelled():
            raise Cancelled
        on_progress(number / max(len(specs), 1), Path(spec.path).name)
        with opened(spec.path) as source:
            for part in _parts_of(source, spec, is_cancelled):
                if spec.role is None and any(_covers(other, part, source.is_osm) for other in given):
                    continue
                known = (Path(spec.path).expanduser().resolve(), part.raw.layer, part.role)
                if known not in taken:
                    taken.add(known)
                    parts.append(part)
    on_progress(1.0, None)
    return parts


def _covers(given: SourceSpec, part: Part, is_osm: bool) -> bool:
    """Whether a source given with a role is what a part would be recognised from."""
    if Path(given.path).expanduser().resolve() != Path(part.spec.path).expanduser().resolve():
        return False
    if given.layer is not None and not is_osm:
        return given.layer in (part.raw.layer, part.stem)
    return given.role == part.role or (part.layer is None and not is_osm)


def _parts_of(source: Opened, spec: SourceSpec, is_cancelled: Callable[[], bool]) -> Iterator[Part]:
    if source.is_osm:
        yield from _osm_parts(source, spec)
        return
    if source.suffix in DELIMITED:
        if spec.layer and spec.layer != source.stem:
            raise _no_layer(spec, [source.stem])
        yield from _finish(source, spec, read_delimited(source, spec.path), None, (source.stem,))
        return
    names = layer_names(source, spec.path)
    if spec.layer is not None and spec.layer not in names:
        raise _no_layer(spec, names)
    remembered = _remembered(source, spec)
    for name in [spec.layer] if spec.layer else _wanted(spec, names):
        if is_cancelled():
            raise Cancelled
        raw = read_layer(source, spec.path, name)
        telling = (name,) if len(names) > 1 else (name, source.stem)
        for part in _finish(source, spec, raw, name if len(names) > 1 else None, telling):
            if remembered is not None and name == part.role:
                given = spec.columns_for(part.role)
                part.fields = guess_fields(raw.frame, part.role, given, spec.path, by_name_only=True)
                part.lacking = remembered.get(part.role, {})
            yield part


def _wanted(spec: SourceSpec, names: list[str]) -> list[str]:
    """Every layer for recognition; for a given role the layer of its name, or the only one."""
    if spec.role is None:
        return names
    if spec.role in names:
        return [spec.role]
    if len(names) == 1:
        return names
    raise CityGapError(
        "which_layer",
        f"the file has several layers: {', '.join(names[:20])}",
        file=spec.path,
        remedy=f"Name one: --role '{spec.role}={spec.path}|{names[0]}'.",
    )


def _finish(
    source: Opened, spec: SourceSpec, raw: RawLayer, layer: Optional[str], names: tuple[str, ...]
) -> Iterator[Part]:
    """The part that a layer is; several if it is a table of OSM tags whose role is not given."""
    if not len(raw.frame) and (spec.role or spec.layer or layer is None):
        raise CityGapError(
            "empty", "the layer has no features", file=spec.path, layer=raw.layer, remedy="Export it again."
        )
    if spec.role:
        yield _part(
            source, spec, raw, layer, RoleGuess(spec.role, _class_word(raw, spec.role, names), 1.0, GIVEN)
        )
    elif names[0] not in ROLES and looks_like_tags(raw):
        split = split_by_tags(raw)
        if not split:
            yield _part(source, spec, raw, layer, None)
        yield from _split_parts(source, spec, raw, layer, split)
    else:
        yield _part(source, spec, raw, layer, guess_role(raw, names) if len(raw.frame) else None)


def _split_parts(
    source: Opened, spec: SourceSpec, raw: RawLayer, layer: Optional[str], split: dict[str, RawLayer]
) -> Iterator[Part]:
    kept = sum(len(part.frame) for role, part in split.items() if role != "neglected")
    for number, (role, part) in enumerate(split.items()):
        if number == 0 and kept < len(raw.frame):
            part.warnings.append(f"{len(raw.frame) - kept} rows have tags of no role and are left out")
        part.layer = raw.layer
        yield _part(source, spec, part, layer, RoleGuess(role, None, 0.9, "it has OSM tags as columns"))


def _osm_parts(source: Opened, spec: SourceSpec) -> Iterator[Part]:
    if spec.layer is not None and spec.layer not in (*ROLES, *OSM_LAYERS):
        raise _no_layer(spec, list(OSM_LAYERS))
    by_role = read_osm(source, spec.path)
    wanted = spec.role or (spec.layer if spec.layer in ROLES else None)
    if wanted and wanted not in by_role:
        raise CityGapError(
            "empty",
            f"it holds nothing of role {wanted}",
            file=spec.path,
            layer=wanted,
            remedy=f"It holds {', '.join(by_role)}.",
        )
    for role, raw in by_role.items():
        if wanted in (None, role):
            why = GIVEN if spec.role else "OSM tags"
            raw.layer = None
            yield _part(source, spec, raw, None, RoleGuess(role, None, 1.0, why))


def _part(
    source: Opened, spec: SourceSpec, raw: RawLayer, layer: Optional[str], guess: Optional[RoleGuess]
) -> Part:
    part = Part(spec, layer, raw, guess, source.stem)
    if guess:
        part.fields = guess_fields(raw.frame, guess.role, spec.columns_for(guess.role), spec.path)
    return part


def _class_word(raw: RawLayer, role: str, names: tuple[str, ...]) -> Optional[str]:
    """The class that the name of a layer with a given role tells, if it tells that very role."""
    guess = guess_role(RawLayer(raw.path, raw.layer, raw.frame.iloc[:0, :0], raw.shapes, None, ""), names)
    return guess.class_word if guess and guess.role == role else None


def _remembered(source: Opened, spec: SourceSpec) -> Optional[dict[str, dict[str, frozenset[str]]]]:
    """What a snapshot says of columns that its sources lack; None for other files."""
    if source.suffix != ".gpkg" or LACKING not in layer_names(source, spec.path, everything=True):
        return None
    table = read_layer(source, spec.path, LACKING).frame
    if not {"role", "source_name", "field"} <= set(table.columns):
        return None
    found: dict[str, dict[str, frozenset[str]]] = {}
    for (role, name), rows in table.groupby(["role", "source_name"]):
        found.setdefault(str(role), {})[str(name)] = frozenset(str(field) for field in rows["field"])
    return found


def _no_layer(spec: SourceSpec, names: Iterable[str]) -> CityGapError:
    return CityGapError(
        "no_layer",
        f"there is no layer {spec.layer!r}",
        file=spec.path,
        layer=spec.layer,
        remedy=f"It has {', '.join(list(names)[:20])}.",
    )
