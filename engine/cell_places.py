"""Which cells shapes lie in: a line in every cell it runs through, anything else where its point is."""

from __future__ import annotations

import numpy as np
import pandas as pd
import shapely

from ..model.roles import OBJECT_LAYERS
from .city import usable
from .context import Context, representative_points
from .grid import CELL_M, square_codes
from .squares import pieces_per_square
from .visits import counted_visits, named_objects


def cells_of(context: Context, shapes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of shapes and the cells of `Context.cells` they lie in; touching a border is not in.

    Parameters
    ----------
    shapes : ndarray of shapely geometries, shape (n,)
        With finite coordinates, not empty.

    Returns
    -------
    ndarray of int64, shape (p,): place of the shape
    ndarray of int64, shape (p,): place of the cell
    """
    is_line = (shapely.get_dimensions(shapes) == 1) & (shapely.length(shapes) > 0)
    lines, spots = np.flatnonzero(is_line), np.flatnonzero(~is_line)
    points = representative_points(shapes[spots], np.ones(len(spots), dtype=bool))
    cell = _places(context, context.grid.codes(points))
    line, crossed = (_in_official if context.grid.is_official else _in_squares)(context, shapes[lines])
    return (
        np.concatenate([spots[cell >= 0], lines[line]]),
        np.concatenate([cell[cell >= 0], crossed]),
    )


def _places(context: Context, codes: np.ndarray) -> np.ndarray:
    """Place of each cell code among the cells that rules answer for, -1 for any other."""
    return np.asarray(pd.Index(context.cells[0], dtype=object).get_indexer(pd.Index(codes, dtype=object)))


def _in_official(context: Context, lines: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    outlines = context.cells[1]
    line, cell = shapely.STRtree(outlines).query(lines, predicate="intersects")
    whole = np.where(shapely.is_valid(outlines), outlines, shapely.make_valid(outlines))
    inside = shapely.length(shapely.intersection(lines[line], whole[cell])) > 0
    return line[inside], cell[inside]


def _in_squares(context: Context, lines: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    column, row, line, metres = pieces_per_square(lines, CELL_M, context.check_cancelled)
    some = metres > 0
    squares, which = _once_each(column[some], row[some])
    cell = _places(context, square_codes(squares))[which]
    inside = cell >= 0
    pairs, _ = _once_each(line[some][inside], cell[inside])
    return pairs[:, 0], pairs[:, 1]


def _once_each(one: np.ndarray, other: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Each pair of whole numbers once, in order, shape (p, 2); and which of them each is, shape (n,)."""
    low, high = other.min(initial=0), other.max(initial=0)
    span = int(high) - int(low) + 1
    key, which = np.unique(one * span + (other - low), return_inverse=True)
    return np.column_stack([key // span, key % span + low]), which


def cells_of_visits(context: Context, mine: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of visits and the cells they were in: by their own place, else by that of the object they name.

    Parameters
    ----------
    mine : ndarray of bool, shape (v,)
        Which of `counted_visits` to look at.

    Returns
    -------
    ndarray of int64, shape (p,): position of the visit among `counted_visits`
    ndarray of int64, shape (p,): place of the cell in `Context.cells`
    """
    shapes = counted_visits(context).geometry
    has_place = usable(shapes)
    placed = np.flatnonzero(mine & has_place)
    visit, cell = cells_of(context, shapes.to_numpy()[placed])
    pairs = [np.column_stack([placed[visit], cell])]
    pairs += [
        _by_object(context, role, mine & ~has_place) for role in OBJECT_LAYERS if context.city.has(role)
    ]
    once, _ = _once_each(*np.concatenate(pairs).T)
    return once[:, 0], once[:, 1]


def _by_object(context: Context, role: str, mine: np.ndarray) -> np.ndarray:
    """Visits and the cells of the representative points of the objects of a role they name, shape (p, 2)."""
    named = named_objects(context, role)
    visits = np.flatnonzero(mine & (named.visits >= 0))
    is_visited = np.zeros(max(named.visits.max(initial=-1), named.objects.max(initial=-1)) + 2, dtype=bool)
    is_visited[named.visits[visits]] = True
    objects = np.flatnonzero(is_visited[named.objects])
    cell = _places(context, context.grid.codes_at(context.places(role)[objects]))
    number, cell = named.objects[objects][cell >= 0], cell[cell >= 0]
    homes = pd.DataFrame({"number": number, "cell": cell}).drop_duplicates()
    log = pd.DataFrame({"number": named.visits[visits], "visit": visits})
    return log.merge(homes, on="number")[["visit", "cell"]].to_numpy(dtype="int64")
