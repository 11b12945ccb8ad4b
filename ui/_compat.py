"""What differs between Qt 5 and Qt 6 on the screen."""

from __future__ import annotations

from typing import Any


def flag_value(flags: Any) -> int:
    """Qt flags as a number: PyQt6 has enums with a value, PyQt5 has numbers."""
    return int(getattr(flags, "value", flags))
