"""Who may import whom, held by reading every import of the house."""

import ast
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

# Room to the rooms it may import directly; what those may import is allowed as well.
MAY_IMPORT = {
    "model": set(),
    "engine": {"model"},
    "sources": {"model", "engine"},
    "store": {"model"},
    "reports": {"model", "store"},
    "sample": {"model"},
    "commands": {"model", "engine", "sources", "store", "reports", "sample"},
    "console_text": {"model", "sources", "reports"},
    "cli": {"model", "commands", "console_text", "worker"},
    "worker": {"model", "commands"},
    "link": {"model"},
    "tasks": {"model", "link", "store", "reports"},
    "toolbox": {"model", "link", "tasks", "store", "reports"},
    "layers": {"model", "store"},
    "ui": {"model", "tasks", "link", "layers", "store", "reports"},
    "plugin": {"model", "ui", "toolbox", "layers"},
    "__init__": {"plugin"},
}
QGIS_SIDE = ("link", "tasks", "toolbox", "layers", "ui", "plugin")
QT = {"qgis", "PyQt5", "PyQt6", "PySide6"}
WORKER_PACKAGES = {"shapely", "geopandas", "pyogrio", "fiona", "pandas", "pyarrow", "numpy", "pyproj"}
STANDARD_LIBRARY_ONLY = ("model", "store", "link")
FOLDERS_THAT_ARE_NO_ROOMS = {"tests", "scripts", "bench", "docs", "out"}


def room_of(path):
    parts = path.relative_to(ROOT).parts
    return parts[0] if len(parts) > 1 else path.stem


def shipped_files():
    for path in sorted(ROOT.rglob("*.py")):
        first = path.relative_to(ROOT).parts[0]
        if not first.startswith(".") and first not in FOLDERS_THAT_ARE_NO_ROOMS:
            yield path


def imports_of(path):
    """Pairs (room or None, top-level package or None) of every import in a file."""
    depth = len(path.relative_to(ROOT).parts)
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield None, alias.name.split(".")[0]
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield None, node.module.split(".")[0]
        elif isinstance(node, ast.ImportFrom):
            inside = path.relative_to(ROOT).parts[: depth - node.level]
            target = [*inside, *(node.module or "").split(".")] if node.module else list(inside)
            for name in [target[0]] if target else [alias.name for alias in node.names]:
                yield name, None


FILES = list(shipped_files())


def test_every_room_is_in_the_table():
    assert {room_of(path) for path in FILES} == set(MAY_IMPORT)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_keep_to_the_table(path):
    room = room_of(path)
    for other, package in imports_of(path):
        if other is not None:
            assert other == room or other in MAY_IMPORT[room], f"{room} imports {other}"
        elif room in QGIS_SIDE:
            assert package not in WORKER_PACKAGES, f"{room} runs in QGIS's process and imports {package}"
            assert package not in ("PyQt5", "PyQt6"), "import Qt from qgis.PyQt"
        else:
            assert package not in QT, f"{room} knows no Qt and imports {package}"
        if room in STANDARD_LIBRARY_ONLY and package is not None:
            allowed = set(sys.stdlib_module_names) | (QT if room in QGIS_SIDE else set())
            assert package in allowed, f"{room} is standard library only and imports {package}"


def test_fiona_has_one_importer():
    importers = [path.name for path in FILES if ("fiona" in {package for _, package in imports_of(path)})]
    assert importers == ["fiona_writer.py"]


def test_the_package_is_called_citygap_whatever_the_folder_is():
    import citygap.model.roles

    assert Path(citygap.model.roles.__file__).is_relative_to(ROOT)


def test_versions_agree():
    wanted = [
        line.split("=", 1)[1].strip()
        for line in (ROOT / "metadata.txt").read_text(encoding="utf-8").splitlines()
        if line.startswith("version=")
    ]
    assert f'version = "{wanted[0]}"' in (ROOT / "pyproject.toml").read_text(encoding="utf-8")
