"""What is planted in pipes and lamps: gaps, and near their thresholds the look-alikes that are none."""

from __future__ import annotations

from datetime import date

from .plants import HIGH, LOW, MEDIUM, NO_DAY, TODAY, days_ago, decoy
from .truth import Plant, Repair, Visit

PIPES = (
    ("JS", "main", Plant("D01", HIGH, "material empty", {"material_code": None})),
    ("RQ", "main", Plant("D01", HIGH, "laid_year empty", {"laid_year": None})),
    ("RQ", "main", Plant("D01", HIGH, "owner empty", {"owner": None})),
    ("JS", "main", Plant("D01", HIGH, "material is the filler 不详", {"material_code": "不详"})),
    ("RQ", "main", Plant("D01", MEDIUM, "depth is the filler 0", {"depth_m": 0})),
    ("JS", "main", Plant("D01", MEDIUM, "neither diameter nor section", {"diameter_mm": None})),
    ("TX", "main", Plant("D01", LOW, "burial method is the filler 无", {"burial_method": "无"})),
    ("RQ", "main", decoy("D01", "every required field filled")),
    (
        "DL",
        "main",
        decoy(
            "D01",
            "section instead of diameter",
            {"diameter_mm": None, "section_mm": "800x600"},
        ),
    ),
    ("JS", "main", decoy("D01", "owner only contains the filler 无", {"owner": "无锡水务集团"})),
    ("JS", "main", Plant("I02", MEDIUM, "distribution main never visited", silent=True)),
    ("TX", "main", Plant("I02", MEDIUM, "telecom duct never visited", silent=True)),
    ("DL", "main", Plant("I02", MEDIUM, "power duct never visited", silent=True)),
    (
        "JS",
        "main",
        decoy("I02", "visited once", visits=(Visit(date(2024, 9, 2), "line_patrol"),), silent=True),
    ),
    ("JS", "main", decoy("I02", "walked along by a visit that names no object", silent=True)),
    ("RQ", "main", decoy("I02", "no due activity of gas pipes is on: low or memory", silent=True)),
    ("JS", "main", Plant("R01", MEDIUM, "maintainer empty", {"maintainer": None})),
    (
        "DL",
        "main",
        Plant("R01", MEDIUM, "owner and maintainer empty", {"owner": None, "maintainer": None}),
    ),
    ("JS", "main", decoy("R01", "owner, maintainer and fallback known")),
)
CLEAN_PIPE = {
    "diameter_mm": 200,
    "section_mm": None,
    "depth_m": 1.2,
    "laid_year": 2014,
    "burial_method": "direct",
    "assessed_on": NO_DAY,
    "hazard_found": None,
    "updated_on": date(2026, 3, 2),
}

LAMPS = (
    Plant("I05", HIGH, "broken for 31 days", {"condition": "broken", "updated_on": days_ago(31)}, "open"),
    decoy(
        "I05",
        "broken for 29 days",
        {"condition": "broken", "updated_on": days_ago(29)},
        discriminator="open",
        as_of=TODAY,
    ),
    decoy(
        "I05",
        "occupied is no defect",
        {"condition": "occupied", "updated_on": days_ago(300)},
        discriminator="open",
    ),
    decoy(
        "I05",
        "broken, repaired since",
        {"condition": "broken", "updated_on": days_ago(120)},
        discriminator="open",
        repairs=(Repair(days_ago(110), "repair", days_ago(108)),),
    ),
    Plant("R01", MEDIUM, "owner empty", {"owner": None}),
    decoy("R01", "maintainer empty, a duty fills it", {"maintainer": None}),
)
CLEAN_LAMP = {
    "condition": "intact",
    "owner": "市容管理局",
    "maintainer": "路灯管理所",
    "updated_on": date(2026, 3, 2),
}
