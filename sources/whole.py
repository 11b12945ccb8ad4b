"""Whether a file is whole and of a kind that can be read: cheap checks before GDAL opens it."""

from __future__ import annotations

import re
import sqlite3
import struct
from contextlib import closing
from pathlib import Path
from typing import Optional

from ..model.errors import CityGapError

XML_SUFFIXES = (".osm", ".xml", ".gml", ".kml", ".gpx")
_OVERPASS_REMARK = re.compile(rb"<remark>(.*?)</remark>", re.DOTALL)
_TAIL = 1 << 16


def check_whole(file: Path, named: str) -> None:
    """Refuse a file that is cut short or a CityGap store."""
    suffix = file.suffix.lower()
    if suffix == ".shp":
        _check_shapefile(file, named)
    elif suffix in (".gpkg", ".sqlite", ".db"):
        _check_sqlite(file, named)
    elif suffix == ".pbf":
        _check_pbf(file, named)
    elif suffix in XML_SUFFIXES:
        _check_xml(file, named)
    elif suffix in (".json", ".geojson") and not _tail(file).rstrip(b" \r\n\t\0\x1e").endswith((b"}", b"]")):
        raise truncated(named, "the file stops before its end: the outermost bracket is not closed")


def truncated(named: str, what: str, remedy: str = "Copy or export the file again.") -> CityGapError:
    """The error for a file that stops before its end."""
    return CityGapError("truncated", what, file=named, remedy=remedy)


def head_of(file: Path, size: int = 4096) -> bytes:
    """First bytes of a file."""
    with open(file, "rb") as stream:
        return stream.read(size)


def _tail(file: Path) -> bytes:
    with open(file, "rb") as stream:
        stream.seek(max(0, file.stat().st_size - _TAIL))
        return stream.read()


