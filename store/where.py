"""A filter over gap records, as people write it, made into SQL with bound parameters."""

from __future__ import annotations

import re
from typing import NamedTuple, Union

from ..model.errors import CityGapError
from ..model.gap import GAP_COLUMNS

Value = Union[str, int, float]

MAX_CHARACTERS = 20_000
MAX_TERMS = 400
"""SQLite allows expressions 1000 deep; a chain of terms is as deep as it is long."""

_TOKEN = re.compile(
    r"""\s*(?:
        (?P<text>'(?:[^']|'')*')
      | (?P<number>[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)(?![\w.])
      | (?P<word>[^\W\d]\w*)
      | (?P<sign><>|!=|<=|>=|=|<|>|\(|\)|,)
    )""",
    re.VERBOSE,
)
_COMPARISONS = ("=", "!=", "<>", "<", "<=", ">", ">=")
_KEYWORDS = ("AND", "OR", "NOT", "IN", "LIKE", "IS", "NULL")


class _Token(NamedTuple):
    kind: str
    text: str
    at: int


def parse_where(text: str) -> tuple[str, list[Value]]:
    """SQL condition over the table `gaps`, and its parameters.

    Comparisons ``= != <> < <= > >=``, ``[NOT] IN (…)``, ``[NOT] LIKE``, ``IS [NOT] NULL`` of a column
    of the gap record (all but `title`) with texts in single quotes or numbers; ``AND``, ``OR``,
    ``NOT`` and brackets. An empty text gives ``1``, which fits every gap.

    Raises
    ------
    CityGapError
        ``bad_where`` naming the place, for anything else.

    Examples
    --------
    >>> parse_where("severity = 'high' AND notes > 0")
    ('("severity" = ? AND "notes" > ?)', ['high', 0])
    """
    if not text.strip():
        return "1", []
    return _Parser(text).parse()


def _bad(text: str, at: int, message: str) -> CityGapError:
    near = text[at : at + 20]
    place = f"at character {at + 1}, near {near!r}" if near.strip() else "at the end"
    return CityGapError(
        "bad_where",
        f"the filter can't be read: {message} {place}",
        remedy="Write conditions such as severity = 'high' AND class_code IN ('RQ', 'JS').",
    )


def _tokens(text: str) -> list[_Token]:
    if len(text) > MAX_CHARACTERS:
        raise _bad(text, MAX_CHARACTERS, f"it is longer than {MAX_CHARACTERS} characters")
    if re.search("[\ud800-\udfff]", text):
        raise _bad(text, 0, "it holds half a character")
    tokens, at = [], 0
    while at < len(text.rstrip()):
        match = _TOKEN.match(text, at)
        if match is None:
            start = at + len(text[at:]) - len(text[at:].lstrip())
            raise _bad(text, start, "not expected")
        kind = str(match.lastgroup)
        tokens.append(_Token(kind, match.group(kind), match.start(kind)))
        at = match.end()
    tokens.append(_Token("end", "", len(text)))
    return tokens


class _Parser:
    """Recursive descent: or, and, not, condition. Column names come from GAP_COLUMNS alone."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = _tokens(text)
        self.position = 0
        self.depth = 0
        self.terms = 0
        self.params: list[Value] = []

    def parse(self) -> tuple[str, list[Value]]:
        sql = self._either()
        if self._here.kind != "end":
            raise self._unexpected("AND or OR expected")
        return sql, self.params

    @property
    def _here(self) -> _Token:
        return self.tokens[self.position]

    def _unexpected(self, message: str) -> CityGapError:
        return _bad(self.text, self._here.at, message)

    def _takes(self, word: str) -> bool:
        """Step over a keyword or sign if it stands here."""
        found = self._here.kind in ("word", "sign") and self._here.text.upper() == word
        self.position += found
        return found

    def _needs(self, word: str) -> None:
        if not self._takes(word):
            raise self._unexpected(f"{word} expected")

    def _either(self) -> str:
        parts = [self._both()]
        while self._takes("OR"):
            parts.append(self._both())
        return parts[0] if len(parts) == 1 else "(" + " OR ".join(parts) + ")"

    def _both(self) -> str:
        parts = [self._one()]
        while self._takes("AND"):
            parts.append(self._one())
        return parts[0] if len(parts) == 1 else "(" + " AND ".join(parts) + ")"

    def _one(self) -> str:
        self.terms += 1
        self.depth += 1
        if self.terms > MAX_TERMS or self.depth > MAX_TERMS // 10:
            raise self._unexpected("too many conditions")
        if self._takes("NOT"):
            sql = "(NOT " + self._one() + ")"
        elif self._takes("("):
            sql = self._either()
            self._needs(")")
        else:
            sql = self._condition()
        self.depth -= 1
        return sql

    def _condition(self) -> str:
        column = self._column()
        if self._takes("IS"):
            negated = self._takes("NOT")
            self._needs("NULL")
            return column + (" IS NOT NULL" if negated else " IS NULL")
        negation = "NOT " if self._takes("NOT") else ""
        if self._takes("IN"):
            return column + " " + negation + "IN (" + self._list() + ")"
        if self._takes("LIKE"):
            return column + " " + negation + "LIKE " + self._value()
        sign = self._here.text
        if negation or sign not in _COMPARISONS:
            raise self._unexpected("a comparison, IN, LIKE or IS expected")
        self.position += 1
        return column + " " + sign + " " + self._value()

    def _column(self) -> str:
        name = self._here.text.casefold()
        if self._here.kind != "word" or name.upper() in _KEYWORDS:
            raise self._unexpected("a column expected")
        if name not in GAP_COLUMNS:
            raise self._unexpected("there is no column of that name")
        self.position += 1
        return '"' + name + '"'

    def _list(self) -> str:
        self._needs("(")
        marks = [self._value()]
        while self._takes(","):
            marks.append(self._value())
        self._needs(")")
        return ", ".join(marks)

    def _value(self) -> str:
        token = self._here
        if token.kind == "text":
            self.params.append(token.text[1:-1].replace("''", "'"))
        elif token.kind == "number":
            self.params.append(_number(token.text))
        else:
            raise self._unexpected("a text in single quotes or a number expected")
        self.position += 1
        return "?"


def _number(text: str) -> Value:
    if re.fullmatch(r"[+-]?\d{1,18}", text):
        return int(text)
    return float(text)
