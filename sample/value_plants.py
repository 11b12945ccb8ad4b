"""Planted values that can't be right, records out of date, pipes due for renewal or assessment."""

from __future__ import annotations

from datetime import date

from .plants import HIGH, LOW, MEDIUM, NO_DAY, TODAY, days_ago, decoy
from .truth import Plant

_SEEN = date(2023, 5, 9)

HOUSING = (
    Plant("D02", HIGH, "built in 1842", {"built_year": 1842}),
    decoy("D02", "built in 1843", {"built_year": 1843}),
    Plant("D02", HIGH, "built next year", {"built_year": 2027, "last_repair_date": NO_DAY}, as_of=TODAY),
    decoy("D02", "the filler 9999 is missing, not wrong", {"built_year": 9999}),
    Plant("D03", LOW, "updated 366 days ago", {"updated_on": days_ago(366)}, as_of=TODAY),
    decoy("D03", "updated 365 days ago", {"updated_on": days_ago(365)}, as_of=TODAY),
    Plant("D03", LOW, "updated 730 days ago", {"updated_on": days_ago(730)}, as_of=TODAY),
    Plant("D03", MEDIUM, "updated 731 days ago", {"updated_on": days_ago(731)}, as_of=TODAY),
    Plant("D03", MEDIUM, "updated 1,460 days ago", {"updated_on": days_ago(1460)}, as_of=TODAY),
    Plant("D03", HIGH, "updated 1,461 days ago", {"updated_on": days_ago(1461)}),
    Plant("D03", HIGH, "no date", {"updated_on": NO_DAY}),
)

PIPES = (
    ("JS", "main", Plant("D02", HIGH, "laid in 1859", {"laid_year": 1859})),
    ("JS", "main", decoy("D02", "laid in 1860", {"laid_year": 1860})),
    ("JS", "main", Plant("D02", HIGH, "laid next year", {"laid_year": 2027}, as_of=TODAY)),
    ("JS", "main", Plant("D02", LOW, "water pipe of optical fibre", {"material_code": "GX"})),
    ("JS", "main", decoy("D02", "ductile iron is usual for water", {"material_code": "QM"})),
    ("JS", "main", Plant("D02", MEDIUM, "21 m deep", {"depth_m": 21.0})),
    ("JS", "main", decoy("D02", "20 m deep", {"depth_m": 20.0})),
    ("JS", "main", Plant("D02", MEDIUM, "above the ground", {"depth_m": -0.5})),
    ("RQ", "main", Plant("D02", HIGH, "polyethylene laid in 1979", {"laid_year": 1979, "kind_code": "MQ"})),
    ("RQ", "main", decoy("D02", "polyethylene laid in 1980", {"laid_year": 1980, "kind_code": "MQ"})),
    ("RQ", "main", Plant("D02", LOW, "natural gas in 1998", {"laid_year": 1998, "material_code": "G"})),
    ("RQ", "main", decoy("D02", "natural gas in 1999", {"laid_year": 1999, "material_code": "G"})),
    ("PS", "lane", Plant("D02", MEDIUM, "foul sewer of 299 mm", {"diameter_mm": 299})),
    ("PS", "lane", decoy("D02", "foul sewer of 300 mm", {"diameter_mm": 300})),
    ("PS", "inlet", Plant("D02", MEDIUM, "connector of 199 mm", {"diameter_mm": 199, "kind_code": "YS"})),
    ("PS", "inlet", decoy("D02", "connector of 200 mm", {"diameter_mm": 200, "kind_code": "YS"})),
    ("JS", "main", Plant("D03", LOW, "updated 400 days ago", {"updated_on": days_ago(400)}, as_of=TODAY)),
    ("JS", "main", decoy("D03", "updated 300 days ago", {"updated_on": days_ago(300)}, as_of=TODAY)),
    ("JS", "main", Plant("A01", HIGH, "water pipe of concrete", {"material_code": "T"})),
    ("JS", "main", Plant("A01", MEDIUM, "30 years, not assessed", {"laid_year": 1996})),
    ("JS", "main", decoy("A01", "29 years, not assessed", {"laid_year": 1997}, as_of=TODAY)),
    (
        "JS",
        "main",
        decoy("A01", "36 years, assessed", {"laid_year": 1990, "assessed_on": _SEEN, "hazard_found": False}),
    ),
    (
        "JS",
        "main",
        Plant(
            "A01",
            HIGH,
            "36 years and a hazard",
            {"laid_year": 1990, "assessed_on": _SEEN, "hazard_found": True},
        ),
    ),
    ("RQ", "main", Plant("A01", HIGH, "grey cast iron", {"material_code": "HT"})),
    ("RQ", "main", Plant("A01", MEDIUM, "20 years, not assessed", {"laid_year": 2006})),
    ("RQ", "main", decoy("A01", "19 years, not assessed", {"laid_year": 2007}, as_of=TODAY)),
    (
        "RQ",
        "main",
        decoy("A01", "20 years, assessed", {"laid_year": 2006, "assessed_on": _SEEN, "hazard_found": False}),
    ),
    (
        "RQ",
        "main",
        Plant(
            "A01",
            HIGH,
            "young, but a hazard",
            {"laid_year": 2015, "assessed_on": _SEEN, "hazard_found": True},
        ),
    ),
    ("DL", "main", Plant("A01", MEDIUM, "30 years", {"laid_year": 1996})),
    ("DL", "main", decoy("A01", "29 years", {"laid_year": 1997}, as_of=TODAY)),
    ("TX", "main", Plant("A01", MEDIUM, "30 years", {"laid_year": 1996})),
    ("TX", "main", Plant("A01", "info", "year unrecorded", {"laid_year": None})),
)
