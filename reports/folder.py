"""Builds a folder beside its place, and lets it take the place only when it is whole."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from ..model.errors import CityGapError

MARK = "report.json"
"""The file by which a folder is known to be an earlier report."""


@contextmanager
def beside(out: Path, keep: Sequence[Path] = ()) -> Iterator[Path]:
    """An empty folder beside `out`; on leaving it takes the place of `out`, on an error it goes.

    An earlier report becomes ``<out>.1``, the one before ``<out>.2`` and so on: none is deleted.

    Parameters
    ----------
    keep : sequence of Path
        What must not be moved away with an earlier report, such as the store.

    Raises
    ------
    CityGapError
        ``out_taken`` if `out` is a file, holds other things than a report, or one of `keep`;
        ``write_failed`` if something can't be written; ``folder_in_use`` if the earlier report can't
        be moved.
    """
    out = Path(out).resolve()
    building = out.parent / f".{out.name}.{secrets.token_hex(4)}"
    try:
        _refuse(out, keep)
        building.mkdir(parents=True)
        yield building
        _take_place(building, out)
    except OSError as error:
        raise CityGapError(
            "write_failed",
            f"the report can't be written: {error.strerror or error}",
            file=str(error.filename or out),
            remedy="Check that the folder may be written and the disk has room.",
        ) from error
    finally:
        shutil.rmtree(building, ignore_errors=True)


def _refuse(out: Path, keep: Sequence[Path]) -> None:
    remedy = "Name a new folder, or that of an earlier report."
    if not out.name or (out.exists() and not out.is_dir()):
        raise CityGapError("out_taken", "this is no folder a report can take", file=str(out), remedy=remedy)
    if not out.exists():
        return
    if any(out.iterdir()) and not (out / MARK).is_file():
        raise CityGapError(
            "out_taken", "the folder holds other things than a gap report", file=str(out), remedy=remedy
        )
    for path in keep:
        if out in Path(path).resolve().parents:
            raise CityGapError("out_taken", f"{path} lies in this folder", file=str(out), remedy=remedy)


def _take_place(building: Path, out: Path) -> None:
    if out.is_dir() and not any(out.iterdir()):
        out.rmdir()
    moves = [*_shifts(out), (building, out)]
    done: list[tuple[Path, Path]] = []
    try:
        for source, target in moves:
            source.rename(target)
            done.append((source, target))
    except OSError as error:
        for source, target in reversed(done):
            target.rename(source)
        raise CityGapError(
            "folder_in_use",
            f"the earlier report can't make room: {error.strerror or error}",
            file=str(out),
            remedy="Close the programs and layers that show its files, or name another folder.",
        ) from error


def _shifts(out: Path) -> list[tuple[Path, Path]]:
    """The moves that free `out`: the oldest first, each to the next number."""
    chain = [out]
    while chain[-1].exists():
        chain.append(out.with_name(f"{out.name}.{len(chain)}"))
    return [(chain[place - 1], chain[place]) for place in range(len(chain) - 1, 0, -1)]
