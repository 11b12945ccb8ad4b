"""Tables of figures that a run over the whole city leaves."""

from __future__ import annotations

FIGURES: dict[str, tuple[str, ...]] = {
    "data_card": ("level", "area_code", "role", "part", "numerator", "denominator", "value"),
    "pipe_matrix": (
        "level",
        "area_code",
        "class_code",
        "kind_code",
        "paper_kind",
        "records",
        "length_m",
        "known_material_code",
        "known_diameter_mm",
        "known_depth_m",
        "known_laid_year",
        "known_burial_method",
        "known_owner",
        "known_assessed_on",
        "mean_age_a",
        "newest",
    ),
    "stock": (
        "level",
        "area_code",
        "role",
        "class_code",
        "decade",
        "records",
        "floor_area_m2",
        "estimated_m2",
        "length_m",
    ),
}
"""Name of each table to its columns."""
