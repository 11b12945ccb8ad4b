"""Finishes findings: their area, their cell and the step in severity."""

from __future__ import annotations

import geopandas as gpd
import numpy as np

from .city import usable
from .context import Context, representative_points
from .findings import raise_severity
from .units import study_area
from .weights import cell_weights

FINISHED_BY = frozenset((study_area.name, cell_weights.name))
"""Statistics that every finding rests on."""


def finish(findings: gpd.GeoDataFrame, context: Context) -> gpd.GeoDataFrame:
    """Area, cell and severity step (catalogue, general rule 2) of each finding."""
    context.once(study_area)
    if not len(findings):
        return findings
    points = representative_points(findings.geometry.to_numpy(), usable(findings.geometry))
    findings = findings.assign(
        area_code=context.units.area_codes(points), cell_code=context.grid.codes(points)
    )
    heavy = context.once(cell_weights).is_heavy(findings["cell_code"].to_numpy())
    reasons = {
        "populous_cell": heavy,
        "neglected_place": context.in_neglected(points),
        "fringe": context.in_fringe(points),
    }
    step = np.logical_or.reduce(list(reasons.values())) & findings["steps"].to_numpy(dtype=bool)
    step &= (findings["severity"] != "info").to_numpy()
    findings["severity"] = raise_severity(findings["severity"].tolist(), step)
    findings["params"] = [
        {**params, "step": [name for name, mask in reasons.items() if mask[row]]} if step[row] else params
        for row, params in enumerate(findings["params"])
    ]
    return findings
