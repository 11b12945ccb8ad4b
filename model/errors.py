"""Errors a user can act on: one code, one line, one remedy."""

from __future__ import annotations

from typing import Any, Optional


class CityGapError(Exception):
    """An input or a request that can't be used, and what to do about it.

    Parameters
    ----------
    code : str
        Stable word for programs and translators, such as ``missing_file``.
    message : str
        What is wrong, in English, without the place (that is in the other fields).
    file, layer, field, row : str, optional
        Where it is wrong, as far as known.
    remedy : str, optional
        What the user can do.
    """

    def __init__(
        self,
        code: str,
        message: str,
        *,
        file: Optional[str] = None,
        layer: Optional[str] = None,
        field: Optional[str] = None,
        row: Optional[str] = None,
        remedy: Optional[str] = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.file = None if file is None else str(file)
        self.layer = None if layer is None else str(layer)
        self.field = None if field is None else str(field)
        self.row = None if row is None else str(row)
        self.remedy = remedy

    @property
    def place(self) -> str:
        """File, layer, field and row, as far as known: ``a.shp, layer a, field year``."""
        named = (("layer", self.layer), ("field", self.field), ("row", self.row))
        parts = [self.file] if self.file else []
        return ", ".join(parts + [f"{word} {value}" for word, value in named if value])

    def line(self) -> str:
        """The whole error on one line."""
        head = f"{self.place}: {self.message}" if self.place else self.message
        text = f"{head.rstrip('.')}. {self.remedy}" if self.remedy else head
        return " ".join(text.split())

    def as_dict(self) -> dict[str, Any]:
        """The error as the protocol sends it."""
        names = ("code", "message", "file", "layer", "field", "row", "remedy")
        return {name: getattr(self, name) for name in names}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> CityGapError:
        """The error that `as_dict` described."""
        names = ("file", "layer", "field", "row", "remedy")
        return cls(data["code"], data["message"], **{name: data.get(name) for name in names})


class Cancelled(Exception):
    """The user cancelled: nothing was changed."""
