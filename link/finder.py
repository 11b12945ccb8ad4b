"""Which Python may run the worker, and in which environment."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import NamedTuple, Optional

from qgis.core import QgsSettings
from qgis.PyQt.QtCore import QProcessEnvironment

from ..model.version import OPTIONAL_PACKAGES, WORKER_PACKAGES

SETTING = "citygap/python"
VARIABLE = "CITYGAP_PYTHON"
ROOT = Path(__file__).parent.parent
"""Folder of the package as QGIS sees it: a link in the profile is not followed."""

_REMOVED = ("PYTHONHOME", "PYTHONPATH", "LD_LIBRARY_PATH")
_REMOVED_PREFIXES = ("PROJ_", "GDAL_")


class Candidate(NamedTuple):
    """A Python that may be able to run the worker.

    `origin` is setting, environment, qgis, path or beside. Whether it has the packages is told by
    the worker itself when it starts: nothing is imported here.
    """

    python: str
    origin: str


def candidates() -> list[Candidate]:
    """Pythons to try, in this order; a Python that was chosen is the only one.

    The setting, else the environment variable, else QGIS's own interpreter, the one that runs the
    console script on the PATH, and a virtual environment in the plugin's folder.
    """
    chosen = QgsSettings().value(SETTING) or ""
    if chosen:
        return [Candidate(str(chosen), "setting")]
    if os.environ.get(VARIABLE):
        return [Candidate(os.environ[VARIABLE], "environment")]
    found = (
        (own_python(), "qgis"),
        (console_python(), "path"),
        (_first_file(ROOT / ".venv" / "bin" / "python", ROOT / ".venv" / "Scripts" / "python.exe"), "beside"),
    )
    return [Candidate(python, origin) for python, origin in found if python]


def own_python() -> Optional[str]:
    """The interpreter QGIS itself embeds; `sys.executable` would be QGIS or whatever the PATH has."""
    prefix = Path(sys.exec_prefix)
    name = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    return _first_file(
        prefix / "python.exe", prefix / "python3.exe", prefix / "bin" / name, prefix / "bin" / "python3"
    )


def console_python() -> Optional[str]:
    """The interpreter of the `citygap` script on the PATH."""
    script = shutil.which("citygap")
    if script is None:
        return None
    folder = Path(script).parent
    if script.lower().endswith(".exe"):
        return _first_file(folder / "python.exe", folder.parent / "python.exe")
    return _shebang(Path(script))


def _shebang(script: Path) -> Optional[str]:
    """The interpreter a script names; pip writes a detour through sh where the path is long."""
    with open(script, encoding="utf-8", errors="replace") as file:
        first, second = file.readline().strip(), file.readline().strip()
    if first == "#!/bin/sh" and second.startswith("'''exec' "):
        named = second[len("'''exec' ") :].split(' "$0"')[0].strip('"')
    else:
        named = first[2:].strip() if first.startswith("#!") else ""
    return named if Path(named).is_file() else None


def _first_file(*paths: Path) -> Optional[str]:
    return next((str(path) for path in paths if path.is_file()), None)


def environment(candidate: Candidate) -> QProcessEnvironment:
    """The environment of the worker: QGIS's, without what would lead another Python astray."""
    variables = QProcessEnvironment.systemEnvironment()
    if candidate.origin != "qgis":
        for name in variables.keys():  # noqa: SIM118 - no Python dict
            if name.upper() in _REMOVED or name.upper().startswith(_REMOVED_PREFIXES):
                variables.remove(name)
    return variables


def working_folder(candidate: Candidate) -> str:
    """Where the worker starts: beside the installed plugin, so that it runs the very same code.

    ``python -m`` looks first in the folder it starts in. A checkout of another name is found by
    its editable install; then the interpreter's own folder is a place without modules.
    """
    return str(ROOT.parent if ROOT.name == "citygap" else Path(candidate.python).parent)


def remedy() -> str:
    """What to do where no Python can run the worker, with the exact line for this system."""
    packages = " ".join((*WORKER_PACKAGES, *OPTIONAL_PACKAGES))
    if sys.platform == "win32":
        folder = '"%USERPROFILE%\\citygap-python"'
        line = f"py -m venv {folder} && {folder}\\Scripts\\pip install {packages}"
        python = "%USERPROFILE%\\citygap-python\\Scripts\\python.exe"
    else:
        line = f"python3 -m venv ~/citygap-python && ~/citygap-python/bin/pip install {packages}"
        python = "~/citygap-python/bin/python"
    return f"Run: {line} -- then name {python} in CityGap's settings."
