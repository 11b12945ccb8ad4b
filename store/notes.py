"""Notes: what a person saw at gaps, with photos."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Optional, Union

from ..model.errors import CityGapError
from ..model.identity import ulid
from ..model.vocabulary import maps_to
from . import times
from .lifecycle import known_gaps, verify_flags
from .photos import Photo, check_photos, discard, keep_photos

if TYPE_CHECKING:
    from .database import Store

_NOTE = ("note_id", "at", "entered_at", "author", "text", "result", "weather", "private")


def add_note(
    store: Store,
    gap_ids: Union[str, Sequence[str]],
    *,
    text: str,
    at: Optional[str] = None,
    author: str = "",
    result: Optional[str] = None,
    photos: Sequence[Union[str, Path]] = (),
    weather: Optional[str] = None,
    private: bool = False,
) -> str:
    """Write a note on gaps, with copies of its photos; return its note_id, a ULID.

    Parameters
    ----------
    gap_ids : str or sequence of str
    at : str, optional
        When it was seen, ISO 8601 (without zone: the city's; a date: the end of its day). Default now.
    result : str, optional
        A value of the vocabulary: ok, defect, verified, no_access, not_found. ``verified`` closes a
        planner's flag that another person has set to fixed.
    photos : sequence of path
        JPEG, PNG, HEIC, WebP, TIFF or GIF; each content is kept once.

    Raises
    ------
    CityGapError
        ``no_gap``, ``bad_time`` (none, or after today), ``bad_result``, ``bad_photo``, ``locked``; then
        nothing was written.
    """
    ids = known_gaps(store, gap_ids)
    if result and result not in maps_to("notes.result"):
        words = ", ".join(maps_to("notes.result"))
        raise CityGapError("bad_result", f"there is no result {result!r}", remedy=f"Name one of {words}.")
    entered = times.now(store.zone)
    seen = entered if at is None else _seen(at, store)
    note = (ulid(), seen, entered, author or None, text, result or None, weather or None, int(private))
    checked = check_photos(photos)
    with store.write(author):
        # Under the lock: nobody else can come to rely on a copy that is taken back.
        kept, made = keep_photos(store, checked)
        try:
            _insert(store, note, ids, kept)
        except BaseException:
            discard(made)
            raise
        if result == "verified":
            verify_flags(store, ids, author)
    return str(note[0])


def _seen(text: str, store: Store) -> str:
    """When a note was seen; today is not over yet, but nobody saw what comes after it."""
    seen = times.moment(text, store.zone)
    if seen.astimezone(store.zone).date() > datetime.now(store.zone).date():
        raise CityGapError(
            "bad_time",
            f"{text!r} lies in the future",
            field="at",
            remedy="Give the day on which it was seen.",
        )
    return times.stamp(seen)


def _insert(store: Store, note: tuple[Any, ...], gap_ids: list[str], photos: list[Photo]) -> None:
    store.connection.execute(
        "INSERT INTO notes (note_id, at, entered_at, author, text, result, weather, private)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        note,
    )
    store.connection.executemany(
        "INSERT INTO note_gaps (note_id, gap_id) VALUES (?, ?)", [(note[0], gap_id) for gap_id in gap_ids]
    )
    store.connection.executemany(
        "INSERT INTO photos (note_id, path, sha256, name, bytes) VALUES (?, ?, ?, ?, ?)",
        [(note[0], *photo) for photo in photos],
    )


def read_notes(store: Store, gap_id: Optional[str] = None) -> list[dict[str, Any]]:
    """Notes, oldest first; those of one gap if it is named.

    Returns
    -------
    list of dict
        note_id, gap_ids, at, entered_at, author, text, result, weather, private (bool), photos (list
        of dict: path relative to the photo folder, sha256, name, bytes).
    """
    chosen = "SELECT note_id, at, entered_at, author, text, result, weather, private FROM notes"
    if gap_id is None:
        rows = store.connection.execute(" ".join((chosen, "ORDER BY at, note_id")))
    else:
        wanted = "WHERE note_id IN (SELECT note_id FROM note_gaps WHERE gap_id = ?) ORDER BY at, note_id"
        rows = store.connection.execute(" ".join((chosen, wanted)), (gap_id,))
    return [_note(store, dict(zip(_NOTE, row))) for row in rows.fetchall()]


def _note(store: Store, note: dict[str, Any]) -> dict[str, Any]:
    gaps = store.connection.execute(
        "SELECT gap_id FROM note_gaps WHERE note_id = ? ORDER BY fid", (note["note_id"],)
    )
    photos = store.connection.execute(
        "SELECT path, sha256, name, bytes FROM photos WHERE note_id = ? ORDER BY fid", (note["note_id"],)
    )
    return {
        "note_id": note["note_id"],
        "gap_ids": [row[0] for row in gaps],
        **{name: note[name] for name in _NOTE[1:]},
        "private": bool(note["private"]),
        "photos": [dict(zip(Photo._fields, row)) for row in photos],
    }
