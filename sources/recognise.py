"""Which role a layer has and which column is which field: from names, aliases, geometry and values."""

from __future__ import annotations

import re
from functools import cache
from typing import NamedTuple, Optional

import pandas as pd

from ..model.errors import CityGapError
from ..model.roles import ROLES
from ..model.tables import read_table
from .coded import class_field, fold, known_values
from .raw import RawLayer
from .values import text_of

SURE_NAME, SURE_FOLDED, SURE_ALIAS, SURE_CUT, SURE_VALUES = 1.0, 0.95, 0.9, 0.8, 0.6
_SHARED = ("id", "name", "owner", "maintainer", "updated_on", "captured_on", "accuracy_grade", "source_name")
_TELLING = {
    "housing": ("built_year", "floors", "danger_grade"),
    "pipes": ("laid_year", "material_code", "diameter_mm"),
    "components": ("condition",),
    "duties": ("duty",),
    "roads": ("highway",),
}
"""One of these columns is enough to tell a layer without a telling name."""
_YEAR_FIELDS = {"housing": "built_year", "pipes": "laid_year"}
_NOT_BUILT = re.compile(r"alter|repair|update|renov|modif|survey|维修|更新|改造|大修|调查")


class ColumnGuess(NamedTuple):
    """The column that holds a field, and how sure that is (0 to 1)."""

    column: str
    sure: float


class RoleGuess(NamedTuple):
    """A role, the class that the layer's name gives (``PS`` of ``sewers``), how sure, and why."""

    role: str
    class_word: Optional[str]
    sure: float
    why: str


def guess_role(raw: RawLayer, names: tuple[str, ...]) -> Optional[RoleGuess]:
    """The role of a layer, None if nothing tells.

    Parameters
    ----------
    raw : RawLayer
    names : tuple of str
        Layer name, then file name without suffix.
    """
    for name in names:
        by_name = [guess for guess in _by_name(name) if _fits(raw, guess.role)]
        if by_name:
            return max(by_name, key=lambda guess: guess.sure)
    return _by_columns(raw)


def guess_fields(
    frame: pd.DataFrame, role: str, given: dict[str, str], named: str, *, by_name_only: bool = False
) -> dict[str, ColumnGuess]:
    """Field to column; with `by_name_only` no aliases and no values, as in our own snapshots.

    Raises
    ------
    CityGapError
        ``no_column``: a given column is not there.
    """
    found: dict[str, ColumnGuess] = {}
    columns = [str(name) for name in frame.columns]
    for field, column in given.items():
        if column not in columns:
            raise CityGapError(
                "no_column",
                f"there is no column {column!r}",
                file=named,
                field=f"{role}.{field}",
                remedy=f"It has {', '.join(columns[:20]) or 'no columns'}.",
            )
        found[field] = ColumnGuess(column, SURE_NAME)
    fields = [field for field in ROLES[role].field_names if field not in found]
    taken = {guess.column for guess in found.values()}
    for step in (SURE_NAME,) if by_name_only else (SURE_NAME, SURE_FOLDED, SURE_ALIAS, SURE_CUT):
        for field in fields:
            free = [name for name in columns if name not in taken]
            match = None if field in found else _match(step, role, field, free)
            if match is not None:
                found[field] = ColumnGuess(match, step)
                taken.add(match)
    if not by_name_only:
        _add_by_values(frame, role, found, taken)
    if "id" in found and "id" not in given and not _tells_apart(frame, found["id"].column):
        del found["id"]
    return found


def _fits(raw: RawLayer, role: str) -> bool:
    spec = ROLES[role]
    if raw.shapes is None:
        return not spec.needs_geometry
    if not spec.geometries:
        return not raw.kinds
    return not raw.kinds or bool(raw.kinds & {*spec.geometries, "collection"})


def _by_name(name: str) -> list[RoleGuess]:
    """Roles that a name tells: the role itself, an alias, or (the longest wins) an alias in the name."""
    if name in ROLES:
        return [RoleGuess(name, None, 1.0, f"it is named {name}")]
    whole, words = fold(name), _words(name)
    guesses: list[RoleGuess] = []
    parts: list[tuple[int, RoleGuess]] = []
    for alias, (role, class_word) in _role_aliases().items():
        key = fold(alias)
        if key == whole:
            guesses.append(RoleGuess(role, class_word, 0.9, f"its name means {role}"))
        elif _is_part(alias, key, whole, words):
            parts.append((len(key), RoleGuess(role, class_word, 0.7, f"its name holds {alias!r}")))
    if guesses:
        return guesses
    longest = max((length for length, _ in parts), default=0)
    return [guess._replace(sure=guess.sure - 0.001 * (longest - length)) for length, guess in parts]


def _is_part(alias: str, key: str, whole: str, words: list[str]) -> bool:
    if not key.isascii():
        return key in whole
    parts = _words(alias)
    return any(words[i : i + len(parts)] == parts for i in range(len(words) - len(parts) + 1))


