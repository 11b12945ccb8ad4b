import pytest
from qgis.core import QgsProject, QgsVectorLayerUtils

from citygap.layers.tree import CityGapTree


@pytest.fixture
def layers(qgis_app, map_store):
    project = QgsProject.instance()
    tree = CityGapTree(project, "en")
    tree.load(map_store)
    yield {layer.customProperty("citygap/part"): layer for layer in project.mapLayers().values()}
    tree.remove()


def feature_of(layer, column, value):
    return next(feature for feature in layer.getFeatures() if feature[column] == value)


def test_notes_and_photos_of_a_gap_are_related(layers):
    relations = QgsProject.instance().relationManager()
    gap = feature_of(layers["gaps_point"], "object_id", "b1")
    links = list(relations.relation("citygap_gaps_point_notes").getRelatedFeatures(gap))
    assert [link["gap_id"] for link in links] == [gap["gap_id"]]
    note = relations.relation("citygap_link_notes").getReferencedFeature(links[0])
    assert note["text"].startswith("cracks")
    assert all(relation.isValid() for relation in relations.relations().values())
    assert len(relations.relations()) == 6


def test_only_peoples_columns_are_open(layers):
    layer = layers["gaps_line"]
    config = layer.editFormConfig()
    opened = {field.name() for index, field in enumerate(layer.fields()) if not config.readOnly(index)}
    assert opened == {"status", "until", "why", "text", "assigned_to", "due_at"}


def test_columns_and_codes_have_words(layers):
    layer = layers["gaps_polygon"]
    fields = layer.fields()
    assert layer.attributeAlias(fields.lookupField("assigned_to")) == "Assigned to"
    setup = layer.editorWidgetSetup(fields.lookupField("status"))
    assert setup.type() == "ValueMap"
    assert {"False alarm": "false_alarm"} in setup.config()["map"]
    assert layer.editorWidgetSetup(fields.lookupField("key")).type() == "Hidden"


@pytest.mark.parametrize(
    ("status", "why", "until", "column"),
    [
        ("verified", None, None, "status"),
        ("false_alarm", " ", None, "why"),
        ("accepted", "budget", None, "until"),
        ("confirmed", None, None, None),
        ("accepted", "budget", "2027-01-01", None),
    ],
)
def test_the_form_holds_the_lifecycles_rules(layers, status, why, until, column):
    layer = layers["gaps_point"]
    feature = feature_of(layer, "object_id", "b1")
    feature["status"], feature["why"], feature["until"] = status, why, until
    refused = {
        name
        for name in ("status", "why", "until")
        if not QgsVectorLayerUtils.validateAttribute(layer, feature, layer.fields().lookupField(name))[0]
    }
    assert refused == ({column} if column else set())


def test_an_edit_in_a_qgis_table_is_stored(layers, map_store):
    layer = layers["gaps_none"]
    feature = feature_of(layer, "object_id", "b6")
    assert layer.startEditing()
    layer.changeAttributeValue(feature.id(), layer.fields().lookupField("assigned_to"), "team 3")
    assert layer.commitChanges()
    assert feature_of(layer, "object_id", "b6")["assigned_to"] == "team 3"
