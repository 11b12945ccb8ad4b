"""CityGap: find the gaps in coverage of a city's records, services, inspections and responsibilities."""

from __future__ import annotations

from typing import Any


def classFactory(iface: Any) -> Any:  # noqa: N802 - the name QGIS calls
    """Return the plugin object QGIS asks for.

    Parameters
    ----------
    iface : qgis.gui.QgisInterface
    """
    from .plugin import CityGapPlugin

    return CityGapPlugin(iface)
