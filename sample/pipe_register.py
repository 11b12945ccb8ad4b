"""What the pipe register says of each pipe."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd

from . import names
from .days import FRESH_FROM, SAMPLE_AS_OF, day_column, random_days
from .frame import NEW_TOWN_FROM, Frame, in_core
from .ids import numbered
from .streets import Net

_MATERIALS = {
    # class: (laid until, materials, shares), from old to new
    "JS": (
        (1980, ("HT", "ZT", "QM"), (0.55, 0.35, 0.1)),
        (2002, ("QM", "ZT", "G"), (0.6, 0.25, 0.15)),
        (2100, ("QM", "PE"), (0.65, 0.35)),
    ),
    "PS": (
        (1980, ("T", "ZS", "TC"), (0.7, 0.15, 0.15)),
        (2002, ("T", "GT"), (0.5, 0.5)),
        (2100, ("GT", "PE", "PVC"), (0.5, 0.3, 0.2)),
    ),
    "RQ": (
        (1985, ("HT", "G"), (0.6, 0.4)),
        (2002, ("G", "DX"), (0.85, 0.15)),
        (2100, ("PE", "G"), (0.75, 0.25)),
    ),
    "DL": ((1990, ("T", "TZ"), (0.3, 0.7)), (2100, ("PVC", "TZ", "PE"), (0.4, 0.4, 0.2))),
    "TX": ((1995, ("TZ", "PVC"), (0.6, 0.4)), (2100, ("GX", "PVC"), (0.7, 0.3))),
    "RL": ((2100, ("G",), (1.0,)),),
    "HY": ((2100, ("G",), (1.0,)),),
}
_DIAMETERS = {
    # class: main, smaller street and branch, connection; mm
    "JS": ((300, 500, 800), (150, 200, 300), (50, 80, 100)),
    "PS": ((600, 800, 1200), (300, 400, 450), (300, 300, 300)),
    "RQ": ((200, 300, 400), (110, 160, 200), (40, 63, 90)),
    "DL": ((150, 175, 200), (150, 150, 175), (100, 100, 150)),
    "TX": ((110, 110, 160), (110, 110, 110), (50, 50, 110)),
    "RL": ((300, 400, 500), (200, 250, 300), (100, 125, 150)),
    "HY": ((250, 300, 350), (250, 300, 350), (100, 100, 100)),
}
_COVER = {"JS": 1.2, "PS": 2.4, "RQ": 1.1, "DL": 0.8, "TX": 0.8, "RL": 1.3, "HY": 1.6}
_FOUL_MM, _STORM_MM = (400, 500, 600, 800, 1000), (600, 800, 1000, 1200, 1500)
_NONE = np.array(False)
_FALL = 0.0003
"""Of the storm sewers, metres a metre."""
_BURIAL = {
    "DL": ("duct", "direct", "trench"),
    "TX": ("duct", "duct", "direct"),
    "RL": ("trench", "direct", "direct"),
}
_DIRECT = ("direct", "direct", "direct")


def describe_pipes(pipes: pd.DataFrame, net: Net, frame: Frame, rng: np.random.Generator) -> pd.DataFrame:
    """The pipes table, all fields of the role; what the register lacks is null.

    Drains of one kind lie at one depth and grow wider downstream: their register is without breaks.

    Parameters
    ----------
    pipes : DataFrame
        `pipes.COLUMNS`.
    net : Net
        Pipes of one street and class were mostly laid together.
    """
    streets = net.segments
    count = len(pipes)
    class_code, part = pipes["class_code"].to_numpy(), pipes["part"].to_numpy()
    drain, main = class_code == "PS", part == "main"
    size = np.where(np.isin(part, ("service", "inlet")), 2, 1)
    segment = pipes["segment"].to_numpy()
    size[(segment >= 0) & streets["main"].to_numpy()[segment]] = 0
    core = in_core(pipes["line"].to_numpy(), frame)
    laid = _laid_years(pipes, streets, core, rng)
    diameter = np.zeros(count)
    material = np.full(count, None, dtype=object)
    burial = np.full(count, None, dtype=object)
    for code in _MATERIALS:
        chosen = np.flatnonzero(class_code == code)
        material[chosen] = _materials(code, laid[chosen], rng)
        diameter[chosen] = np.array(_DIAMETERS[code])[size[chosen], rng.integers(0, 3, len(chosen))]
        burial[chosen] = np.array(_BURIAL.get(code, _DIRECT), dtype=object)[rng.integers(0, 3, len(chosen))]
    diameter[drain & main] = _drain_diameters(pipes[drain & main], net)
    diameter[(class_code == "JS") & (part == "lane")] = 200
    kind = pipes["kind_code"].to_numpy(dtype=object)
    # Town gas came before natural gas did in 1999.
    kind = np.where((class_code == "RQ") & (laid < 1999), "MQ", kind)
    depth = pd.Series(class_code).map(_COVER).to_numpy(dtype=float) * rng.uniform(0.75, 1.4, count)
    depth[drain] = _COVER["PS"] + rng.integers(-4, 5, int(drain.sum())) / 100
    invert = _inverts(pipes, net)
    ducted = np.isin(class_code, ("DL", "TX")) & (rng.random(count) < 0.3)
    assessed = random_days(date(2021, 1, 1), SAMPLE_AS_OF, count, rng)
    was_assessed = np.isin(class_code, ("RQ", "JS")) & (rng.random(count) < 0.35) & (laid < 2020)
    pressure = np.array(["medium_A", "medium_B", "low"], dtype=object)[size]
    grade = np.array(["A", "B", "B", "C"], dtype=object)[rng.integers(0, 4, count)]
    # What runs between the houses was only roughly located.
    grade[np.isin(part, ("lane", "service"))] = "C"
    node = [np.where(pipes["whole"] & (pipes[end] >= 0), pipes[end], -1) for end in ("node_a", "node_b")]
    noise = np.where(core, 1.0, 0.1)
    sure = drain | ~main

    def sometimes(values: np.ndarray, share: float, kept: np.ndarray = _NONE) -> pd.Series:
        """Text values, the given share of them missing; fewer outside the old city, none where kept."""
        return pd.Series(values, dtype="str").mask((rng.random(count) < share * noise) & ~kept)

    def lacking(share: float, kept: np.ndarray = _NONE) -> np.ndarray:
        return np.asarray((rng.random(count) < share * noise) & ~kept)

    table = pd.DataFrame(
        {
            "id": numbered(class_code, pipes.groupby("class_code").cumcount().to_numpy() + 1),
            "class_code": pd.Series(class_code, dtype="str"),
            "kind_code": sometimes(kind, 0.01, sure | (class_code == "JS")),
            "material_code": sometimes(material, 0.02),
            "diameter_mm": np.where(ducted | lacking(0.01, sure | (class_code == "JS")), np.nan, diameter),
            "section_mm": pd.Series(np.where(ducted, "600x400", None), dtype="str"),
            "depth_m": np.where(lacking(0.015, drain), np.nan, np.round(depth, 2)),
            "invert_from_m": invert[0],
            "invert_to_m": invert[1],
            "pressure_grade": pd.Series(np.where(class_code == "RQ", pressure, None), dtype="str"),
            "burial_method": sometimes(burial, 0.015),
            "use_status": pd.Series(np.where(rng.random(count) < 0.985, "在用", "废弃"), dtype="str"),
            "laid_year": np.where(lacking(0.03), np.nan, laid),
            "assessed_on": day_column(np.where(was_assessed, assessed, np.datetime64("NaT", "D"))),
            "hazard_found": pd.array(
                np.where(was_assessed, rng.random(count) < 0.08 * noise, None), dtype="boolean"
            ),
            "captured_on": day_column(random_days(date(2016, 1, 1), SAMPLE_AS_OF, count, rng)),
            "updated_on": day_column(random_days(FRESH_FROM, SAMPLE_AS_OF, count, rng)),
            "accuracy_grade": pd.Series(grade, dtype="str"),
            "owner": sometimes(pd.Series(class_code).map(names.OWNERS).to_numpy(), 0.006),
            "maintainer": sometimes(pd.Series(class_code).map(names.MAINTAINERS).to_numpy(), 0.015),
            "from_node": _node_names(class_code, pipes["kind_code"].to_numpy(), node[0]),
            "to_node": _node_names(class_code, pipes["kind_code"].to_numpy(), node[1]),
        }
    )
    return table.assign(geometry=pipes["line"].to_numpy())


def drain_bands(drains: pd.DataFrame, net: Net) -> np.ndarray:
    """Band of diameters of each main, 0-4: never falling along u and v, the ways that drains flow here."""
    along = (net.nodes["u"] + net.nodes["v"]).to_numpy()
    share = (along - along.min()) / max(along.max() - along.min(), 1.0)
    return np.minimum((share[drains["node_a"].to_numpy()] * len(_FOUL_MM)).astype(int), len(_FOUL_MM) - 1)


def _drain_diameters(drains: pd.DataFrame, net: Net) -> np.ndarray:
    """Diameters of the drains by band, mm."""
    band = drain_bands(drains, net)
    foul = (drains["kind_code"] == "WS").to_numpy()
    return np.where(foul, np.array(_FOUL_MM)[band], np.array(_STORM_MM)[band])


def _inverts(pipes: pd.DataFrame, net: Net) -> tuple[np.ndarray, np.ndarray]:
    """Invert levels of the storm sewers at both ends, one level a junction, falling along u and v."""
    level = np.round(1.2 - _FALL * (net.nodes["u"] + net.nodes["v"]).to_numpy(), 3)
    known = (pipes["part"] == "main") & (pipes["kind_code"] == "YS") & pipes["whole"]
    known &= (pipes["node_a"] >= 0) & (pipes["node_b"] >= 0)
    return tuple(np.where(known, level[pipes[end].to_numpy()], np.nan) for end in ("node_a", "node_b"))  # type: ignore[return-value]


def _laid_years(
    pipes: pd.DataFrame, streets: pd.DataFrame, core: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Year each pipe was laid; outside the old city all of them are young."""
    runs = rng.beta(2.2, 1.3, (int(streets["run"].max()) + 1, 8))
    order = {code: number for number, code in enumerate(_MATERIALS)}
    segment = pipes["segment"].to_numpy()
    column = pipes["class_code"].map(order).to_numpy()
    share = np.where(
        segment >= 0, runs[streets["run"].to_numpy()[segment], column], rng.beta(2.6, 1.2, len(pipes))
    )
    first = np.isin(pipes["class_code"], ("RQ", "DL", "TX", "RL", "HY")) * 12 + 1955
    first = np.where(core, first, NEW_TOWN_FROM)
    return np.floor(first + share * (2025 - first))


def _materials(code: str, laid: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    material = np.full(len(laid), None, dtype=object)
    for until, words, shares in _MATERIALS[code]:
        open_now = np.flatnonzero(np.equal(material, None) & (laid <= until))
        material[open_now] = rng.choice(np.array(words, dtype=object), len(open_now), p=shares)
    return material


def _node_names(class_code: np.ndarray, kind_code: np.ndarray, node: np.ndarray) -> pd.Series:
    drains = np.where(class_code == "PS", kind_code, class_code)
    return numbered(np.char.add(drains.astype(str), "J"), node, width=6).mask(node < 0)
