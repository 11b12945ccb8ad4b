"""Values that are computed once, and which rows of the standards each of them rests on."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from typing import Any, Optional, TypeVar

import pyarrow as pa

from .standards import Standard, Standards

T = TypeVar("T")
ALL = "*"
"""Stands for every row of the standards."""
_GLIBC = ((-3, 4 << 20), (-1, 64 << 20), (-8, 1))
"""mallopt(3): bytes from which a block is mapped by itself, bytes free on top of the heap, heaps."""


class Memory:
    """What was computed of a city under one set of standards.

    Notes which names were read for each value, also by way of another value, so that a changed row
    forgets no more than it must: names of the standards (`Standards.named`) and of statistics
    (`Statistic.name`).

    Parameters
    ----------
    above : Memory, optional
        That of the whole city, which learns too what is read here.
    """

    def __init__(self, above: Optional[Memory] = None) -> None:
        self._known: dict[Hashable, tuple[Any, frozenset[str]]] = {}
        self._brief: set[Hashable] = set()
        self._family = ""
        self._reading: list[set[str]] = []
        self._above = above

    def note(self, name: str) -> None:
        """A name is read for what is being computed."""
        if self._reading:
            self._reading[-1].add(name)
        if self._above is not None:
            self._above.note(name)

    @contextmanager
    def reading(self) -> Iterator[set[str]]:
        """The names that are read meanwhile."""
        names: set[str] = set()
        self._reading.append(names)
        try:
            yield names
        finally:
            self._reading.pop()
            for name in names:
                self.note(name)

    def recall(self, key: Hashable, compute: Callable[[], T]) -> T:
        """The value of a key, computed at the first asking."""
        if key not in self._known:
            with self.reading() as names:
                value = compute()
            self._known[key] = value, frozenset(names)
            return value
        value, known_names = self._known[key]
        for name in known_names:
            self.note(name)
        return value

    def recall_briefly(self, key: Hashable, compute: Callable[[], T]) -> T:
        """As `recall`, for a value that is forgotten when rules of another family begin."""
        self._brief.add(key)
        return self.recall(key, compute)

    def begin(self, family: str) -> None:
        """Rules of a family begin: what those of the last one alone read goes back to the system."""
        if family == self._family:
            return
        self._family = family
        for key in self._brief:
            self._known.pop(key, None)
        self._brief.clear()
        give_back()

    def knows(self, key: Hashable) -> bool:
        """Whether the value of a key is known."""
        return key in self._known

    def entry(self, key: Hashable) -> tuple[Any, frozenset[str]]:
        """A value that is known, and the names it rests on."""
        return self._known[key]

    def adopt(self, key: Hashable, value: Any, names: frozenset[str]) -> None:
        """Take over what another process computed."""
        self._known[key] = value, names

    def without(self, names: frozenset[str]) -> Memory:
        """What stays true when the rows of these names change."""
        kept = Memory()
        kept._known = {
            key: (value, read)
            for key, (value, read) in self._known.items()
            if not names or not (read & names or ALL in read)
        }
        kept._brief, kept._family = self._brief & kept._known.keys(), self._family
        return kept


class WatchedStandards(Standards):
    """Standards that tell a memory which of their names are read."""

    def __init__(self, standards: Standards, memory: Memory) -> None:
        self._standards = standards
        self._memory = memory

    def watches(self, standards: Standards) -> bool:
        """Whether these are the standards it watches."""
        return self._standards is standards

    @property
    def rows(self) -> tuple[Standard, ...]:
        """Every row in force."""
        self._memory.note(ALL)
        return self._standards.rows

    def in_force(self, rule_or_activity: str) -> tuple[Standard, ...]:
        """As `Standards.in_force`."""
        self._memory.note(rule_or_activity)
        return self._standards.in_force(rule_or_activity)

    @property
    def shipped(self) -> tuple[Standard, ...]:
        """Shipped rows in force, those that city rows hide too."""
        self._memory.note(ALL)
        return self._standards.shipped

    def named(self, rule_or_activity: str) -> tuple[Standard, ...]:
        """As `Standards.named`."""
        self._memory.note(rule_or_activity)
        return self._standards.named(rule_or_activity)


def changed_names(before: Standards, after: Standards) -> frozenset[str]:
    """The names of the standards whose rows differ."""
    if isinstance(before, WatchedStandards) and before.watches(after):
        return frozenset()
    differing = {*before.rows, *before.shipped} ^ {*after.rows, *after.shipped}
    return frozenset(row.rule_or_activity for row in differing)


def hold_little() -> None:
    """Have memory go back to the system as soon as it is freed, for as long as this process lives.

    By default glibc learns to keep arrays of up to 32 MB on its heap, where what outlives them keeps
    their memory in use; each thread gets a heap of its own, and Arrow a pool.
    """
    pa.set_memory_pool(pa.system_memory_pool())
    if sys.platform.startswith("linux"):
        adjust = getattr(ctypes.CDLL(None), "mallopt", None)
        if adjust is not None:
            for setting, value in _GLIBC:
                adjust(setting, value)


def give_back() -> None:
    """Give the system the memory that was freed: reading frees gigabytes that glibc would keep."""
    pa.default_memory_pool().release_unused()
    if sys.platform.startswith("linux"):
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        if trim is not None:
            trim(0)
