"""Everything below the streets: pipes with what is planted among them, their register, the points on them."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import shapely

from . import drain_faults, faults, fittings, house_faults, net_faults
from . import pipes as lay
from .frame import Frame
from .names import MAINTAINERS, OWNERS
from .pipe_register import describe_pipes
from .registers import write_changes
from .streets import Net
from .truth import Truth
from .wells import place_wells

_CLEAR_M = 1.2
_CLEAN = {
    "kind_code": {"JS": "JP", "RQ": "TR", "TX": "XX", "PS": "WS"},
    "material_code": {"JS": "QM", "RQ": "PE", "TX": "GX", "PS": "GT"},
}


class Underground(NamedTuple):
    """The pipes as laid (`pipes.COLUMNS`) and as registered, the points on them, and what is planted.

    Attributes
    ----------
    bare : ndarray of int
        Street segments that lack records.
    free : ndarray of bool
        Mains that carry no plant.
    """

    laid: pd.DataFrame
    register: pd.DataFrame
    points: pd.DataFrame
    bare: np.ndarray
    free: np.ndarray
    truths: list[Truth]


def dig(
    net: Net,
    frame: Frame,
    outlines: np.ndarray,
    mains: pd.DataFrame,
    branches: pd.DataFrame,
    stubs: pd.DataFrame,
    copies: int,
    rngs: dict[str, np.random.Generator],
) -> Underground:
    """Lay what branches off the mains, plant gaps, write the register.

    Parameters
    ----------
    mains : DataFrame
        `pipes.lay_mains`.
    branches, stubs : DataFrame
        Into the estates; into the park.
    rngs : dict
        Random numbers by step: faults, services, pipes, fittings.
    """
    rng = rngs["faults"]
    bare = faults.bare_segments(net, mains, outlines, copies, rng)
    mains, cut = faults.strip_records(mains, net, bare)
    mains, splits = faults.split_pipes(mains, net, frame, bare, copies, rng)
    halves = [row for split in splits for row in (split.first, split.second)]
    tight, _ = shapely.STRtree(outlines).query(
        branches["line"].to_numpy(), predicate="dwithin", distance=_CLEAR_M
    )
    branches = branches.drop(index=np.unique(tight))
    net_pipes = pd.concat([mains, branches, stubs], ignore_index=True)
    wells, spots, used = drain_faults.spoil_wells(
        place_wells(net_pipes, frame), net_pipes, net, frame, copies, rng
    )
    spared = np.zeros(len(net_pipes), dtype=bool)
    spared[halves] = True
    foul = wells["geometry"].to_numpy()[(wells["kind_code"] == "WS").to_numpy()]
    services = lay.lay_services(outlines, net_pipes, foul, spared, frame, rngs["services"])
    services = services[~faults.beside_bare(services, net, bare)].reset_index(drop=True)
    intrusions = house_faults.extend_into_houses(services, outlines, copies, rng)
    spared[used] = True
    misfits = drain_faults.plan_misfits(net_pipes, spared, copies, rng)
    free = ((net_pipes["part"] == "main") & net_pipes["whole"]).to_numpy() & ~spared
    free &= ~np.isin(net_pipes["segment"], bare)
    free[list(misfits.changes)] = False
    twins = net_faults.twin_pipes(net_pipes, free, copies, rng)
    free[twins.originals] = False
    loose = net_faults.loose_heating(net_pipes, net, frame, copies, rng)
    parts = {
        "net": net_pipes,
        "services": services,
        "inlets": lay.lay_inlets(wells, net),
        "misfits": misfits.added,
        "loose": loose,
        "twins": twins.copies,
    }
    laid = pd.concat(parts.values(), ignore_index=True)
    start = dict(zip(parts, np.cumsum([0, *map(len, parts.values())])))
    register = describe_pipes(laid, net, frame, rngs["pipes"])
    truths = _spoil_register(register, laid, start, misfits, twins, intrusions)
    ids = register["id"].to_numpy()
    spots += misfits.spots
    truths += [
        Truth(
            spot.rule_id,
            "pipes",
            ids[spot.pipe],
            "PS",
            spot.discriminator,
            spot.severity,
            spot.expected,
            "",
            spot.note,
        )
        for spot in spots
    ]
    truths += net_faults.truths_of_loose(ids[start["loose"] : start["twins"]])
    truths += net_faults.truths_of_twins(twins, ids, ids[start["twins"] :])
    truths += faults.truths_of_splits(splits, ids)
    near, used = house_faults.near_houses(register, laid, outlines, copies, rng)
    truths += near
    ends = net_faults.open_ends(laid, used, frame, copies, rng)
    truths += _open(register, ends)
    caps = np.array((laid["part"] == "lane") & (laid["class_code"] != "PS"))
    caps[: len(cut)] |= cut
    features = {end.pipe: end.feature for end in ends}
    points = fittings.make_pipe_points(laid, wells, caps, features, frame, rngs["fittings"])
    padded = np.zeros(len(laid), dtype=bool)
    padded[: len(free)] = free
    return Underground(laid, register, points, bare, padded, truths)


def _spoil_register(
    register: pd.DataFrame,
    laid: pd.DataFrame,
    start: dict[str, int],
    misfits: drain_faults.Misfits,
    twins: net_faults.Twins,
    intrusions: list[house_faults.Intrusion],
) -> list[Truth]:
    """Write what is planted into the register; truths of the pipes that run into houses."""
    ids = register["id"].to_numpy(dtype=object)
    diameters = register["diameter_mm"].to_numpy()
    changes: list[tuple[int, dict[str, Any]]] = list(misfits.changes.items())
    for number, (node, like) in enumerate(misfits.links):
        ends = {"from_node": f"WSJ{node:06d}", "to_node": f"YSJ{node:06d}", "diameter_mm": diameters[like]}
        changes.append((start["misfits"] + number, ends))
    first = start["twins"]
    shared = register.columns.difference(["id", "from_node", "to_node", "geometry"])
    register.loc[first : first + len(twins.originals) - 1, shared] = register.loc[
        twins.originals, shared
    ].to_numpy()
    for number, (original, told) in enumerate(zip(twins.originals, twins.changes)):
        changes += [(original, clean_pipe("JS")), (first + number, {**clean_pipe("JS"), **told})]
    truths = []
    for plan in intrusions:
        row = start["services"] + plan.service
        code = str(laid["class_code"].iat[row])
        more = {"diameter_mm": 63.0, "accuracy_grade": plan.grade, "burial_method": plan.burial}
        changes.append((row, {**clean_pipe(code), **more}))
        truths.append(plan.truth(ids[row], code))
    write_changes(register, changes)
    return truths


def clean_pipe(class_code: str) -> dict[str, Any]:
    """Values with which no rule has anything to say of the fields of a pipe of a class."""
    return {
        "kind_code": _CLEAN["kind_code"][class_code],
        "material_code": _CLEAN["material_code"][class_code],
        "diameter_mm": 200.0,
        "section_mm": None,
        "depth_m": 1.2,
        "laid_year": 2014.0,
        "burial_method": "direct",
        "assessed_on": np.datetime64("NaT", "D"),
        "hazard_found": None,
        "owner": OWNERS[class_code],
        "maintainer": MAINTAINERS[class_code],
    }


def _open(register: pd.DataFrame, ends: list[net_faults.OpenEnd]) -> list[Truth]:
    """Give the branches with a changed end their diameters; their truths."""
    write_changes(register, [(end.pipe, {"diameter_mm": end.diameter}) for end in ends])
    truths = []
    for end in ends:
        name, code = register.at[end.pipe, "id"], register.at[end.pipe, "class_code"]
        expected = "yes" if end.severity else "no"
        truths.append(Truth("N01", "pipes", name, code, "e", end.severity, expected, "", end.note))
    return truths
