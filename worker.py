"""The process that holds the heavy libraries: JSON lines in, one call each, JSON lines out.

The worker speaks first (`hello`), then answers requests one after the other, while a reader
thread answers cancels and pings at once. The end of its input ends it.
"""

from __future__ import annotations

import json
import os
import queue
import sys
import tempfile
import threading
import time
import traceback
from importlib import metadata, util
from typing import Any, BinaryIO, Callable, NamedTuple, Optional

from . import commands
from .commands.call import Call
from .commands.held import HeldCities
from .model.errors import Cancelled, CityGapError
from .model.version import MAX_LINE_BYTES, OPTIONAL_PACKAGES, PROTOCOL, SCHEMA, VERSION, WORKER_PACKAGES

PROGRESS_EVERY_S = 0.1
"""At most ten reports a second."""

GRACE_S = 1.0
"""How long a running request may take to roll back once the input has ended."""

LOOK_ROUND_S = 30.0
"""How often a worker without work looks for cities to drop."""


class Request(NamedTuple):
    """What QGIS asks: `do` with `args`, answered under `id`."""

    id: Any
    do: str
    args: dict[str, Any]


class Outlet:
    """Writes whole lines, from any thread.

    Parameters
    ----------
    file : binary file
        What was the standard output.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._lock = threading.Lock()

    def send(self, message: dict[str, Any]) -> None:
        """Write one message; a result too long for a line goes to a file that the message names.

        Such a message has `result_file` in place of `result`: a path to UTF-8 JSON, whose reader
        deletes it.
        """
        line = _encode(message)
        if len(line) > MAX_LINE_BYTES and "result" in message:
            line = _encode({"id": message["id"], "result_file": _put_aside(message["result"])})
        with self._lock:
            self._file.write(line)
            self._file.flush()


class Progress:
    """Sends a request's progress: at most ten a second, and a share that never falls."""

    def __init__(self, outlet: Outlet, request_id: Any) -> None:
        self._outlet = outlet
        self._id = request_id
        self._share = 0.0
        self._sent_at = -PROGRESS_EVERY_S

    def __call__(self, stage: str, rule: Optional[str], done: int, of: int, share: float) -> None:
        """Report `done` of `of` in a stage, which makes `share` (0 to 1) of the whole."""
        self._share = max(self._share, min(float(share), 1.0))
        now = time.monotonic()
        if now - self._sent_at < PROGRESS_EVERY_S:
            return
        self._sent_at = now
        progress = {
            "stage": stage,
            "rule": rule,
            "done": int(done),
            "of": int(of),
            "share": round(self._share, 4),
        }
        self._outlet.send({"id": self._id, "progress": progress})


