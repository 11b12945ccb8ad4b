"""What the pipe register says of each pipe."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import shapely

from . import names
from .days import SAMPLE_AS_OF, day_column, random_days

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
_BURIAL = {
    "DL": ("duct", "direct", "trench"),
    "TX": ("duct", "duct", "direct"),
    "RL": ("trench", "direct", "direct"),
}
_DIRECT = ("direct", "direct", "direct")


def describe_pipes(pipes: pd.DataFrame, streets: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """The pipes table, all fields of the role; what the register lacks is null.

    Parameters
    ----------
    pipes : DataFrame
        `pipes.COLUMNS`.
    streets : DataFrame
        Street segments with run and main: pipes of one street and class were mostly laid together.
    """
    count = len(pipes)
    class_code = pipes["class_code"].to_numpy()
    size = np.where(pipes["part"] == "service", 2, 1)
    segment = pipes["segment"].to_numpy()
    on_main = (segment >= 0) & streets["main"].to_numpy()[segment]
    size[on_main] = 0
    laid = _laid_years(pipes, streets, rng)
    diameter = np.zeros(count)
    material = np.full(count, None, dtype=object)
    burial = np.full(count, None, dtype=object)
    for code in _MATERIALS:
        chosen = np.flatnonzero(class_code == code)
        material[chosen] = _materials(code, laid[chosen], rng)
        diameter[chosen] = np.array(_DIAMETERS[code])[size[chosen], rng.integers(0, 3, len(chosen))]
        burial[chosen] = np.array(_BURIAL.get(code, _DIRECT), dtype=object)[rng.integers(0, 3, len(chosen))]
    depth = np.round(
        pd.Series(class_code).map(_COVER).to_numpy(dtype=float) * rng.uniform(0.75, 1.4, count), 2
    )
    gravity = (class_code == "PS") & (pipes["part"] == "main").to_numpy() & (rng.random(count) < 0.7)
    invert = np.round(3.9 - depth - diameter / 1000, 2)
    length = shapely.length(pipes["line"].to_numpy())
    ducted = np.isin(class_code, ("DL", "TX")) & (rng.random(count) < 0.3)
    captured = random_days(date(2016, 1, 1), SAMPLE_AS_OF, count, rng)
    assessed = random_days(date(2021, 1, 1), SAMPLE_AS_OF, count, rng)
    was_assessed = (class_code == "RQ") & (rng.random(count) < 0.35)
    pressure = np.where(size == 0, "medium_A", np.where(size == 1, "medium_B", "low")).astype(object)
    node = [np.where(pipes["whole"] & (pipes[end] >= 0), pipes[end], -1) for end in ("node_a", "node_b")]
    table = pd.DataFrame(
        {
            "id": [
                f"{code}{number:07d}"
                for code, number in zip(class_code, pipes.groupby("class_code").cumcount() + 1)
            ],
            "class_code": pd.Series(class_code, dtype="str"),
            "kind_code": _sometimes(pipes["kind_code"].to_numpy(), 0.02, rng),
            "material_code": _sometimes(material, 0.04, rng),
            "diameter_mm": np.where(ducted | (rng.random(count) < 0.02), np.nan, diameter),
            "section_mm": pd.Series(np.where(ducted, "600x400", None), dtype="str"),
            "depth_m": np.where(rng.random(count) < 0.035, np.nan, depth),
            "invert_from_m": np.where(gravity, invert, np.nan),
            "invert_to_m": np.where(gravity, np.round(invert - length * 0.0015, 2), np.nan),
            "pressure_grade": pd.Series(np.where(class_code == "RQ", pressure, None), dtype="str"),
            "burial_method": _sometimes(burial, 0.03, rng),
            "use_status": pd.Series(np.where(rng.random(count) < 0.985, "在用", "废弃"), dtype="str"),
            "laid_year": np.where(rng.random(count) < 0.06, np.nan, laid),
            "assessed_on": day_column(np.where(was_assessed, assessed, np.datetime64("NaT", "D"))),
            "hazard_found": pd.array(np.where(was_assessed, rng.random(count) < 0.08, None), dtype="boolean"),
            "captured_on": day_column(captured),
            "updated_on": day_column(random_days(date(2022, 1, 1), SAMPLE_AS_OF, count, rng)),
            "accuracy_grade": pd.Series(
                np.array(["A", "B", "B", "C"], dtype=object)[rng.integers(0, 4, count)], dtype="str"
            ),
            "owner": _sometimes(pd.Series(class_code).map(names.OWNERS).to_numpy(), 0.012, rng),
            "maintainer": _sometimes(pd.Series(class_code).map(names.MAINTAINERS).to_numpy(), 0.03, rng),
            "from_node": _node_names(class_code, pipes["kind_code"].to_numpy(), node[0]),
            "to_node": _node_names(class_code, pipes["kind_code"].to_numpy(), node[1]),
        }
    )
    return table.assign(geometry=pipes["line"].to_numpy())


def _laid_years(pipes: pd.DataFrame, streets: pd.DataFrame, rng: np.random.Generator) -> np.ndarray:
    runs = rng.beta(2.2, 1.3, (int(streets["run"].max()) + 1, 8))
    order = {code: number for number, code in enumerate(_MATERIALS)}
    segment = pipes["segment"].to_numpy()
    column = pipes["class_code"].map(order).to_numpy()
    share = np.where(
        segment >= 0, runs[streets["run"].to_numpy()[segment], column], rng.beta(2.6, 1.2, len(pipes))
    )
    first = np.isin(pipes["class_code"], ("RQ", "DL", "TX", "RL", "HY")) * 12 + 1955
    return np.floor(first + share * (2025 - first))


def _materials(code: str, laid: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    material = np.full(len(laid), None, dtype=object)
    for until, words, shares in _MATERIALS[code]:
        open_now = np.flatnonzero(np.equal(material, None) & (laid <= until))
        material[open_now] = rng.choice(np.array(words, dtype=object), len(open_now), p=shares)
    return material


def _sometimes(values: np.ndarray, share: float, rng: np.random.Generator) -> pd.Series:
    """Text values with the given share missing."""
    return pd.Series(values, dtype="str").mask(rng.random(len(values)) < share)


def _node_names(class_code: np.ndarray, kind_code: np.ndarray, node: np.ndarray) -> pd.Series:
    drains = np.where(class_code == "PS", kind_code, class_code)
    return pd.Series(
        [f"{code}J{number:06d}" if number >= 0 else None for code, number in zip(drains, node)], dtype="str"
    )
