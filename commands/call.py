"""The arguments of one call of a command, and whom to tell of its progress."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Optional

from ..model.errors import CityGapError

if TYPE_CHECKING:
    from .held import HeldCities

STAGE_SHARES = {"read": (0.0, 0.4), "rules": (0.4, 0.85), "store": (0.85, 1.0)}
"""Which part of a whole check each stage is, as measured on real cities."""


@dataclass(frozen=True)
class Call:
    """One call of a command; see `run_command` for the attributes."""

    args: Mapping[str, Any]
    on_progress: Callable[[str, Optional[str], int, int, float], None]
    is_cancelled: Callable[[], bool]
    cities: Optional[HeldCities]

    @property
    def language(self) -> str:
        """``zh`` or ``en``."""
        return "zh" if str(self.args.get("lang") or "en").startswith("zh") else "en"

    def optional(self, name: str) -> Optional[str]:
        """An argument as text; None if it is absent or empty."""
        value = self.args.get(name)
        return None if value in (None, "") else str(value)

    def words(self, name: str) -> str:
        """An argument as text; ``""`` if it is absent."""
        return self.optional(name) or ""

    def text(self, name: str) -> str:
        """An argument that must be there, as text."""
        value = self.optional(name)
        if value is None:
            raise CityGapError("bad_request", f"{name} is missing", remedy=f"Give {name}.")
        return value

    def texts(self, name: str) -> list[str]:
        """A repeatable argument; also a single text."""
        value = self.args.get(name) or []
        return [value] if isinstance(value, str) else [str(item) for item in value]

    def stage(self, name: str) -> Callable[[str, Optional[str], int, int, float], None]:
        """What a stage of a check reports to: its share becomes a part of the whole."""
        low, high = STAGE_SHARES[name]

        def report(stage: str, rule: Optional[str], done: int, of: int, share: float) -> None:
            self.on_progress(stage, rule, done, of, low + (high - low) * share)

        return report

    def reading(self) -> Callable[[float, Optional[str]], None]:
        """What reading the sources reports to: the share done and the file at hand."""
        report = self.stage("read")
        return lambda share, _: report("read", "", round(share * 100), 100, share)

    def whole_number(self, name: str) -> int:
        """An argument that must be there, as a whole number."""
        try:
            return int(self.text(name))
        except ValueError as error:
            raise CityGapError(
                "bad_request", f"{name} is no whole number", remedy=f"Give {name} as one."
            ) from error
