import struct

import pytest
from qgis.core import QgsLayerTreeModel, QgsProject, QgsVectorLayer
from qgis.PyQt.QtCore import Qt

from citygap.layers.tree import CityGapTree
from citygap.model.errors import CityGapError
from citygap.store import flags
from citygap.store.database import open_store

KEYS = ("notes", "gaps", "responsibility", "neglected", "pipes", "housing", "units", "base")


@pytest.fixture
def project(qgis_app):
    project = QgsProject()
    yield project
    project.clear()


@pytest.fixture
def tree(project):
    return CityGapTree(project, "en")


def group(project, *names):
    node = project.layerTreeRoot()
    for name in names:
        node = node.findGroup(name)
    return node


def layers_of(project, *names):
    return {
        node.layer().customProperty("citygap/part"): node.layer()
        for node in group(project, *names).findLayers()
    }


def test_every_group_stands_under_one_at_the_top_in_drawing_order(project, tree, map_store, write_city):
    tree.load(map_store, write_city())
    top = project.layerTreeRoot().children()[0]
    assert top.name() == "CityGap"
    assert [node.name() for node in top.children()] == [tree.title(key) for key in KEYS]
    assert tree.keys() == KEYS
    assert [node.name() for node in top.children()][-2:] == ["Units", "Base map"]


def test_names_are_chinese_where_qgis_is(project, map_store, write_city):
    tree = CityGapTree(project, "zh")
    tree.load(map_store, write_city())
    assert [node.name() for node in project.layerTreeRoot().children()[0].children()] == [
        "备注", "缺口", "责任", "易忽视区域", "地下管线", "老旧住房", "管理单元", "底图",
    ]  # fmt: skip
    assert [layer.name() for layer in layers_of(project, "CityGap 城市缺口", "地下管线").values()] == [
        "给水",
        "燃气",
        "其他",
        "虚线：年代未记录",
    ]


def test_gaps_are_split_by_geometry_and_none_is_lost(tree, map_store):
    tree.load(map_store)
    places = [{feature["object_id"] for feature in layer.getFeatures()} for layer in tree.gap_layers()]
    assert places == [{"b1", "b2", "b7"}, {"b3", "b4"}, {"b5"}, {"b6", "r1"}]


def test_gaps_with_notes_have_a_pin(project, tree, map_store):
    tree.load(map_store)
    layers = layers_of(project, "CityGap", "Notes")
    pinned = {
        part: [feature["object_id"] for feature in layer.getFeatures()]
        for part, layer in layers.items()
        if part.startswith("notes_")
    }
    assert pinned == {"notes_point": ["b1"], "notes_line": [], "notes_polygon": []}


def test_counts_are_those_of_the_files(tree, map_store, write_city):
    tree.load(map_store, write_city())
    counts = {key: tree.count(key) for key in KEYS}
    assert counts == {
        "notes": 1,
        "gaps": 6,  # eight: one is a false alarm, one for information
        "responsibility": 4,
        "neglected": 2,
        "pipes": 3,
        "housing": 4,
        "units": 2,
        "base": 2,
    }


def test_what_is_missing_shows_nothing_and_is_no_error(project, tree, map_store, write_city):
    tree.load(map_store, write_city("roads"))
    assert [key for key in KEYS if tree.count(key) is None] == [
        "responsibility", "neglected", "pipes", "housing", "units",
    ]  # fmt: skip
    assert not tree.is_visible("housing")
    assert group(project, "CityGap", "Old housing").findLayers() == []
    tree.set_visible("housing", True)
    assert tree.is_visible("housing")


def test_a_store_alone_shows_gaps_and_notes(tree, map_store):
    tree.load(map_store)
    assert [key for key in KEYS if tree.count(key) is not None] == ["notes", "gaps"]


def test_neglected_places_are_lines_and_areas_of_one_table(project, tree, map_store, write_city):
    tree.load(map_store, write_city())
    layers = layers_of(project, "CityGap", "Neglected places")
    assert {part: layer.featureCount() for part, layer in layers.items()} == {
        "neglected_line": 1,
        "neglected_polygon": 1,
    }


