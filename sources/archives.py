"""Unpacks the vector file that a zip, bz2 or gz holds, so that it is checked and read like any other."""

from __future__ import annotations

import bz2
import gzip
import shutil
import zipfile
import zlib
from pathlib import Path

from ..model.errors import CityGapError
from .whole import truncated

ARCHIVES = (".zip", ".bz2", ".gz")
_KINDS = ("shp", "gpkg", "geojson", "json", "fgb", "gml", "kml", "csv", "tab", "mif", "gpx", "osm", "pbf")
DATA_SUFFIXES = tuple(f".{kind}" for kind in _KINDS)
_NESTED = (".zip", ".7z", ".rar", ".gz", ".bz2", ".tar")
_DAMAGED = (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, NotImplementedError)
_UTF8_NAME = 0x800
"""Bit of a zip entry that says its name is UTF-8 (APPNOTE 4.4.4)."""


def unpacked(archive: Path, folder: Path, named: str) -> Path:
    """The file, or folder of files, that an archive holds, unpacked into `folder`.

    Raises
    ------
    CityGapError
        ``truncated``, ``nested_archive``, ``unreadable`` (no vector file, or several folders of them).
    """
    if archive.suffix.lower() == ".zip":
        return _from_zip(archive, folder, named)
    target = folder / archive.stem
    opener = bz2.open if archive.suffix.lower() == ".bz2" else gzip.open
    try:
        with opener(archive, "rb") as packed, open(target, "wb") as plain:
            shutil.copyfileobj(packed, plain, 1 << 20)
    except _DAMAGED as error:
        raise truncated(named, "the compressed file is damaged or cut short", "Download it again.") from error
    return target


def _from_zip(archive: Path, folder: Path, named: str) -> Path:
    try:
        with zipfile.ZipFile(archive) as opened:
            entries = {_name(info): info for info in opened.infolist() if not info.is_dir()}
            inside = _folder_of_data(list(entries), named)
            place = folder / (Path(inside).name if inside.lower().endswith(".gdb") else "zip")
            place.mkdir()
            for name, info in entries.items():
                # only the last part of the name is used: an entry can't leave the folder
                if name.rpartition("/")[0] == inside:
                    with opened.open(info) as packed, open(place / Path(name).name, "wb") as plain:
                        shutil.copyfileobj(packed, plain, 1 << 20)
    except _DAMAGED as error:
        raise truncated(named, f"the zip is damaged or cut short ({error})", "Download it again.") from error
    data = [path for path in place.iterdir() if path.suffix.lower() in DATA_SUFFIXES]
    return data[0] if len(data) == 1 else place


def _folder_of_data(names: list[str], named: str) -> str:
    databases = {name.rpartition("/")[0] for name in names if name.lower().endswith(".gdbtable")}
    data = [name for name in names if name.lower().endswith(DATA_SUFFIXES)]
    folders = databases or {name.rpartition("/")[0] for name in data}
    if len(folders) == 1:
        return folders.pop()
    if folders:
        raise CityGapError(
            "unreadable",
            f"the zip holds vector files in several folders ({', '.join(sorted(folders)[:5])})",
            file=named,
            remedy="Unpack it and name the files.",
        )
    if any(name.lower().endswith(_NESTED) for name in names):
        raise CityGapError(
            "nested_archive",
            "the zip holds another archive",
            file=named,
            remedy="Unpack the outer one.",
        )
    raise CityGapError(
        "unreadable",
        "the zip holds no vector file",
        file=named,
        remedy="Give a zip that holds a shapefile, GeoPackage or other vector file.",
    )


def _name(info: zipfile.ZipInfo) -> str:
    """The entry's name; Windows in Chinese writes GBK names that the format takes for code page 437."""
    name = info.filename.replace("\\", "/")
    if info.flag_bits & _UTF8_NAME or name.isascii():
        return name
    try:
        return name.encode("cp437").decode("gb18030")
    except UnicodeError:
        return name
