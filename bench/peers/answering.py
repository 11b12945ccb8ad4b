"""What every tool does alike: load, answer, time, report one JSON line a question, keep the answers.

Runs under any Python that has numpy; each tool's script calls `main`.
"""

from __future__ import annotations

import argparse
import json
import resource
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

OLD_UNTIL = 2000
GAS_M = 5.0
REACH_M = 60.0
REACH_CLASSES = ("JS", "PS", "RQ", "DL")
PATROL_M = 50.0
SEGMENTS = 8
"""Pieces of a quarter circle in every buffer, so that all tools draw the same ones."""

CELL_M = 100
END_M = 2.0
TOUCH_M = 0.001
"""Ends that meet within a millimetre touch: that is how finely places are written."""

STREET_M = 15.0
STREET_SHARE = 0.5
CLASSES = ("JS", "PS", "RQ", "DL", "TX", "RL")

Answer = dict[str, np.ndarray]
_REPEAT_WITHIN_S = 6.0
_MOST_REPEATS = 3


def main(
    load: Callable[[Path], Any],
    questions: Sequence[Callable[[Any], Answer]],
    versions: Callable[[], str],
    peak: Callable[[], float] | None = None,
    before: Callable[[], None] | None = None,
) -> None:
    """Answer the questions named on the command line: ``FOLDER OUT Q1,Q2,…``.

    Parameters
    ----------
    load : callable
        Gives what the questions are put to, of a folder made by `town.town_files`.
    questions : sequence of callable
        Q1 to Q6, each gives its answer; what is quick is asked up to three times and the best time counts.
    versions : callable
        Names and numbers of what answers.
    peak, before : callable, optional
        Highest memory in MB since `before` was called; those of this process unless given.
    """
    arguments = argparse.ArgumentParser()
    arguments.add_argument("folder", type=Path)
    arguments.add_argument("out", type=Path)
    arguments.add_argument("questions")
    chosen = arguments.parse_args()
    begun = time.perf_counter()
    data = load(chosen.folder)
    say(load=time.perf_counter() - begun, versions=versions())
    asked = {f"Q{number}": question for number, question in enumerate(questions, start=1)}
    for name in chosen.questions.split(","):
        (before or forget_peak)()
        seconds: list[float] = []
        while (
            len(seconds) < _MOST_REPEATS and sum(seconds) * (1 + 1 / max(len(seconds), 1)) < _REPEAT_WITHIN_S
        ):
            begun = time.perf_counter()
            answer = asked[name](data)
            seconds.append(time.perf_counter() - begun)
        np.savez(chosen.out / f"{name}.npz", **answer)
        say(question=name, seconds=min(seconds), runs=len(seconds), peak_mb=(peak or peak_mb)())


def say(**record: object) -> None:
    """One JSON line to whoever started this."""
    print(json.dumps(record), flush=True)


def forget_peak() -> None:
    """Start the peak of this process's memory anew (Linux)."""
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")


def peak_mb() -> float:
    """Highest resident memory of this process since `forget_peak`, MB."""
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def ids(values: Any) -> Answer:
    """An answer that names objects."""
    return {"id": np.sort(np.asarray(values, dtype="int64"))}


def lengths(column: Any, row: Any, code: Any, metres: Any) -> Answer:
    """An answer of metres a cell and class (class names or numbers in the order of `CLASSES`)."""
    codes = np.asarray(code)
    if codes.dtype.kind in "OUT":
        number = {name: place for place, name in enumerate(CLASSES)}
        codes = np.array([number[name] for name in codes.tolist()])
    return {
        "cell": np.column_stack([np.asarray(column), np.asarray(row), codes]).astype("int64"),
        "metres": np.asarray(metres, dtype="float64"),
    }


def ends(pipe: Any, which: Any) -> Answer:
    """An answer that names ends of pipes: 0 where the pipe starts, 1 where it ends."""
    return ids(np.asarray(pipe, dtype="int64") * 2 + np.asarray(which, dtype="int64"))
