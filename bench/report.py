"""The table of what was measured, and bench/README.md."""

from __future__ import annotations

import os
from typing import Any

from .tools import QUESTIONS, TOOLS

Results = dict[str, Any]

ASKED = {
    "Q1": "buildings built by 2000 within 5 m of a gas pipe",
    "Q2": "buildings with no pipe of a class within 60 m, four classes (as rule S01)",
    "Q3": "area of old buildings outside the 50 m buffers of all patrol tracks, overlaps once",
    "Q4": "pipe length per 100 m cell and class (as the ledger)",
    "Q5": "pipe ends that end within 2 m of another pipe of their class without touching it",
    "Q6": "streets with no pipe within 15 m along at least half their length (as rule N05)",
}
HELD = {"Q1": 0.4, "Q2": 1.0, "Q3": 5.0, "Q4": 5.0, "Q5": 1.0, "Q6": 5.0}
"""How many times as quick as the quickest other tool the engine is meant to be."""

SUM_HELD = 10.0
OURS = TOOLS[0].name

INTRO = """# Measured

`make bench` puts six questions to CityGap's engine and to other tools of the field, on the same
synthetic town, in the same run, each tool in a process of its own. `make bench SIZES="100000 1500000"`
adds the large town. This page is written by it.

{asked}

The town (`town.py`) is drawn by numpy from a fixed seed: rotated districts of blocks, houses of 4 to 10
corners, six classes of pipes of 2 to 20 places along the streets and to the houses, patrol tracks of 28
to 84 fixes.
Data is loaded first and not counted (PostGIS has its indexes then, QGIS its GeoPackage); a question that
takes under 3 s is asked up to three times and the best time counts. Answers are compared before times
are: ids must be equal, areas within 0.001 m² (or 1e-9 of the whole), lengths within 1e-6 m in each cell;
streets whose bare share is within 0.02 of half may fall
either way, since other tools' buffers are of lines that GEOS simplifies first. Other tools are asked
in the quickest way we found (`peers/`), which is often not the first that comes to mind: Q3 sums, building
by building, what buffers cover of it instead of building the union of buffers.
Peak memory is that of the tool's process while it answers, its data included (PostGIS: of all the server's
processes, shared pages once).

Machine: {cores} cores, shared; times hold side by side only.
"""


def page(results: list[Results]) -> str:
    """The page for all sizes measured, smallest first."""
    asked = "\n".join(f"- **{name}** {text}" for name, text in ASKED.items())
    parts = [INTRO.format(asked=asked, cores=os.cpu_count())]
    parts += [section(result) for result in results]
    return "\n".join(parts)


def section(result: Results) -> str:
    """Seconds, memory, ratios and versions at one size."""
    tools = list(result["tools"])
    counts = result["counts"]
    said = ", ".join(f"{count:,} {name}" for name, count in counts.items())
    head = ["|  | " + " | ".join(tools) + " | ratio | to hold |", "|---|" + "--:|" * (len(tools) + 2)]
    rows = [_times(name, result, tools) for name in QUESTIONS]
    memory = [
        f"| {name} | " + " | ".join(_memory(result, tool, name) for tool in tools) + " |"
        for name in QUESTIONS
    ]
    return "\n".join(
        [
            f"## {counts['buildings']:,} buildings",
            f"{said}, {result['day']}. Seconds; *ratio*: the quickest other tool's time by CityGap's.",
            "",
            *head,
            *rows,
            _sums(result, tools),
            "| load | "
            + " | ".join(_number(result["tools"][tool].get("load")) for tool in tools)
            + " |  |  |",
            "",
            _agreement(result),
            "",
            "Peak memory, MB:",
            "",
            "|  | " + " | ".join(tools) + " |",
            "|---|" + "--:|" * len(tools),
            *memory,
            "",
            "Versions: " + "; ".join(result["tools"][tool].get("versions", tool) for tool in tools) + ".",
            "",
        ]
    )


def _agreement(result: Results) -> str:
    """How many answers of other tools were compared with ours, and whether they are the same."""
    ours = result["tools"].get(OURS, {"answers": {}})["answers"]
    compared = [
        "differs" in answer
        for tool, said in result["tools"].items()
        for name, answer in said["answers"].items()
        if tool != OURS and "seconds" in answer and "seconds" in ours.get(name, {})
    ]
    differ = f"{sum(compared)} differ" if any(compared) else "all the same"
    return f"Answers compared with CityGap's: {len(compared)}, {differ}."


def ratio(result: Results, name: str) -> float | None:
    """The quickest other tool's time by ours; None where there is nothing to compare."""
    times = {tool: _seconds(result, tool, name) for tool in result["tools"]}
    others = [seconds for tool, seconds in times.items() if tool != OURS and seconds is not None]
    ours = times.get(OURS)
    return min(others) / ours if others and ours else None


def sum_ratio(result: Results) -> float | None:
    """The same for the sum of all six, of the tools that finished them."""
    sums = {tool: _sum(result, tool) for tool in result["tools"]}
    others = [total for tool, total in sums.items() if tool != OURS and total is not None]
    ours = sums.get(OURS)
    return min(others) / ours if others and ours else None


def _times(name: str, result: Results, tools: list[str]) -> str:
    cells = []
    for tool in tools:
        answer = result["tools"][tool]["answers"].get(name, {})
        cells.append(answer.get("differs") or answer.get("failed") or _number(answer.get("seconds")))
    found = ratio(result, name)
    return f"| {name} | " + " | ".join(cells) + f" | {_times_word(found)} | {HELD[name]:g}× |"


def _sums(result: Results, tools: list[str]) -> str:
    cells = [_number(_sum(result, tool)) for tool in tools]
    return "| sum | " + " | ".join(cells) + f" | {_times_word(sum_ratio(result))} | {SUM_HELD:g}× (1.5 M) |"


def _sum(result: Results, tool: str) -> float | None:
    times = [_seconds(result, tool, name) for name in QUESTIONS]
    known = [seconds for seconds in times if seconds is not None]
    return sum(known) if len(known) == len(QUESTIONS) else None


def _seconds(result: Results, tool: str, name: str) -> float | None:
    answer = result["tools"][tool]["answers"].get(name, {})
    return None if answer.get("differs") else answer.get("seconds")


def _memory(result: Results, tool: str, name: str) -> str:
    peak = result["tools"][tool]["answers"].get(name, {}).get("peak_mb")
    return "" if peak is None else f"{peak:,.0f}"


def _number(seconds: float | None) -> str:
    return "" if seconds is None else f"{seconds:.2f}"


def _times_word(found: float | None) -> str:
    return "" if found is None else f"{found:.1f}×"
