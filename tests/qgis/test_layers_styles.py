import re

import pytest
from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsExpressionContext,
    QgsExpressionContextUtils,
    QgsMapRendererParallelJob,
    QgsMapSettings,
    QgsProject,
    QgsRectangle,
    QgsRenderContext,
    QgsSymbolLayer,
)
from qgis.PyQt.QtCore import QSize
from qgis.PyQt.QtGui import QColor

from citygap.layers.styling import STYLES
from citygap.layers.tree import CityGapTree
from citygap.model.vocabulary import pipe_classes
from citygap.store.database import open_store

WHITE = QColor("white").rgb()


@pytest.fixture
def shown(qgis_app, map_store, write_city):
    """A function: a project showing the hand-drawn city in a language, with its tree."""
    trees = []

    def show(language="en", roles=()):
        tree = CityGapTree(QgsProject(), language)
        trees.append(tree)
        tree.load(map_store, write_city(*roles))
        return tree

    yield show
    for tree in trees:
        tree._project.clear()


def layer_of(tree, part):
    found = tree._project.mapLayers().values()
    return next(layer for layer in found if layer.customProperty("citygap/part") == part)


def legend(tree, part):
    return [item.label() for item in layer_of(tree, part).renderer().legendSymbolItems()]


def draw(tree, *parts):
    """A picture of some layers over 100 by 100 metres, on white."""
    settings = QgsMapSettings()
    settings.setLayers([layer_of(tree, part) for part in parts])
    settings.setDestinationCrs(QgsCoordinateReferenceSystem("EPSG:4549"))
    settings.setExtent(QgsRectangle(0, 0, 100, 100))
    settings.setOutputSize(QSize(400, 400))
    settings.setBackgroundColor(QColor("white"))
    job = QgsMapRendererParallelJob(settings)
    job.start()
    job.waitForFinished()
    assert [error.message for error in job.errors()] == []
    return job.renderedImage()


def colours(image, west=0, south=0, east=100, north=100):
    """Colours in a part of the picture, in metres."""
    xs, ys = range(int(west * 4), int(east * 4)), range(int(400 - north * 4), int(400 - south * 4))
    return {image.pixel(x, y) for x in xs for y in ys}


def test_the_whole_map_is_drawn(shown):
    tree = shown()
    image = draw(
        tree, "gaps_point", "gaps_line", "pipes_RQ", "housing_decade", "units", "roads", "water", "background"
    )
    assert len(colours(image)) > 50
    assert WHITE not in colours(image, 1, 60, 40, 85)  # the background covers what is empty


def test_gaps_are_drawn_and_false_alarms_are_not(shown):
    image = draw(shown(), "gaps_point")
    high = QColor("#C2132B").rgb()
    assert high in colours(image, 4, 4, 16, 16)
    assert colours(image, 82, 82, 99, 99) == {WHITE}


def test_false_alarms_are_drawn_when_asked_for(shown):
    tree = shown()
    rules = layer_of(tree, "gaps_point").renderer().rootRule().children()
    assert [rule.active() for rule in rules] == [True, True, True, True, False]
    rules[-1].setActive(True)
    assert len(colours(draw(tree, "gaps_point"), 82, 82, 99, 99)) > 1


def test_a_building_without_a_year_is_hatched_grey_and_never_blank(shown):
    image = draw(shown(), "housing_decade")
    found = colours(image, 66, 6, 72, 12)
    assert WHITE not in found
    assert len(found) > 1
    assert all(abs(QColor(rgb).red() - QColor(rgb).blue()) < 8 for rgb in found)
    assert len(colours(image, 27, 7, 31, 11)) == 1


def test_decades_are_lighter_the_younger(shown):
    renderer = layer_of(shown(), "housing_decade").renderer()
    light = [category.symbol().color().lightnessF() for category in renderer.categories()[:-1]]
    assert light == sorted(light)
    assert len(set(light)) == 8