def _words(name: str) -> list[str]:
    """Lower-case ASCII words of a name: ``shanghai_oldBuildings2`` gives shanghai, old, buildings, 2."""
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)
    return [word for word in re.split(r"[^0-9a-z]+|(?<=[a-z])(?=\d)", spaced.casefold()) if word]


def _by_columns(raw: RawLayer) -> Optional[RoleGuess]:
    scores: dict[str, tuple[float, list[str]]] = {}
    fitting = [role for role in ROLES if _fits(raw, role)]
    columns = {fold(name) for name in raw.frame.columns}
    meanings = {
        role: [f for f in ROLES[role].field_names if f not in _SHARED and columns & set(_aliases(role, f))]
        for role in fitting
    }
    for role, fields in meanings.items():
        weights = [1 / max(1, sum(field in others for others in meanings.values())) for field in fields]
        scores[role] = (sum(weights), fields)
    if not scores:
        return None
    best = max(scores, key=lambda role: scores[role][0])
    score, fields = scores[best]
    telling = set(fields) & set(_TELLING.get(best, ()))
    if score < 1.5 and not (telling and score >= 0.5):
        return None
    return RoleGuess(best, None, min(0.8, 0.4 + 0.1 * score), f"it has {', '.join(fields[:4])}")


@cache
def _role_aliases() -> dict[str, tuple[str, Optional[str]]]:
    table: dict[str, tuple[str, Optional[str]]] = {}
    for row in read_table("aliases"):
        if not row["field"]:
            role, _, word = row["role"].partition(":")
            table[row["alias"]] = (role, word or None)
    return table


@cache
def _aliases(role: str, field: str) -> tuple[str, ...]:
    """Folded aliases of a field: its name, those of the role, those of every role, in the table's order."""
    own = [row["alias"] for row in read_table("aliases") if (row["role"], row["field"]) == (role, field)]
    shared = [row["alias"] for row in read_table("aliases") if (row["role"], row["field"]) == ("*", field)]
    return tuple(dict.fromkeys(fold(alias) for alias in (field, *own, *shared)))


def _match(step: float, role: str, field: str, free: list[str]) -> Optional[str]:
    """The column that is a field by one step of likeness: name, folded name, alias, name cut at 10 bytes."""
    if step == SURE_NAME:
        return field if field in free else None
    if step == SURE_FOLDED:
        return next((name for name in free if fold(name) == fold(field)), None)
    aliases = _aliases(role, field)
    if step == SURE_ALIAS:
        by_key = {fold(name): name for name in reversed(free)}
        return next((by_key[alias] for alias in aliases if alias in by_key), None)
    cut = [name for name in free if len(name.encode()) in (9, 10) and len(fold(name)) >= 3]
    return next((name for name in cut if any(alias.startswith(fold(name)) for alias in aliases)), None)


def _add_by_values(frame: pd.DataFrame, role: str, found: dict[str, ColumnGuess], taken: set[str]) -> None:
    """Coded fields by their codes; the year by a column called year or 年 that holds years."""
    sample = frame.head(2000)
    texts = {
        name: text_of(sample[name])
        for name in sample.select_dtypes(["object", "string"])
        if name not in taken
    }
    for field in ROLES[role].field_names:
        known = known_values(role, field)
        if field in found or not known:
            continue
        for name, text in texts.items():
            words = text.dropna().unique()
            hits = [word for word in words if known.get(fold(word))]
            if 2 <= len(words) <= 60 and len(hits) >= 0.9 * len(words) and max(map(len, hits)) >= 2:
                found[field] = ColumnGuess(name, SURE_VALUES)
                taken.add(name)
                del texts[name]
                break
    year = _YEAR_FIELDS.get(role)
    if year and year not in found:
        column = next((n for n in sample.columns if n not in taken and _holds_years(str(n), sample[n])), None)
        if column is not None:
            found[year] = ColumnGuess(str(column), SURE_VALUES)


def _holds_years(name: str, column: pd.Series) -> bool:
    plain = name.casefold()
    if not ("year" in plain or "年" in plain) or _NOT_BUILT.search(plain):
        return False
    numbers = pd.to_numeric(column, errors="coerce").dropna()
    real = numbers[numbers != 0]
    return len(real) > 0 and bool(real.between(1000, 2100).mean() > 0.9)


def _tells_apart(frame: pd.DataFrame, column: str) -> bool:
    """An id tells rows apart: a column with one value in every row (``Id`` = 0) is none."""
    filled = frame[column].dropna()
    return column == "id" or len(filled) < 10 or filled.nunique() * 2 >= len(filled)


def class_from_name(role: str, found: dict[str, ColumnGuess], class_word: Optional[str]) -> Optional[str]:
    """Field that the class word of the layer's name fills, if the layer has no column for it."""
    field = class_field(role)
    return field if field and class_word and field not in found and "kind_code" not in found else None
