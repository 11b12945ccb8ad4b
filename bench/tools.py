"""Starts each tool in a process of its own, with a limit of time and memory, and hears its answers."""

from __future__ import annotations

import json
import queue
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Optional

ROOT = Path(__file__).resolve().parent.parent
QUESTIONS = ("Q1", "Q2", "Q3", "Q4", "Q5", "Q6")
MOST_MB = 14 * 1024
LOAD_LIMIT_S = 900
_LOOK_EVERY_S = 0.5
_LEAVE_WITHIN_S = 60


@dataclass(frozen=True)
class Tool:
    """A tool that answers: its name, its script in `peers`, the venv it runs in."""

    name: str
    script: str
    venv: str
    most_buildings: int = 10_000_000


TOOLS = (
    Tool("CityGap", "with_citygap.py", ".venv"),
    Tool("GeoPandas", "with_geopandas.py", ".venv-bench"),
    Tool("DuckDB", "with_duckdb.py", ".venv-bench"),
    Tool("SedonaDB", "with_sedonadb.py", ".venv-bench"),
    Tool("PostGIS", "with_postgis.py", ".venv-bench"),
    Tool("QGIS", "with_qgis.py", ".venv-qgis", most_buildings=200_000),
)


def ask(tool: Tool, town: Path, out: Path, questions: tuple[str, ...], limit_s: float) -> dict[str, Any]:
    """What the tool says: `load`, `versions`, and by question `seconds`, `runs`, `peak_mb` or `failed`.

    A question that takes too long, or too much memory, ends the process; the next ones are put to a new one.
    """
    out.mkdir(parents=True, exist_ok=True)
    said: dict[str, Any] = {"answers": {}}
    waiting = list(questions)
    while waiting:
        for record in _answers(tool, town, out, waiting, limit_s):
            if "load" in record:
                said.update(record)
                continue
            name = record.pop("question", waiting[0])
            said["answers"][name] = record
            waiting.remove(name)
    return said


def _answers(
    tool: Tool, town: Path, out: Path, questions: list[str], limit_s: float
) -> Iterator[dict[str, Any]]:
    """The records of one process; the last one has `failed` where it did not come to its end."""
    command = [ROOT / tool.venv / "bin" / "python", ROOT / "bench" / "peers" / tool.script]
    log = out / "log.txt"
    with log.open("a", encoding="utf-8") as errors:
        process = subprocess.Popen(
            [*command, town, out, ",".join(questions)], stdout=subprocess.PIPE, stderr=errors, text=True
        )
        lines: queue.Queue[str] = queue.Queue()
        threading.Thread(target=_hear, args=(process.stdout, lines), daemon=True).start()
        try:
            left = len(questions) + 1
            limit = LOAD_LIMIT_S
            while left:
                line, why = _next_line(process, lines, limit)
                if why:
                    yield {"failed": why}
                    return
                limit = limit_s
                left -= 1
                yield json.loads(line)
        finally:
            _end(process)


def _hear(stream: IO[str] | None, lines: queue.Queue[str]) -> None:
    for line in stream or ():
        lines.put(line)


def _next_line(process: subprocess.Popen[str], lines: queue.Queue[str], limit_s: float) -> tuple[str, str]:
    """The next line, or why there is none."""
    begun = time.monotonic()
    while time.monotonic() - begun < limit_s:
        try:
            return lines.get(timeout=_LOOK_EVERY_S), ""
        except queue.Empty:
            if process.poll() is not None and lines.empty():
                return "", "stopped (see its log)"
            if _memory_mb(process.pid) > MOST_MB:
                return "", f"over {MOST_MB // 1024} GB"
    return "", f"over {limit_s:.0f} s"


def _memory_mb(pid: int) -> float:
    status = Path(f"/proc/{pid}/status")
    if not status.exists():
        return 0.0
    kilobytes = [
        line.split()[1] for line in status.read_text(encoding="ascii").splitlines() if "VmRSS" in line
    ]
    return int(kilobytes[0]) / 1024 if kilobytes else 0.0


def _end(process: subprocess.Popen[str]) -> None:
    """Let a process that has said everything leave; ask any other to, and make it if it does not."""
    for stop in (process.terminate, process.kill):
        try:
            process.wait(timeout=_LEAVE_WITHIN_S if stop == process.kill else 5)
            return
        except subprocess.TimeoutExpired:
            stop()
    process.wait()


class Clock:
    """Adds up the time between reports, by stage or rule."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._part = "start"
        self._since = time.perf_counter()

    def report(self, stage: str, rule: Optional[str], done: int, of: int, share: float) -> None:  # noqa: ARG002
        """What `run_command` tells of its progress."""
        self.end()
        self._part = rule or ("finish" if stage == "rules" else stage)

    def end(self) -> None:
        """Close the part that runs."""
        now = time.perf_counter()
        self.seconds[self._part] = self.seconds.get(self._part, 0.0) + now - self._since
        self._since = now
