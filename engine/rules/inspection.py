"""Inspection gaps: what nobody looked at, and what nobody repaired."""

from __future__ import annotations

from typing import Optional

import geopandas as gpd
import numpy as np
import pandas as pd

from ...model.roles import OBJECT_LAYERS
from ..city import City
from ..classes import YEAR_FIELD, of_class
from ..context import Context
from ..findings import join_findings, make_findings, objects_at
from ..rule import Outcome, Rule
from ..visits import (
    Due,
    counted_visits,
    due_rows,
    ids_of_role,
    log_start,
    object_roles,
    record_reach_m,
    rounds,
    visit_reach_m,
    visited_by_id,
)

_DAY = pd.Timedelta(days=1)


def find_never_inspected(city: City, context: Context) -> Outcome:
    """I02: objects due for some activity that no visit of any activity has reached.

    Info where the object is younger than the visit log, or the log shorter than every interval.
    """
    parts = []
    for role in object_roles(context):
        context.check_cancelled()
        if due_rows(context, role):
            parts.append(_never_inspected(role, context))
    return Outcome(join_findings(parts, city.crs))


def _never_inspected(role: str, context: Context) -> gpd.GeoDataFrame:
    table, log = context.city.table(role), rounds(context, role)
    due, found = log.due, log.rows[~log.seen]
    strictest, interval = _strictest(due, found)
    chosen = [due[index].row for index in strictest]
    return make_findings(
        "I02",
        **objects_at(role, table, found),
        severity=np.where(
            _log_too_young(role, found, interval, context), "info", _grade(role, found, context)
        ),
        measured=None,
        reference=interval,
        unit="d",
        basis=[row.basis for row in chosen],
        confidence=[row.confidence for row in chosen],
        params=[
            {"due": sorted({item.row.rule_or_activity for item in due if item.objects[row]})} for row in found
        ],
    )


