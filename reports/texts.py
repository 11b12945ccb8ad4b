"""What a dBase text field and a CSV cell can hold, and what must be done to a text before."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from typing import NamedTuple, Optional

from ..model.errors import CityGapError
from .columns import TEXT_LIMIT

ENCODINGS = ("UTF-8", "GBK", "GB18030")
ELLIPSIS = "…"

_NEWLINES = re.compile("[ \t]*(?:\r\n|[\n\r\v\f\x1c\x1d\x1e\x85\u2028\u2029])[ \t]*")
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "'")


class BadText(NamedTuple):
    """A text an encoding can't hold: gap, column and the first character that fails."""

    row: str
    field: str
    character: str


def known_encoding(name: str) -> str:
    """The encoding's name as a ``.cpg`` file spells it.

    Raises
    ------
    CityGapError
        ``unknown_encoding`` for anything but UTF-8, GBK and GB18030.
    """
    folded = name.strip().upper().replace("UTF8", "UTF-8").replace("CP936", "GBK")
    if folded not in ENCODINGS:
        raise CityGapError(
            "unknown_encoding",
            f"there is no encoding {name!r}",
            remedy=f"Name one of {', '.join(ENCODINGS)}.",
        )
    return folded


def newline_mark(encoding: str) -> str:
    """What stands for a line break; GBK has no return symbol."""
    return " | " if encoding == "GBK" else " ⏎ "


def one_line(text: str, mark: str) -> str:
    """The text without line breaks, control characters and outer blanks, which dBase readers lose.

    Parameters
    ----------
    mark : str
        What a line break becomes.
    """
    if text.isprintable():
        return text.strip()
    joined = _NEWLINES.sub(mark, text.strip())
    return "".join(" " if unicodedata.category(char) == "Cc" else char for char in joined).strip()


def fit(text: str, encoding: str) -> str:
    """The text, or as many whole characters of it as fit with ``…`` into a dBase field.

    Raises
    ------
    UnicodeEncodeError
        If the encoding lacks a character of what would be written.
    """
    head = text[: TEXT_LIMIT + 1]
    if len(head.encode(encoding)) <= TEXT_LIMIT:
        return text
    room = TEXT_LIMIT - len(ELLIPSIS.encode(encoding))
    used = end = 0
    while used + (size := len(head[end].encode(encoding))) <= room:
        used, end = used + size, end + 1
    return head[:end] + ELLIPSIS


def encoding_error(bad: Iterable[BadText], encoding: str, file: Optional[str] = None) -> CityGapError:
    """The error that names what the encoding can't hold: each row, field and character, five at most."""
    items = list(bad)
    named = "; ".join(f"{item.row} {item.field} {describe(item.character)}" for item in items[:5])
    more = f" and {len(items) - 5} more" if len(items) > 5 else ""
    remedy = "Choose UTF-8 or GB18030." if encoding == "GBK" else "Remove these characters."
    return CityGapError(
        "bad_encoding",
        f"{encoding} can't hold {named}{more}",
        file=file,
        field=items[0].field,
        row=items[0].row,
        remedy=remedy,
    )


def describe(character: str) -> str:
    """A character and its code point; a lone surrogate only by its code point."""
    code = f"U+{ord(character):04X}"
    return code if unicodedata.category(character) == "Cs" else f"{character!r} ({code})"


def guarded(text: str) -> str:
    """The text as a CSV cell that no spreadsheet takes for a formula."""
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text


def unguarded(cell: str) -> str:
    """The text that `guarded` made the cell of."""
    return cell[1:] if cell.startswith("'") and cell[1:].startswith(_FORMULA_STARTS) else cell
