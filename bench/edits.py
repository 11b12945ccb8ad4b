"""How long a committed edit takes until the gaps around it are right again, with the city open.

``python -m citygap.bench.edits CITY.gpkg [--edits N]`` opens a city, checks it into a new store, and
commits edits one after another as the plugin does: objects moved by a metre or two, a field typed
anew, copies drawn, objects deleted. It prints the median and the 95th percentile by role, and the
rules that took longest.
"""

from __future__ import annotations

import argparse
import base64
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import shapely

from ..commands import run_command
from ..commands.call import Call
from ..commands.edit import edit
from ..commands.held import HeldCities
from ..engine.city import City
from .tools import Clock

DAY = "2026-06-30"
FIELDS = {
    "housing": {"built_year": [1955, 1988, 2012], "floors": [2, 6], "owner": ["甲", ""]},
    "pipes": {"laid_year": [1961, 1994, 2015], "diameter_mm": [200, 300], "material_code": ["HT", "PE"]},
    "components": {"condition": ["intact", "broken", "lost"], "maintainer": ["乙", ""]},
    "pipe_points": {"feature": ["manhole", "cap"]},
    "roads": {"width_m": [4, 12], "name": ["新路"]},
}


def main() -> int:
    """Measure and print the table."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("city", type=Path)
    arguments.add_argument("--edits", default=100, type=int)
    chosen = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        print(measured(chosen.city, Path(folder) / "store.gpkg", chosen.edits))
    return 0


def measured(source: Path, store: Path, number: int) -> str:
    """Check a city, commit edits, and give the table."""
    cities = HeldCities()
    name = cities.open({"sources": [str(source)], "as_of": DAY}, lambda *_: None, lambda: False)["city"]
    run_command("check", {"city": name, "store": str(store), "as_of": DAY}, cities=cities)
    city = cities.city(name)
    draw = np.random.default_rng(20261124)
    seconds: dict[str, list[float]] = {role: [] for role in FIELDS if city.has(role)}
    rules, stale = Counter[str](), Counter[str]()
    for turn in range(number):
        role = list(seconds)[turn % len(seconds)]
        args = {"city": name, "store": str(store), "role": role, **_drawn(city, role, draw)}
        clock = Clock()
        result = edit(Call(args, clock.report, lambda: False, cities), cities)
        clock.end()
        seconds[role].append(sum(clock.seconds.values()))
        rules.update(clock.seconds)
        stale.update(result["stale"])
    return _table(seconds, rules, stale, number)


def _drawn(city: City, role: str, draw: np.random.Generator) -> dict[str, Any]:
    """One edit: an object moved, a field typed anew, a copy drawn, or an object deleted."""
    table = city.table(role)
    row = table.iloc[int(draw.integers(len(table)))]
    kind = draw.choice(["moved", "typed", "typed", "drawn", "deleted"], p=[0.3, 0.25, 0.25, 0.15, 0.05])
    if kind == "deleted":
        return {"deletes": [row["id"]]}
    if kind == "typed":
        field = draw.choice(list(FIELDS[role]))
        return {"upserts": [{"id": row["id"], "fields": {field: str(draw.choice(FIELDS[role][field]))}}]}
    shape = shapely.transform(row.geometry, lambda places: places + draw.uniform(-2, 2, 2))
    name = row["id"] if kind == "moved" else f"{row['id']}-{draw.integers(1 << 40)}"
    return {"upserts": [{"id": name, "wkb64": base64.b64encode(shapely.to_wkb(shape)).decode()}]}


def _table(seconds: dict[str, list[float]], rules: Counter[str], stale: Counter[str], number: int) -> str:
    every = np.concatenate([times for times in seconds.values() if times])
    lines = ["| role | edits | median, ms | p95, ms | most, ms |", "|---|--:|--:|--:|--:|"]
    for role, times in [*seconds.items(), ("all", every.tolist())]:
        if times:
            middle, high = np.quantile(times, [0.5, 0.95]) * 1000
            lines.append(f"| {role} | {len(times)} | {middle:.0f} | {high:.0f} | {max(times) * 1000:.0f} |")
    longest = ", ".join(f"{rule} {took / number * 1000:.0f}" for rule, took in rules.most_common(12))
    lines.append(f"\nms an edit: {longest}")
    waiting = ", ".join(f"{rule} {count}" for rule, count in sorted(stale.items())) or "none"
    lines.append(f"\nedits after which a rule waits for a whole run: {waiting}")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
