"""What the plugin remembers between sessions."""

from __future__ import annotations

from dataclasses import dataclass, field, fields

from qgis.core import QgsApplication, QgsSettings

GROUP = "citygap"
RECENT_KEPT = 8


@dataclass
class Preferences:
    """Settings of the plugin, each under ``citygap/<name>`` of QGIS's settings.

    `python` is the interpreter of the worker (empty: looked for), `author` the name under which
    flags and notes are signed (empty: the system's user name), `recent` the stores opened last,
    newest first.
    """

    python: str = ""
    author: str = ""
    report_folder: str = ""
    encoding: str = "UTF-8"
    recent: list[str] = field(default_factory=list)

    @classmethod
    def load(cls) -> Preferences:
        """The saved preferences, defaults where nothing is saved."""
        settings = QgsSettings()
        preferences = cls()
        for name in (attribute.name for attribute in fields(cls)):
            value = settings.value(f"{GROUP}/{name}", None)
            if value is not None:
                setattr(preferences, name, _as_list(value) if name == "recent" else str(value))
        return preferences

    def save(self) -> None:
        """Write every preference to QGIS's settings."""
        settings = QgsSettings()
        for name in (attribute.name for attribute in fields(self)):
            settings.setValue(f"{GROUP}/{name}", getattr(self, name))

    def signature(self) -> str:
        """The name that signs flags and notes."""
        return self.author.strip() or QgsApplication.userFullName() or QgsApplication.userLoginName()

    def remember_store(self, path: str) -> None:
        """Put a store at the head of the recent ones."""
        self.recent = [path, *(other for other in self.recent if other != path)][:RECENT_KEPT]
        self.save()


def _as_list(value: object) -> list[str]:
    """QSettings gives a list of one back as a plain string."""
    if isinstance(value, (list, tuple)):
        return [str(item) for item in value]
    return [str(value)] if value else []
