"""The numbers that QGIS and its worker compare before they talk."""

from __future__ import annotations

VERSION = "0.1.0"
"""Of the program; pyproject.toml and metadata.txt say the same."""

PROTOCOL = 1
"""Of the JSON lines between QGIS and the worker."""

SCHEMA = 2
"""Of the tables of a store."""

MAX_LINE_BYTES = 1024 * 1024
"""Longest line of the protocol, newline included; bulk data goes by path."""

WORKER_PACKAGES = ("numpy", "pandas", "shapely", "geopandas", "pyogrio", "pyarrow", "pyproj")
"""Packages the worker can't do without."""

OPTIONAL_PACKAGES = ("fiona",)
"""Packages that make the worker better; GDAL's own bindings or nothing take their place."""
