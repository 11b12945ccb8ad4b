"""Every string of the screen has a Chinese translation that fits it."""

import ast
import re
import shutil
import subprocess
from xml.etree import ElementTree

import pytest

ROOMS = ("ui", "toolbox", "tasks", "layers", "link")


def strings_of_module(path):
    """Pairs of context and source text: `self.tr`, `QCoreApplication.translate` and a module's own `_tr`."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    context = None
    for call in calls:
        if getattr(call.func, "attr", "") == "translate" and isinstance(call.args[0], ast.Constant):
            context = call.args[0].value
            if isinstance(call.args[1], ast.Constant):
                yield context, call.args[1].value
    for call in calls:
        if getattr(call.func, "id", "") == "_tr":
            yield context, call.args[0].value
    for kind in (node for node in tree.body if isinstance(node, ast.ClassDef)):
        for call in (node for node in ast.walk(kind) if isinstance(node, ast.Call)):
            if getattr(call.func, "attr", "") == "tr":
                assert isinstance(call.args[0], ast.Constant), (
                    f"{path.name}: only plain texts can be translated"
                )
                yield kind.name, call.args[0].value


def strings_of_form(path):
    root = ElementTree.parse(path).getroot()  # noqa: S314 - our own file
    context = root.find("class").text
    for element in root.iter("string"):
        if element.get("notr") != "true" and element.text:
            yield context, element.text


def source_strings(root):
    found = set(strings_of_module(root / "plugin.py"))
    for room in ROOMS:
        for path in (root / room).glob("*.py"):
            found.update(strings_of_module(path))
        for path in (root / room).glob("*.ui"):
            found.update(strings_of_form(path))
    return found


def error_codes(root):
    codes = set()
    for path in root.rglob("*.py"):
        if path.relative_to(root).parts[0] not in ("tests", "scripts", "bench") and ".venv" not in str(path):
            codes.update(re.findall(r'CityGapError\(\s*"([a-z_]+)"', path.read_text(encoding="utf-8")))
    return codes


@pytest.fixture
def translations(root):
    """Context and source to translation; unfinished ones are left out."""
    tree = ElementTree.parse(root / "i18n" / "citygap_zh.ts").getroot()  # noqa: S314 - our own file
    return {
        (context.find("name").text, message.find("source").text): message.find("translation").text
        for context in tree.iter("context")
        for message in context.iter("message")
        if message.find("translation").get("type") is None
    }


def test_every_string_is_translated(root, translations):
    missing = source_strings(root) - {key for key, text in translations.items() if text}
    assert missing == set()


def test_nothing_is_translated_that_is_not_there(root, translations):
    of_the_screen = {key for key in translations if key[0] != "CityGapErrors"}
    assert of_the_screen - source_strings(root) == set()


def test_every_error_has_a_chinese_sentence(root, translations):
    translated = {source for context, source in translations if context == "CityGapErrors"}
    assert error_codes(root) - translated == set()


def test_translations_keep_placeholders_and_are_chinese(translations):
    for (context, source), text in translations.items():
        assert source.count("{}") == text.count("{}"), (context, source)
        assert re.search("[\u4e00-\u9fff]", text), (context, source)


def test_compiled_translation_is_used(root, tmp_path, qgis_app, monkeypatch):
    lrelease = shutil.which("lrelease")
    if lrelease is None:
        pytest.fail("lrelease is missing: install qttools5-dev-tools")
    compiled = tmp_path / "citygap_zh.qm"
    subprocess.run(
        [lrelease, str(root / "i18n" / "citygap_zh.ts"), "-qm", str(compiled)],
        check=True,
        capture_output=True,
    )
    from citygap.model.errors import CityGapError
    from citygap.ui import language
    from citygap.ui.dock import CityGapDock
    from citygap.ui.messages import sentence

    monkeypatch.setattr(language, "CHINESE", compiled)
    assert language.install_translator("en") is None
    translator = language.install_translator("zh")
    try:
        dock = CityGapDock("zh")
        assert [dock.tabs.tabText(number) for number in range(4)] == ["图层", "检查", "缺口", "报告"]
        assert dock.gaps_page.note_button.text() == "备注"
        assert (
            sentence(CityGapError("no_layer", "x", file="a.gpkg", layer="b"))
            == "a.gpkg, 图层 b: 文件里没有这个图层。"
        )
        dock.deleteLater()
    finally:
        language.remove_translator(translator)
    assert sentence(CityGapError("no_layer", "there is none", file="a.gpkg")) == "a.gpkg: there is none"