def _strictest(due: list[Due], found: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """For each found object the place in `due` of its shortest interval, and that interval in days."""
    if not len(found):
        return np.array([], dtype=int), np.array([])
    days = np.array([np.where(item.objects[found], item.row.days(), np.inf) for item in due])
    best = days.argmin(axis=0)
    return best, days[best, np.arange(len(found))]


def _log_too_young(role: str, found: np.ndarray, interval: np.ndarray, context: Context) -> np.ndarray:
    """Whether the visit log can't tell yet: the object is younger, or no interval has passed since."""
    start = log_start(context)
    if start is None:
        return np.ones(len(found), dtype=bool)
    log_days = (pd.Timestamp(context.at) - start) / _DAY
    young = interval > log_days
    if role in YEAR_FIELD:
        years = context.at.year - context.age(role)[found]
        with np.errstate(invalid="ignore"):
            young |= years > start.tz_convert(str(context.city.tz)).year
    return young


def _grade(role: str, found: np.ndarray, context: Context) -> np.ndarray:
    """High for gas, old housing graded C or D, and viaducts; else medium."""
    part = context.city.table(role).iloc[found]
    high = np.zeros(len(part), dtype=bool)
    if role == "housing":
        dangerous = part["danger_grade"].isin(("C", "D")).to_numpy(dtype=bool)
        high |= dangerous & context.is_old_housing[found]
    for viaduct_or_gas in (f"{role}:RQ", "neglected:under_viaduct", "components:bridge"):
        high |= of_class(role, part, viaduct_or_gas)
    return np.where(high, "high", "medium").astype(object)


def find_unrepaired(city: City, context: Context) -> Outcome:
    """I05: buildings past the age without any repair record, and defects left open."""
    parts, untested = [], []
    if city.has("housing", "last_repair_date"):
        parts.append(_no_record(city, context))
    else:
        untested.append("no column last_repair_date of housing: no record could be missed")
    parts.append(_open_defects(city, context))
    return Outcome(join_findings(parts, city.crs), tuple(untested))


def _repairs(context: Context) -> pd.DataFrame:
    """Repairs up to T; one that does not say when it was reported is on record all the same."""
    repairs = context.city.table("repairs")
    return pd.DataFrame(repairs[~(repairs["reported_on"] > pd.Timestamp(context.at))])


def _no_record(city: City, context: Context) -> gpd.GeoDataFrame:
    housing = city.table("housing")
    repairs = _repairs(context)
    records = repairs[repairs["kind"].isin(("maintenance", "repair")) | repairs["kind"].isna()]
    recorded = visited_by_id(records, housing["id"], "housing")
    parts = []
    for row in context.standards.named("I05"):
        found = np.flatnonzero(context.fits(row, "housing", null_needs_column=True) & ~recorded)
        parts.append(
            make_findings(
                "I05",
                **objects_at("housing", housing, found),
                severity=row.severity or "medium",
                discriminator="none",
                measured=context.age("housing")[found],
                reference=context.number("I05.no_record_age_a", "housing"),
                unit="a",
                basis=row.basis,
                confidence=row.confidence,
                data_state="known",
                params=[{"kind": "none"}] * len(found),
            )
        )
    return join_findings(parts, city.crs)


def _open_defects(city: City, context: Context) -> gpd.GeoDataFrame:
    """Objects with a defect older than `I05.open_defect_d` and no repair closed since.

    A defect since nobody knows when is info, unrecorded.
    """
    row = context.standards.parameter("I05.open_defect_d")
    defects = pd.concat(_defects(context), ignore_index=True)
    defects["days"] = (pd.Timestamp(context.at) - defects["since"]) / _DAY
    defects = defects[~(defects["days"] <= row.number())]
    parts = []
    for role in object_roles(context):
        table = city.table(role)
        mine = defects[defects["role"].isna() | (defects["role"] == role)]
        mine = mine.assign(object_id=ids_of_role(mine["object_id"], role))
        mine = mine[~_closed_since(mine, role, context)]
        days = mine.groupby("object_id")["days"].max()
        found = np.flatnonzero(table["id"].isin(days.index).to_numpy())
        open_days = np.floor(table["id"].iloc[found].map(days).to_numpy(dtype="float64"))
        dated = ~np.isnan(open_days)
        parts.append(
            make_findings(
                "I05",
                **objects_at(role, table, found),
                severity=np.where(dated, "high", "info").astype(object),
                discriminator="open",
                measured=open_days,
                reference=row.number(),
                unit="d",
                basis=row.basis,
                confidence=row.confidence,
                data_state=np.where(dated, "known", "unrecorded").astype(object),
                params=[{"kind": "open"}] * len(found),
                evidence=("repairs", "visits"),
            )
        )
    return join_findings(parts, city.crs)


def _defects(context: Context) -> list[pd.DataFrame]:
    """Defects on record up to T: role (None: any object of that id), object_id, since (NaT: unrecorded)."""
    repairs = _repairs(context)
    at = pd.Timestamp(context.at)
    still_open = repairs["closed_on"].isna() | (repairs["closed_on"] > at)
    reported = repairs[(repairs["kind"] == "defect") & still_open].rename(columns={"reported_on": "since"})
    visits = counted_visits(context)
    is_defect = (visits["result"] == "defect") & visits["object_id"].notna()
    seen = visits[is_defect].rename(columns={"at": "since"})
    components = context.city.table("components")
    broken = components[components["condition"].isin(("broken", "lost"))]
    broken = pd.DataFrame({"object_id": broken["id"], "since": broken["updated_on"], "role": "components"})
    return [
        reported[["object_id", "since"]].assign(role=None),
        seen[["object_id", "since"]].assign(role=None),
        broken[~(broken["since"] > at)],
    ]


def _closed_since(defects: pd.DataFrame, role: str, context: Context) -> np.ndarray:
    """Whether a repair of the object was closed at or after each defect, shape (n,)."""
    repairs = _repairs(context)
    repairs = repairs[repairs["closed_on"] <= pd.Timestamp(context.at)]
    closed = repairs["closed_on"].groupby(ids_of_role(repairs["object_id"], role)).max()
    last = closed.reindex(defects["object_id"]).to_numpy()
    return np.asarray(last >= defects["since"].to_numpy(), dtype=bool)


def _no_visits(city: City) -> Optional[str]:
    return None if len(city.table("visits")) else "no visits given"


def _no_repairs(city: City) -> Optional[str]:
    if (
        len(city.table("repairs"))
        or city.has("housing", "last_repair_date")
        or city.has("components", "condition")
    ):
        return None
    return "no repairs, no last_repair_date of housing and no condition of components given"


NEVER_INSPECTED = Rule(
    "I02",
    find_never_inspected,
    _no_visits,
    roles=(*OBJECT_LAYERS, "visits", "units"),
    reach_m=visit_reach_m,
    edit_reach_m=record_reach_m(visit_reach_m),
    is_of_its_own=True,
)
NO_REPAIR_RECORD = Rule(
    "I05",
    find_unrepaired,
    _no_repairs,
    roles=(*OBJECT_LAYERS, "visits", "repairs", "units"),
    reach_m=lambda context: 0.0,
    is_of_its_own=True,
)
