"""The status of a gap: what people set, and what time and proof do."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Optional, Union

from ..model.errors import CityGapError
from ..model.gap import SETTABLE_STATUSES
from . import times

if TYPE_CHECKING:
    from .database import Store

EXPIRY_AUTHOR = "citygap"
"""Who acts when an exception ends."""


def set_status(
    store: Store,
    gap_ids: Union[str, Sequence[str]],
    status: str,
    *,
    until: Optional[str] = None,
    why: Optional[str] = None,
    author: str = "",
) -> int:
    """Set the status of gaps, as one action; return how many gaps changed.

    Parameters
    ----------
    gap_ids : str or sequence of str
    status : str
        open, confirmed, assigned, fixed, accepted (needs `until` and `why`) or false_alarm (needs
        `why`). Verified and reopened come only by proof.
    until : str, optional
        ISO 8601; a date means the end of its day in the city.
    why : str, optional

    Raises
    ------
    CityGapError
        ``bad_status``, ``bad_time``, ``no_gap``, ``locked``.
    """
    _check_status(status, until, why)
    end = times.stamp(times.moment(until, store.zone)) if until else None
    ids = known_gaps(store, gap_ids)
    at = times.now(store.zone)
    with store.write(author) as connection:
        changed = connection.executemany(
            "UPDATE gaps SET status = :status, until = :until, why = :why, edited_by = :by, edited_at = :at"
            " WHERE gap_id = :gap_id AND (status, until, why) IS NOT (:status, :until, :why)",
            [
                {
                    "status": status,
                    "until": end,
                    "why": why or None,
                    "by": author or None,
                    "at": at,
                    "gap_id": gap_id,
                }
                for gap_id in ids
            ],
        )
    return changed.rowcount


def _check_status(status: str, until: Optional[str], why: Optional[str]) -> None:
    if status not in SETTABLE_STATUSES:
        raise CityGapError(
            "bad_status",
            f"the status {status!r} can not be set",
            field="status",
            remedy=f"Set one of {', '.join(SETTABLE_STATUSES)}; verified and reopened come by proof.",
        )
    if status in ("accepted", "false_alarm") and not (why or "").strip():
        raise CityGapError("bad_status", f"{status} needs a reason", field="why", remedy="Say why.")
    if status == "accepted" and not until:
        raise CityGapError("bad_time", "accepted needs an end", field="until", remedy="Give until, a date.")


def known_gaps(store: Store, gap_ids: Union[str, Sequence[str]]) -> list[str]:
    """The gap ids, each once, all of them in the store.

    Raises
    ------
    CityGapError
        ``no_gap`` if one is not, or none is given.
    """
    ids = list(dict.fromkeys([gap_ids] if isinstance(gap_ids, str) else gap_ids))
    if not ids:
        raise CityGapError("no_gap", "no gap was named", remedy="Name at least one gap.")
    for gap_id in ids:
        if store.connection.execute("SELECT 1 FROM gaps WHERE gap_id = ?", (gap_id,)).fetchone() is None:
            raise CityGapError(
                "no_gap", f"there is no gap {gap_id!r}", file=str(store.path), remedy="List the gaps first."
            )
    return ids


def expire_accepted(store: Store, now: datetime) -> int:
    """Set accepted gaps whose `until` has passed back to open, or to verified if they are gone.

    Parameters
    ----------
    now : datetime
        With zone.

    Returns
    -------
    int
        How many gaps changed. An `until` that another program wrote and that is no time never passes.
    """
    over = [
        (gap_id,)
        for gap_id, until in store.connection.execute(
            "SELECT gap_id, until FROM gaps WHERE status = 'accepted' AND until IS NOT NULL"
        )
        if _has_passed(until, now, store)
    ]
    if not over:
        return 0
    with store.write(EXPIRY_AUTHOR) as connection:
        changed = connection.executemany(
            "UPDATE gaps SET status = CASE run_state WHEN 'gone' THEN 'verified' ELSE 'open' END"
            " WHERE gap_id = ? AND status = 'accepted'",
            over,
        )
    return changed.rowcount


def _has_passed(until: str, now: datetime, store: Store) -> bool:
    try:
        return times.moment(until, store.zone) < now
    except CityGapError:
        return False


def verify_flags(store: Store, gap_ids: Sequence[str], author: str) -> int:
    """Verify planners' flags that are fixed, by the word of another person than the one who fixed them.

    An author or a fixer who is not known proves nothing. Returns how many flags changed.
    """
    if not author:
        return 0
    with store.write(author) as connection:
        changed = connection.executemany(
            "UPDATE gaps SET status = 'verified' WHERE gap_id = ? AND origin = 'planner' AND status = 'fixed'"
            " AND (SELECT edited_by FROM events WHERE table_name = 'gaps' AND row_key = gap_id"
            "      AND column_name = 'status' AND is_now = 'fixed' ORDER BY event_id DESC LIMIT 1) <> ?",
            [(gap_id, author) for gap_id in gap_ids],
        )
    return changed.rowcount