def test_pipes_are_one_layer_a_class_that_is_there(project, tree, map_store, write_city):
    tree.load(map_store, write_city())
    layers = layers_of(project, "CityGap", "Underground pipes")
    found = {part: [feature["id"] for feature in layer.getFeatures()] for part, layer in layers.items()}
    assert found == {"pipes_JS": ["p2"], "pipes_RQ": ["p1"], "pipes_QT": ["p3"], "pipes_undated": []}


def test_duties_without_a_shape_are_drawn_in_the_unit_they_name(project, tree, map_store, write_city):
    tree.load(map_store, write_city())
    layers = layers_of(project, "CityGap", "Responsibility")
    areas = {
        part: {feature["id"]: feature.geometry().area() for feature in layer.getFeatures()}
        for part, layer in layers.items()
    }
    assert areas == {"duty_maintain": {"d1": 10000, "d2": 2500}, "duty_patrol": {"d3": 10000}}


def test_owners_stand_in_where_nobody_listed_duties(project, tree, map_store, write_city):
    tree.load(map_store, write_city("housing", "roads"))
    layers = layers_of(project, "CityGap", "Responsibility")
    assert set(layers) == {"owner_housing"}
    labels = [item.label() for item in layers["owner_housing"].renderer().legendSymbolItems()]
    assert labels == ["Bureau", "Unrecorded", "Other bodies"]


def test_a_click_in_the_layer_tree_is_told_and_known(project, tree, map_store, write_city, qtbot):
    tree.load(map_store, write_city())
    node = group(project, "CityGap", "Underground pipes")
    model = QgsLayerTreeModel(project.layerTreeRoot())
    model.setFlag(QgsLayerTreeModel.Flag.AllowNodeChangeVisibility)
    index = model.node2index(node)
    with qtbot.waitSignal(tree.visibility_changed) as told:
        model.setData(index, Qt.CheckState.Unchecked, Qt.ItemDataRole.CheckStateRole)
    assert told.args == ["pipes", False]
    assert not tree.is_visible("pipes")


def test_switching_by_code_ticks_the_layer_tree_once(project, tree, map_store, write_city, qtbot):
    tree.load(map_store, write_city())
    told = []
    tree.visibility_changed.connect(lambda key, on: told.append((key, on)))
    tree.set_visible("responsibility", True)
    tree.set_visible("responsibility", True)
    tree.set_visible("base", False)
    assert told == [("responsibility", True), ("base", False)]
    assert group(project, "CityGap", "Responsibility").itemVisibilityChecked()
    assert not group(project, "CityGap", "Base map").itemVisibilityChecked()


def test_switching_on_shows_a_group_in_a_hidden_whole(project, tree, map_store, write_city):
    tree.load(map_store, write_city())
    group(project, "CityGap").setItemVisibilityChecked(False)
    tree.set_visible("gaps", False)
    tree.set_visible("gaps", True)
    assert group(project, "CityGap", "Gaps").isVisible()


def test_loading_again_replaces_and_keeps_the_switches(project, tree, map_store, write_city):
    city = write_city()
    tree.load(map_store, city)
    number = len(project.mapLayers())
    relations = set(project.relationManager().relations())
    tree.set_visible("pipes", False)
    group(project, "CityGap", "Old housing").setExpanded(True)
    tree.load(map_store, city)
    assert len(project.layerTreeRoot().children()) == 1
    assert len(project.mapLayers()) == number
    assert set(project.relationManager().relations()) == relations
    assert not tree.is_visible("pipes")
    assert group(project, "CityGap", "Old housing").isExpanded()


def test_a_saved_project_is_recognised(project, tree, map_store, write_city, tmp_path):
    city = write_city()
    tree.load(map_store, city)
    number = len(project.mapLayers())
    assert project.write(str(tmp_path / "saved.qgz"))
    again = QgsProject()
    assert again.read(str(tmp_path / "saved.qgz"))
    second = CityGapTree(again, "en")
    second.load(map_store, city)
    assert len(again.mapLayers()) == number
    assert len(again.layerTreeRoot().children()) == 1


