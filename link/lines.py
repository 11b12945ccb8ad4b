"""The lines of the protocol, without any process."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Optional

from ..model.errors import CityGapError
from ..model.version import MAX_LINE_BYTES, PROTOCOL, SCHEMA, VERSION, WORKER_PACKAGES


def encode(message: dict[str, Any]) -> bytes:
    """One message as a line of UTF-8 JSON.

    Raises
    ------
    CityGapError
        ``request_too_long`` if it has more than 1 MiB.
    """
    line = json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace") + b"\n"
    if len(line) > MAX_LINE_BYTES:
        raise CityGapError(
            "request_too_long",
            "the request to the worker is longer than 1 MiB",
            remedy="Pass the data as a file.",
        )
    return line


class LineBuffer:
    """Cuts what a pipe delivers into lines."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> list[bytes]:
        """The lines that `data` completes, without their ends."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        return [line for line in lines if line.strip()]

    @property
    def is_too_long(self) -> bool:
        """Whether a line has begun that no message can be."""
        return len(self._rest) > MAX_LINE_BYTES

    @property
    def rest(self) -> bytes:
        """What came after the last end of a line."""
        return self._rest


def decode(line: bytes) -> Optional[dict[str, Any]]:
    """The message of a line; None if it is none."""
    try:
        message = json.loads(line)
    except ValueError:
        return None
    return message if isinstance(message, dict) else None


def read_result(message: dict[str, Any]) -> Any:
    """The result a message carries or names; a named file is deleted once read."""
    if "result_file" not in message:
        return message["result"]
    path = Path(message["result_file"])
    result = json.loads(path.read_text(encoding="utf-8"))
    path.unlink()
    return result


def refusal(hello: dict[str, Any]) -> Optional[CityGapError]:
    """Why this worker can't be talked to; None if it can.

    Parameters
    ----------
    hello : dict
        What the worker said first.
    """
    wanted = {"protocol": PROTOCOL, "version": VERSION, "schema": SCHEMA}
    other = [
        f"{name} {hello.get(name)} instead of {value}"
        for name, value in wanted.items()
        if hello.get(name) != value
    ]
    if other:
        return CityGapError(
            "worker_version",
            f"the worker has {', '.join(other)}",
            remedy="Install the same version of CityGap for the worker's Python as for QGIS.",
        )
    lacking = [name for name in WORKER_PACKAGES if name in hello.get("missing", ())]
    shapely = str(hello.get("packages", {}).get("shapely") or "2")
    if shapely.startswith("1."):
        lacking.append("shapely>=2")
    if lacking:
        return CityGapError(
            "worker_packages",
            f"its Python lacks {', '.join(lacking)}",
            remedy=f"Install them: python -m pip install {' '.join(lacking)}",
        )
    return None
