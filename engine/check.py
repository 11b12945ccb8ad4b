"""Runs the rules over a city and finishes their findings: steps, areas, cells."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Optional

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from ..model.gap import FindingRow, RuleRun
from .city import City, usable
from .context import Context, representative_points
from .findings import join_findings, merge_equal_keys, params_text, raise_severity
from .registry import RULES
from .rule import Rule
from .standards import Standards

Progress = Callable[[str, str, int, int, float], None]


@dataclass(frozen=True)
class CheckResult:
    """The findings of a run (columns of `findings.COLUMNS` and geometry) and what each rule did."""

    findings: gpd.GeoDataFrame
    rules: list[RuleRun]
    context: Context

    def codes_of(self, wkb: Sequence[bytes]) -> list[tuple[Optional[str], Optional[str]]]:
        """Area code and cell code of each place (WKB in the city CRS), as findings get them."""
        shapes = shapely.from_wkb(np.array(wkb, dtype=object))
        points = representative_points(shapes, usable(gpd.GeoSeries(shapes)))
        areas, cells = self.context.units.area_codes(points), self.context.grid.codes(points)
        return list(zip(areas.tolist(), cells.tolist()))


def run_check(
    city: City,
    standards: Standards,
    *,
    rules: Optional[Sequence[str]] = None,
    window: Optional[shapely.Geometry] = None,
    on_progress: Progress = lambda stage, rule, done, of, share: None,
    is_cancelled: Callable[[], bool] = lambda: False,
) -> CheckResult:
    """Run the rules over a city.

    Parameters
    ----------
    rules : sequence of str, optional
        Rule ids; the others are `not_run` (not_asked). All by default.
    window : shapely Polygon, optional
        In the city CRS: only findings whose owner's anchor lies in it are kept, and rules without
        a reach are `not_run` (needs_whole_city).
    on_progress : callable
        Gets stage, rule id, rules done, rules in all, share of the work (0-1).

    Raises
    ------
    Cancelled
        If `is_cancelled` says so.
    """
    context = Context(city, standards, is_cancelled)
    runs: list[RuleRun] = []
    parts: list[gpd.GeoDataFrame] = []
    for done, rule in enumerate(RULES):
        context.check_cancelled()
        on_progress("rules", rule.rule_id, done, len(RULES), done / len(RULES))
        reason = _why_not(rule, city, rules, window)
        if reason:
            runs.append(RuleRun(rule.rule_id, "not_run", *reason, roles=rule.roles))
            continue
        outcome = rule.find(city, context)
        context.check_cancelled()
        untested = "; ".join(outcome.untested) or None
        runs.append(RuleRun(rule.rule_id, "run", "missing_input" if untested else None, untested, rule.roles))
        parts.append(_in_window(merge_equal_keys(outcome.findings), window))
    findings = _finish(join_findings(parts, city.crs), context)
    on_progress("rules", "", len(RULES), len(RULES), 1.0)
    return CheckResult(findings, runs, context)


def _why_not(
    rule: Rule, city: City, asked: Optional[Sequence[str]], window: Optional[shapely.Geometry]
) -> Optional[tuple[str, str]]:
    """Reason code and text if the rule can't run; None if it can."""
    if asked is not None and rule.rule_id not in asked:
        return "not_asked", "not asked for"
    if window is not None and rule.reach_m is None:
        return "needs_whole_city", "this rule looks at the whole city"
    missing = rule.missing(city)
    return ("missing_input", missing) if missing else None


def _in_window(findings: gpd.GeoDataFrame, window: Optional[shapely.Geometry]) -> gpd.GeoDataFrame:
    if window is None or not len(findings):
        return findings
    return findings[in_window(window, findings["anchor"].to_numpy())].reset_index(drop=True)


