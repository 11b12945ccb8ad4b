"""A row of the coverage ledger."""

from __future__ import annotations

from typing import NamedTuple, Optional


class LedgerRow(NamedTuple):
    """What is known of a class in a cell.

    `state` as in the catalogue; `length_m` of lines, metres; `covered`: share of the cell that surveys
    cover; `newest` date of survey or record, ISO 8601; `completeness`: mean share of required fields.
    """

    cell_code: str
    class_code: str
    state: str
    records: int
    length_m: Optional[float]
    covered: Optional[float]
    newest: Optional[str]
    completeness: Optional[float]
