"""The two shifted coordinate systems of Chinese web maps, GCJ-02 and BD-09, by their published formula.

All functions take and give longitude and latitude in degrees as float64 arrays of one shape. How well
the formula fits a given map provider is not known: a place that was converted is no better than 5 m.
"""

from __future__ import annotations

from typing import Callable

import numpy as np

Degrees = tuple[np.ndarray, np.ndarray]
Conversion = Callable[[np.ndarray, np.ndarray], Degrees]

_AXIS_M, _FLATNESS = 6378245.0, 0.00669342162296594323
_ORIGIN_LON, _ORIGIN_LAT = 105.0, 35.0
_CHINA = (72.004, 0.8293, 137.8347, 55.8271)
_BD_TURN = np.pi * 3000 / 180
_BD_LON, _BD_LAT = 0.0065, 0.006
_CLOSE_DEG = 1e-9
_MOST_STEPS = 20


def in_china(lon: np.ndarray, lat: np.ndarray) -> np.ndarray:
    """Whether each place lies in the rough box in which the formula shifts at all."""
    west, south, east, north = _CHINA
    return np.asarray((lon >= west) & (lon <= east) & (lat >= south) & (lat <= north))


def gcj02(lon: np.ndarray, lat: np.ndarray) -> Degrees:
    """GCJ-02 of places in WGS 84 or CGCS2000; outside China the places themselves."""
    x, y = lon - _ORIGIN_LON, lat - _ORIGIN_LAT
    root = 0.1 * np.sqrt(np.abs(x))
    common = _waves(x, (20.0, 6.0), (20.0, 2.0))
    north = -100.0 + 2.0 * x + 3.0 * y + 0.2 * y * y + 0.1 * x * y + 2 * root
    north += common + _waves(y, (20.0, 1.0), (40.0, 1 / 3)) + _waves(y, (160.0, 1 / 12), (320.0, 1 / 30))
    east = 300.0 + x + 2.0 * y + 0.1 * x * x + 0.1 * x * y + root
    east += common + _waves(x, (20.0, 1.0), (40.0, 1 / 3)) + _waves(x, (150.0, 1 / 12), (300.0, 1 / 30))
    along = np.radians(lat)
    squeeze = 1 - _FLATNESS * np.sin(along) ** 2
    d_lat = np.degrees(north * squeeze * np.sqrt(squeeze) / (_AXIS_M * (1 - _FLATNESS)))
    d_lon = np.degrees(east * np.sqrt(squeeze) / (_AXIS_M * np.cos(along)))
    inside = in_china(lon, lat)
    return lon + np.where(inside, d_lon, 0.0), lat + np.where(inside, d_lat, 0.0)


def _waves(value: np.ndarray, *terms: tuple[float, float]) -> np.ndarray:
    return np.asarray(sum(size * np.sin(times * value * np.pi) for size, times in terms) * 2 / 3)


def bd09_of_gcj02(lon: np.ndarray, lat: np.ndarray) -> Degrees:
    """BD-09 of places in GCJ-02."""
    radius = np.hypot(lon, lat) + 2e-5 * np.sin(lat * _BD_TURN)
    angle = np.arctan2(lat, lon) + 3e-6 * np.cos(lon * _BD_TURN)
    return radius * np.cos(angle) + _BD_LON, radius * np.sin(angle) + _BD_LAT


def bd09(lon: np.ndarray, lat: np.ndarray) -> Degrees:
    """BD-09 of places in WGS 84 or CGCS2000."""
    return bd09_of_gcj02(*gcj02(lon, lat))


def gcj02_twice(lon: np.ndarray, lat: np.ndarray) -> Degrees:
    """What comes out where GCJ-02 is applied to places that are GCJ-02 already."""
    return gcj02(*gcj02(lon, lat))


def undone(convert: Conversion, lon: np.ndarray, lat: np.ndarray) -> Degrees:
    """The places that `convert` turns into these, by fixed point to 1e-9 degrees, at most 20 steps."""
    guess_lon, guess_lat = lon.copy(), lat.copy()
    for _ in range(_MOST_STEPS):
        got_lon, got_lat = convert(guess_lon, guess_lat)
        off_lon, off_lat = lon - got_lon, lat - got_lat
        guess_lon, guess_lat = guess_lon + off_lon, guess_lat + off_lat
        if max(np.abs(off_lon).max(initial=0), np.abs(off_lat).max(initial=0)) < _CLOSE_DEG:
            break
    return guess_lon, guess_lat
