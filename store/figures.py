"""Figures of the city that the last run over all of it left: data card, pipe matrix, stock by decade."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from ..model.errors import CityGapError
from ..model.figures import FIGURES

if TYPE_CHECKING:
    from .database import Store


def write_figures(store: Store, name: str, rows: Iterable[Sequence[Any]]) -> None:
    """Replace a table of figures, its columns as in `FIGURES`; None where there is nothing to count."""
    columns, marks = ", ".join(FIGURES[name]), ", ".join("?" * len(FIGURES[name]))
    with store.write() as connection:
        connection.execute(" ".join(("DELETE FROM", name)))
        connection.executemany(" ".join(("INSERT INTO", name, "(", columns, ") VALUES (", marks, ")")), rows)


def read_figures(store: Store, name: str) -> list[dict[str, Any]]:
    """The rows of a table of figures, as they were written.

    Raises
    ------
    CityGapError
        ``no_figures`` if there is no such table.
    """
    if name not in FIGURES:
        raise CityGapError(
            "no_figures", f"there are no figures {name!r}", remedy=f"Name one of {', '.join(FIGURES)}."
        )
    rows = store.connection.execute(
        " ".join(("SELECT", ", ".join(FIGURES[name]), "FROM", name, "ORDER BY fid"))
    )
    return [dict(zip(FIGURES[name], row)) for row in rows]
