"""One place that knows the commands: a name and its arguments in, what `--json` prints out.

The console and the worker both come through here. Heavy packages are imported by the command
that needs them, so that a worker says hello at once and a console without them can still flag.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Optional

from ..model.errors import CityGapError
from ..model.version import OPTIONAL_PACKAGES, WORKER_PACKAGES
from .call import Call

if TYPE_CHECKING:
    from .held import HeldCities


def _sample(call: Call) -> Any:
    from ..sample.city import write_sample

    numbers = {name: call.whole_number(name) for name in ("buildings", "seed") if call.optional(name)}
    return write_sample(Path(call.text("out")).expanduser().absolute(), **numbers)


def _card(call: Call) -> Any:
    from ..sources.card import card
    from .cities import DEFAULT_TZ, given_sources

    return card(given_sources(call), crs=call.optional("crs"), tz=call.optional("tz") or DEFAULT_TZ)


def _check(call: Call) -> Any:
    from .check import check

    return check(call)


def _flag(call: Call) -> Any:
    from .flag import flag_gap

    return {"gap_id": flag_gap(call)}


def _gaps(call: Call) -> Any:
    from ..store.database import open_store
    from ..store.gaps import read_gaps
    from .crs import crs_of_store
    from .shapes import feature_collection, with_wkt

    with open_store(call.text("store")) as store:
        records = read_gaps(store, call.words("where"), call.language)
        if call.args.get("geojson"):
            return feature_collection(records, crs_of_store(store))
        return with_wkt(records)


def _ledger(call: Call) -> Any:
    from ..store.database import open_store
    from ..store.ledger import read_ledger

    with open_store(call.text("store")) as store:
        return read_ledger(store)


def _figures(call: Call) -> Any:
    from ..store.database import open_store
    from ..store.figures import read_figures

    with open_store(call.text("store")) as store:
        return read_figures(store, call.text("table"))


def _note(call: Call) -> Any:
    from ..store.database import open_store
    from ..store.notes import add_note

    with open_store(call.text("store")) as store:
        note_id = add_note(
            store,
            [call.text("gap_id")],
            text=call.text("text"),
            at=call.optional("at"),
            author=call.words("author"),
            result=call.optional("result"),
            photos=call.texts("photo"),
        )
    return {"note_id": note_id}


def _status(call: Call) -> Any:
    from ..store.database import open_store
    from ..store.lifecycle import set_status

    with open_store(call.text("store")) as store:
        changed = set_status(
            store,
            [call.text("gap_id")],
            call.text("status"),
            until=call.optional("until"),
            why=call.optional("why"),
            author=call.words("author"),
        )
    return {"gap_id": call.text("gap_id"), "status": call.text("status"), "changed": changed}


def _history(call: Call) -> Any:
    from ..store import events
    from ..store.database import open_store

    with open_store(call.text("store")) as store:
        if call.args.get("verify"):
            return {"problems": events.verify(store)}
        return events.history(store, call.optional("gap_id"))


def _undo(call: Call) -> Any:
    from ..store import events
    from ..store.database import open_store

    with open_store(call.text("store")) as store:
        events.undo(store, call.whole_number("event"), author=call.words("author"))
    return {"undone": call.args["event"]}


def _report(call: Call) -> Any:
    from ..reports.report import report_from_store
    from ..store.database import open_store

    with open_store(call.text("store")) as store:
        return report_from_store(
            store,
            Path(call.text("out")),
            where=call.words("where"),
            encoding=call.optional("encoding") or "UTF-8",
            language=call.language,
            profile=call.optional("profile") or "internal",
            strict=bool(call.args.get("strict")),
            on_progress=lambda share: call.on_progress("report", "", round(share * 100), 100, share),
            is_cancelled=call.is_cancelled,
        )


COMMANDS: dict[str, Callable[[Call], Any]] = {
    "sample": _sample,
    "card": _card,
    "check": _check,
    "flag": _flag,
    "gaps": _gaps,
    "ledger": _ledger,
    "figures": _figures,
    "note": _note,
    "status": _status,
    "history": _history,
    "undo": _undo,
    "report": _report,
}
"""Name of each command to what performs it."""


def run_command(
    name: str,
    args: Mapping[str, Any],
    *,
    on_progress: Callable[[str, Optional[str], int, int, float], None] = lambda *_: None,
    is_cancelled: Callable[[], bool] = lambda: False,
    cities: Optional[HeldCities] = None,
) -> Any:
    """Perform a command and give what its ``--json`` prints.

    Parameters
    ----------
    name : str
        A command of the console, without ``worker``.
    args : mapping
        Its long options and positionals by lower-case name, dashes as underscores, repeatable
        ones as lists. Names that the command does not know are ignored.
    on_progress : callable
        Gets stage, rule, done, of, share (0 to 1).
    is_cancelled : callable
        Asked between chunks of work.
    cities : HeldCities, optional
        The cities that a worker holds open.

    Raises
    ------
    CityGapError
        Whatever can't be used; ``no_command``, ``missing_package``.
    Cancelled
        `is_cancelled` said so; nothing was changed.
    """
    if name not in COMMANDS:
        raise CityGapError(
            "no_command", f"there is no command {name!r}", remedy=f"Use {', '.join(COMMANDS)}."
        )
    try:
        return COMMANDS[name](Call(args, on_progress, is_cancelled, cities))
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package not in (*WORKER_PACKAGES, *OPTIONAL_PACKAGES):
            raise
        raise CityGapError(
            "missing_package",
            f"this Python has no {package}",
            remedy=f"Install it: python -m pip install {package}",
        ) from error
