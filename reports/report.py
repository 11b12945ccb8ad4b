"""The gap report as a shapefile set: built beside its place, read back, then put there."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Callable, Optional

from ..model.errors import CityGapError
from .folder import MARK, beside
from .shapefile_set import ShapefileSet
from .texts import known_encoding
from .writer import engine

if TYPE_CHECKING:
    from ..store.database import Store

PROFILES = ("internal", "public")


def write_report(
    gaps: Sequence[dict[str, Any]],
    notes: Sequence[dict[str, Any]],
    out: Path,
    *,
    crs_wkt: str,
    epsg: Optional[int],
    photo_folder: Path,
    encoding: str = "UTF-8",
    language: str = "en",
    profile: str = "internal",
    strict: bool = False,
    where: str = "",
    keep: Sequence[Path] = (),
    engine_name: Optional[str] = None,
    on_progress: Callable[[float], None] = lambda _share: None,
    is_cancelled: Callable[[], bool] = lambda: False,
) -> dict[str, Any]:
    """Write the gap report into a folder and prove it by reading it back.

    Parameters
    ----------
    gaps : sequence of dict
        Gap records with ``wkb`` (bytes in the city CRS, None without a place).
    notes : sequence of dict
        Notes with their photos; private ones are left out and counted.
    out : Path
        The folder. An earlier report there becomes ``<out>.1``.
    crs_wkt, epsg : str, int or None
        The city CRS; a CRS without code also gets its full WKT2 in ``.wkt`` files.
    photo_folder : Path
        Where the photos' relative paths start.
    encoding : {"UTF-8", "GBK", "GB18030"}
        Of the shapefiles; the CSV files are UTF-8 with BOM.
    language : {"en", "zh"}
        Of the legend's meanings.
    profile : {"internal", "public"}
        ``public`` generalises positions to the 100 m grid square and leaves out parameters, people's
        names and photos.
    strict : bool
        True raises ``readback`` instead of naming differences in the result.
    where : str
        The expression that picked the gaps, to be named in ``report.json``.
    keep : sequence of Path
        What must not lie in the earlier report, as it is moved: the store.
    engine_name : {"fiona", "ogr"}, optional
        By default the right one for this process.
    on_progress : callable
        Told the share done, 0 to 1, never falling.
    is_cancelled : callable
        Asked between steps.

    Returns
    -------
    dict
        The content of ``report.json``.

    Raises
    ------
    CityGapError
        ``bad_encoding``, ``bad_number``, ``bad_value``, ``bad_crs``, ``out_taken``, ``folder_in_use``,
        ``write_failed``, ``readback``, ``unknown_encoding``, ``no_profile``, ``no_writer``; nothing is
        written then.
    Cancelled
        If the user cancelled; nothing is written then either.
    """
    if profile not in PROFILES:
        raise CityGapError(
            "no_profile", f"there is no profile {profile!r}", remedy="Name internal or public."
        )
    job = ShapefileSet(
        engine(engine_name),
        known_encoding(encoding),
        language,
        profile == "public",
        on_progress,
        is_cancelled,
    )
    crs = job.engine.crs(crs_wkt, epsg)
    with beside(out, [*keep, photo_folder]) as folder:
        report = job.run(folder, gaps, notes, crs, photo_folder)
        report |= {"strict": strict, "where": where}
        if strict and not report["read_back"]["equal"]:
            raise _readback_error(report["read_back"])
        text = json.dumps(report, ensure_ascii=False, indent=1)
        (folder / MARK).write_text(text, encoding="utf-8")
        job.step(0.99)
    on_progress(1.0)
    return report


def report_from_store(
    store: Store, out: Path, *, where: str = "", language: str = "en", **options: Any
) -> dict[str, Any]:
    """Write the report of the gaps of a store, or of those an expression picks.

    Parameters
    ----------
    where : str
        Expression over the gap columns (`store.where`); empty for all.
    **options
        encoding, profile, strict, engine_name, on_progress, is_cancelled of `write_report`.
    """
    from ..store.gaps import read_gaps
    from ..store.notes import read_notes

    organization, code, definition = store.connection.execute(
        "SELECT organization, organization_coordsys_id, definition FROM gpkg_spatial_ref_sys"
        " WHERE srs_id = ?",
        (store.srs_id,),
    ).fetchone()
    return write_report(
        read_gaps(store, where, language),
        read_notes(store),
        out,
        crs_wkt=definition,
        epsg=int(code) if organization.upper() == "EPSG" else None,
        photo_folder=store.photo_folder,
        language=language,
        where=where,
        keep=[store.path],
        **options,
    )


def _readback_error(proof: dict[str, Any]) -> CityGapError:
    first = proof["differences"][0]
    return CityGapError(
        "readback",
        f"{proof['differences_count']} values came back other than meant, "
        f"first {first['meant']!r} as {first['read']!r}",
        file=first["file"],
        field=first["column"],
        row=first["row"],
        remedy="Nothing was written; without strict the report is written and names them.",
    )
