"""Runs the six questions: ``python -m citygap.bench [--out DIR] [--limit S] [--tools …] [SIZE …]``."""

from __future__ import annotations

import argparse
import datetime
import json
import sys
from pathlib import Path

from .compare import difference
from .report import OURS, Results, page, section
from .tools import QUESTIONS, ROOT, TOOLS, ask
from .town import town_files

SMALL = 100_000


def main() -> int:
    """Measure each size, print its table, write the page; 1 if an answer differs."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--out", default=ROOT / "out" / "bench", type=Path)
    arguments.add_argument("--limit", default=300.0, type=float, help="seconds a question may take")
    arguments.add_argument("--tools", default=",".join(tool.name for tool in TOOLS))
    arguments.add_argument("--questions", default=",".join(QUESTIONS))
    arguments.add_argument("--no-page", action="store_true", help="do not write bench/README.md")
    arguments.add_argument("sizes", nargs="*", type=int)
    chosen = arguments.parse_args()
    out = chosen.out.resolve()
    out.mkdir(parents=True, exist_ok=True)
    asked = tuple(chosen.questions.split(","))
    same = True
    for size in chosen.sizes or [SMALL]:
        result = measure(size, out, chosen.tools.split(","), asked, chosen.limit)
        print(section(result), flush=True)
        same &= not any(
            "differs" in answer for tool in result["tools"].values() for answer in tool["answers"].values()
        )
    if not chosen.no_page:
        measured = sorted(out.glob("results_*.json"), key=lambda path: int(path.stem.split("_")[1]))
        (ROOT / "bench" / "README.md").write_text(
            page([json.loads(path.read_text(encoding="utf-8")) for path in measured]), encoding="utf-8"
        )
    return 0 if same else 1


def measure(size: int, out: Path, names: list[str], asked: tuple[str, ...], limit_s: float) -> Results:
    """Put the questions to each tool on a town of this size, and compare the answers with ours."""
    tools = [tool for tool in TOOLS if tool.name in names and size <= tool.most_buildings]
    town = town_files(out, size, geopackage=any(tool.name == "QGIS" for tool in tools))
    result: Results = {
        "day": datetime.date.today().isoformat(),
        "counts": json.loads((town / "counts.json").read_text(encoding="utf-8")),
        "tools": {},
    }
    for tool in tools:
        print(f"{tool.name}, {size:,} buildings …", file=sys.stderr, flush=True)
        answers = out / f"answers_{size}" / tool.name
        said = ask(tool, town, answers, asked, limit_s)
        for name, answer in said["answers"].items():
            ours = answers.parent / OURS / f"{name}.npz"
            if "seconds" in answer and tool.name != OURS and ours.exists():
                differs = difference(name, ours, answers / f"{name}.npz")
                if differs:
                    answer["differs"] = differs
        result["tools"][tool.name] = said
        # After each tool: hours of measuring must not be lost to the last one.
        (out / f"results_{size}.json").write_text(json.dumps(result, indent=1), encoding="utf-8")
    return result


if __name__ == "__main__":
    sys.exit(main())
