"""Turns gap records into rows of the fixed columns, counting what a row can't hold."""

from __future__ import annotations

import math
import numbers
from collections.abc import Sequence
from typing import Any, NamedTuple, Optional

from ..model.errors import CityGapError
from .columns import COLUMNS, NAMES, NUMBER_DECIMALS, NUMBER_LIMIT, NUMBERS
from .losses import Losses
from .texts import BadText, encoding_error, fit, newline_mark, one_line
from .times import to_minute

NOTE_CUT = NAMES.index("note_cut")


class Whole(NamedTuple):
    """A text the shapefile holds only in part or in another form: it goes to ``gap_notes.csv`` whole."""

    gap_id: str
    column: str
    text: str


class GapNotes(NamedTuple):
    """What the notes of one gap put into its row."""

    text: Optional[str] = None
    notes: int = 0
    photos: int = 0
    paths: tuple[str, ...] = ()


class RowMaker:
    """Makes rows, in the order of `COLUMNS`.

    Parameters
    ----------
    encoding : str
        Encoding of the shapefiles.
    with_params : bool
        False leaves the parameters out (profile public).

    Attributes
    ----------
    whole : list of Whole
        Texts that were shortened or changed, as they were.
    """

    def __init__(self, encoding: str, losses: Losses, *, with_params: bool = True) -> None:
        self.encoding = encoding
        self.losses = losses
        self.with_params = with_params
        self.whole: list[Whole] = []
        self._mark = newline_mark(encoding)
        self._bad: list[BadText] = []

    def row(self, gap: dict[str, Any], notes: GapNotes, *, placed: bool) -> list[Any]:
        """The row of a gap; one without a place goes to CSV, so its texts stay whole.

        Raises
        ------
        CityGapError
            ``bad_number`` for a number that does not fit, ``bad_value`` for what is no text or number.
        """
        gap_id = str(gap["gap_id"])
        values = self._values(gap, gap_id, notes)
        if placed:
            self._fit_texts(gap_id, values, notes)
        return [values[name] for name in NAMES]

    def check(self) -> None:
        """Raise ``bad_encoding`` if some text so far can't be written in the encoding."""
        if self._bad:
            raise encoding_error(self._bad, self.encoding)

    def _values(self, gap: dict[str, Any], gap_id: str, notes: GapNotes) -> dict[str, Any]:
        values: dict[str, Any] = dict.fromkeys(NAMES)
        for column in COLUMNS:
            given = gap.get(column.source) if column.source else None
            if column.kind == "number":
                values[column.name] = self._number(gap_id, column.name, given)
            elif column.kind == "time":
                values[column.name] = self._time(column.name, _text_of(gap_id, column.name, given))
            elif column.kind == "date":
                values[column.name] = to_minute(str(given or ""))[1]
            elif column.source:
                values[column.name] = _text_of(gap_id, column.name, given)
        if not self.with_params:
            self.losses.left_out["params"] += values["params"] is not None
            values["params"] = None
        values["text"] = values["text"] or notes.text
        values["notes"], values["photos"] = notes.notes, notes.photos
        for place, path in enumerate(notes.paths[:3], 1):
            values[f"photo_{place}"] = path
        values["unrec"] = ",".join(name for name in NUMBERS if values[name] is None) or None
        return values

    def _fit_texts(self, gap_id: str, values: dict[str, Any], notes: GapNotes) -> None:
        for column in COLUMNS:
            value = values[column.name]
            if column.kind not in ("text", "time") or not value:
                continue
            line = one_line(value, self._mark)
            try:
                held = fit(line, self.encoding)
            except UnicodeEncodeError as error:
                self._bad.append(BadText(gap_id, column.name, line[error.start]))
                continue
            self.losses.normalised[column.name] += line != value
            self.losses.shortened[column.name] += held != line
            if held != value:
                # The newest note stands whole in gap_notes.csv already, as a note.
                if not (column.name == "text" and value is notes.text):
                    self.whole.append(Whole(gap_id, column.name, value))
                values["note_cut"] = "Y" if held != line else values["note_cut"]
            values[column.name] = held or None

    def _time(self, name: str, given: Optional[str]) -> Optional[str]:
        if given is None:
            return None
        minute = to_minute(given)[0]
        self.losses.unreadable_times[name] += minute is None
        return minute or given

    def _number(self, gap_id: str, name: str, given: Any) -> Optional[float]:
        if given is None or given != given:
            return None
        if not isinstance(given, numbers.Real) or isinstance(given, bool):
            raise CityGapError("bad_value", f"{given!r} is no number", field=name, row=gap_id)
        value = float(given)
        if not math.isfinite(value) or abs(value) >= NUMBER_LIMIT:
            raise CityGapError(
                "bad_number",
                f"{value!r} does not fit the shapefile's number column",
                field=name,
                row=gap_id,
                remedy="Correct the value in the source and check again.",
            )
        rounded = round(value, NUMBER_DECIMALS) + 0.0
        self.losses.rounded[name] += rounded != value
        return rounded


def _text_of(gap_id: str, name: str, given: Any) -> Optional[str]:
    if given is None or given == "" or given != given:
        return None
    if isinstance(given, str):
        return given
    if isinstance(given, numbers.Integral) and not isinstance(given, bool):
        return str(given)
    raise CityGapError("bad_value", f"{given!r} is no text", field=name, row=gap_id)


def left_out_texts(gap: dict[str, Any], columns: Sequence[str], losses: Losses) -> list[Whole]:
    """Texts of gap columns that have no column in the shapefile, for ``gap_notes.csv``."""
    found = []
    for name in columns:
        text = _text_of(str(gap["gap_id"]), name, gap.get(name))
        if text is not None:
            losses.left_out[name] += 1
            found.append(Whole(str(gap["gap_id"]), name, text))
    return found
