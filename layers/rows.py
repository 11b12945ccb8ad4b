"""What is said of a layer before it is made."""

from __future__ import annotations

from typing import NamedTuple


class Bodies(NamedTuple):
    """How a layer is painted by responsible body: the column, and each body's colour as ``#rrggbb``."""

    column: str
    colours: tuple[tuple[str, str], ...]


class LayerRow(NamedTuple):
    """One layer to be: its group, its part in the group, title, place, style and how people use it.

    `part` names what the layer is whatever its language (``gaps_point``); `style` is a file of ``styles/``.
    """

    key: str
    part: str
    title: str
    uri: str
    style: str = ""
    provider: str = "ogr"
    tip: str = ""
    visible: bool = True
    editable: bool = False
    private: bool = False
    only_with_rows: bool = False
    """Left out where no row is found."""
    bodies: Bodies = Bodies("", ())