class Worker:
    """Answers requests until its input ends or it is told to shut down."""

    def __init__(self, inlet: BinaryIO, outlet: Outlet) -> None:
        self._inlet = inlet
        self._outlet = outlet
        self._queue: queue.Queue[Optional[Any]] = queue.Queue()
        self._lock = threading.Lock()
        self._waiting: dict[Any, Request] = {}
        self._running: Optional[Any] = None
        self._cancel = threading.Event()
        self._cities = HeldCities()
        self._secrets: dict[str, str] = {}
        self._own: dict[str, Callable[[dict[str, Any], Progress], Any]] = {
            "open": self._open_city,
            "edit": self._edit,
            "close": lambda args, _: self._cities.close(str(args.get("city"))),
            "secret": self._keep_secret,
        }

    def serve(self) -> None:
        """Say hello and answer requests."""
        self._outlet.send({"hello": hello()})
        threading.Thread(target=self._read, name="reader", daemon=True).start()
        while True:
            try:
                request_id = self._queue.get(timeout=LOOK_ROUND_S)
            except queue.Empty:
                self._cities.drop_idle()
                continue
            if request_id is None:
                return
            request = self._next(request_id)
            if request and request.do == "shutdown":
                self._outlet.send({"id": request.id, "result": {}})
                return
            if request:
                end = self._answer(request)
                with self._lock:
                    self._running = None
                self._outlet.send({"id": request.id, **end})

    def _next(self, request_id: Any) -> Optional[Request]:
        """Take a request off the waiting ones; None if it was cancelled meanwhile."""
        with self._lock:
            request = self._waiting.pop(request_id, None)
            if request:
                self._running = request.id
                self._cancel.clear()
            return request

    def _answer(self, request: Request) -> dict[str, Any]:
        """The one end of a request."""
        try:
            return {"result": self._perform(request)}
        except Cancelled:
            return {"cancelled": True}
        except CityGapError as error:
            return {"error": error.as_dict()}
        except Exception as error:
            traceback.print_exc(file=sys.stderr)
            return {"error": internal_error(error).as_dict()}

    def _perform(self, request: Request) -> Any:
        self._cities.drop_idle()
        progress = Progress(self._outlet, request.id)
        if request.do in self._own:
            return self._own[request.do](request.args, progress)
        return commands.run_command(
            request.do,
            request.args,
            on_progress=progress,
            is_cancelled=self._cancel.is_set,
            cities=self._cities,
        )

    def _open_city(self, args: dict[str, Any], progress: Progress) -> dict[str, Any]:
        return self._cities.open(args, progress, self._cancel.is_set)

    def _edit(self, args: dict[str, Any], progress: Progress) -> dict[str, Any]:
        from .commands.edit import edit

        return edit(Call(args, progress, self._cancel.is_set, None), self._cities)

    def _keep_secret(self, args: dict[str, Any], _: Progress) -> dict[str, Any]:
        self._secrets[str(args.get("ref"))] = str(args.get("uri"))
        return {}

    def _read(self) -> None:
        """The reader thread: cancels and pings at once, requests into the queue."""
        try:
            while True:
                line = self._inlet.readline(MAX_LINE_BYTES + 1)
                if not line:
                    break
                if len(line) > MAX_LINE_BYTES:
                    self._skip_rest_of(line)
                    self._refuse("line_too_long", "a line of the protocol holds at most 1 MiB")
                elif line.strip():
                    self._receive(line)
        finally:
            self._stop()

    def _skip_rest_of(self, line: bytes) -> None:
        while line and not line.endswith(b"\n"):
            line = self._inlet.readline(MAX_LINE_BYTES)

    def _receive(self, line: bytes) -> None:
        try:
            message = json.loads(line)
        except ValueError:
            self._refuse("bad_request", "a line of the protocol is no JSON")
            return
        if not isinstance(message, dict):
            self._refuse("bad_request", "a line of the protocol is no JSON object")
        elif "ping" in message:
            self._outlet.send({"pong": message["ping"]})
        elif "cancel" in message:
            self._cancel_request(message["cancel"])
        elif isinstance(message.get("id"), (int, str)) and isinstance(message.get("do"), str):
            self._enqueue(message)
        else:
            self._refuse("bad_request", "a request has an id and a command")

    def _enqueue(self, message: dict[str, Any]) -> None:
        args = message.get("args")
        request = Request(message["id"], message["do"], args if isinstance(args, dict) else {})
        with self._lock:
            self._waiting[request.id] = request
        self._queue.put(request.id)

    def _cancel_request(self, request_id: Any) -> None:
        with self._lock:
            waited = self._waiting.pop(request_id, None) if isinstance(request_id, (int, str)) else None
            if request_id is not None and request_id == self._running:
                self._cancel.set()
        if waited:
            self._outlet.send({"id": request_id, "cancelled": True})

    def _refuse(self, code: str, message: str) -> None:
        self._outlet.send({"id": None, "error": CityGapError(code, message).as_dict()})

    def _stop(self) -> None:
        """End the process: at once if nothing runs, else after the time to roll back."""
        with self._lock:
            self._waiting.clear()
        self._cancel.set()
        self._queue.put(None)
        time.sleep(GRACE_S)
        os._exit(1)


def hello() -> dict[str, Any]:
    """What the worker says first: its numbers, its Python and the packages it has and lacks."""
    found, missing = {}, []
    for name in (*WORKER_PACKAGES, *OPTIONAL_PACKAGES):
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            if util.find_spec(name):
                found[name] = ""
            else:
                missing.append(name)
    return {
        "protocol": PROTOCOL,
        "version": VERSION,
        "schema": SCHEMA,
        "python": ".".join(str(part) for part in sys.version_info[:3]),
        "packages": found,
        "missing": missing,
    }


def internal_error(error: BaseException) -> CityGapError:
    """What the user is told of a bug; the trace belongs on stderr."""
    return CityGapError(
        "internal",
        f"CityGap failed ({type(error).__name__}: {error})",
        remedy="This is a bug: please report it with the log.",
    )


def _encode(message: dict[str, Any]) -> bytes:
    text = json.dumps(message, ensure_ascii=False, separators=(",", ":"), default=str)
    return text.encode("utf-8", errors="replace") + b"\n"


def _put_aside(result: Any) -> str:
    with tempfile.NamedTemporaryFile(
        "w", prefix="citygap-", suffix=".json", encoding="utf-8", errors="replace", delete=False
    ) as file:
        json.dump(result, file, ensure_ascii=False, default=str)
    return file.name


def _claim_pipes() -> tuple[BinaryIO, BinaryIO]:
    """Keep the protocol's two ends, and give libraries an empty stdin and stderr for stdout."""
    inlet, outlet = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    return inlet, outlet


def main() -> int:
    """Serve on the standard input and output."""
    inlet, outlet = _claim_pipes()
    Worker(inlet, Outlet(outlet)).serve()
    return 0


if __name__ == "__main__":
    sys.exit(main())
