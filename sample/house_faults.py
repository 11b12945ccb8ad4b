"""Gaps planted where pipes meet houses: pipes under a building, pipes nearer than the reference."""

from __future__ import annotations

from typing import NamedTuple, Optional

import numpy as np
import pandas as pd
import shapely

from .truth import Truth

_ENTRY_M = 0.3
"""How far connections run into their house."""

_INTO = (
    # class, shortest, longest connection, metres inside, accuracy, burial method, severity, note
    ("RQ", 10.6, 30.0, 1.5, "A", "direct", "high", "gas pipe runs 1.5 m under the house"),
    ("JS", 10.6, 30.0, 1.5, "A", "direct", "medium", "water pipe runs 1.5 m under the house"),
    ("TX", 10.6, 30.0, 1.5, "A", "direct", "low", "telecom duct runs 1.5 m under the house"),
    ("RQ", 10.6, 30.0, 1.5, "C", "direct", "info", "1.5 m under the house, known to 10 m only"),
    ("RQ", 10.6, 30.0, 0.9, "A", "direct", "", "0.9 m under the house: under the limit"),
    ("JS", 5.0, 8.4, 1.5, "A", "direct", "", "shorter than 10 m: its own connection"),
    ("RQ", 10.6, 30.0, 1.5, "A", "utility_tunnel", "", "1.5 m under the house, in a utility tunnel"),
)
_ACCURACY_M = {"A": 0.5, "B": 1.0, "C": 10.0}
_NEAR = (
    # class, diameter, accuracy, severity by shortfall or none, note
    ("PS", 300.0, "A", True, "surely nearer than 2.5 m"),
    ("PS", 300.0, "C", False, "nearer than 2.5 m, but known to 10 m only"),
    ("JS", 300.0, "A", True, "over 200 mm and surely nearer than 3.0 m"),
    ("JS", 200.0, "A", False, "of 200 mm: no reference is on"),
)
_REFERENCE_M = {"PS": 2.5, "JS": 3.0}


class Intrusion(NamedTuple):
    """A connection that runs into its house: row among the connections, row of the house, what of it."""

    service: int
    house: int
    grade: str
    burial: str
    severity: str
    note: str

    def truth(self, pipe_id: str, class_code: str) -> Truth:
        """The row of the truth table."""
        expected = "yes" if self.severity else "no"
        pair = f"{pipe_id}|{house_id(self.house)}"
        return Truth("C01", "pipes|housing", pair, class_code, "", self.severity, expected, "", self.note)


def house_id(row: int) -> str:
    """Id of a house by its row."""
    return f"FW{row + 1:07d}"


def extend_into_houses(
    services: pd.DataFrame, outlines: np.ndarray, copies: int, rng: np.random.Generator
) -> list[Intrusion]:
    """Lengthen connections in place for `_INTO`."""
    lines = services["line"].to_numpy().copy()
    length = shapely.length(lines)
    class_code = services["class_code"].to_numpy()
    tree = shapely.STRtree(outlines)
    used: set[int] = set()
    houses: set[int] = set()
    found = []
    for code, low, high, inside, grade, burial, severity, note in _INTO * copies:
        candidates = rng.permutation(np.flatnonzero((class_code == code) & (length > low) & (length < high)))
        for row in candidates[:400]:
            plan = _lengthened(lines[row], inside, outlines, tree) if int(row) not in used else None
            if plan is None or plan[1] in houses:
                continue
            lines[row], house = plan
            used.add(int(row))
            houses.add(house)
            found.append(Intrusion(int(row), house, grade, burial, severity, note))
            break
    services["line"] = lines
    return found


def _lengthened(
    line: shapely.LineString, inside: float, outlines: np.ndarray, tree: shapely.STRtree
) -> Optional[tuple[shapely.LineString, int]]:
    """The connection led farther into its house, and the house; None if its wall is not met squarely."""
    ends = shapely.get_coordinates(line)
    along = (ends[1] - ends[0]) / np.hypot(*(ends[1] - ends[0]))
    longer = shapely.linestrings([ends[0], ends[1] + along * (inside - _ENTRY_M)])
    met = tree.query(longer, predicate="intersects")
    if len(met) != 1:
        return None
    covered = shapely.length(shapely.intersection(longer, outlines[met[0]]))
    return (longer, int(met[0])) if abs(covered - inside) < 0.05 else None


def near_houses(
    register: pd.DataFrame, laid: pd.DataFrame, outlines: np.ndarray, copies: int, rng: np.random.Generator
) -> tuple[list[Truth], set[int]]:
    """Change branches in place for `_NEAR`: truths for all houses near them, and the rows of the branches."""
    class_code, part = laid["class_code"].to_numpy(), laid["part"].to_numpy()
    lines = laid["line"].to_numpy()
    lanes = np.flatnonzero(np.isin(class_code, list(_REFERENCE_M)) & (part == "lane"))
    pipe, house = shapely.STRtree(outlines).query(lines[lanes], predicate="dwithin", distance=2.8)
    pipe = lanes[pipe]
    truths = []
    order = {code: list(rng.permutation(np.unique(pipe[class_code[pipe] == code]))) for code in _REFERENCE_M}
    used: set[int] = set()
    for code, diameter, grade, found, note in _NEAR * copies:
        if not order[code]:
            continue
        row = int(order[code].pop())
        used.add(row)
        register.at[row, "diameter_mm"], register.at[row, "accuracy_grade"] = diameter, grade
        register.at[row, "burial_method"] = "direct"
        for other in np.sort(house[pipe == row]):
            apart = float(shapely.distance(lines[row], outlines[other]))
            sure = apart - diameter / 2000 + _ACCURACY_M[grade]
            short = (_REFERENCE_M[code] - sure) / _REFERENCE_M[code]
            severity = (
                ("low" if short < 0.25 else "medium" if short < 0.5 else "high")
                if found and short > 0
                else ""
            )
            pair = f"{register.at[row, 'id']}|{house_id(int(other))}"
            expected = "yes" if severity else "no"
            text = f"{apart:.2f} m apart, {note}"
            truths.append(Truth("C02", "pipes|housing", pair, code, "", severity, expected, "", text))
    return truths, used