def test_peoples_own_layers_are_left_alone(project, tree, map_store, write_city):
    own_layer = QgsVectorLayer("Point?crs=EPSG:4549", "mine", "memory")
    second_layer = QgsVectorLayer("Point?crs=EPSG:4549", "put into our group", "memory")
    project.addMapLayer(own_layer)
    tree.load(map_store, write_city())
    base = layers_of(project, "CityGap", "Base map")
    assert not project.layerTreeRoot().findLayer(base["background"]).itemVisibilityChecked()
    project.addMapLayer(second_layer, False)
    group(project, "CityGap", "Gaps").addLayer(second_layer)
    tree.remove()
    assert {layer.name() for layer in project.mapLayers().values()} == {"mine", "put into our group"}
    assert {node.name() for node in project.layerTreeRoot().children()} == {"mine", "put into our group"}
    assert project.relationManager().relations() == {}


def test_refresh_shows_what_others_wrote_and_leaves_the_tree(project, tree, map_store):
    tree.load(map_store)
    node = group(project, "CityGap", "Gaps")
    tree.set_visible("notes", False)
    node.setExpanded(False)
    before = tree.count("gaps")
    with open_store(map_store) as store:
        flags.flag(
            store, severity="low", text="a light", wkb=_point_wkb(40, 40), bounds=(40, 40, 40, 40), author="w"
        )
    tree.refresh()
    assert tree.count("gaps") == before + 1
    assert "a light" in {feature["text"] for feature in tree.gap_layers()[0].getFeatures()}
    assert not node.isExpanded()
    assert not tree.is_visible("notes")


def _point_wkb(x, y):
    return b"\x01\x01\x00\x00\x00" + struct.pack("<dd", x, y)


def test_zoom_extent_holds_city_and_gaps_in_the_projects_crs(project, tree, map_store, write_city):
    tree.load(map_store, write_city())
    bounds = tree.zoom_extent()
    assert (bounds.xMinimum(), bounds.yMinimum(), bounds.xMaximum(), bounds.yMaximum()) == (0, 0, 100, 100)


def test_nothing_to_zoom_to_is_null(tree):
    assert tree.zoom_extent().isNull()


def test_only_gaps_and_notes_can_be_edited(project, tree, map_store, write_city):
    tree.load(map_store, write_city())
    editable = {
        layer.customProperty("citygap/part") for layer in project.mapLayers().values() if not layer.readOnly()
    }
    assert editable == {"gaps_point", "gaps_line", "gaps_polygon", "gaps_none", "notes"}


@pytest.mark.parametrize(("name", "code"), [("none.gpkg", "missing_file"), ("text.gpkg", "unreadable")])
def test_a_file_that_cant_be_shown_leaves_the_map_alone(project, tree, map_store, tmp_path, name, code):
    (tmp_path / "text.gpkg").write_text("not a database")
    tree.load(map_store)
    number = len(project.mapLayers())
    with pytest.raises(CityGapError) as failed:
        tree.load(tmp_path / name)
    assert failed.value.code == code
    assert len(project.mapLayers()) == number


def test_an_empty_store_loads_and_fills_later(tree, empty_map_store):
    tree.load(empty_map_store)
    assert (tree.count("gaps"), tree.count("notes")) == (0, 0)
    assert tree.zoom_extent().isNull()
    with open_store(empty_map_store) as store:
        flags.flag(
            store, severity="low", text="a light", wkb=_point_wkb(40, 40), bounds=(40, 40, 40, 40), author="w"
        )
        flags.flag(store, severity="low", text="no place", object_role="roads", object_id="r1", author="w")
    tree.refresh()
    assert [[feature["text"] for feature in layer.getFeatures()] for layer in tree.gap_layers()] == [
        ["a light"], [], [], ["no place"],
    ]  # fmt: skip
    assert tree.zoom_extent().xMinimum() == 40
