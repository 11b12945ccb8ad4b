"""The re-check after a committed edit: the surroundings of what changed, not the city."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd

from ..engine.check import Ask, run_rules
from ..engine.context import Context
from ..engine.index import CityIndex, hashes_of
from ..engine.window import lay_over
from ..model.errors import CityGapError
from ..model.roles import ROLES
from ..sources.edited import edited_rows
from ..store.database import open_store
from . import run as runs
from .call import Call
from .held import HeldCities


def edit(call: Call, cities: HeldCities) -> dict[str, Any]:
    """Lay edited rows over an open city and re-check what they may alter.

    Arguments: `city`, `store`, `role`, `upserts` (as `edited_rows` takes them), `deletes` (ids); or
    `path` of a JSON file that holds these two.

    Returns
    -------
    dict
        As a check's, and `stale`: the rules that read the role and have to look at the whole city.

    Raises
    ------
    CityGapError
        ``no_such_city``, ``city_stale``, ``bad_request``, and whatever the store raises.
    """
    clock = runs.Clock()
    role = _role(call)
    held = cities.held(call.text("city"), edited=role)
    with open_store(call.text("store")) as store:
        standards = held.standards(store)
        context = held.context(standards, runs.dismissed(store), call.is_cancelled)
        change = lay_over(context, role, *_edited(call, context, role))
        held.accept_edit(role)
        result = run_rules(context, Ask(switched_off=runs.off(store), edit=change), call.stage("rules"))
        run = clock.run(held.city, f"edit:{role}")
        counts = runs.merge(
            call, store, run, result, held.city, standards, sources=held.city.sources, owners=result.owners
        )
    stale = [rule.rule_id for rule in result.rules if rule.reason_code == "stale"]
    return {**runs.summary(run, clock.seconds(), result, counts, held.city), "stale": stale}


def _role(call: Call) -> str:
    role = call.text("role")
    if role not in ROLES or "id" not in ROLES[role].field_names:
        raise CityGapError(
            "bad_request", f"rows of {role} can't be edited one by one", remedy="Check the city."
        )
    return role


def _edited(call: Call, context: Context, role: str) -> tuple[gpd.GeoDataFrame, pd.Series]:
    """The rows as they are now, and the ids of those that are gone."""
    index = context.once(CityIndex)
    changes = _changes(call)
    upserts = changes.get("upserts") or []
    gone = pd.Series([str(item) for item in changes.get("deletes") or []], dtype="str")
    ids = pd.concat([gone, pd.Series([str(item.get("id")) for item in upserts], dtype="str")])
    before = index.take(role, index.sharing(role, ("id",), hashes_of(ids)))
    return edited_rows(role, upserts, before, context.own(_usual_source, role), context.city.tz), gone


def _usual_source(context: Context, role: str) -> str:
    """The source most of a role's records are of: a layer is edited where most of them lie."""
    names = context.city.table(role)["source_name"].value_counts()
    return str(names.index[0]) if len(names) else role


def _changes(call: Call) -> dict[str, Any]:
    path = call.optional("path")
    if path is None:
        return dict(call.args)
    try:
        changes = json.loads(Path(path).read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise CityGapError("bad_request", "the edits can't be read", file=path) from error
    if not isinstance(changes, dict):
        raise CityGapError("bad_request", "the edits are no JSON object", file=path)
    return changes
