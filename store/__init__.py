"""The project's database: gaps, notes, photos, events, runs and standards, in a GeoPackage."""
