import numpy as np
import pandas as pd
import pytest
import shapely

from citygap.model.errors import CityGapError
from citygap.model.roles import ROLES
from citygap.model.tables import read_table
from citygap.sources.coded import to_code
from citygap.sources.raw import RawLayer
from citygap.sources.recognise import guess_fields, guess_role

SHAPES = {
    "point": shapely.Point(0, 0),
    "line": shapely.LineString([(0, 0), (1, 1)]),
    "polygon": shapely.box(0, 0, 1, 1),
}


def layer(shape=None, **columns):
    frame = pd.DataFrame({name: [value] * 3 for name, value in columns.items()}, index=range(3))
    shapes = None if shape is None else np.array([SHAPES[shape]] * 3, dtype=object)
    return RawLayer("f", "l", frame, shapes, None, "UTF-8")


def test_every_alias_is_of_a_role_and_a_field():
    anywhere = {name for role in ROLES.values() for name in role.field_names}
    for row in read_table("aliases"):
        role = row["role"].partition(":")[0]
        assert role == "*" or role in ROLES, row
        names = anywhere if role == "*" else ROLES[role].field_names
        assert not row["field"] or row["field"] in names, row


def test_a_layer_named_as_its_role_needs_nothing():
    assert guess_role(layer("line"), ("pipes",)).sure == 1.0


@pytest.mark.parametrize(
    ("name", "shape", "role", "word"),
    [
        ("地下管线", "line", "pipes", None),
        ("排水管网2023", "line", "pipes", "PS"),
        ("黄浦区_燃气管线", "line", "pipes", "RQ"),
        ("ud_arc", "line", "pipes", "PS"),
        ("背街小巷", "line", "neglected", "back_alley"),
        ("某街道窨井盖", "point", "components", "manhole_cover"),
        ("shanghai_old_buildings_gbk", "polygon", "housing", None),
        ("oldBuildings2024", "polygon", "housing", None),
        ("万米网格", "polygon", "units", "cell"),
        ("权责清单", None, "duties", None),
        ("street_lamps", "point", "components", "street_lamp"),
        ("streets", "line", "roads", None),
    ],
)
def test_names_tell_roles(name, shape, role, word):
    guess = guess_role(layer(shape), (name,))
    assert (guess.role, guess.class_word) == (role, word)


def test_a_name_does_not_overrule_the_geometry():
    assert guess_role(layer("point"), ("roads",)) is None
    assert guess_role(layer(None), ("房屋",)) is None


def test_columns_tell_roles():
    assert guess_role(layer("polygon", 建成年代=1980, 层数=6), ("图层1",)).role == "housing"
    assert guess_role(layer("line", 管径=300, 材质="PE"), ("Export_Output",)).role == "pipes"
    assert guess_role(layer("polygon", a=1, b=2), ("x",)) is None


def fields(role, **columns):
    guesses = guess_fields(pd.DataFrame(columns), role, {}, "f")
    return {field: guess.column for field, guess in guesses.items()}


def test_fields_by_alias_case_and_cut():
    ids = [f"H{i}" for i in range(12)]
    columns = {"房屋编号": ids, "YearBuilt": [1980] * 12, "NumFloors": [3] * 12, "last_repai": [""] * 12}
    assert fields("housing", **columns) == {
        "id": "房屋编号",
        "built_year": "YearBuilt",
        "floors": "NumFloors",
        "last_repair_date": "last_repai",
    }


def test_fields_by_values():
    assert fields("pipes", a=["PE", "铸铁", "钢管"], b=["排水", "给水", "排水"]) == {
        "material_code": "a",
        "class_code": "b",
    }
    assert fields("housing", x=[1, 2, 3], 楼年=[1980, 1990, 0]) == {"built_year": "楼年"}
    assert fields("housing", YearAlter=[1980, 1990, 0]) == {}


def test_a_column_that_is_the_same_in_every_row_is_no_id():
    assert "id" not in fields("housing", Id=[0] * 20)
    assert fields("housing", Id=list(range(20)))["id"] == "Id"


def test_a_given_column_must_be_there():
    with pytest.raises(CityGapError) as caught:
        guess_fields(pd.DataFrame({"a": [1]}), "housing", {"built_year": "b"}, "f.shp")
    assert caught.value.code == "no_column"
    assert caught.value.field == "housing.built_year"


@pytest.mark.parametrize(
    ("role", "field", "spelled", "value"),
    [
        ("housing", "use", "住宅", "residential"),
        ("housing", "use", "1_residential", "residential"),
        ("housing", "use", "4_2_retail", "commercial"),
        ("housing", "use", "天文台", "天文台"),
        ("housing", "danger_grade", "c级", "C"),
        ("pipes", "class_code", "排水", "PS"),
        ("pipes", "class_code", "water", "JS"),
        ("pipes", "class_code", "污水", "PS"),
        ("pipes", "class_code", "51041000", "JS"),
        ("pipes", "material_code", "球墨铸铁", "QM"),
        ("pipes", "material_code", "HDPE", "PE"),
        ("pipes", "burial_method", "直埋", "direct"),
        ("components", "class_code", "井盖", "manhole_cover"),
        ("components", "class_code", "0305", "0305"),
        ("components", "condition", "完好", "intact"),
        ("neglected", "kind", "桥下空间", "under_viaduct"),
        ("units", "level", "街道", "subdistrict"),
        ("visits", "activity", "巡查", "patrol"),
        ("duties", "object_class", "路灯", "components:street_lamp"),
        ("standards", "object_class", "components:窨井盖", "components:manhole_cover"),
        ("standards", "object_class", "pipes:PS/WS", "pipes:PS/WS"),
        ("standards", "rule_or_activity", "井盖巡查", "look_at_cover"),
        ("standards", "zone", "城乡接合部", "fringe"),
        ("duties", "object_class", "燃气", "pipes:RQ"),
        ("hotline", "stage", "结案", "closed"),
    ],
)
def test_spellings(role, field, spelled, value):
    assert to_code(pd.Series([spelled], dtype="str"), role, field).tolist() == [value]


def test_an_unknown_mark_is_unrecorded():
    assert to_code(pd.Series(["不详"], dtype="str"), "components", "condition").isna().all()
    assert to_code(pd.Series(["yes"], dtype="str"), "housing", "use").isna().all()
