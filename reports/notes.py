"""The notes that go with a report: which, in what order, with which photos."""

from __future__ import annotations

import hashlib
import re
import shutil
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Optional

from .losses import Losses
from .rows import GapNotes, Whole
from .times import age_key

NOTE_NAMES = ("gap_id", "column", "note_id", "at", "author", "result", "weather", "text", "photos")
PHOTO_NAMES = ("gap_id", "note_id", "photo", "name", "sha256")

PHOTO_FOLDER = "photos"


class Photo(NamedTuple):
    """A photo of a note: where it stands in the report (None: missing) and what it was called."""

    path: Optional[str]
    name: str
    sha256: str


class NoteBook:
    """The public notes of some gaps, newest first, their photos copied into the report.

    Parameters
    ----------
    gap_ids : iterable of str
        Gaps of the report; notes on others are left out.
    folder : Path
        Folder of the report.
    public : bool
        True leaves out authors and photos: a photo may hold its exact position.
    """

    def __init__(
        self,
        notes: Sequence[dict[str, Any]],
        gap_ids: Iterable[str],
        photo_folder: Path,
        folder: Path,
        losses: Losses,
        *,
        public: bool = False,
    ) -> None:
        self._losses = losses
        self._public = public
        self._source, self._target = Path(photo_folder).resolve(), folder
        self._photos: dict[str, Photo] = {}
        self._by_gap: dict[str, list[dict[str, Any]]] = defaultdict(list)
        known = set(gap_ids)
        (folder / PHOTO_FOLDER).mkdir()
        for note in sorted(notes, key=lambda note: age_key(note["at"]), reverse=True):
            members = [gap_id for gap_id in note["gap_ids"] if gap_id in known]
            if members and note.get("private"):
                losses.counted["private_notes"] += 1
                continue
            for gap_id in members:
                self._by_gap[gap_id].append(note)
        self._shown = {
            note["note_id"]: self._copied(note) for notes in self._by_gap.values() for note in notes
        }

    def of_gap(self, gap_id: str) -> GapNotes:
        """What the notes of a gap put into its row; photos over three are counted."""
        notes = self._by_gap.get(gap_id, [])
        photos = [photo for note in notes for photo in self._shown[note["note_id"]]]
        paths = tuple(dict.fromkeys(photo.path for photo in photos if photo.path))
        self._losses.counted["photos_over_three"] += max(0, len(paths) - 3)
        text = next((note["text"] for note in notes if note.get("text")), None)
        return GapNotes(text, len(notes), len(photos), paths)

    def rows(self, whole: Iterable[Whole]) -> list[list[Any]]:
        """Rows of ``gap_notes.csv``: each note once a gap, then the texts a shapefile holds changed."""
        rows = [self._row(gap_id, note) for gap_id, notes in self._by_gap.items() for note in notes]
        rows += [[item.gap_id, item.column, None, None, None, None, None, item.text, None] for item in whole]
        return sorted(rows, key=lambda row: row[0])

    def photo_rows(self) -> list[list[Any]]:
        """Rows of ``gap_photos.csv``; a missing photo has an empty path."""
        return [
            [gap_id, note["note_id"], photo.path, photo.name, photo.sha256]
            for gap_id, notes in sorted(self._by_gap.items())
            for note in notes
            for photo in self._shown[note["note_id"]]
        ]

    def _row(self, gap_id: str, note: dict[str, Any]) -> list[Any]:
        paths = ";".join(photo.path for photo in self._shown[note["note_id"]] if photo.path)
        author = None if self._public else note.get("author")
        facts = [note["note_id"], note["at"], author, note.get("result"), note.get("weather")]
        return [gap_id, "note", *facts, note.get("text"), paths]

    def _copied(self, note: dict[str, Any]) -> list[Photo]:
        given = note.get("photos") or ()
        if self._public:
            self._losses.counted["photos_left_out"] += len(given)
            return []
        return [self._copy(photo) for photo in given]

    def _copy(self, photo: dict[str, Any]) -> Photo:
        stored = photo["path"]
        if stored not in self._photos:
            path, digest = self._exported(stored)
            if path is None:
                self._losses.named["photos_missing"].append(stored)
            self._photos[stored] = Photo(path, photo.get("name") or "", digest or photo.get("sha256") or "")
        return self._photos[stored]._replace(name=photo.get("name") or "")

    def _exported(self, stored: str) -> tuple[Optional[str], Optional[str]]:
        """Copy a stored photo under the hash of its content; (None, None) if it is not there."""
        source = (self._source / stored).resolve()
        if self._source not in source.parents or not source.is_file():
            return None, None
        with open(source, "rb") as file:
            digest = hashlib.sha256()
            for block in iter(lambda: file.read(1 << 20), b""):
                digest.update(block)
        suffix = source.suffix.lower() if re.fullmatch(r"\.[a-z0-9]{1,5}", source.suffix.lower()) else ""
        path = f"{PHOTO_FOLDER}/{digest.hexdigest()}{suffix}"
        shutil.copyfile(source, self._target / path)
        return path, digest.hexdigest()
