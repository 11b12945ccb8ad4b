"""How high the sun stands, and so whether it is dark out of doors."""

from __future__ import annotations

import numpy as np

CIVIL_TWILIGHT_DEG = -6.0
"""Height of the sun's centre at which civil twilight begins and ends."""

_J2000 = np.datetime64("2000-01-01T12:00:00", "us").astype("int64")
_MINUTE = 60_000_000
_DAY = 1440 * _MINUTE


def sun_height(moments: np.ndarray, longitude: np.ndarray, latitude: np.ndarray) -> np.ndarray:
    """Height of the sun's centre over the horizon, without refraction.

    The formulas of NOAA's solar calculator (https://gml.noaa.gov/grad/solcalc/calcdetails.html),
    after Meeus, Astronomical Algorithms, chapters 25 and 28; good to 0.01 degrees from 1901 to 2099.

    Parameters
    ----------
    moments : ndarray of int64, shape (n,)
        Microseconds since 1970 UTC.
    longitude, latitude : ndarray of float64, shape (n,)
        Degrees, east and north positive; NaN gives NaN.

    Returns
    -------
    ndarray of float64, shape (n,), degrees
    """
    declination, equation = sun_position(moments)
    minutes = moments % _DAY / _MINUTE + equation + 4.0 * longitude
    hour_angle = np.radians(minutes / 4.0 - 180.0)
    north = np.radians(latitude)
    sine = np.sin(north) * np.sin(declination) + np.cos(north) * np.cos(declination) * np.cos(hour_angle)
    return np.asarray(np.degrees(np.arcsin(np.clip(sine, -1.0, 1.0))))


def sun_position(moments: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Apparent declination of the sun, and how far the true sun is ahead of the mean one.

    Parameters
    ----------
    moments : ndarray of int64, shape (n,)
        Microseconds since 1970 UTC.

    Returns
    -------
    ndarray of float64, shape (n,), radians; ndarray of float64, shape (n,), minutes
    """
    century = (moments - _J2000) / _DAY / 36525.0
    mean = np.radians((280.46646 + century * (36000.76983 + century * 0.0003032)) % 360.0)
    anomaly = np.radians((357.52911 + century * (35999.05029 - century * 0.0001537)) % 360.0)
    eccentricity = 0.016708634 - century * (0.000042037 + century * 0.0000001267)
    centre = (
        np.sin(anomaly) * (1.914602 - century * (0.004817 + century * 0.000014))
        + np.sin(2 * anomaly) * (0.019993 - century * 0.000101)
        + np.sin(3 * anomaly) * 0.000289
    )
    node = np.radians(125.04 - 1934.136 * century)
    apparent = mean + np.radians(centre - 0.00569 - 0.00478 * np.sin(node))
    tilt = (
        23.0 + (26.0 + (21.448 - century * (46.815 + century * (0.00059 - century * 0.001813))) / 60.0) / 60.0
    )
    oblique = np.radians(tilt + 0.00256 * np.cos(node))
    square = np.tan(oblique / 2) ** 2
    equation = (
        square * np.sin(2 * mean)
        - 2 * eccentricity * np.sin(anomaly)
        + 4 * eccentricity * square * np.sin(anomaly) * np.cos(2 * mean)
        - square**2 / 2 * np.sin(4 * mean)
        - 1.25 * eccentricity**2 * np.sin(2 * anomaly)
    )
    return np.arcsin(np.sin(oblique) * np.sin(apparent)), 4.0 * np.degrees(equation)
