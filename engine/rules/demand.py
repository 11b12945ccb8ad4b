"""Demand gaps: where people call and nobody looks."""

from __future__ import annotations

from typing import NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd

from ...model.roles import OBJECT_LAYERS
from ..cases import counts_once, recent_cases
from ..cell_places import cells_of, cells_of_visits
from ..city import City, lacking_role
from ..context import Context
from ..findings import make_findings, raise_severity
from ..moments import DAY_US, now_us
from ..poisson import poisson_tail, significant
from ..rule import Outcome, Rule
from ..visits import counted_visits


class _Cells(NamedTuple):
    """What is known of each cell of the study area, shape (c,).

    `calls` counts a caller once in `case.once_per_d` days and copies not at all; `reported` all calls;
    `found` the cases that a patrol or a sensor reported; `residents` 0 where none are on record.
    """

    calls: np.ndarray
    reported: np.ndarray
    found: np.ndarray
    reworked: np.ndarray
    visits: np.ndarray
    residents: np.ndarray


def find_hotspot(city: City, context: Context) -> Outcome:
    """H01: cells from which significantly many people call, and to which few visits of the same year went.

    Each cell's own count against a Poisson variable: cells with residents share the calls of all of
    them by their residents, cells without share theirs evenly. Few visits: at or below the lower
    quartile of all cells. Where a source of cases is the city's own patrol or sensors, also cells
    whose share of cases found by itself is at or below the lower quartile of the cells with cases.
    """
    cells = _counted(context)
    expected = _expected(cells)
    row = context.standards.parameter("H01.false_discovery")
    tested = expected > 0
    chance = np.ones(len(expected))
    chance[tested] = poisson_tail(cells.calls[tested], expected[tested])
    hot = np.zeros(len(expected), dtype=bool)
    hot[tested] = significant(chance[tested], row.number())
    hot &= cells.calls >= context.number("H01.min_cases")
    quantile = context.number("H01.few_quantile")
    few_visits = cells.visits <= (np.quantile(cells.visits, quantile) if len(cells.visits) else 0)
    rate = _self_found_rate(cells)
    rates = rate[np.isfinite(rate)]
    own = rate <= np.quantile(rates, quantile) if cells.found.any() else np.zeros(len(rate), dtype=bool)
    found = np.flatnonzero(hot & (few_visits | own))
    return Outcome(_findings(found, cells, expected, chance, rate, city, context))


def _counted(context: Context) -> _Cells:
    codes = context.cells[0]
    count = len(codes)
    cases = recent_cases(context)
    at, cell = cells_of(context, cases["geometry"].to_numpy())
    cases = cases.iloc[at].reset_index(drop=True).assign(cell=cell)
    cases = cases.sort_values(["moment", "source_name", "id"], kind="stable", ignore_index=True)
    own = cases["self_found"].to_numpy(dtype=bool)
    called = cases[~own].reset_index(drop=True)
    where = called["cell"].to_numpy()
    reworked = (called["reworks"] >= 1).to_numpy(dtype=bool)
    window = context.standards.parameter("case.window_d").days() * DAY_US
    recent = (now_us(context) - counted_visits(context)["moment"] <= window).to_numpy()

    def per_cell(places: np.ndarray) -> np.ndarray:
        return np.bincount(places, minlength=count).astype("int64")

    return _Cells(
        per_cell(where[counts_once(context, called, where)]),
        per_cell(where),
        per_cell(cases["cell"].to_numpy()[own]),
        per_cell(where[reworked]),
        per_cell(cells_of_visits(context, recent)[1]),
        _residents(context, codes),
    )


def _residents(context: Context, codes: np.ndarray) -> np.ndarray:
    """Residents of each cell: of cell units, else of housing by its place, else split by floor area."""
    units, housing = context.units.of_level("cell"), context.subject("housing").rows
    if units["population"].notna().any():
        people = pd.Series(units["population"].to_numpy(dtype="float64"), index=units["code"])
    elif housing["residents"].notna().any():
        homes = context.grid.codes_at(context.places("housing"))
        people = housing["residents"].groupby(homes).sum()
    else:
        people = context.cell_weights
    people = people[~people.index.duplicated()].reindex(codes)
    return np.maximum(np.nan_to_num(people.to_numpy(dtype="float64")), 0.0)


def _expected(cells: _Cells) -> np.ndarray:
    """Calls each cell would have if all had as many for their residents, or for a cell without any."""
    lived_in = cells.residents > 0
    weight = np.where(lived_in, cells.residents, 1.0)
    expected = np.zeros(len(weight))
    for some in (lived_in, ~lived_in):
        if some.any():
            expected[some] = cells.calls[some].sum() * (weight[some] / weight[some].sum())
    return expected


def _self_found_rate(cells: _Cells) -> np.ndarray:
    """Share of a cell's cases that the city found itself, NaN without cases, shape (c,)."""
    every = cells.found + cells.reported
    return np.divide(cells.found, every, out=np.full(len(every), np.nan), where=every > 0)


def _findings(
    found: np.ndarray,
    cells: _Cells,
    expected: np.ndarray,
    chance: np.ndarray,
    rate: np.ndarray,
    city: City,
    context: Context,
) -> gpd.GeoDataFrame:
    row = context.standards.parameter("H01.false_discovery")
    codes, outlines = context.cells
    lived_in = cells.residents[found] > 0
    calls = cells.calls[found]
    per_1000 = np.divide(1000.0 * calls, cells.residents[found], out=calls.astype("float64"), where=lived_in)
    words = np.where(lived_in, _by_quartile(per_1000, lived_in), _by_quartile(per_1000, ~lived_in))
    asked = cells.found.any()
    return make_findings(
        "H01",
        object_role="cell",
        object_id=codes[found],
        severity=raise_severity(words.tolist(), cells.reworked[found] > 0),
        geometry=outlines[found],
        crs=city.crs,
        discriminator=codes[found],
        measured=calls,
        reference=np.round(expected[found], 3),
        unit="1",
        basis=row.basis,
        confidence=row.confidence,
        params=[
            {
                "cases": int(cells.calls[at]),
                "p": float(f"{chance[at]:.3g}"),
                "visits": int(cells.visits[at]),
                "residents": float(cells.residents[at]) if cells.residents[at] > 0 else None,
                "reworked": int(cells.reworked[at]),
                **({"self_found_rate": round(float(rate[at]), 3)} if asked else {}),
            }
            for at in found
        ],
        evidence=("hotline", "visits"),
        steps=False,
    )


def _by_quartile(values: np.ndarray, mine: np.ndarray) -> np.ndarray:
    """Top quarter of the findings concerned high, third quarter medium, lower half low, shape (f,)."""
    if not mine.any():
        return np.full(len(values), "low", dtype=object)
    middle, upper = np.quantile(values[mine], [0.5, 0.75])
    words = np.select([values > upper, values > middle], ["high", "medium"], "low")
    return np.asarray(words.astype(object))


HOTSPOT_WITHOUT_INSPECTION = Rule(
    "H01",
    find_hotspot,
    lambda city: lacking_role(city, ("hotline", "visits")),
    roles=("hotline", *OBJECT_LAYERS, "visits", "units"),
    reach_m=None,
)
