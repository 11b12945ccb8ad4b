"""The CRS of a store."""

from __future__ import annotations

from ..store.database import Store


def crs_of_store(store: Store) -> str:
    """WKT of the city's CRS, as the GeoPackage holds it."""
    row = store.connection.execute(
        "SELECT definition FROM gpkg_spatial_ref_sys WHERE srs_id = ?", (store.srs_id,)
    ).fetchone()
    return str(row[0])
