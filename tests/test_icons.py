"""Every icon that is listed is there, every icon that is there is listed, and every icon in use is there."""

import ast
import re
from xml.etree import ElementTree

import pytest


@pytest.fixture
def listed(root):
    tree = ElementTree.parse(root / "resources.qrc")  # noqa: S314 - our own file
    return [element.text for element in tree.iter("file")]


def used_names(root):
    """Icon names that the screen's code gives as plain words beside `icon`, in loops and in tables."""
    words = set()
    for path in (*sorted((root / "ui").glob("*.py")), root / "plugin.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
            name = getattr(call.func, "id", "") or getattr(call.func, "attr", "")
            if name in ("icon", "steady_icon", "_tool") and isinstance(call.args[0], ast.Constant):
                words.add(call.args[0].value)
    return words


def test_listed_icons_are_there(listed, root):
    assert listed
    for name in listed:
        assert (root / name).is_file(), name


def test_icons_that_are_there_are_listed(listed, root):
    assert sorted(listed) == sorted(f"icons/{path.name}" for path in (root / "icons").iterdir())


def test_icons_in_use_are_there(root):
    names = used_names(root)
    assert {"citygap", "flag_point", "note"} <= names
    for name in names:
        assert (root / "icons" / f"{name}.svg").is_file(), name


def test_forms_name_no_compiled_resource(root):
    for path in (root / "ui").glob("*.ui"):
        assert ":/" not in path.read_text(encoding="utf-8")


def test_icons_are_clean_svg(listed, root):
    for name in listed:
        text = (root / name).read_text(encoding="utf-8")
        element = ElementTree.fromstring(text)  # noqa: S314 - our own file
        assert element.tag == "{http://www.w3.org/2000/svg}svg"
        assert element.get("viewBox") == "0 0 24 24"
        assert not re.search("inkscape|sodipodi|metadata|<image|script|href", text), name
