"""Which rules people switched off."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..model.catalogue import rule_id_of

if TYPE_CHECKING:
    from .database import Store


def switched_off(store: Store) -> frozenset[str]:
    """Ids of the rules that are switched off: `is_on` of the table `rules` is 0, in whatever program set."""
    return frozenset(row[0] for row in store.connection.execute("SELECT rule_id FROM rules WHERE NOT is_on"))


def switch_rule(store: Store, rule: str, is_on: bool, author: str = "") -> None:
    """Switch a rule on or off for the next checks; its gaps stay as they are.

    Parameters
    ----------
    rule : str
        Id or identifier.

    Raises
    ------
    CityGapError
        ``no_rule``, ``locked``.
    """
    rule_id = rule_id_of(rule)
    with store.write(author) as connection:
        connection.execute("UPDATE rules SET is_on = ? WHERE rule_id = ?", (int(is_on), rule_id))