@pytest.mark.parametrize(
    ("year", "expected"),
    [
        (1948, "1900"),
        (1949, "1950"),
        (1959, "1950"),
        (1960, "1960"),
        (1999, "1990"),
        (2009, "2000"),
        (2024, "2010"),
        (None, "unrecorded"),
    ],
)
def test_the_year_gives_the_decade(shown, year, expected):
    layer = layer_of(shown(), "housing_decade")
    renderer = layer.renderer().clone()
    feature = next(layer.getFeatures())
    feature["built_year"] = year
    context = QgsRenderContext()
    context.expressionContext().setFields(layer.fields())
    context.expressionContext().setFeature(feature)
    renderer.startRender(context, layer.fields())
    symbol = renderer.symbolForFeature(feature, context)
    chosen = {
        category.value() for category in renderer.categories() if category.symbol().color() == symbol.color()
    }
    renderer.stopRender(context)
    assert expected in chosen


def test_legends_are_worded_in_both_languages(shown):
    assert legend(shown(), "gaps_point") == ["High", "Medium", "Low", "Info", "Verified or false alarm"]
    tree = shown("zh", ("housing", "pipes", "roads", "units", "neglected"))
    assert legend(tree, "gaps_line") == ["高", "中", "低", "提示", "已核实或误报"]
    assert legend(tree, "housing_decade")[0::8] == ["1949年以前", "未记录"]
    assert legend(tree, "pipes_RQ") == [""], "one line a class: the layer's name says which"
    for part in ("roads", "units", "neglected_line", "owner_housing", "housing_condition"):
        assert not [text for text in legend(tree, part) if re.search(r"[a-z]+\.[a-z0-9]+", text)]


def test_letters_on_marks_follow_the_language(shown):
    def letters(tree):
        rules = layer_of(tree, "gaps_point").renderer().rootRule().children()
        return [rule.symbol().symbolLayer(2).character() for rule in rules[:4]]

    assert letters(shown()) == ["H", "M", "L", "i"]
    assert letters(shown("zh", ("roads",))) == ["高", "中", "低", "示"]


def test_pipes_have_the_standard_colours(shown):
    tree = shown()
    for code in ("RQ", "JS"):
        symbol = layer_of(tree, f"pipes_{code}").renderer().symbol()
        top = symbol.symbolLayer(symbol.symbolLayerCount() - 1)
        assert top.color().name() == pipe_classes()[code]["rgb_hex"].lower()


def test_pipes_without_a_year_are_dashed(shown):
    tree = shown()
    for part, dash in (("pipes_JS", "dash"), ("pipes_RQ", "solid")):
        layer = layer_of(tree, part)
        context = QgsExpressionContext(QgsExpressionContextUtils.globalProjectLayerScopes(layer))
        context.setFeature(next(layer.getFeatures()))
        symbol = layer.renderer().symbol()
        properties = symbol.symbolLayer(symbol.symbolLayerCount() - 1).dataDefinedProperties()
        assert properties.value(QgsSymbolLayer.Property.PropertyStrokeStyle, context) == dash
    assert layer_of(tree, "pipes_undated").renderer().symbol().symbolLayer(0).useCustomDashPattern()


def test_a_bodys_name_is_a_text_and_no_template(shown):
    labels = legend(shown(), "duty_maintain")
    assert labels == ["Bureau", "[ % 'x' %]", "Unrecorded", "Other bodies"]


def test_every_body_has_its_colour_and_none_is_hatched(shown):
    image = draw(shown(), "duty_maintain")
    assert colours(image, 60, 60, 62, 62) != {WHITE}
    assert len(colours(image, 10, 10, 20, 20)) > 2


@pytest.mark.parametrize("path", sorted(STYLES.glob("*.qml")), ids=lambda path: path.stem)
def test_a_style_holds_no_path_and_no_hash(path):
    text = path.read_text(encoding="utf-8")
    assert not re.search(r'"[0-9a-f]{24,}"|/tmp|/home|/work|[A-Z]:\\', text)


def test_every_pipe_class_has_a_style():
    assert {path.stem for path in STYLES.glob("pipes_*.qml")} == {
        "pipes_undated",
        *(f"pipes_{code}" for code in pipe_classes()),
    }


@pytest.mark.parametrize(("role", "tinted"), [("housing", True), ("units", False), ("cell", False)])
def test_gap_of_a_whole_unit_is_only_outlined(shown, map_store, role, tinted):
    with open_store(map_store) as store:
        store.connection.execute("UPDATE gaps SET object_role = ? WHERE object_id = 'b5'", (role,))
    ground = colours(draw(shown(), "gaps_polygon"), 52, 52, 56, 56)
    assert (ground != {WHITE}) == tinted
