"""Which engine is chosen, and that choosing loads nothing."""

import subprocess
import sys

import pytest

from citygap.model.errors import CityGapError
from citygap.reports import writer

ASK = """
import importlib.util, sys
spec = importlib.util.spec_from_file_location("citygap", {init!r}, submodule_search_locations=[{root!r}])
module = importlib.util.module_from_spec(spec)
sys.modules["citygap"] = module
spec.loader.exec_module(module)
import pkgutil
import citygap.reports
for found in pkgutil.iter_modules(citygap.reports.__path__):
    importlib.import_module("citygap.reports." + found.name)
print(sorted({{"shapely", "fiona", "pyogrio", "geopandas", "numpy", "osgeo"}} & set(sys.modules)))
"""


def test_importing_the_package_loads_no_library(root):
    code = ASK.format(init=str(root / "__init__.py"), root=str(root))
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "[]"


def test_fiona_is_never_chosen_in_the_process_of_qgis(monkeypatch):
    monkeypatch.setattr(writer, "find_spec", lambda name: object())
    monkeypatch.delitem(sys.modules, "qgis.core", raising=False)
    assert writer.engine().name == "fiona"
    monkeypatch.setitem(sys.modules, "qgis.core", object())
    assert writer.engine().name == "ogr"


def test_without_any_library_one_line_says_so(monkeypatch):
    monkeypatch.setattr(writer, "find_spec", lambda name: None)
    with pytest.raises(CityGapError) as caught:
        writer.engine()
    assert caught.value.code == "no_writer"
    assert "pip install fiona" in caught.value.line()


def test_every_crs_of_the_city_is_recognised_again(tmp_path, engine_name):
    engine = writer.engine(engine_name)
    fields = (writer.FieldSpec("gap_id", "text", 1),)
    codes = [4490, *range(4491, 4555), 4326, 3857, *range(32601, 32661), *range(32701, 32761)]
    lost = {}
    for code in codes:
        path = tmp_path / f"c{code}.shp"
        engine.write(path, "Point", fields, [], [], engine.crs("", code), "UTF-8", lambda: False)
        if (read := engine.read(path).epsg) != code:
            lost[code] = read
    assert lost == {}


def test_a_gbk_character_of_every_kind_comes_back(tmp_path, engine_name, wkb):
    engine = writer.engine(engine_name)
    characters = []
    for code in (*range(0x21, 0x7F), *range(0xA1, 0xD800), *range(0xE000, 0x10000)):
        try:
            chr(code).encode("gbk")
        except UnicodeEncodeError:
            continue
        characters.append(chr(code))
    rows = [["".join(characters[place : place + 100])] for place in range(0, len(characters), 100)]
    shapes = [shape.native for shape in engine.prepare([wkb.point()] * len(rows))]
    path = tmp_path / "gbk.shp"
    fields = (writer.FieldSpec("gap_id", "text", 200),)
    engine.write(path, "Point", fields, rows, shapes, engine.crs("", 4549), "GBK", lambda: False)
    assert len(characters) > 21_000
    assert engine.read(path).columns["gap_id"] == [row[0].strip() for row in rows]
