"""The six questions in DuckDB's spatial extension."""

from __future__ import annotations

from pathlib import Path

import duckdb
import duckdb_extension_spatial
import numpy as np
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

Database = duckdb.DuckDBPyConnection


def load(folder: Path) -> Database:
    database = duckdb.connect(config={"allow_unsigned_extensions": "true"})
    home = Path(duckdb_extension_spatial.__file__).parent
    database.load_extension(str(next(home.rglob("spatial.duckdb_extension"))))
    for name in ("buildings", "pipes", "roads", "tracks"):
        database.execute(
            f"CREATE TABLE {name} AS SELECT * FROM read_parquet(?)", [str(folder / f"{name}.parquet")]
        )
    return database


def column(database: Database, sql: str) -> np.ndarray:
    return database.sql(sql).fetchnumpy()["id"]


def old_by_gas(database: Database) -> Answer:
    return ids(
        column(
            database,
            f"""SELECT DISTINCT b.id FROM buildings b JOIN (SELECT geometry FROM pipes WHERE class_code =
                'RQ') p
            ON ST_DWithin(b.geometry, p.geometry, {GAS_M}) WHERE b.built_year <= {OLD_UNTIL}""",
        )
    )


def unreached(database: Database) -> Answer:
    return {
        code: np.sort(
            column(
                database,
                f"""WITH near AS (SELECT DISTINCT b.id FROM buildings b
                    JOIN (SELECT geometry FROM pipes WHERE class_code = '{code}') p
                    ON ST_DWithin(b.geometry, p.geometry, {REACH_M}))
                SELECT b.id FROM buildings b ANTI JOIN near USING (id)""",
            )
        )
        for code in REACH_CLASSES
    }


def unpatrolled(database: Database) -> Answer:
    """Old area less the union, building by building, of what the buffers cover of it."""
    area = database.sql(
        f"""WITH buffers AS MATERIALIZED (SELECT ST_Buffer(geometry, {PATROL_M},
            {SEGMENTS}) AS shape FROM tracks),
        old AS (SELECT id, geometry FROM buildings WHERE built_year <= {OLD_UNTIL}),
        pieces AS (SELECT old.id, ST_Intersection(old.geometry, buffers.shape) AS piece
            FROM old JOIN buffers ON ST_Intersects(old.geometry, buffers.shape)),
        covered AS (SELECT ST_Area(CASE WHEN count(*) = 1 THEN any_value(piece) ELSE ST_Union_Agg(piece)
            END) AS area
            FROM pieces GROUP BY id)
        SELECT (SELECT sum(ST_Area(geometry)) FROM old) - (SELECT sum(area) FROM covered)"""
    ).fetchall()[0][0]
    return {"area": np.array(area)}


def length_per_cell(database: Database) -> Answer:
    """Pipes that lie in one cell count whole; the others are cut by every cell their bounds meet."""
    table = database.sql(
        f"""WITH bounds AS (SELECT class_code, geometry,
            floor(ST_XMin(geometry) / {CELL_M})::BIGINT AS west,
                floor(ST_XMax(geometry) / {CELL_M})::BIGINT AS east,
            floor(ST_YMin(geometry) / {CELL_M})::BIGINT AS south,
                floor(ST_YMax(geometry) / {CELL_M})::BIGINT AS north
            FROM pipes),
        across AS (SELECT *, unnest(range(west, east + 1)) AS c FROM bounds WHERE west < east OR south <
            north),
        cells AS (SELECT *, unnest(range(south, north + 1)) AS r FROM across),
        parts AS (SELECT class_code, c, r, ST_Length(ST_Intersection(geometry,
                ST_MakeEnvelope(c * {CELL_M}, r * {CELL_M}, (c + 1) * {CELL_M},
                    (r + 1) * {CELL_M}))) AS metres
            FROM cells UNION ALL
            SELECT class_code, west, south, ST_Length(geometry) FROM bounds WHERE west = east AND south =
                north)
        SELECT c, r, class_code, sum(metres) AS metres FROM parts WHERE metres > 0 GROUP BY ALL"""
    ).fetchnumpy()
    return lengths(table["c"], table["r"], np.asarray(table["class_code"], dtype=object), table["metres"])


def loose_ends(database: Database) -> Answer:
    """Class by class: any further condition of the join keeps DuckDB from using its spatial one."""
    database.execute(
        """CREATE OR REPLACE TEMP TABLE lone AS
        WITH ends AS (SELECT id, 0 AS which, class_code, ST_StartPoint(geometry) AS place FROM pipes UNION ALL
            SELECT id, 1, class_code, ST_EndPoint(geometry) FROM pipes)
        SELECT any_value(id) AS id, any_value(which) AS which, class_code, any_value(place) AS place
        FROM ends GROUP BY class_code, ST_X(place), ST_Y(place) HAVING count(*) = 1"""
    )
    found = [
        database.sql(
            f"""SELECT e.id, e.which FROM (SELECT * FROM lone WHERE class_code = '{code}') e
            JOIN (SELECT id, geometry FROM pipes WHERE class_code = '{code}') p
            ON ST_DWithin(e.place, p.geometry, {END_M})
            GROUP BY e.id, e.which
            HAVING min(CASE WHEN e.id <> p.id THEN ST_Distance(e.place, p.geometry) END) > {TOUCH_M}"""
        ).fetchnumpy()
        for code in CLASSES
    ]
    return ends(
        np.concatenate([part["id"] for part in found]), np.concatenate([part["which"] for part in found])
    )


def bare_streets(database: Database) -> Answer:
    """What is left of each street once the buffers near it are taken away as one."""
    return ids(
        column(
            database,
            f"""WITH strips AS MATERIALIZED (SELECT ST_Buffer(geometry, {STREET_M}, {SEGMENTS}, 'CAP_FLAT',
                'JOIN_ROUND', 5.0) AS shape FROM pipes),
            covers AS (SELECT r.id, ST_Union_Agg(strips.shape) AS shape FROM roads r JOIN strips
                ON ST_Intersects(r.geometry, strips.shape) GROUP BY r.id)
            SELECT r.id FROM roads r LEFT JOIN covers c USING (id) WHERE c.shape IS NULL
            OR ST_Length(ST_Difference(r.geometry, c.shape)) >= {STREET_SHARE} * ST_Length(r.geometry)""",
        )
    )


if __name__ == "__main__":
    main(
        load,
        (old_by_gas, unreached, unpatrolled, length_per_cell, loose_ends, bare_streets),
        lambda: f"DuckDB {duckdb.__version__} with spatial",
    )
