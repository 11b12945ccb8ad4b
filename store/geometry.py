"""Geometry blobs of a GeoPackage, and the functions its spatial index calls."""

from __future__ import annotations

import math
import sqlite3
import struct
from typing import NamedTuple, Optional

from ..model.errors import CityGapError

Bounds = tuple[float, float, float, float]

_HEADER = struct.Struct("<2sBBi4d")
_EMPTY_HEADER = struct.Struct("<2sBBi")
_PLAIN = range(1, 8)
_WITH_COORDINATES = (2, 8)
_WITH_RINGS = (3, 17)
_MAX_DEPTH = 32
_ENVELOPE_BYTES = (0, 32, 48, 48, 64)


class Flat(NamedTuple):
    """A geometry without z and m: its WKB (little-endian) and its coordinates."""

    wkb: bytes
    xs: list[float]
    ys: list[float]

    @property
    def bounds(self) -> Optional[Bounds]:
        """Bounds (minx, miny, maxx, maxy); None if the geometry is empty."""
        if not self.xs:
            return None
        return min(self.xs), min(self.ys), max(self.xs), max(self.ys)


def flatten(wkb: bytes) -> Flat:
    """Read WKB of any byte order and dimension, curves included.

    Raises
    ------
    CityGapError
        ``bad_geometry`` if it is no WKB.
    """
    out = bytearray()
    xs: list[float] = []
    ys: list[float] = []
    try:
        _read(wkb, 0, 0, out, xs, ys)
    except (struct.error, IndexError) as error:
        raise CityGapError("bad_geometry", "the geometry can not be read") from error
    return Flat(bytes(out), xs, ys)


def _read(wkb: bytes, at: int, depth: int, out: bytearray, xs: list[float], ys: list[float]) -> int:
    """Append the geometry that starts at `at`; return where it ends."""
    order = "<" if wkb[at] else ">"
    (code,) = struct.unpack_from(order + "I", wkb, at + 1)
    kind, width = (code & 0x0FFFFFFF) % 1000, _width(code)
    at += 9 if code & 0x20000000 else 5
    out += struct.pack("<BI", 1, kind)
    if kind == 1:
        return _coordinates(wkb, at, 1, order, width, out, xs, ys)
    (count,) = struct.unpack_from(order + "I", wkb, at)
    at += 4
    out += struct.pack("<I", count)
    if kind in _WITH_COORDINATES:
        return _coordinates(wkb, at, count, order, width, out, xs, ys)
    if kind not in _WITH_RINGS and (kind > 17 or depth == _MAX_DEPTH):
        raise struct.error("no such kind of geometry, or nested too deep")
    for _ in range(count):
        if kind in _WITH_RINGS:
            (points,) = struct.unpack_from(order + "I", wkb, at)
            out += struct.pack("<I", points)
            at = _coordinates(wkb, at + 4, points, order, width, out, xs, ys)
        else:
            at = _read(wkb, at, depth + 1, out, xs, ys)
    return at


def _width(code: int) -> int:
    """Numbers of one coordinate: ISO adds thousands for z and m, EWKB sets its two highest bits."""
    thousands = (code & 0x0FFFFFFF) // 1000
    z = bool(code & 0x80000000) or thousands in (1, 3)
    m = bool(code & 0x40000000) or thousands in (2, 3)
    return 2 + z + m


def _coordinates(
    wkb: bytes, at: int, count: int, order: str, width: int, out: bytearray, xs: list[float], ys: list[float]
) -> int:
    if count * width * 8 > len(wkb) - at:
        raise struct.error("fewer coordinates than announced")
    numbers = struct.unpack_from(f"{order}{count * width}d", wkb, at)
    for x, y in zip(numbers[::width], numbers[1::width]):
        out += struct.pack("<2d", x, y)
        if math.isfinite(x) and math.isfinite(y):
            xs.append(x)
            ys.append(y)
    return at + count * width * 8


def to_blob(wkb: bytes, srs_id: int, bounds: Optional[Bounds] = None) -> bytes:
    """GeoPackage blob of a geometry, with its envelope (none if it is empty).

    Parameters
    ----------
    wkb : bytes
        In the CRS of `srs_id`; z and m are dropped.
    bounds : tuple of float, optional
        minx, miny, maxx, maxy, if the caller knows them.

    Raises
    ------
    CityGapError
        ``bad_geometry`` if it is no WKB, or holds curves.
    """
    if bounds is None or not _is_plain(wkb) or not math.isfinite(sum(bounds)):
        flat = flatten(wkb)
        wkb, bounds = flat.wkb, flat.bounds
        if not _is_plain(wkb):
            raise CityGapError(
                "bad_geometry", "the geometry holds curves", remedy="Convert it to straight lines first."
            )
    if bounds is None:
        return _EMPTY_HEADER.pack(b"GP", 0, 0b10001, srs_id) + wkb
    minx, miny, maxx, maxy = bounds
    return _HEADER.pack(b"GP", 0, 0b11, srs_id, minx, maxx, miny, maxy) + wkb


def _is_plain(wkb: bytes) -> bool:
    return len(wkb) > 4 and wkb[0] == 1 and wkb[1] in _PLAIN and wkb[2:5] == b"\0\0\0"


def wkb_of(blob: Optional[bytes]) -> Optional[bytes]:
    """The WKB inside a GeoPackage blob; None stays None."""
    return None if blob is None else blob[_body_at(blob) :]


def bounds_of(blob: bytes) -> Optional[Bounds]:
    """Bounds of a GeoPackage blob, with or without envelope; None if the geometry is empty."""
    body = _body_at(blob)
    if blob[3] & 0b10000:
        return None
    if body > 8:
        minx, maxx, miny, maxy = struct.unpack_from(("<" if blob[3] & 1 else ">") + "4d", blob, 8)
        return None if math.isnan(minx) else (minx, miny, maxx, maxy)
    return flatten(blob[body:]).bounds


def _body_at(blob: bytes) -> int:
    kind = (blob[3] >> 1) & 7 if len(blob) > 8 else len(_ENVELOPE_BYTES)
    if blob[:2] != b"GP" or kind >= len(_ENVELOPE_BYTES):
        raise CityGapError("bad_geometry", "the geometry is no GeoPackage geometry")
    return 8 + _ENVELOPE_BYTES[kind]


def anchor_of(bounds: Bounds) -> tuple[float, float]:
    """Centre of the bounds, floored to millimetres: the point by which a window owns a gap."""
    minx, miny, maxx, maxy = bounds
    return math.floor((minx + maxx) / 2 * 1000) / 1000, math.floor((miny + maxy) / 2 * 1000) / 1000


def register_functions(connection: sqlite3.Connection) -> None:
    """Give a connection the functions that a GeoPackage's index triggers call."""

    def part(index: int, blob: Optional[bytes]) -> Optional[float]:
        bounds = None if blob is None else bounds_of(blob)
        return None if bounds is None else bounds[index]

    functions = {
        "ST_MinX": lambda blob: part(0, blob),
        "ST_MinY": lambda blob: part(1, blob),
        "ST_MaxX": lambda blob: part(2, blob),
        "ST_MaxY": lambda blob: part(3, blob),
        "ST_IsEmpty": lambda blob: None if blob is None else int(bounds_of(blob) is None),
    }
    for name, function in functions.items():
        connection.create_function(name, 1, function, deterministic=True)
