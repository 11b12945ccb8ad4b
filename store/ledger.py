"""The coverage ledger that the last run over the whole city left."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from ..model.ledger import LedgerRow

if TYPE_CHECKING:
    from .database import Store


def write_ledger(
    store: Store, cells: Iterable[str], classes: Iterable[str], rows: Iterable[Sequence[Any]]
) -> None:
    """Replace the ledger, within a transaction of the caller or one of its own.

    Parameters
    ----------
    rows : iterable of sequences in the order of LedgerRow
        All that is not never_surveyed: every other pair of cell and class is.
    """
    with store.write() as connection:
        for table in ("ledger_seen", "ledger_cells", "ledger_classes"):
            connection.execute(" ".join(("DELETE FROM", table)))
        connection.executemany("INSERT INTO ledger_cells (cell_code) VALUES (?)", ((code,) for code in cells))
        connection.executemany("INSERT INTO ledger_classes (class_code) VALUES (?)", ((c,) for c in classes))
        connection.executemany(
            "INSERT INTO ledger_seen (cell_code, class_code, state, records, length_m, covered, newest,"
            " completeness) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            rows,
        )


def read_ledger(store: Store) -> list[dict[str, Any]]:
    """Every row, by class and cell, those of never_surveyed pairs too."""
    rows = store.connection.execute(
        "SELECT cell_code, class_code, state, records, length_m, covered, newest, completeness FROM ledger"
        " ORDER BY class_code, cell_code"
    )
    return [LedgerRow(*row)._asdict() for row in rows]
