"""The ledger in the store, read back by another program too."""

import pyogrio

from citygap.model.ledger import LedgerRow
from citygap.store.ledger import read_ledger, write_ledger

SEEN = [
    LedgerRow("X1", "pipes:JS", "surveyed_partial", 3, 120.5, 0.4, "2026-01-02T00:00:00+08:00", 0.75),
    LedgerRow("*", "pipes:JS", "surveyed_partial", 1, 9.0, None, None, 1.0),
]


def test_a_pair_without_a_row_was_never_surveyed(store):
    write_ledger(store, ["X1", "X2"], ["housing", "pipes:JS"], SEEN)
    rows = {(row["cell_code"], row["class_code"]): row for row in read_ledger(store)}
    assert len(rows) == 5
    assert rows["X1", "pipes:JS"] == SEEN[0]._asdict()
    assert {key for key, row in rows.items() if row["state"] == "never_surveyed"} == {
        ("X1", "housing"),
        ("X2", "housing"),
        ("X2", "pipes:JS"),
    }
    assert rows["X2", "housing"]["records"] == 0 and rows["X2", "housing"]["length_m"] is None


def test_a_new_ledger_takes_the_place_of_the_old_one(store):
    write_ledger(store, ["X1", "X2"], ["housing"], [])
    write_ledger(store, ["X1"], ["pipes:JS"], SEEN)
    assert len(read_ledger(store)) == 2


def test_gdal_reads_it_as_a_table(store):
    write_ledger(store, ["X1", "X2"], ["pipes:JS"], SEEN)
    path = store.path
    store.close()
    table = pyogrio.read_dataframe(path, layer="ledger", read_geometry=False)
    assert sorted(table["state"]) == ["never_surveyed", "surveyed_partial", "surveyed_partial"]
