"""Everything that is to be found in the sample's registers, besides what was planted by hand."""

from __future__ import annotations

from typing import Optional

import numpy as np
import pandas as pd
import shapely

from . import duty_faults, foreseen, foreseen_areas, foreseen_duties, foreseen_rounds, standards
from .days import time_column
from .offices import OLD_DISTRICT, blind_ground
from .planted import Book
from .records import WALKED_ON
from .truth import Truth
from .walking import Walk, out_of_reach


def list_foreseen(
    tables: dict[str, pd.DataFrame],
    book: Book,
    seams: duty_faults.Seams,
    vacancy: Optional[shapely.Polygon],
    walk: Walk,
) -> list[pd.DataFrame]:
    """Truth rows of the drawn values; those that depend on plants are added to the book."""
    housing, pipes, visits = tables["housing"], tables["pipes"], tables["visits"]
    checks = visits.loc[visits["activity"] == "structural_check", "object_id"]
    checked = housing["id"].isin(checks).to_numpy()
    units = tables["units"]
    fringe = units["geometry"].to_numpy()[(units["zone_type"] == "fringe").to_numpy(dtype=bool)]
    in_fringe = foreseen_duties.within_any(housing["geometry"].to_numpy(), fringe)
    rows = [
        *foreseen.missing_attributes(housing, pipes),
        foreseen.aged_pipes(pipes),
        foreseen.aged_buildings(housing, checked),
        foreseen.without_repairs(housing, tables["repairs"]),
        *foreseen.open_defects(tables),
        *foreseen.unserved(housing, pipes, blind_ground(units), in_fringe),
        *foreseen_duties.without_owner(tables),
        *foreseen_duties.several_owners(tables),
        *foreseen_duties.missed_by_the_crowd(tables),
        foreseen_areas.blind_cells(tables, blind_ground(units)),
        foreseen_areas.unequal_totals(tables["totals"]),
        foreseen_areas.below_share(units, tables["resources"]),
        *foreseen_areas.broken_things(tables),
    ]
    far, near = out_of_reach(housing, tables["components"], foreseen.is_home(housing), walk)
    rows += far
    for home in near.itertuples():
        text = f"{home.distance:.1f} m to the nearest one"
        book.truths.append(
            Truth("S02", "housing", home.id, home.class_code, home.class_code, "", "no", "", text)
        )
    book.truths.extend(foreseen_areas.look_alikes(tables))
    merged = tables["resources"]["id"][tables["resources"]["unit_code"] == OLD_DISTRICT]
    note = "a district that was merged away"
    book.truths.extend(Truth("D02", "resources", name, "", "", "medium", "yes", "", note) for name in merged)
    walked = {row.object_id for row in book.truths if row.note.startswith("walked along")}
    walk_at = time_column(np.array([WALKED_ON], dtype="datetime64[D]"), np.array([36000]))[0]
    book.truths.extend(foreseen_rounds.silent_objects(tables, book.silent, walked, walk_at))
    counted = foreseen_duties.count_inside([strip for strip, _ in seams.strips], tables)
    book.truths.extend(duty_faults.truths_of_seams(seams, tables["duties"], vacancy, counted))
    book.truths.extend(standards.truths_of_standards(tables["neglected"]))
    return rows
