"""The console script `citygap`: arguments in, one command, its result as text or JSON."""

from __future__ import annotations

import argparse
import getpass
import io
import json
import locale
import os
import sys
import traceback
from collections.abc import Sequence
from datetime import date
from typing import Any, Optional
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from .commands import run_command
from .console_text import as_text
from .model.errors import Cancelled, CityGapError
from .model.figures import FIGURES
from .model.gap import SETTABLE_STATUSES, SEVERITIES, STATUSES
from .model.version import VERSION
from .worker import internal_error
from .worker import main as serve

FORMATS = ("shp",)
ENCODINGS = ("UTF-8", "GBK", "GB18030")
PROFILES = ("internal", "public")


def main(argv: Optional[Sequence[str]] = None) -> int:
    """Perform a command.

    Returns
    -------
    int
        0 done; 1 the input can't be used (one line on stderr); 2 wrong usage.
    """
    words = _glue_negative(list(sys.argv[1:] if argv is None else argv))
    parser = _parser()
    args = vars(parser.parse_args(words))
    command = args.pop("command")
    _check_usage(parser, command, args)
    if command == "worker":
        return serve()
    args["lang"] = args.get("lang") or language_of_system()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="replace")
    try:
        result = run_command(command, args)
        print(_shown(command, args, result))
    except CityGapError as error:
        return _refuse(error)
    except (Cancelled, KeyboardInterrupt):
        return _refuse(CityGapError("cancelled", "cancelled; nothing was changed"))
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:
        if os.environ.get("CITYGAP_DEBUG"):
            traceback.print_exc()
        return _refuse(internal_error(error))
    return _exit_code(command, args, result)


def _check_usage(parser: argparse.ArgumentParser, command: str, args: dict[str, Any]) -> None:
    """What argparse can't say: which options need which."""
    if command == "flag" and args["wkt"] and not args["crs"]:
        parser.error("flag --wkt needs --crs")
    if command == "card" and not args["source"] and not args["role"]:
        parser.error("card needs a SOURCE or --role")
    if args.get("json") and args.get("geojson"):
        parser.error("give --json or --geojson")


def language_of_system() -> str:
    """``zh`` where the system speaks Chinese, else ``en``."""
    spoken = next(
        (os.environ[name] for name in ("LC_ALL", "LC_MESSAGES", "LANG") if os.environ.get(name)), ""
    )
    if not spoken:
        spoken = locale.getlocale()[0] or ""
    return "zh" if spoken.lower().startswith(("zh", "chinese")) else "en"


def _shown(command: str, args: dict[str, Any], result: Any) -> str:
    if args.get("json") or args.get("geojson"):
        return json.dumps(result, ensure_ascii=False, indent=1, default=str)
    return as_text(command, result, args)


def _refuse(error: CityGapError) -> int:
    print(f"citygap: {error.line()}", file=sys.stderr)
    return 1


def _exit_code(command: str, args: dict[str, Any], result: Any) -> int:
    """1 where the history was tampered with; else 0."""
    return 1 if command == "history" and args.get("verify") and result["problems"] else 0