def in_window(window: shapely.Geometry, anchors: np.ndarray) -> np.ndarray:
    """Whether a window owns each anchor: half-open for a rectangle, by `intersects` for other outlines.

    Returns
    -------
    ndarray of bool, shape (n,); False for None
    """
    return owns(window)(shapely.get_x(anchors), shapely.get_y(anchors))


def owns(window: shapely.Geometry) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    """The test of `in_window` on coordinates, shape (n,) each, NaN where there is no place."""
    if not window.equals(window.envelope):
        shapely.prepare(window)
        return lambda x, y: np.asarray(shapely.intersects_xy(window, x, y))
    west, south, east, north = window.bounds
    return lambda x, y: np.asarray((x >= west) & (x < east) & (y >= south) & (y < north))


def _finish(findings: gpd.GeoDataFrame, context: Context) -> gpd.GeoDataFrame:
    """Area, cell and severity step (catalogue, general rule 2) of each finding, then a stable order."""
    if not len(findings):
        return findings
    points = representative_points(findings.geometry.to_numpy(), usable(findings.geometry))
    findings = findings.assign(
        area_code=context.units.area_codes(points), cell_code=context.grid.codes(points)
    )
    heavy = findings["cell_code"].isin(context.heavy_cells).to_numpy(dtype=bool)
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
    return findings.sort_values(["rule_id", "key"], kind="stable", ignore_index=True)


def to_rows(findings: gpd.GeoDataFrame, city: City) -> Iterator[FindingRow]:
    """The findings as rows for the store, without pandas' nulls."""
    sources = SourcesByObject(city)
    shapes = findings.geometry.to_numpy()
    placed = usable(findings.geometry)
    bounds = shapely.bounds(shapes)
    blobs = shapely.to_wkb(shapes, output_dimension=2)
    spots = findings["anchor"].to_numpy()
    anchors = np.column_stack([shapely.get_x(spots), shapely.get_y(spots)])
    names = [name for name in FindingRow._fields if name in findings.columns and name != "anchor"]
    columns: dict[str, list[Any]] = {name: _plain(findings[name]) for name in names}
    params = [params_text(item) for item in findings["params"]]
    for row in range(len(findings)):
        yield FindingRow(
            **{name: columns[name][row] for name in names},
            params_json=params[row],
            wkb=bytes(blobs[row]) if placed[row] else None,
            bounds=tuple(bounds[row].tolist()) if placed[row] else None,
            anchor=tuple(anchors[row].tolist()) if spots[row] is not None else None,
            sources=sources.of(columns["objects"][row]),
        )


class SourcesByObject:
    """From which sources objects came, for the roles that several sources gave."""

    def __init__(self, city: City) -> None:
        self._names: dict[str, dict[str, tuple[str, ...]]] = {}
        for role, table in city.tables.items():
            if table["source_name"].nunique() > 1:
                key = "code" if role == "units" else "id"
                if key in table:
                    pairs = table[[key, "source_name"]].dropna().drop_duplicates().sort_values("source_name")
                    shared = pairs[pairs[key].duplicated(keep=False)]
                    names = dict(zip(pairs[key], zip(pairs["source_name"])))
                    names.update(shared.groupby(key)["source_name"].agg(tuple).to_dict())
                    self._names[role] = names

    def of(self, objects: Sequence[str]) -> dict[str, tuple[str, ...]]:
        """Role to source names of ``role:id`` objects; a role is left out where one of them is not known."""
        if not self._names:
            return {}
        found: dict[str, tuple[str, ...]] = {}
        unknown = set()
        for text in objects:
            role, _, object_id = text.partition(":")
            names = self._names.get(role, {}).get(object_id)
            if names is None:
                unknown.add(role)
            else:
                found[role] = tuple(sorted({*found.get(role, ()), *names}))
        return {role: names for role, names in found.items() if role not in unknown}


def _plain(column: pd.Series) -> list[Any]:
    """The values of a column with None for null."""
    return column.astype(object).where(column.notna(), None).tolist()
