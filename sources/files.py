"""From a path as the user gives it to what GDAL is to open."""

from __future__ import annotations

import bz2
import gzip
import shutil
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from ..model.errors import CityGapError
from .whole import XML_SUFFIXES, check_whole, head_of, truncated

_KINDS = (
    "shp",
    "gpkg",
    "geojson",
    "json",
    "fgb",
    "gml",
    "kml",
    "csv",
    "tab",
    "mif",
    "gpx",
    "osm",
    "pbf",
    "dbf",
)
_DATA_SUFFIXES = tuple(f".{kind}" for kind in _KINDS)


class Opened(NamedTuple):
    """A source that can be read: what GDAL is given for it, and how its name ends."""

    gdal_path: str
    path: Path
    suffix: str

    @property
    def is_osm(self) -> bool:
        """Whether it holds OpenStreetMap data."""
        return self.suffix in (".osm", ".pbf")

    @property
    def stem(self) -> str:
        """File name without folder and suffix: ``Helsinki`` of ``Helsinki.osm.pbf``."""
        return stem_of(self.path)


def stem_of(path: Path) -> str:
    """File name without folder and suffixes that name its format."""
    name = path.name
    for suffix in (".bz2", ".gz", ".zip", ".pbf", ".osm"):
        if name.lower().endswith(suffix) and len(name) > len(suffix):
            name = name[: -len(suffix)]
    return Path(name).stem if name == path.name or Path(name).suffix.lower() in _DATA_SUFFIXES else name


@contextmanager
def opened(path: str) -> Iterator[Opened]:
    """Check a source and give what GDAL is to open; compressed OSM files are unpacked for the while.

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
    if file.is_file() and file.stat().st_size == 0:
        raise CityGapError(
            "empty", "the file is empty (0 bytes)", file=path, remedy="Copy or export it again."
        )
    suffix = file.suffix.lower()
    if suffix in (".bz2", ".gz"):
        with tempfile.TemporaryDirectory() as folder:
            unpacked = _unpack(file, Path(folder))
            check_whole(unpacked, path)
            yield Opened(str(unpacked), file, _kind(unpacked))
        return
    check_whole(file, path)
    yield Opened(_gdal_path(file, path), file, _kind(file))


def _kind(file: Path) -> str:
    suffix = file.suffix.lower()
    if suffix in XML_SUFFIXES and b"<osm" in head_of(file):
        return ".osm"
    return suffix


def _gdal_path(file: Path, named: str) -> str:
    """An absolute path that GDAL takes as it is, archives opened."""
    absolute = file.resolve()
    if file.is_file() and file.suffix.lower() == ".zip":
        return _inside_zip(absolute, named)
    # pyogrio splits a path at "!" unless it is a virtual one already; GDAL writes a .gfs beside a real .gml
    virtual = "!" in str(absolute) or absolute.suffix.lower() == ".gml"
    return f"/vsisubfile/0,{absolute}" if virtual else str(absolute)


def _inside_zip(file: Path, named: str) -> str:
    remedy = "Give a zip that holds a shapefile, GeoPackage or other vector file."
    try:
        with zipfile.ZipFile(file) as archive:
            bad = archive.testzip()
            names = [name for name in archive.namelist() if not name.endswith("/")]
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError) as error:
        raise truncated(named, "the zip is damaged or cut short", "Copy or download it again.") from error
    if bad is not None:
        raise CityGapError(
            "unreadable", f"the zip is damaged at {bad}", file=named, remedy="Download it again."
        )
    databases = {name.rpartition("/")[0] for name in names if name.lower().endswith(".gdbtable")}
    if len(databases) == 1:
        return f"/vsizip/{{{file}}}/{databases.pop()}"
    data = [
        name for name in names if name.lower().endswith(_DATA_SUFFIXES) and not name.lower().endswith(".dbf")
    ]
    if not data:
        if any(name.lower().endswith((".zip", ".7z", ".rar", ".gz", ".tar")) for name in names):
            raise CityGapError(
                "nested_archive",
                "the zip holds another archive",
                file=named,
                remedy="Unpack the outer one first.",
            )
        raise CityGapError("unreadable", "the zip holds no vector file", file=named, remedy=remedy)
    folders = {name.rpartition("/")[0] for name in data}
    if len(data) > 1 and len(folders) > 1:
        listed = ", ".join(sorted(data)[:5])
        raise CityGapError(
            "unreadable",
            f"the zip holds vector files in several folders ({listed})",
            file=named,
            remedy="Unpack it and name the files.",
        )
    inner = data[0] if len(data) == 1 else folders.pop()
    return f"/vsizip/{{{file}}}/{inner}" if inner else f"/vsizip/{{{file}}}"


def _unpack(file: Path, folder: Path) -> Path:
    target = folder / file.stem
    opener = bz2.open if file.suffix.lower() == ".bz2" else gzip.open
    try:
        with opener(file, "rb") as packed, open(target, "wb") as plain:
            shutil.copyfileobj(packed, plain, 1 << 20)
    except (EOFError, OSError, zlib.error) as error:
        raise truncated(
            str(file), "the compressed file is damaged or cut short", "Download it again."
        ) from error
    return target
