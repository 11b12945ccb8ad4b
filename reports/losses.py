"""What the report could not hold, counted and named."""

from __future__ import annotations

from collections import Counter
from typing import Any


class Losses:
    """Collects declared losses while a report is made.

    Attributes
    ----------
    shortened, normalised, rounded, unreadable_times, left_out : Counter
        Values a column.
    geometry : Counter
        Gaps by what was done to their geometry.
    named : dict of str to list
        What is named one by one: gaps without readable geometry, missing photos.
    counted : Counter
        What has neither column nor name: private notes, photos over three.
    """

    def __init__(self) -> None:
        self.shortened: Counter[str] = Counter()
        self.normalised: Counter[str] = Counter()
        self.rounded: Counter[str] = Counter()
        self.unreadable_times: Counter[str] = Counter()
        self.left_out: Counter[str] = Counter()
        self.geometry: Counter[str] = Counter()
        self.counted: Counter[str] = Counter()
        self.named: dict[str, list[str]] = {"geometry_unreadable": [], "photos_missing": []}

    def as_dict(self) -> dict[str, Any]:
        """The losses as ``report.json`` holds them; every key is always there."""
        return {
            "texts_shortened": dict(self.shortened),
            "texts_normalised": dict(self.normalised),
            "numbers_rounded": dict(self.rounded),
            "times_unreadable": dict(self.unreadable_times),
            "columns_left_out": dict(self.left_out),
            "geometries_changed": dict(self.geometry),
            **self.named,
            "photos_over_three": self.counted["photos_over_three"],
            "photos_left_out": self.counted["photos_left_out"],
            "private_notes": self.counted["private_notes"],
            "positions_generalised": self.counted["positions_generalised"],
            "crs_not_recognised": self.counted["crs_not_recognised"],
        }
