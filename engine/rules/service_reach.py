"""Service gaps: homes without a public facility within reach on foot."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any, Optional

import geopandas as gpd
import numpy as np
import shapely

from ...model.tables import read_table
from ...model.vocabulary import maps_to, spellings
from ..city import City, lacking_role, usable
from ..classes import of_class
from ..context import Context
from ..coverage import SLACK_M
from ..findings import join_findings, make_findings
from ..nearest import nearest
from ..rule import Outcome, Rule
from ..statistic import After, Change, recounted, statistic
from ..streets import FAR, UNITS_A_M, Stops, Walk, has_streets, longest_part

if TYPE_CHECKING:
    from ..window import Edit

_REACH = "S02.reach_m"
_HYDRANT, _FIRE_FACILITY = "components:hydrant", "0113"
"""The code of hydrants is that of other fire-fighting facilities too: a name tells them apart."""


def find_out_of_reach(city: City, context: Context) -> Outcome:
    """S02: homes farther from a facility than its service distance, one finding a home and class.

    Along the streets people walk on, the straight ways from the outline to the street and from there
    to the facility counted; straight for `S02.straight_classes`, and for all where there are no
    streets. Classes are those that `S02.reach_m` has a row for; one without a facility in the city
    is not tested.
    """
    homes = np.flatnonzero(
        is_home(context) & usable(city.table("housing").geometry) & context.asks("housing")
    )
    walk = _Walks(homes, context) if has_streets(context) else None
    provided, serves = context.once(_provided), _serves(context)
    facilities = _facilities(context)
    parts, untested = [], _untested(context)
    for object_class in _classes(context):
        if object_class not in provided:
            untested.append(f"no {_word(object_class)} in the city: not tested")
            continue
        reach = context.number(_REACH, object_class)
        mine = facilities.get(object_class, np.array([], dtype="int64"))
        places = city.table("components").geometry.to_numpy()[mine[serves[mine]]]
        if walk is None or _word(object_class) in context.standards.words("S02.straight_classes"):
            distance = _straight(homes, places, reach, context)
        else:
            distance = walk.distances(places, reach)
        far = np.flatnonzero(~(distance <= reach + SLACK_M))
        parts.append(_findings(object_class, homes[far], distance[far], walk is None, context))
    return Outcome(join_findings(parts, city.crs), tuple(untested))


def is_home(context: Context) -> np.ndarray:
    """Housing with residents or households, or a use that counts as a dwelling, shape (n,)."""
    housing = context.subject("housing").rows
    uses = [use for use, kind in maps_to("housing.use").items() if kind == "home"]
    lived_in = (housing["residents"] > 0) | (housing["households"] > 0)
    return np.asarray(
        lived_in.to_numpy(dtype=bool) | housing["use"].fillna("").isin(uses).to_numpy(dtype=bool)
    )


def _classes(context: Context) -> list[str]:
    """Object classes such as ``components:toilet`` that have a service distance."""
    named = (row.object_class for row in context.standards.named(_REACH))
    return list(dict.fromkeys(name for name in named if name.startswith("components:")))


def _word(object_class: str) -> str:
    return object_class.partition(":")[2]


def _facilities(context: Context) -> dict[str, np.ndarray]:
    """Rows of the facilities of each class that have a place, of those classes that have any."""
    table = context.city.table("components")
    placed = usable(table.geometry)
    rows = {name: np.flatnonzero(of_class("components", table, name) & placed) for name in _classes(context)}
    if _HYDRANT in rows:
        rows[_HYDRANT] = rows[_HYDRANT][_is_hydrant(table.iloc[rows[_HYDRANT]])]
    return {name: mine for name, mine in rows.items() if len(mine)}


def _carry_provided(counts: Mapping[str, int], change: Change) -> Optional[After[Mapping[str, int]]]:
    return recounted(counts, _provided(change.was), _provided(change.now))


@statistic("components", carry=_carry_provided)
def _provided(context: Context) -> Mapping[str, int]:
    """Facilities of each class that has any."""
    return {name: len(mine) for name, mine in _facilities(context).items()}


def _is_hydrant(facilities: gpd.GeoDataFrame) -> np.ndarray:
    """Whether each is one by its class or, if that says fire-fighting only, by its name, if it has one."""
    vague = (facilities["class_code"] == _FIRE_FACILITY).to_numpy(dtype=bool)
    name = facilities["name"].fillna("").str.casefold()
    says = [name.str.contains(word, regex=False).to_numpy(dtype=bool) for word in _hydrant_words()]
    return np.logical_or.reduce([~vague, (name == "").to_numpy(dtype=bool), *says])


@cache
def _hydrant_words() -> tuple[str, ...]:
    """What a hydrant may be called, in small letters."""
    said = {word for word, value in spellings("components.class_code").items() if value == _word(_HYDRANT)}
    said |= {row["alias"].casefold() for row in read_table("aliases") if row["role"] == _HYDRANT}
    return tuple(sorted(said))


def _serves(context: Context) -> np.ndarray:
    """Whether each component is in a condition on record that is not unfit, shape (n,).

    Where the source has no column for the condition all serve.
    """
    condition = context.subject("components").rows["condition"]
    unfit = condition.isna() | condition.isin(context.standards.words("S02.unfit_conditions"))
    return np.asarray(context.lacks("components", "condition") | ~unfit.to_numpy(dtype=bool))


def _untested(context: Context) -> list[str]:
    """What the distances leave out."""
    said = []
    if not has_streets(context):
        said.append("no roads that people walk on: distances are straight")
    if "condition" in context.whole.city.lacking_everywhere("components"):
        said.append("no condition of components: all are taken to work")
    return said


def _walk(context: Context) -> Walk:
    """Ways along the streets of the whole city."""
    most = max((2 * context.number(_REACH, name) for name in _classes(context)), default=0.0)
    return Walk(longest_part(context), most, context.check_cancelled)


def _is_facility(context: Context) -> np.ndarray:
    """Which components are of a class with a service distance, shape (n,)."""
    table = context.city.table("components")
    masks = [of_class("components", table, name) for name in _classes(context)]
    return np.logical_or.reduce([np.zeros(len(table), dtype=bool), *masks])


def _no_road(context: Context) -> np.ndarray:
    """Parts of a city walk on the streets of the whole."""
    return np.zeros(len(context.city.table("roads")), dtype=bool)


class _Walks:
    """Distances from homes along the streets.

    Parameters
    ----------
    homes : ndarray of int64, shape (n,)
        Rows of housing.
    """

    def __init__(self, homes: np.ndarray, context: Context) -> None:
        # Millions of streets go when a run over the whole city is done with them.
        self._walk = _walk(context) if context is context.whole else context.once(_walk)
        self._shapes = context.city.table("housing").geometry.to_numpy()[homes]
        self._stops: Optional[Stops] = None

    def distances(self, places: np.ndarray, reach: float) -> np.ndarray:
        """Metres to the nearest place, NaN where there is none within twice the reach, shape (n,).

        Where one stop of a home shows that it is served, the way from there stands for the shortest.
        """
        if self._stops is None:
            self._stops = self._walk.some_stops(self._shapes)
        facilities = self._walk.stops(places)
        way = self._walk.ways(self._stops, len(self._shapes), facilities, 2 * reach)
        rest = np.flatnonzero(way > (reach - SLACK_M) * UNITS_A_M)
        if len(rest):
            way[rest] = self._walk.ways(
                self._walk.stops(self._shapes[rest]), len(rest), facilities, 2 * reach
            )
        return np.where(way < FAR, np.round(way / UNITS_A_M, 6), np.nan)


def _straight(homes: np.ndarray, places: np.ndarray, reach: float, context: Context) -> np.ndarray:
    """Metres straight to the nearest place, NaN where none lies within twice the reach, shape (n,)."""
    shapes = context.city.table("housing").geometry.to_numpy()[homes]
    row, _, apart = nearest(shapely.STRtree(places), shapes, 2 * reach, context.check_cancelled)
    distance = np.full(len(homes), np.nan)
    distance[row] = apart
    return distance


@dataclass(frozen=True)
class _Residents:
    """Residents of each home that states them, sorted, shape (n,)."""

    sorted: np.ndarray

    @cached_property
    def bands(self) -> tuple[float, float]:
        """Median and third quartile; NaN without residents."""
        if not len(self.sorted):
            return np.nan, np.nan
        middle, top = np.quantile(self.sorted, [0.5, 0.75])
        return float(middle), float(top)


def _carry_residents(residents: _Residents, change: Change) -> Optional[After[_Residents]]:
    was, now = (_residents(rows).sorted for rows in (change.was, change.now))
    kept = residents.sorted
    for count in was:
        kept = np.delete(kept, np.searchsorted(kept, count))
    after = _Residents(np.insert(kept, np.searchsorted(kept, now), now))
    return After(after) if np.array_equal(after.bands, residents.bands, equal_nan=True) else None


@statistic("housing", carry=_carry_residents)
def _residents(context: Context) -> _Residents:
    """Of all homes of the city."""
    residents = context.subject("housing").rows["residents"].to_numpy(dtype="float64")[is_home(context)]
    return _Residents(np.sort(residents[~np.isnan(residents)]))


def _findings(
    object_class: str, homes: np.ndarray, distance: np.ndarray, no_streets: bool, context: Context
) -> gpd.GeoDataFrame:
    row = context.standards.parameter(_REACH, object_class)
    housing = context.city.table("housing")
    residents = context.subject("housing").rows["residents"].to_numpy(dtype="float64")[homes]
    middle, top = context.once(_residents).bands
    unknown = np.isnan(residents)
    return make_findings(
        "S02",
        object_role="housing",
        object_id=housing["id"].iloc[homes],
        severity=np.select(
            [unknown, residents > top, residents > middle], ["info", "high", "medium"], "low"
        ).astype(object),
        geometry=housing.geometry.to_numpy()[homes],
        crs=context.city.crs,
        discriminator=_word(object_class),
        class_code=_word(object_class),
        measured=distance,
        reference=row.number(),
        unit="m",
        basis=row.basis,
        confidence=row.confidence,
        data_state=np.where(unknown, "unrecorded", "known").astype(object),
        params=_params(residents, no_streets),
        evidence=("components",) if no_streets else ("components", "roads"),
    )


def _params(residents: np.ndarray, no_streets: bool) -> list[dict[str, Any]]:
    straight = {"straight": True} if no_streets else {}
    return [straight if np.isnan(count) else {**straight, "residents": float(count)} for count in residents]


def _unready(context: Context) -> Optional[str]:
    if context.once(_provided):
        return None
    return f"no {', '.join(_word(name) for name in _classes(context))} among the components given"


def _reach_m(context: Context) -> float:
    """A way of twice the service distance: the streets are those of the whole city."""
    return max((2 * context.number(_REACH, name) for name in _classes(context)), default=0.0)


def _edit_reach_m(context: Context, edit: Edit) -> Optional[float]:
    """Around facilities of classes with a service distance; streets alter the whole net or nothing."""
    if edit.role == "housing":
        return 0.0
    serves = edit.role == "components" and any(
        of_class("components", table, name).any() for name in _classes(context) for table in edit.tables
    )
    return _reach_m(context) if serves else None


OUT_OF_REACH = Rule(
    "S02",
    find_out_of_reach,
    lambda city: lacking_role(city, ("housing", "components")),
    roles=("housing", "components", "roads", "units"),
    reach_m=_reach_m,
    owners=("housing",),
    alone=("housing",),
    reads_fields={
        "housing": ("use", "residents", "households"),
        "components": ("class_code", "name", "condition"),
    },
    only={"components": _is_facility, "roads": _no_road},
    edit_reach_m=_edit_reach_m,
    unready=_unready,
)
