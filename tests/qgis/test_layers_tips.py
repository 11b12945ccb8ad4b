import pytest
from qgis.core import QgsExpression, QgsExpressionContext, QgsExpressionContextUtils, QgsProject

from citygap.layers.tree import CityGapTree


@pytest.fixture
def tips(qgis_app, map_store, write_city):
    """A function: the map tip of the feature of a layer part whose column has a value, as QGIS shows it."""
    projects = []

    def tip(part, column, value, language="en", roles=()):
        project = QgsProject()
        projects.append(project)
        CityGapTree(project, language).load(map_store, write_city(*roles))
        layer = next(
            layer for layer in project.mapLayers().values() if layer.customProperty("citygap/part") == part
        )
        feature = next(feature for feature in layer.getFeatures() if feature[column] == value)
        context = QgsExpressionContext(QgsExpressionContextUtils.globalProjectLayerScopes(layer))
        context.setFeature(feature)
        return QgsExpression.replaceExpressionText(layer.mapTipTemplate(), context)

    yield tip
    for project in projects:
        project.clear()


def test_a_gap_says_what_why_since_when_and_whose(tips):
    text = tips("gaps_point", "object_id", "b2")
    for words in (
        "Aged building or building due for check",
        "Medium",
        "73 years old; standard: 50 years",
        "AG012 v1",
        "Open",
    ):
        assert words in text
    assert "Responsible</td><td><i>Unrecorded</i>" in text
    assert "Notes</td>" not in text, "there are none"
    assert "2026-11-24" in text


def test_a_gap_speaks_chinese(tips):
    text = tips("gaps_point", "object_id", "b7", "zh")
    for words in ("住房老化", "低", "房龄73年；标准：50年", "误报", "责任单位", "未记录"):
        assert words in text


@pytest.mark.parametrize(
    ("part", "column", "value"), [("gaps_point", "object_id", "b1"), ("housing_decade", "id", "b1")]
)
def test_markup_in_the_data_shows_as_text(tips, part, column, value):
    text = tips(part, column, value)
    assert "<script" not in text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text


def test_a_measure_that_is_unrecorded_says_so(tips):
    assert "Unrecorded; standard: 50 years" in tips("gaps_polygon", "object_id", "b5")


def test_a_gap_without_any_measure_has_no_such_line(tips):
    assert "standard" not in tips("gaps_line", "object_id", "b4")


def test_a_planners_flag_has_a_title_and_its_text(tips):
    text = tips("gaps_none", "object_id", "r1")
    assert "Flagged by a planner" in text
    assert "no lamp" in text
    assert "standard" not in text


def test_a_building_says_what_is_recorded_and_what_is_not(tips):
    text = tips("housing_decade", "id", "b4")
    assert "Year built</td><td><i>Unrecorded</i>" in text
    assert "Structure</td><td><i>Unrecorded</i>" in text
    assert "Danger grade</td><td>D dangerous" in tips("housing_condition", "id", "b1")


def test_pipes_and_neglected_places_say_what_they_are(tips):
    assert "Class</td><td>gas" in tips("pipes_RQ", "id", "p1").replace("Class code", "Class")
    assert "Year laid</td><td><i>Unrecorded</i>" in tips("pipes_JS", "id", "p2")
    assert "Kind</td><td>Leftover land" in tips("neglected_polygon", "id", "n2")


def test_a_duty_says_whose_it_is(tips):
    text = tips("duty_maintain", "id", "d2")
    assert "Unrecorded" in text
    assert "maintain" in text
