"""From a path as the user gives it to what GDAL is to open."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from ..model.errors import CityGapError
from .archives import ARCHIVES, DATA_SUFFIXES, unpacked
from .whole import XML_SUFFIXES, check_whole, head_of


class Opened(NamedTuple):
    """A source that can be read.

    Attributes
    ----------
    gdal_path : str
        What GDAL is to open.
    path : Path
        The file itself, unpacked if it came in an archive; or a folder of files.
    suffix : str
        Its kind: a lower-case suffix, ``.osm`` for OpenStreetMap XML of any name, ``.shp`` for a
        folder of shapefiles.
    stem : str
        Name of the user's file without folder and suffix: ``Helsinki`` of ``Helsinki.osm.pbf``.
    """

    gdal_path: str
    path: Path
    suffix: str
    stem: str

    @property
    def is_osm(self) -> bool:
        """Whether it holds OpenStreetMap data."""
        return self.suffix in (".osm", ".pbf")


@contextmanager
def opened(path: str) -> Iterator[Opened]:
    """Check a source and give what GDAL is to open; archives are unpacked for the while.

    Raises
    ------
    CityGapError
        ``missing_file``, ``empty``, ``is_store``, ``truncated``, ``no_shx``, ``nested_archive``,
        ``unreadable``, ``not_an_answer`` (an Overpass answer that holds an error).
    """
    file = Path(path).expanduser()
    if not file.exists():
        raise CityGapError("missing_file", "the file does not exist", file=path, remedy="Check the path.")
    beside = file.with_suffix(".shp")
    if file.suffix.lower() in (".dbf", ".shx", ".prj", ".cpg") and beside.is_file():
        file = beside
    if file.is_file() and file.suffix.lower() in ARCHIVES and file.stat().st_size:
        with tempfile.TemporaryDirectory(prefix="citygap-") as folder:
            yield _checked(unpacked(file, Path(folder), path), path, stem_of(file))
    else:
        yield _checked(file, path, stem_of(file))


def stem_of(path: Path) -> str:
    """File name without folder and the suffixes that name its format."""
    name = path.name
    for suffix in (*ARCHIVES, ".pbf", ".osm"):
        if name.lower().endswith(suffix) and len(name) > len(suffix):
            name = name[: -len(suffix)]
    return Path(name).stem if name == path.name or Path(name).suffix.lower() in DATA_SUFFIXES else name


def _checked(file: Path, named: str, stem: str) -> Opened:
    tables = sorted(file.glob("*.shp")) if file.is_dir() and file.suffix.lower() != ".gdb" else [file]
    for table in tables:
        if table.is_file() and table.stat().st_size == 0:
            raise CityGapError(
                "empty", "the file is empty (0 bytes)", file=named, remedy="Copy or export it again."
            )
        check_whole(table, named)
    absolute = file.resolve()
    kind = ".shp" if file.is_dir() and tables != [file] else _kind(file)
    # pyogrio splits a path at "!" unless it is a virtual one already; GDAL writes a .gfs beside a real .gml
    virtual = "!" in str(absolute) or absolute.suffix.lower() == ".gml"
    return Opened(f"/vsisubfile/0,{absolute}" if virtual else str(absolute), absolute, kind, stem)


def _kind(file: Path) -> str:
    suffix = file.suffix.lower()
    return ".osm" if suffix in XML_SUFFIXES and b"<osm" in head_of(file) else suffix
