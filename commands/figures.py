"""What a run over the whole city tells besides gaps: the ledger, and the figures that rest on it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import pandas as pd

from ..engine.card import data_card
from ..engine.check import pays
from ..engine.context import Context
from ..engine.ledger import ledger, ledger_rows
from ..engine.matrix import pipe_matrix, stock_by_decade
from ..engine.processes import meanwhile
from ..engine.reconcile import reconcile
from ..model.figures import FIGURES
from ..store.database import Store
from ..store.figures import write_figures
from ..store.ledger import write_ledger

_Figures = Mapping[str, list[tuple[Any, ...]]]


@contextmanager
def figures_of(context: Context, processes: int) -> Iterator[Callable[[Store], None]]:
    """Gives what writes the ledger and the figures to a store; a process counts them until it is called.

    Open the store within the block: SQLite's files may not be open where a process begins.
    """
    context.once(ledger)
    if not pays(context.city, processes):
        yield lambda store: _write(store, context, _figures(context))
        return
    with meanwhile(lambda: _figures(context), context.check_cancelled) as counted:
        yield lambda store: _write(store, context, counted())


def _figures(context: Context) -> _Figures:
    tables = {
        "data_card": data_card(context),
        "pipe_matrix": pipe_matrix(context),
        "stock": stock_by_decade(context),
        "totals_checked": reconcile(context),
    }
    return {name: list(_plain_rows(table, FIGURES[name])) for name, table in tables.items()}


def _write(store: Store, context: Context, figures: _Figures) -> None:
    trusted = json.dumps(context.city.trusted, ensure_ascii=False)
    with store.write() as connection:
        connection.execute("INSERT OR REPLACE INTO meta (key, value) VALUES ('trusted', ?)", (trusted,))
    book = context.once(ledger)
    rows = ledger_rows(book, context.city.tz)
    write_ledger(store, book.codes.tolist(), [known.class_code for known in book.classes.values()], rows)
    for name, table in figures.items():
        write_figures(store, name, table)


def _plain_rows(table: pd.DataFrame, columns: Sequence[str]) -> Iterator[tuple[Any, ...]]:
    """Rows of a table with None for null and times in ISO 8601."""
    wanted = table.reindex(columns=list(columns))
    for name in wanted.select_dtypes("datetimetz"):
        wanted[name] = wanted[name].map(lambda moment: moment.isoformat(), na_action="ignore")
    return wanted.astype(object).where(wanted.notna(), None).itertuples(index=False, name=None)
