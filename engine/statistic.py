"""Facts of a whole city that rules read, and what an edit does to them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, Optional, TypeVar

import numpy as np
import shapely

from .city import usable

if TYPE_CHECKING:
    from .context import Context

T = TypeVar("T")
NOWHERE = np.zeros((0, 4))


@dataclass(frozen=True)
class Change:
    """Rows of a role that an edit altered: a context of these rows alone as they were, and as they are.

    Both answer for the cells that the rows meet.
    """

    role: str
    was: Context
    now: Context

    @cached_property
    def is_reshaped(self) -> bool:
        """Whether a row has another geometry than it had, came or went."""
        tables = [rows.city.table(self.role).geometry for rows in (self.was, self.now)]
        was, now = (sorted(shapely.to_wkb(shapes[usable(shapes)])) for shapes in tables)
        return was != now


class After(NamedTuple, Generic[T]):
    """A statistic after an edit, and the bounds of the places, shape (f, 4), whose answers it alters."""

    value: T
    frames: np.ndarray = NOWHERE


Carry = Callable[[T, Change], Optional[After[T]]]
STATISTICS: list[Statistic[Any]] = []
"""Every statistic there is."""


class Statistic(Generic[T]):
    """A fact of the whole city; ask for it with `Context.once`.

    Parameters
    ----------
    compute : callable
        The fact of a whole city's Context.
    roles : tuple of str
        Roles an edit of which may alter it.
    carry : callable, optional
        The fact after an edit, from what it was and the Change; None if only a look at the whole city
        tells: rules that read it then have to wait for a run over the whole city. By default no edit
        of its roles can be told.
    """

    def __init__(
        self, compute: Callable[[Context], T], roles: tuple[str, ...], carry: Optional[Carry[T]] = None
    ) -> None:
        self._compute = compute
        self._carry = carry
        self.roles = roles
        self.name = f"statistic:{compute.__module__}.{compute.__qualname__}"
        self.__doc__ = compute.__doc__
        STATISTICS.append(self)

    def __call__(self, context: Context) -> T:
        """The fact of a city."""
        return self._compute(context)

    def after(self, value: T, change: Change) -> Optional[After[T]]:
        """The fact after an edit; None if only a look at the whole city tells."""
        return None if self._carry is None else self._carry(value, change)


def statistic(
    *roles: str, carry: Optional[Carry[T]] = None
) -> Callable[[Callable[[Context], T]], Statistic[T]]:
    """Make a function of a Context a statistic of the whole city; arguments as of `Statistic`."""
    return lambda compute: Statistic(compute, roles, carry)


def recounted(
    counts: Mapping[str, int], was: Mapping[str, int], now: Mapping[str, int]
) -> Optional[After[Mapping[str, int]]]:
    """Counts by name after an edit; None if a name came or went."""
    new = {name: counts.get(name, 0) - was.get(name, 0) + now.get(name, 0) for name in {*counts, *now}}
    new = {name: count for name, count in new.items() if count}
    return After(new) if new.keys() == counts.keys() else None
