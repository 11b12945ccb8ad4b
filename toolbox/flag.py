"""Algorithm `citygap:flag`."""

from __future__ import annotations

import re
from typing import Any, Optional

from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsProcessingOutputString,
    QgsProcessingParameterEnum,
    QgsProcessingParameterGeometry,
    QgsProcessingParameterString,
)

from ..model.errors import CityGapError
from ..model.gap import SEVERITIES
from ..store.database import Store, open_store
from ..store.flags import flag
from ..store.gaps import read_gap
from .algorithm import CityGapAlgorithm, ask, or_here, user_name
from .inputs import add_author, add_store, store_path, text

_CRS_BEHIND = re.compile(r"\s*(?P<wkt>.+\))\s*\[(?P<crs>[^\]]+)\]\s*$", re.DOTALL)


class FlagAlgorithm(CityGapAlgorithm):
    """Flags a place or an object as a gap."""

    command = "flag"

    def displayName(self) -> str:  # noqa: N802 - QGIS's name
        """Name on the screen."""
        return self.tr("Flag a gap")

    def shortHelpString(self) -> str:  # noqa: N802 - QGIS's name
        """What it does."""
        return self.tr("Adds a planner's own gap to the store: at a place, or on an object named as ROLE:ID.")

    def initAlgorithm(self, _configuration: Any = None) -> None:  # noqa: N802 - QGIS's name
        """Parameters and outputs."""
        add_store(self)
        for parameter in (
            QgsProcessingParameterGeometry("PLACE", self.tr("Place"), optional=True),
            QgsProcessingParameterString("OBJECT", self.tr("Object (ROLE:ID)"), optional=True),
            QgsProcessingParameterEnum(
                "SEVERITY", self.tr("Severity"), SEVERITIES, defaultValue="medium", usesStaticStrings=True
            ),
            QgsProcessingParameterString("TEXT", self.tr("Text"), multiLine=True),
            QgsProcessingParameterString("RULE", self.tr("Rule it resembles"), optional=True),
            QgsProcessingParameterString("CLASS", self.tr("Class of the object"), optional=True),
        ):
            self.addParameter(parameter)
        add_author(self)
        self.addOutput(QgsProcessingOutputString("GAP_ID", self.tr("Gap")))

    def perform(self, parameters: Any, context: Any, feedback: Any) -> dict[str, Any]:
        """Flag a place here; an object's place is looked up by the worker."""
        path = store_path(self, parameters, context)
        named = text(self, parameters, "OBJECT", context)
        words = {
            "severity": self.parameterAsEnumString(parameters, "SEVERITY", context),
            "text": self.parameterAsString(parameters, "TEXT", context),
            "author": text(self, parameters, "AUTHOR", context) or user_name(),
        }
        rule, class_code = text(self, parameters, "RULE", context), text(self, parameters, "CLASS", context)

        def here() -> str:
            with open_store(path) as store:
                wkb = self._place(parameters, context, store)
                role, object_id = _role_and_id(named)
                wkb = wkb or _place_of_object(store, role, object_id)
                return flag(
                    store,
                    wkb=wkb,
                    object_role=role,
                    object_id=object_id,
                    rule_id=rule,
                    class_code=class_code,
                    **words,
                )

        if parameters.get("PLACE") or not named:
            return {"GAP_ID": here()}
        args = {"store": path, "object": named, "rule": rule, "class": class_code, **words}
        return {"GAP_ID": or_here(feedback, lambda: ask("flag", args, feedback)["gap_id"], here)}

    def _place(self, parameters: Any, context: Any, store: Store) -> Optional[bytes]:
        """WKB of the place in the store's CRS; a place without a CRS is taken to be in it."""
        if not parameters.get("PLACE"):
            return None
        place = {"PLACE": _crs_in_front(parameters["PLACE"])}
        geometry = self.parameterAsGeometry(place, "PLACE", context, _crs_of(store))
        if geometry.isNull() or geometry.isEmpty():
            raise CityGapError(
                "no_place", "the place is empty", remedy="Give it like POINT (121.5 31.2) [EPSG:4326]."
            )
        return bytes(geometry.asWkb())


def _crs_in_front(place: Any) -> Any:
    """``POINT (…) [EPSG:4326]``, as QGIS writes points, in the form its geometries are read from."""
    named = _CRS_BEHIND.match(place) if isinstance(place, str) else None
    return f"CRS={named['crs']};{named['wkt']}" if named else place


def _crs_of(store: Store) -> QgsCoordinateReferenceSystem:
    organization, code, definition = store.connection.execute(
        "SELECT organization, organization_coordsys_id, definition FROM gpkg_spatial_ref_sys"
        " WHERE srs_id = ?",
        (store.srs_id,),
    ).fetchone()
    crs = QgsCoordinateReferenceSystem(f"{organization}:{code}")
    return crs if crs.isValid() else QgsCoordinateReferenceSystem.fromWkt(definition)


def _role_and_id(named: Optional[str]) -> tuple[Optional[str], Optional[str]]:
    if named is None:
        return None, None
    role, colon, object_id = named.partition(":")
    if not colon or not role or not object_id:
        raise CityGapError("bad_object", f"{named!r} is not ROLE:ID", remedy="Write it like housing:H1.")
    return role, object_id


def _place_of_object(store: Store, role: Optional[str], object_id: Optional[str]) -> Optional[bytes]:
    """The place of a gap on the very object, where the city itself can't be read."""
    row = store.connection.execute(
        "SELECT gap_id FROM gaps WHERE object_role = ? AND object_id = ? AND geometry IS NOT NULL"
        " ORDER BY gap_id",
        (role, object_id),
    ).fetchone()
    return read_gap(store, row[0])["wkb"] if row else None
