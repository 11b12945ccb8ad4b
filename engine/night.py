"""Which moments are at night: by the clock or, where the standards say so, by the sun."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyproj
import shapely
from pyproj.exceptions import ProjError

from ..model.errors import CityGapError
from .context import Context
from .findings import anchor_places
from .moments import DAY_US, HOUR_US, clock_us, micros
from .sun import CIVIL_TWILIGHT_DEG, sun_height

BY_CLOCK, BY_SUN = "clock", "sun"


def has_clock_time(context: Context, times: pd.Series) -> np.ndarray:
    """Whether each time says when on its day; a date alone is read as the end of its day, shape (n,)."""
    return np.asarray(times.notna().to_numpy() & (clock_us(context, times) != DAY_US - 1))


def is_night(context: Context, times: pd.Series, shapes: np.ndarray) -> np.ndarray:
    """Whether each time is at night; a date alone is not.

    By the clock from `night.from_hour` to `night.to_hour` in the city's time zone, or with
    `night.by` = sun from civil dusk to civil dawn at the place.

    Parameters
    ----------
    times : Series of datetime64[us, UTC], shape (n,)
    shapes : ndarray of shapely geometries or None, shape (n,)
        Where, in the city CRS; the middle of the study area stands for None.

    Returns
    -------
    ndarray of bool, shape (n,)

    Raises
    ------
    CityGapError
        ``bad_standard`` if `night.by` is neither clock nor sun, or is sun and the CRS of the city
        has no place on the earth.
    """
    row = context.standards.parameter("night.by")
    if row.value == BY_CLOCK:
        dark = _by_clock(context, times)
    elif row.value == BY_SUN:
        dark = _by_sun(context, times, shapes)
    else:
        raise _bad(row.standard_id, f"{row.value!r} is no way to tell the night", "Write clock or sun.")
    return dark & has_clock_time(context, times)


def _by_clock(context: Context, times: pd.Series) -> np.ndarray:
    clock = clock_us(context, times)
    start, end = (context.number(f"night.{word}_hour") * HOUR_US for word in ("from", "to"))
    after, before = clock >= start, clock < end
    return np.asarray(after & before if start <= end else after | before)


def _by_sun(context: Context, times: pd.Series, shapes: np.ndarray) -> np.ndarray:
    places = anchor_places(shapely.bounds(shapes)) if len(shapes) else np.zeros((0, 2))
    area = context.units.study_area
    if area is not None:
        middle = anchor_places(np.array([area.bounds]))[0]
        places = np.where(np.isfinite(places), places, middle)
    try:
        to_degrees = pyproj.Transformer.from_crs(context.city.crs, "EPSG:4326", always_xy=True)
    except ProjError as error:
        row = context.standards.parameter("night.by")
        raise _bad(
            row.standard_id, "the city's CRS tells no place on the earth", "Set night.by to clock."
        ) from error
    longitude, latitude = to_degrees.transform(*places.T)
    with np.errstate(invalid="ignore"):
        return np.asarray(sun_height(micros(times), longitude, latitude) <= CIVIL_TWILIGHT_DEG)


def _bad(standard_id: str, message: str, remedy: str) -> CityGapError:
    return CityGapError(
        "bad_standard", message, layer="standards", field="value", row=standard_id, remedy=remedy
    )