def _check_shapefile(file: Path, named: str) -> None:
    """A ``.shp`` needs its ``.shx`` and the length that its header states (16-bit words, ESRI 1998)."""
    index = next((p for s in (".shx", ".SHX") if (p := file.with_suffix(s)).is_file()), None)
    if index is None:
        raise CityGapError(
            "no_shx",
            "the .shx beside the .shp is missing",
            file=named,
            remedy="Copy the whole set (.shp, .shx, .dbf, .prj).",
        )
    head = head_of(file, 100)
    if len(head) < 100 or head[:4] != b"\x00\x00\x27\x0a":
        raise CityGapError("unreadable", "this is no shapefile", file=named, remedy="Export it again.")
    stated, size = struct.unpack(">i", head[24:28])[0] * 2, file.stat().st_size
    if size < stated:
        records = index.read_bytes()[100:]
        ends = [
            (offset + 4 + length) * 2
            for offset, length in struct.iter_unpack(">ii", records[: len(records) // 8 * 8])
        ]
        lost = sum(end > size for end in ends)
        raise truncated(named, f"the .shp is cut short: {lost} of {len(ends)} features are lost")
    table = next((p for s in (".dbf", ".DBF") if (p := file.with_suffix(s)).is_file()), None)
    if table is not None:
        _check_dbf(table, named)


def _check_dbf(table: Path, named: str) -> None:
    head = head_of(table, 32)
    if len(head) < 32:
        raise truncated(named, f"{table.name} is cut short")
    rows, header_length, record_length = struct.unpack("<IHH", head[4:12])
    whole = header_length + rows * record_length
    if table.stat().st_size < whole:
        kept = max(0, table.stat().st_size - header_length) // max(record_length, 1)
        raise truncated(named, f"{table.name} is cut short: {rows - kept} of {rows} rows are lost")


def _check_sqlite(file: Path, named: str) -> None:
    """Page count against file size (https://www.sqlite.org/fileformat2.html), then whose database it is."""
    head = head_of(file, 100)
    if not head.startswith(b"SQLite format 3\0"):
        raise CityGapError("unreadable", "this is no GeoPackage", file=named, remedy="Export it again.")
    page = struct.unpack(">H", head[16:18])[0]
    page = 65536 if page == 1 else page
    pages = struct.unpack(">I", head[28:32])[0]
    if head[24:28] == head[92:96] and file.stat().st_size < pages * page:
        raise truncated(
            named, f"the file is cut short: {file.stat().st_size} of {pages * page} bytes are there"
        )
    try:
        has_gaps = _store_tables(file) == 2
    except sqlite3.DatabaseError as error:
        raise CityGapError(
            "unreadable", f"the database cannot be read ({error})", file=named, remedy="Export it again."
        ) from error
    if has_gaps:
        raise CityGapError(
            "is_store",
            "this is a CityGap store, not a source",
            file=named,
            remedy="Give the layers of the city; name the store with --store.",
        )


def _store_tables(file: Path) -> int:
    """How many of the two tables are there that only a CityGap store has."""
    wal = Path(f"{file}-wal")
    # opened read-only, a WAL database gets files beside it; opened immutable, none
    mode = "mode=ro" if wal.is_file() and wal.stat().st_size else "immutable=1"
    query = "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name IN ('gaps', 'run_gaps')"
    with closing(sqlite3.connect(f"{file.resolve().as_uri()}?{mode}", uri=True)) as connection:
        return int(connection.execute(query).fetchone()[0])


def _check_pbf(file: Path, named: str) -> None:
    """Walk the blobs by their lengths (wiki.openstreetmap.org/wiki/PBF_Format); none may stop short."""
    size, at = file.stat().st_size, 0
    with open(file, "rb") as stream:
        while at < size:
            stream.seek(at)
            prefix = stream.read(4)
            length = struct.unpack(">I", prefix)[0] if len(prefix) == 4 else -1
            header = stream.read(length) if 0 <= length <= 64 * 1024 else b""
            body = _blob_size(header) if length >= 0 and len(header) == length else None
            if body is None or at + 4 + length + body > size:
                if at == 0:
                    raise CityGapError(
                        "unreadable", "this is no OSM PBF file", file=named, remedy="Download it again."
                    )
                raise truncated(
                    named, f"the file is cut short after {at} of at least {size} bytes", "Download it again."
                )
            at += 4 + length + body


def _blob_size(header: bytes) -> Optional[int]:
    """`datasize` (field 3) of a BlobHeader message."""
    at = 0
    while at < len(header):
        tag, at = _varint(header, at)
        value, after = _varint(header, at)
        if tag == 0x18:
            return value
        at = after + value if tag & 7 == 2 else after
    return None


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while at < len(data):
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            break
    return value, at


def _check_xml(file: Path, named: str) -> None:
    """The root element must be closed at the end; an Overpass answer must not be an error."""
    head, tail = head_of(file, _TAIL), _tail(file)
    root = re.search(
        rb"<([A-Za-z_][\w:.-]*)[\s>/]",
        re.sub(rb"<!--.*?-->|<\?.*?\?>|<!DOCTYPE[^>]*>", b"", head, flags=re.DOTALL),
    )
    if root is None:
        raise CityGapError("unreadable", "this is no XML file", file=named, remedy="Export it again.")
    name = root.group(1)
    text = tail.rstrip(b" \r\n\t\0")
    closed = re.search(rb"</" + re.escape(name) + rb"\s*>(\s*<!--.*?-->)*$", text, flags=re.DOTALL)
    if closed is None and not text.endswith(b"/>"):
        raise truncated(
            named, f"the file stops before its end: <{name.decode(errors='replace')}> is not closed"
        )
    remark = _OVERPASS_REMARK.search(tail)
    if name == b"osm" and remark is not None and b"error" in remark.group(1):
        said = remark.group(1).decode("utf-8", errors="replace").strip()
        raise CityGapError(
            "not_an_answer",
            f"Overpass answered with an error: {said}",
            file=named,
            remedy="Ask for a smaller area.",
        )
