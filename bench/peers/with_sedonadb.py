"""The six questions in SedonaDB."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import sedonadb
from answering import (
    CELL_M,
    CLASSES,
    END_M,
    GAS_M,
    OLD_UNTIL,
    PATROL_M,
    REACH_CLASSES,
    REACH_M,
    SEGMENTS,
    STREET_M,
    STREET_SHARE,
    TOUCH_M,
    Answer,
    ends,
    ids,
    lengths,
    main,
)


def load(folder: Path) -> Any:
    database = sedonadb.connect()
    for name in ("buildings", "pipes", "roads", "tracks"):
        database.read_parquet(str(folder / f"{name}.parquet")).to_memtable().to_view(name, overwrite=True)
    return database


def columns(database: Any, sql: str) -> list[np.ndarray]:
    """The columns of a query without geometry."""
    table = database.sql(sql).to_arrow_table()
    return [column.to_numpy() for column in table.columns]


def old_by_gas(database: Any) -> Answer:
    sql = f"""SELECT DISTINCT b.id FROM (SELECT id, geometry FROM buildings WHERE built_year <= {OLD_UNTIL}) b
        JOIN (SELECT geometry FROM pipes WHERE class_code = 'RQ') p
        ON ST_DWithin(b.geometry, p.geometry, {GAS_M})"""
    return ids(columns(database, sql)[0])


def unreached(database: Any) -> Answer:
    everybody = columns(database, "SELECT id FROM buildings")[0]
    answer = {}
    for code in REACH_CLASSES:
        sql = f"""SELECT DISTINCT b.id FROM buildings b
            JOIN (SELECT geometry FROM pipes WHERE class_code = '{code}') p
            ON ST_DWithin(b.geometry, p.geometry, {REACH_M})"""
        answer[code] = np.setdiff1d(everybody, columns(database, sql)[0])
    return answer


def unpatrolled(database: Any) -> Answer:
    """Old area less the union, building by building, of what the buffers cover of it."""
    database.sql(
        f"SELECT ST_Buffer(geometry, {PATROL_M}, 'quad_segs={SEGMENTS}') AS shape FROM tracks"
    ).to_memtable().to_view("buffers", overwrite=True)
    sql = f"""WITH old AS (SELECT id, geometry FROM buildings WHERE built_year <= {OLD_UNTIL}),
        pieces AS (SELECT old.id, ST_Intersection(old.geometry, buffers.shape) AS piece
            FROM old JOIN buffers ON ST_Intersects(old.geometry, buffers.shape)),
        covered AS (SELECT ST_Area(ST_Union_Agg(piece)) AS area FROM pieces GROUP BY id)
        SELECT (SELECT sum(ST_Area(geometry)) FROM old) - (SELECT sum(area) FROM covered)"""
    return {"area": columns(database, sql)[0][0]}


def length_per_cell(database: Any) -> Answer:
    """Pipes that lie in one cell count whole; the others are cut by every cell their bounds meet."""
    sql = f"""WITH bounds AS (SELECT class_code, geometry,
            CAST(floor(ST_XMin(geometry) / {CELL_M}) AS BIGINT) AS west,
            CAST(floor(ST_XMax(geometry) / {CELL_M}) AS BIGINT) AS east,
            CAST(floor(ST_YMin(geometry) / {CELL_M}) AS BIGINT) AS south,
            CAST(floor(ST_YMax(geometry) / {CELL_M}) AS BIGINT) AS north FROM pipes),
        across AS (SELECT *, unnest(range(west, east + 1)) AS c FROM bounds WHERE west < east OR south <
            north),
        cells AS (SELECT *, unnest(range(south, north + 1)) AS r FROM across),
        parts AS (SELECT class_code, c, r, ST_Length(ST_Intersection(geometry, ST_MakeEnvelope(
                c * {CELL_M}.0, r * {CELL_M}.0, (c + 1) * {CELL_M}.0, (r + 1) * {CELL_M}.0, 4549))) AS metres
            FROM cells UNION ALL
            SELECT class_code, west, south, ST_Length(geometry) FROM bounds WHERE west = east AND south =
                north)
        SELECT c, r, class_code, sum(metres) AS metres FROM parts
        WHERE metres > 0 GROUP BY c, r, class_code"""
    column, row, code, metres = columns(database, sql)
    return lengths(column, row, np.asarray(code, dtype=object), metres)


def loose_ends(database: Any) -> Answer:
    """Class by class: with equal classes as a part of the join SedonaDB does not come to an end."""
    database.sql(
        """WITH ends AS (SELECT id, 0 AS which, class_code, ST_StartPoint(geometry) AS place FROM pipes
            UNION ALL
            SELECT id, 1, class_code, ST_EndPoint(geometry) FROM pipes)
        SELECT min(id) AS id, min(which) AS which, class_code, first_value(place) AS place
        FROM ends GROUP BY class_code, ST_X(place), ST_Y(place) HAVING count(*) = 1"""
    ).to_memtable().to_view("lone", overwrite=True)
    pipes, which = [], []
    for code in CLASSES:
        sql = f"""SELECT e.id, e.which FROM (SELECT * FROM lone WHERE class_code = '{code}') e
            JOIN (SELECT id, geometry FROM pipes WHERE class_code = '{code}') p
            ON ST_DWithin(e.place, p.geometry, {END_M})
            GROUP BY e.id, e.which
            HAVING min(CASE WHEN e.id <> p.id THEN ST_Distance(e.place, p.geometry) END) > {TOUCH_M}"""
        pipe, end = columns(database, sql)
        pipes.append(pipe)
        which.append(end)
    return ends(np.concatenate(pipes), np.concatenate(which))


def bare_streets(database: Any) -> Answer:
    """What is left of each street once the buffers near it are taken away as one."""
    database.sql(
        f"SELECT ST_Buffer(geometry, {STREET_M}, 'quad_segs={SEGMENTS} endcap=flat') AS shape FROM pipes"
    ).to_memtable().to_view("strips", overwrite=True)
    sql = f"""WITH covers AS (SELECT r.id, ST_Union_Agg(strips.shape) AS shape FROM roads r JOIN strips
            ON ST_Intersects(r.geometry, strips.shape) GROUP BY r.id)
        SELECT r.id FROM roads r LEFT JOIN covers c ON r.id = c.id WHERE c.shape IS NULL
        OR ST_Length(ST_Difference(r.geometry, c.shape)) >= {STREET_SHARE} * ST_Length(r.geometry)"""
    return ids(columns(database, sql)[0])


if __name__ == "__main__":
    main(
        load,
        (old_by_gas, unreached, unpatrolled, length_per_cell, loose_ends, bare_streets),
        lambda: f"SedonaDB {version('sedonadb')}",
    )
