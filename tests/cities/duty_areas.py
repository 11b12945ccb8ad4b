"""Cities of duties on a square study area, and a raster that tells their holes by counting cells."""

import geopandas as gpd
import pandas as pd
from shapely.geometry import box

from citygap.engine.city import city_from_tables
from citygap.engine.context import Context
from citygap.engine.standards import Standards, shipped_standards

AS_OF = pd.Timestamp("2026-07-01T23:59:59.999999+08:00").to_pydatetime()
SIDE, STEP = 24, 4.0
"""Cells a side of the raster, and the side of a cell in metres: the study area is 96 m wide."""
STUDY_AREA = box(0, 0, SIDE * STEP, SIDE * STEP)


def duty(area, body="甲", **more):
    """A row of duties over a shape, a code or nowhere."""
    row = {"body": body, "duty": "patrol", "object_class": "*", "trade": "order", "level": "district"}
    by_code = isinstance(area, str)
    return {**row, "area_code": area if by_code else None, "geometry": None if by_code else area, **more}


def city_of(rows, study=STUDY_AREA, **tables):
    """A city of duties whose study area is one unit."""
    if study is not None:
        tables["units"] = gpd.GeoDataFrame({"code": ["310000"], "level": ["city"]}, geometry=[study])
    if rows:
        table = pd.DataFrame(rows).assign(id=[f"d{i}" for i in range(len(rows))])
        tables["duties"] = gpd.GeoDataFrame(table, geometry="geometry")
    return city_from_tables(tables, as_of=AS_OF)


def run(rule, city):
    """What a rule says of a city."""
    return rule.find(city, Context(city, Standards(shipped_standards(), AS_OF.date())))


def shape_of(rect):
    """A rectangle of the raster (west, south, east, north in cells) in metres."""
    return box(*(STEP * place for place in rect))


def raster_holes(rects):
    """Cells of the study area in no rectangle, in connected parts: (cells, area, perimeter, touching)."""
    open_cells = {
        (x, y)
        for x in range(SIDE)
        for y in range(SIDE)
        if not any(w <= x < e and s <= y < n for w, s, e, n in rects)
    }
    parts = []
    while open_cells:
        todo, part = [open_cells.pop()], set()
        while todo:
            x, y = todo.pop()
            part.add((x, y))
            for near in ((x + 1, y), (x - 1, y), (x, y + 1), (x, y - 1)):
                if near in open_cells:
                    open_cells.remove(near)
                    todo.append(near)
        edges = sum(
            near not in part for x, y in part for near in ((x + 1, y), (x - 1, y), (x, y + 1), (x, y - 1))
        )
        touching = sum(any(w - 1 <= x <= e and s - 1 <= y <= n for x, y in part) for w, s, e, n in rects)
        parts.append((part, len(part) * STEP * STEP, edges * STEP, touching))
    return parts
