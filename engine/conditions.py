"""Reads `applies_if` of the standards and says which rows of a table fit.

Grammar (catalogue): ``&``, ``or`` (binding looser) and brackets over ``field op value`` with
``= < <= > >=``, ``field in a|b`` (``null`` may stand in the list), ``field is null|true|false``,
and ``field`` alone for ``field is true``;
values are numbers, words or ``year(T)``, ``month(T)``; ``month(T)`` may also stand as a field, and
the numbers of a field may be compared with those of another.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import NamedTuple, Union

import numpy as np
import pandas as pd

from ..model.errors import CityGapError

_TOKEN = re.compile(r"\s*(\(T\)|[()&]|<=|>=|[=<>]|[^\s()&<>=]+(?:\(T\))?)")
_NOW = ("month(T)", "year(T)")
_COMPARE = {"=": operator.eq, "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}
_TRUE = ("true", "yes", "1", "y", "是")
_FALSE = ("false", "no", "0", "n", "否")


@dataclass(frozen=True)
class Test:
    """One comparison: field, operator (also ``in`` and ``is``) and the text it is compared with."""

    field: str
    operator: str
    value: str


@dataclass(frozen=True)
class Both:
    """All parts must fit."""

    parts: tuple[Condition, ...]


@dataclass(frozen=True)
class Either:
    """One part must fit; without parts nothing fits."""

    parts: tuple[Condition, ...]


Condition = Union[Test, Both, Either]


class Words(NamedTuple):
    """Values of a column as words in small letters, and the place of each row's word, -1 for null.

    `code` has shape (n,), int32.
    """

    code: np.ndarray
    words: list[str]

    def among(self, wanted: Collection[str]) -> np.ndarray:
        """Whether each value is one of some words (in small letters), shape (n,)."""
        return np.array([*(word in wanted for word in self.words), False], dtype=bool)[self.code]


def words_of(values: pd.Series) -> Words:
    """The values of a column as words: each that differs is looked at once."""
    # Objects may be equal and yet not spelled alike: 1 and True.
    code, different = pd.factorize(values.astype("str") if values.dtype == object else values)
    return Words(code.astype("int32"), [str(value).strip().casefold() for value in different])


@dataclass(frozen=True)
class Subject:
    """The rows a condition is asked of.

    Attributes
    ----------
    rows : DataFrame
        With the fields as columns; `age` is derived where it is not a column.
    lacks : mapping of str to ndarray of bool
        Field to the rows whose source has no column for it; a field that is neither here nor a
        column is lacked by every row.
    at : datetime
        T.
    """

    rows: pd.DataFrame
    lacks: Mapping[str, np.ndarray]
    at: datetime
    _words: dict[str, Words] = field(default_factory=dict, init=False, compare=False, repr=False)

    def words(self, name: str) -> Words:
        """What a field holds, as words."""
        if name not in self._words:
            self._words[name] = words_of(self.values(name))
        return self._words[name]

    def lacking(self, field: str) -> np.ndarray:
        """Rows that lack the column, shape (n,)."""
        if field in self.lacks:
            return self.lacks[field]
        return np.full(len(self.rows), field not in self.rows)

    def values(self, field: str) -> pd.Series:
        """The column, or nulls where there is none."""
        if field in self.rows:
            return self.rows[field]
        return pd.Series(np.nan, index=self.rows.index)

    def take(self, rows: np.ndarray) -> Subject:
        """Some of the objects, by place."""
        part = self.rows.iloc[rows]
        part.index = pd.RangeIndex(len(part))
        return Subject(part, {field: lacks[rows] for field, lacks in self.lacks.items()}, self.at)

    def followed_by(self, others: Subject) -> Subject:
        """These objects and others with the same columns."""
        rows = pd.concat([self.rows, others.rows], ignore_index=True)
        lacks = {field: np.append(mask, others.lacks[field]) for field, mask in self.lacks.items()}
        return Subject(rows, lacks, self.at)


@cache
def parse(text: str) -> Condition:
    """The condition a text stands for; an empty text fits every row.

    Raises
    ------
    CityGapError
        ``bad_standard`` if the text is not in the grammar.
    """
    tokens = _tokens(text)
    if not tokens:
        return Both(())
    condition, rest = _either(tokens, text)
    if rest:
        raise _bad(text)
    return condition


def fits(condition: Condition, subject: Subject, *, null_needs_column: bool = False) -> np.ndarray:
    """Which rows fit a condition.

    A comparison does not fit a null, nor a row whose source lacks the column; ``is null`` fits a
    lacking column, unless `null_needs_column` (rows with use = unrecorded, and I05).

    Returns
    -------
    ndarray of bool, shape (n,)
    """
    count = len(subject.rows)
    if isinstance(condition, Both):
        masks = [fits(part, subject, null_needs_column=null_needs_column) for part in condition.parts]
        return np.logical_and.reduce(masks) if masks else np.ones(count, dtype=bool)
    if isinstance(condition, Either):
        masks = [fits(part, subject, null_needs_column=null_needs_column) for part in condition.parts]
        return np.logical_or.reduce(masks) if masks else np.zeros(count, dtype=bool)
    return _fits_test(condition, subject, null_needs_column)


def might_fit(condition: Condition, subject: Subject) -> np.ndarray:
    """Which rows a condition would fit if their empty cells held the right values, shape (n,).

    A row whose source lacks the column does not.
    """
    count = len(subject.rows)
    if isinstance(condition, Both):
        masks = [might_fit(part, subject) for part in condition.parts]
        return np.logical_and.reduce(masks) if masks else np.ones(count, dtype=bool)
    if isinstance(condition, Either):
        masks = [might_fit(part, subject) for part in condition.parts]
        return np.logical_or.reduce(masks) if masks else np.zeros(count, dtype=bool)
    empty = subject.values(condition.field).isna().to_numpy() & ~subject.lacking(condition.field)
    return np.asarray(empty | _fits_test(condition, subject, False))


def fields_of(condition: Condition) -> frozenset[str]:
    """The fields a condition reads."""
    if isinstance(condition, Test):
        return frozenset([condition.field])
    return frozenset().union(*(fields_of(part) for part in condition.parts))


def _fits_test(test: Test, subject: Subject, null_needs_column: bool) -> np.ndarray:
    if test.field in _NOW:
        return _fits_now(test, subject)
    lacking = subject.lacking(test.field)
    if test.operator == "is" and test.value != "null":
        return subject.words(test.field).among(_TRUE if test.value == "true" else _FALSE) & ~lacking
    null = subject.values(test.field).isna().to_numpy()
    unknown = null & ~lacking if null_needs_column else null | lacking
    if test.operator == "is":
        return unknown
    if test.operator == "in":
        words = [word.strip().casefold() for word in test.value.split("|")]
        listed = (
            subject.words(test.field).among([word for word in words if word != "null"]) & ~lacking & ~null
        )
        return listed | unknown if "null" in words else listed
    wanted = _wanted(test, subject)
    if isinstance(wanted, str):
        return (
            subject.words(test.field).among([wanted.casefold()]) & (test.operator == "=") & ~lacking & ~null
        )
    return _compared(_numbers(subject.values(test.field)), test.operator, wanted) & ~lacking & ~null


def _fits_now(test: Test, subject: Subject) -> np.ndarray:
    """Whether the month or year of T fits."""
    now = subject.at.month if test.field == "month(T)" else subject.at.year
    if test.operator == "in":
        fit = str(now) in [word.strip() for word in test.value.split("|")]
        return np.full(len(subject.rows), fit)
    return _compared(np.full(len(subject.rows), float(now)), test.operator, _wanted(test, subject))


def _compared(numbers: np.ndarray, how: str, wanted: Union[str, float, np.ndarray]) -> np.ndarray:
    """Whether numbers compare so; with a word or a flag none does."""
    if how not in _COMPARE or isinstance(wanted, str):
        return np.zeros(len(numbers), dtype=bool)
    with np.errstate(invalid="ignore"):
        return np.asarray(_COMPARE[how](numbers, wanted))


def _wanted(test: Test, subject: Subject) -> Union[str, float, np.ndarray]:
    """What a field is compared with: a value, or the numbers of another field."""
    if test.operator != "=" and test.value in subject.rows:
        return _numbers(subject.rows[test.value])
    return _value(test.value, subject.at)


def _value(text: str, at: datetime) -> Union[str, float]:
    if text in _NOW:
        return float(at.year if text == "year(T)" else at.month)
    try:
        return float(text)
    except ValueError:
        return text


def _numbers(values: pd.Series) -> np.ndarray:
    return np.asarray(
        pd.to_numeric(values, errors="coerce").to_numpy(dtype="float64", na_value=np.nan), dtype="float64"
    )


def _tokens(text: str) -> tuple[str, ...]:
    tokens, place = [], 0
    text = text.strip()
    while place < len(text):
        match = _TOKEN.match(text, place)
        if match is None:
            raise _bad(text)
        tokens.append(match.group(1))
        place = match.end()
    return tuple(tokens)


def _either(tokens: tuple[str, ...], text: str) -> tuple[Condition, tuple[str, ...]]:
    part, tokens = _both(tokens, text)
    parts = [part]
    while tokens and tokens[0].casefold() == "or":
        part, tokens = _both(tokens[1:], text)
        parts.append(part)
    return (parts[0] if len(parts) == 1 else Either(tuple(parts))), tokens


def _both(tokens: tuple[str, ...], text: str) -> tuple[Condition, tuple[str, ...]]:
    part, tokens = _atom(tokens, text)
    parts = [part]
    while tokens and tokens[0] == "&":
        part, tokens = _atom(tokens[1:], text)
        parts.append(part)
    return (parts[0] if len(parts) == 1 else Both(tuple(parts))), tokens


def _atom(tokens: tuple[str, ...], text: str) -> tuple[Condition, tuple[str, ...]]:
    if tokens and tokens[0] == "(":
        condition, rest = _either(tokens[1:], text)
        if not rest or rest[0] != ")":
            raise _bad(text)
        return condition, rest[1:]
    if len(tokens) >= 3 and (tokens[1] in _COMPARE or tokens[1] in ("in", "is")):
        name, how, value = tokens[:3]
        if how == "is" and value not in ("null", "true", "false"):
            raise _bad(text)
        return Test(name, how, value), tokens[3:]
    if tokens and tokens[0].isidentifier():
        return Test(tokens[0], "is", "true"), tokens[1:]
    raise _bad(text)


def _bad(text: str) -> CityGapError:
    return CityGapError(
        "bad_standard",
        f"the condition {text!r} can't be read",
        layer="standards",
        field="applies_if",
        remedy="Write comparisons joined by & and or, such as: age>=20 & material_code in G|PE.",
    )
