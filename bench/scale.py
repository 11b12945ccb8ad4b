"""What a whole check costs as cities grow: seconds a part and rule, and peak memory.

``python -m citygap.bench.scale [--out DIR] [--workers N] [SIZE …]`` draws a sample city of each size,
checks it in a process of its own, and prints a table: reading, each rule, writing. With one worker
(the default) the seconds of a rule are its own, the statistics it is the first to ask for included.
"""

from __future__ import annotations

import argparse
import json
import math
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Optional

from ..commands import run_command
from .tools import ROOT, Clock

SIZES = (10_000, 100_000, 1_000_000)
DAY = "2026-06-30"
STEEPEST = 1.15
"""By how much the cost may grow beyond n log n before a part is marked: single runs are noisy."""


def main() -> int:
    """Measure each size and print the table; 1 if a part grows faster than n log n."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--out", default=ROOT / "out" / "bench", type=Path)
    arguments.add_argument("--workers", default=1, type=int)
    arguments.add_argument("--one", type=int, help="measure this size here and print its JSON")
    arguments.add_argument("sizes", nargs="*", type=int)
    chosen = arguments.parse_args()
    out = chosen.out.resolve()
    out.mkdir(parents=True, exist_ok=True)
    if chosen.one:
        print(json.dumps(measure(chosen.one, out, chosen.workers)))
        return 0
    results = [_in_its_own_process(size, out, chosen.workers) for size in chosen.sizes or SIZES]
    text, steep = table(results)
    (out / "scale.json").write_text(json.dumps(results, indent=1), encoding="utf-8")
    print(text)
    return 1 if steep else 0


def measure(size: int, out: Path, workers: int) -> dict[str, Any]:
    """Check a sample city of a size: seconds of each part, MB at the peak, findings."""
    city, store = out / f"sample_{size}.gpkg", out / f"sample_{size}_store.gpkg"
    store.unlink(missing_ok=True)
    clock = Clock()
    args = {"source": [str(city)], "store": str(store), "as_of": DAY, "workers": workers}
    result = run_command("check", args, on_progress=clock.report)
    clock.end()
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    children = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    return {
        "size": size,
        "seconds": clock.seconds,
        "peak_mb": (own + workers * children) / 1024 if workers > 1 else own / 1024,
        "found": sum(rule["found"] for rule in result["rules"].values()),
    }


def _in_its_own_process(size: int, out: Path, workers: int) -> dict[str, Any]:
    city = out / f"sample_{size}.gpkg"
    if not city.exists():
        begun = time.perf_counter()
        run_command("sample", {"out": str(city), "buildings": size, "seed": 1})
        print(f"{size:,} buildings drawn in {time.perf_counter() - begun:.0f} s", file=sys.stderr, flush=True)
    command = [sys.executable, "-m", "citygap.bench.scale", "--out", str(out), "--workers", str(workers)]
    done = subprocess.run([*command, "--one", str(size)], stdout=subprocess.PIPE, text=True, check=True)
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


def table(results: list[dict[str, Any]]) -> tuple[str, bool]:
    """The table, and whether a part that counts grows faster than n log n from one size to the next."""
    parts = list(dict.fromkeys(part for result in results for part in result["seconds"]))
    head = "|  | " + " | ".join(f"{result['size']:,}" for result in results) + " | growth |"
    lines = [head, "|---|" + "--:|" * (len(results) + 1)]
    steep = False
    for part in parts:
        times = [result["seconds"].get(part, 0.0) for result in results]
        growth = _growth(results, times)
        too_steep = growth is not None and growth > STEEPEST and times[-1] > 1
        steep |= too_steep
        said = "" if growth is None else f"{growth:.2f}" + (" (!)" if too_steep else "")
        lines.append(f"| {part} | " + " | ".join(f"{seconds:.2f}" for seconds in times) + f" | {said} |")
    whole = [sum(result["seconds"].values()) for result in results]
    growth = _growth(results, whole)
    said = "" if growth is None else f"{growth:.2f}"
    lines.append("| all, s | " + " | ".join(f"{seconds:.1f}" for seconds in whole) + f" | {said} |")
    lines.append("| peak, MB | " + " | ".join(f"{result['peak_mb']:,.0f}" for result in results) + " |  |")
    lines.append("| found | " + " | ".join(f"{result['found']:,}" for result in results) + " |  |")
    lines.append("\n*growth*: exponent of the last step over n log n; at most 1 is n log n or better.")
    return "\n".join(lines), steep


def _growth(results: list[dict[str, Any]], times: list[float]) -> Optional[float]:
    """Exponent of the cost against n log n over the last step between sizes."""
    if len(results) < 2 or min(times[-2:]) <= 0:
        return None
    before, after = (result["size"] * math.log(result["size"]) for result in results[-2:])
    return math.log(times[-1] / times[-2]) / math.log(after / before)


if __name__ == "__main__":
    sys.exit(main())
