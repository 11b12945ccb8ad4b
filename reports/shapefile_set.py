"""The files of a shapefile report: three shapefiles, their tables, the photos, each read back."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Callable

from ..model.errors import Cancelled
from .columns import NAMES, FieldSpec, field_specs
from .legend import LEGEND_NAMES, aliases_qml, legend_rows
from .losses import Losses
from .notes import NOTE_NAMES, PHOTO_FOLDER, PHOTO_NAMES, NoteBook
from .proof import Meant, Proof
from .rows import RowMaker, Whole, left_out_texts
from .tables import read_table, write_table
from .wkb import grid_square
from .writer import KINDS, Crs, Engine, Shape

BESIDE_COLUMNS = {"internal": ("until", "why", "assigned_to"), "public": ("until", "why")}
"""Gap columns without a place in the fixed columns: their texts go to ``gap_notes.csv``."""


class ShapefileSet:
    """One report on its way into its folder, and what is said of it."""

    def __init__(
        self,
        engine: Engine,
        encoding: str,
        language: str,
        public: bool,
        on_progress: Callable[[float], None],
        is_cancelled: Callable[[], bool],
    ) -> None:
        self.engine = engine
        self.encoding = encoding
        self.language = language
        self.public = public
        self.losses = Losses()
        self.proof = Proof(engine)
        self.files: dict[str, dict[str, Any]] = {}
        self._on_progress = on_progress
        self._is_cancelled = is_cancelled

    def step(self, share: float) -> None:
        """Tell how far the job is, and stop it if the user wants."""
        if self._is_cancelled():
            raise Cancelled
        self._on_progress(share)

    def run(
        self,
        folder: Path,
        gaps: Sequence[dict[str, Any]],
        notes: Sequence[dict[str, Any]],
        crs: Crs,
        photo_folder: Path,
    ) -> dict[str, Any]:
        """Write and read back every file; return what ``report.json`` says."""
        self.step(0.0)
        shapes = self._shapes(gaps)
        self.step(0.1)
        ids = [str(gap["gap_id"]) for gap in gaps]
        book = NoteBook(notes, ids, photo_folder, folder, self.losses, public=self.public)
        maker = RowMaker(self.encoding, self.losses, with_params=not self.public)
        rows = [
            maker.row(gap, book.of_gap(gap_id), placed=shape.kind is not None)
            for gap, gap_id, shape in zip(gaps, ids, shapes)
        ]
        maker.check()
        self.step(0.3)
        specs = field_specs(
            [row for row, shape in zip(rows, shapes) if shape.kind is not None], self.encoding
        )
        for number, ending in enumerate(KINDS):
            picked = [place for place, shape in enumerate(shapes) if shape.kind == ending]
            self._shapefile(
                folder, ending, specs, [rows[i] for i in picked], [shapes[i].native for i in picked], crs
            )
            self.step(0.3 + 0.2 * (number + 1))
        placeless = [row for row, shape in zip(rows, shapes) if shape.kind is None]
        self._tables(folder, specs, placeless, book, maker.whole + self._beside_texts(gaps, ids, shapes))
        return self._report(len(gaps), crs)

    def _shapes(self, gaps: Sequence[dict[str, Any]]) -> list[Shape]:
        shapes = self.engine.prepare([gap.get("wkb") for gap in gaps])
        for gap, shape in zip(gaps, shapes):
            if "unreadable" in shape.changes:
                self.losses.named["geometry_unreadable"].append(str(gap["gap_id"]))
            elif not self.public:
                self.losses.geometry.update(shape.changes)
        if not self.public:
            return shapes
        squares = [
            None if shape.kind is None else grid_square(*self.engine.centre(shape)) for shape in shapes
        ]
        self.losses.counted["positions_generalised"] = sum(square is not None for square in squares)
        return self.engine.prepare(squares)

    def _beside_texts(
        self, gaps: Sequence[dict[str, Any]], ids: Sequence[str], shapes: Sequence[Shape]
    ) -> list[Whole]:
        columns = BESIDE_COLUMNS["public" if self.public else "internal"]
        texts = [text for gap in gaps for text in left_out_texts(gap, columns, self.losses)]
        return texts + [
            Whole(gap_id, "geometry", shape.original) for gap_id, shape in zip(ids, shapes) if shape.original
        ]

    def _shapefile(
        self,
        folder: Path,
        ending: str,
        specs: Sequence[FieldSpec],
        rows: list[list[Any]],
        shapes: list[Any],
        crs: Crs,
    ) -> None:
        path = folder / f"gap_report_{ending}.shp"
        self.engine.write(path, KINDS[ending], specs, rows, shapes, crs, self.encoding, self._is_cancelled)
        path.with_suffix(".cpg").write_text(self.encoding, encoding="ascii")
        path.with_suffix(".qml").write_text(aliases_qml(), encoding="utf-8")
        read = self.proof.compare(Meant(path, KINDS[ending], NAMES, rows, shapes, crs))
        if crs.epsg is None or read.epsg is None:
            path.with_suffix(".wkt").write_text(crs.wkt2, encoding="utf-8")
            self.losses.counted["crs_not_recognised"] = 1
        self.files[path.name] = {
            "rows": len(rows),
            "read": len(read.shapes),
            "geometry": read.geometry,
            "epsg": read.epsg,
        }

    def _tables(
        self,
        folder: Path,
        specs: Sequence[FieldSpec],
        placeless: list[list[Any]],
        book: NoteBook,
        whole: list[Whole],
    ) -> None:
        for name, names, rows in (
            ("gap_report_none.csv", NAMES, placeless),
            ("gap_report_fields.csv", LEGEND_NAMES, legend_rows(specs, self.language)),
            ("gap_notes.csv", NOTE_NAMES, book.rows(whole)),
            ("gap_photos.csv", PHOTO_NAMES, book.photo_rows()),
        ):
            meant = write_table(folder / name, names, rows)
            read = read_table(folder / name)[1]
            self.proof.compare_table(folder / name, meant, read)
            self.files[name] = {"rows": len(meant), "read": len(read)}
        photos = list((folder / PHOTO_FOLDER).iterdir())
        self.files[f"{PHOTO_FOLDER}/"] = {
            "files": len(photos),
            "bytes": sum(path.stat().st_size for path in photos),
        }

    def _report(self, gaps: int, crs: Crs) -> dict[str, Any]:
        return {
            "written_at": datetime.now().astimezone().isoformat(timespec="seconds"),
            "writer": self.engine.versions()["writer"],
            "encoding": self.encoding,
            "language": self.language,
            "profile": "public" if self.public else "internal",
            "epsg": crs.epsg,
            "gaps": gaps,
            "files": self.files,
            "losses": self.losses.as_dict(),
            "read_back": self.proof.as_dict(),
        }