def _glue_negative(words: list[str]) -> list[str]:
    """``--bbox -1.5,50,…`` as one word, which argparse would take for an option."""
    glued: list[str] = []
    for word in words:
        if glued and glued[-1] == "--bbox" and word[:2].lstrip("-")[:1].isdigit():
            glued[-1] = f"--bbox={word}"
        else:
            glued.append(word)
    return glued


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="citygap", description="Finds the gaps in coverage of a city.", allow_abbrev=False
    )
    parser.add_argument("--version", action="version", version=f"citygap {VERSION}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def command(name: str, text: str) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=text, description=text, allow_abbrev=False)
        sub.add_argument("--lang", choices=("zh", "en"), help="language of texts (default: the system's)")
        if name != "worker":
            sub.add_argument("--json", action="store_true", help="print one JSON document and nothing else")
        return sub

    _add_city_commands(command)
    _add_gap_commands(command)
    _add_story_commands(command)
    command("worker", "JSON lines over standard input and output, for the plugin")
    return parser


def _add_sources(sub: argparse.ArgumentParser, count: str) -> None:
    sub.add_argument("source", nargs=count, metavar="SOURCE", help="file with one or several layers")
    sub.add_argument(
        "--role", action="append", default=[], metavar="ROLE=FILE[|LAYER]", help="say what a layer is"
    )
    sub.add_argument(
        "--map", action="append", default=[], metavar="ROLE.FIELD=COLUMN", help="say what a column is"
    )
    sub.add_argument("--crs", metavar="EPSG", help="CRS of the city, projected in metres")


def _add_city_commands(command: Any) -> None:
    sample = command("sample", "write the sample city with its truth table")
    sample.add_argument("out", metavar="OUT.gpkg")
    sample.add_argument("--buildings", type=int, metavar="N", help="how many buildings")
    sample.add_argument("--seed", type=_natural, metavar="S", help="of the random numbers")

    _add_sources(command("card", "say what is in the sources: role, fields, CRS, quality"), "*")

    check = command("check", "run the rules and merge what they find into the store")
    _add_sources(check, "*")
    check.add_argument("--store", required=True, metavar="S.gpkg")
    check.add_argument(
        "--rules",
        action="append",
        type=_rule_names,
        default=[],
        metavar="ID,…",
        help="ids or identifiers of rules",
    )
    check.add_argument("--standards", metavar="FILE", help="the city's own standards, kept in the store")
    part = check.add_mutually_exclusive_group()
    part.add_argument("--unit", metavar="CODE", help="only this unit")
    part.add_argument("--bbox", type=_bbox, metavar="LON,LAT,LON,LAT", help="only this part")
    check.add_argument("--as-of", type=_day, metavar="DATE", help='the day that is "today"')
    check.add_argument(
        "--tz", type=_zone, metavar="ZONE", help="time zone (default: the store's, else Asia/Shanghai)"
    )
    check.add_argument(
        "--trusted",
        action="append",
        default=[],
        metavar="SOURCE_NAME|ROLE",
        help="source whose position is not in doubt (default: the one named first)",
    )
    check.add_argument(
        "--workers", type=_positive, metavar="N", help="processes side by side (default: one for each core)"
    )
    check.add_argument(
        "--city-out", metavar="FILE.gpkg", help="also write the city as it was read, for QGIS to show"
    )


def _add_gap_commands(command: Any) -> None:
    flag = command("flag", "flag a gap by hand")
    flag.add_argument("store", metavar="STORE")
    place = flag.add_mutually_exclusive_group(required=True)
    place.add_argument("--wkt", metavar="W", help="where it is; needs --crs")
    place.add_argument("--object", metavar="ROLE:ID", help="what it is about")
    flag.add_argument("--crs", metavar="C", help="CRS of the WKT")
    flag.add_argument("--severity", required=True, choices=SEVERITIES)
    flag.add_argument("--text", required=True, metavar="T")
    flag.add_argument("--rule", metavar="ID", help="the rule it resembles")
    flag.add_argument("--class", metavar="C", help="class of the object")
    _add_author(flag)

    gaps = command("gaps", "list the gap records")
    gaps.add_argument("store", metavar="STORE")
    gaps.add_argument("--where", metavar="EXPR", help="comparisons over the gap columns")
    gaps.add_argument("--geojson", action="store_true", help="GeoJSON in WGS 84")

    ledger = command("ledger", "list the coverage ledger: what was looked at in each cell and class")
    ledger.add_argument("store", metavar="STORE")

    figures = command("figures", "list figures of the city: data card, pipe matrix, stock by decade")
    figures.add_argument("store", metavar="STORE")
    figures.add_argument("table", choices=FIGURES, metavar="TABLE", help=", ".join(FIGURES))

    status = command("status", "set the status of a gap")
    status.add_argument("store", metavar="STORE")
    status.add_argument("gap_id", metavar="GAP_ID")
    status.add_argument("status", choices=STATUSES, metavar="STATUS", help=", ".join(SETTABLE_STATUSES))
    status.add_argument("--until", metavar="DATE", help="end of an acceptance")
    status.add_argument("--why", metavar="T")
    _add_author(status)

    report = command("report", "write the gap report")
    report.add_argument("store", metavar="STORE")
    report.add_argument("--out", required=True, metavar="DIR")
    report.add_argument("--format", type=_formats, default="shp", metavar="shp")
    report.add_argument("--where", metavar="EXPR")
    report.add_argument("--encoding", choices=ENCODINGS, default="UTF-8")
    report.add_argument("--profile", choices=PROFILES, default="internal")
    report.add_argument(
        "--strict", action="store_true", help="fail if anything reads back otherwise than meant"
    )


def _add_story_commands(command: Any) -> None:
    note = command("note", "attach an inspection note to a gap")
    note.add_argument("store", metavar="STORE")
    note.add_argument("gap_id", metavar="GAP_ID")
    note.add_argument("--text", required=True, metavar="T")
    note.add_argument("--photo", action="append", default=[], metavar="F")
    note.add_argument("--at", metavar="TIME", help="when it was seen, ISO 8601 with zone (default: now)")
    note.add_argument("--result", metavar="R")
    _add_author(note)

    history = command("history", "list the events: who changed what, and when")
    history.add_argument("store", metavar="STORE")
    history.add_argument("gap_id", nargs="?", metavar="GAP_ID")
    history.add_argument("--verify", action="store_true", help="look for removed or altered events")

    undo = command("undo", "undo an edit")
    undo.add_argument("store", metavar="STORE")
    undo.add_argument("event", type=int, metavar="EVENT")
    _add_author(undo)


def _add_author(sub: argparse.ArgumentParser) -> None:
    sub.add_argument(
        "--author", default=_user(), metavar="A", help="who says so (default: the system's user)"
    )


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return ""


def _natural(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from 0 on")
    return int(text)


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no number from 1")
    return number


def _rule_names(text: str) -> str:
    if not any(name.strip() for name in text.split(",")):
        raise argparse.ArgumentTypeError("no rule is named, such as D01 or missing_attribute")
    return text


def _day(text: str) -> str:
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is no date like 2026-01-31") from error


def _zone(text: str) -> str:
    try:
        return ZoneInfo(text).key
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise argparse.ArgumentTypeError(f"there is no time zone {text!r}") from error


def _bbox(text: str) -> list[float]:
    try:
        west, south, east, north = (float(part) for part in text.split(","))
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not LON,LAT,LON,LAT") from error
    return [west, south, east, north]


def _formats(text: str) -> str:
    unknown = [name for name in text.split(",") if name not in FORMATS]
    if unknown:
        raise argparse.ArgumentTypeError(f"{unknown[0]!r} is not one of {', '.join(FORMATS)}")
    return text


if __name__ == "__main__":
    sys.exit(main())
