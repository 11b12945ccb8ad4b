"""By which constant vector one layer lies beside another: a vote of the places both know."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple, Optional

import numpy as np
import pandas as pd
import shapely

from .coverage import straight_pieces
from .planar import frames

_CHUNK = 100
_HALF_TURN = 180.0
_MULTI_POINT = 4


@dataclass(frozen=True)
class Landmarks:
    """Places of a layer by which it can be compared with another one.

    Attributes
    ----------
    place : ndarray of float64, shape (n, 2)
        Point, centroid of an area, or end of a straight piece of a line; metres in the city CRS.
    kind : ndarray of object, shape (n,)
        Only places of one kind are compared.
    area : ndarray of float64, shape (n,)
        Of an area, m²; else NaN.
    bearing : ndarray of float64, shape (n,)
        Of the piece, degrees from 0 to under 180; else NaN.
    """

    place: np.ndarray
    kind: np.ndarray
    area: np.ndarray
    bearing: np.ndarray

    def __len__(self) -> int:
        return len(self.place)

    def at(self, which: np.ndarray) -> Landmarks:
        """Some of them: a mask or places in the arrays."""
        return Landmarks(self.place[which], self.kind[which], self.area[which], self.bearing[which])

    def moved(self, place: np.ndarray) -> Landmarks:
        """The same landmarks elsewhere."""
        return Landmarks(place, self.kind, self.area, self.bearing)

    def near(self, bounds: np.ndarray, metres: float) -> Landmarks:
        """Those within bounds (west, south, east, north) widened by some metres."""
        low, high = bounds[:2] - metres, bounds[2:] + metres
        return self.at(np.asarray(((self.place >= low) & (self.place <= high)).all(axis=1)))

    @property
    def bounds(self) -> np.ndarray:
        """West, south, east, north."""
        return np.concatenate([self.place.min(axis=0), self.place.max(axis=0)])

    @cached_property
    def groups(self) -> Mapping[tuple[str, bool, bool], np.ndarray]:
        """Places in the arrays of those that are compared: by kind, whether with an area, with a bearing."""
        kind, kinds = pd.factorize(self.kind)
        code = kind * 4 + ~np.isnan(self.area) * 2 + ~np.isnan(self.bearing)
        order = np.argsort(code, kind="stable")
        codes, first = np.unique(code[order], return_index=True)
        return {
            (kinds[number // 4], bool(number & 2), bool(number & 1)): mine
            for number, mine in zip(codes.tolist(), np.split(order, first[1:]))
        }

    @cached_property
    def trees(self) -> Mapping[tuple[str, bool, bool], shapely.STRtree]:
        """A tree of the places of each group."""
        return {key: shapely.STRtree(shapely.points(self.place[mine])) for key, mine in self.groups.items()}

    def sample(self, most: int) -> Landmarks:
        """At most so many, evenly along their order from west to east: row order decides nothing."""
        if len(self) <= most:
            return self
        order = np.lexsort(
            (self.kind.astype(str), self.bearing, self.area, self.place[:, 1], self.place[:, 0])
        )
        return self.at(order[np.linspace(0, len(order) - 1, most).round().astype("int64")])


def landmarks(shapes: np.ndarray, kind: np.ndarray) -> Landmarks:
    """The landmarks of usable geometries, shape (n,), each with the kind of its geometry."""
    dimension, size = shapely.get_dimensions(shapes), shapely.area(shapes)
    spots, lines, areas = (np.flatnonzero(dimension == number) for number in (0, 1, 2))
    pieces = straight_pieces(shapes[lines])
    bearing = np.degrees(np.arctan2(pieces.along[:, 0], pieces.along[:, 1])) % _HALF_TURN
    several = spots[shapely.get_type_id(shapes[spots]) == _MULTI_POINT]
    shapes = shapes.copy()
    shapes[several], shapes[areas] = shapely.centroid(shapes[several]), shapely.centroid(shapes[areas])
    where = [
        shapely.get_coordinates(shapes[spots]),
        shapely.get_coordinates(shapes[areas]),
        pieces.start,
        pieces.ends(),
    ]
    owner = lines[pieces.line]
    none = np.full(len(owner) * 2, np.nan)
    return Landmarks(
        np.concatenate(where),
        np.concatenate([kind[spots], kind[areas], kind[owner], kind[owner]]),
        np.concatenate([np.full(len(spots), np.nan), size[areas], none]),
        np.concatenate([np.full(len(spots) + len(areas), np.nan), bearing, bearing]),
    )


class Limits(NamedTuple):
    """What a vote goes by (coordinates, section 4); lengths in metres.

    `reach`: longest vector that is tried; `bin`: width of a bin of the histogram; `apart`: least distance
    of the second peak; `ratio`: least votes of the peak over those of the second; `share`: least part of
    the sample that votes for the peak; `votes`: fewest votes that make a peak; `area_ratio`: largest ratio
    of two areas that may be one; `turn`: largest difference of bearings, degrees.
    """

    reach: float
    bin: float
    apart: float
    ratio: float
    share: float
    votes: float
    area_ratio: float
    turn: float


class Peak(NamedTuple):
    """The vector most landmarks agree on, suspect minus base, metres."""

    east: float
    north: float
    share: float
    ratio: float

    @property
    def metres(self) -> float:
        """Its length."""
        return float(np.hypot(self.east, self.north))


def vote(
    suspect: Landmarks, base: Landmarks, limits: Limits, on_chunk: Callable[[], None] = lambda: None
) -> Optional[Peak]:
    """The constant vector from the base's landmarks to the suspect's; None where no vector stands out.

    The histogram is read through a window of one bin that moves by half a bin, so that a peak on the
    border of two bins is not halved.
    """
    half = limits.bin / 2
    side = int(np.ceil(2 * limits.reach / half))
    counts = np.zeros(side * side)
    for vectors, _ in _vectors(suspect, base, limits, on_chunk):
        place = np.floor((vectors + limits.reach) / half).astype("int64")
        place = place[((place >= 0) & (place < side)).all(axis=1)]
        counts += np.bincount(place[:, 0] * side + place[:, 1], minlength=side * side)
    votes = counts.reshape(side, side)
    windows = votes[:-1, :-1] + votes[1:, :-1] + votes[:-1, 1:] + votes[1:, 1:]
    column, row = np.unravel_index(windows.argmax(), windows.shape)
    most = float(windows[column, row])
    far = int(np.ceil(limits.apart / half))
    windows[max(column - far + 1, 0) : column + far, max(row - far + 1, 0) : row + far] = 0
    second = float(windows.max())
    if most < max(limits.votes, limits.share * len(suspect), limits.ratio * second):
        return None
    middle = np.array([column + 1, row + 1]) * half - limits.reach
    east, north = _refined(suspect, base, limits, middle, on_chunk)
    return Peak(east, north, min(most / len(suspect), 1.0), most / max(second, 1.0))


def _vectors(
    suspect: Landmarks, base: Landmarks, limits: Limits, on_chunk: Callable[[], None]
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Vectors from compatible landmarks of the base within reach, and which of the suspect's each ends at."""
    for key, mine in suspect.groups.items():
        others = base.groups.get(key, mine[:0])
        for chunk in np.array_split(mine, -(-len(mine) // _CHUNK)) if len(others) else ():
            on_chunk()
            one, other = base.trees[key].query(frames(suspect.place[chunk], limits.reach))
            one, other = chunk[one], others[other]
            _, has_area, has_bearing = key
            if has_area:
                like = _alike(suspect.area[one], base.area[other], limits.area_ratio)
                one, other = one[like], other[like]
            if has_bearing:
                like = _parallel(suspect.bearing[one], base.bearing[other], limits.turn)
                one, other = one[like], other[like]
            yield suspect.place[one] - base.place[other], one


def _alike(area: np.ndarray, other: np.ndarray, most: float) -> np.ndarray:
    return np.asarray((area <= other * most) & (other <= area * most))


def _parallel(bearing: np.ndarray, other: np.ndarray, most: float) -> np.ndarray:
    turn = np.abs(bearing - other)
    return np.asarray(np.minimum(turn, _HALF_TURN - turn) <= most)


def _refined(
    suspect: Landmarks, base: Landmarks, limits: Limits, middle: np.ndarray, on_chunk: Callable[[], None]
) -> tuple[float, float]:
    """Median of the vectors within a bin of a peak's middle."""
    near = limits._replace(reach=limits.bin)
    found = _vectors(suspect.moved(suspect.place - middle), base, near, on_chunk)
    east, north = np.median(np.concatenate([vectors for vectors, _ in found]), axis=0)
    return float(middle[0] + east), float(middle[1] + north)


def misfit(
    suspect: Landmarks, base: Landmarks, limits: Limits, on_chunk: Callable[[], None] = lambda: None
) -> float:
    """Root mean square distance, metres, of landmarks to the nearest compatible one of the base.

    Those farther than `limits.reach` from any have no partner and say nothing; NaN where all are.
    """
    nearest = np.full(len(suspect), np.inf)
    for vectors, one in _vectors(suspect, base, limits, on_chunk):
        np.minimum.at(nearest, one, np.hypot(vectors[:, 0], vectors[:, 1]))
    met = nearest[nearest <= limits.reach]
    return float(np.sqrt(np.mean(met**2))) if len(met) else float("nan")
