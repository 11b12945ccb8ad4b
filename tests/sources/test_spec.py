import pytest

from citygap.model.errors import CityGapError
from citygap.sources.spec import SourceSpec, parse_sources, specs_from_rows, specs_to_rows


def test_positional_files_take_every_map_and_roles_their_own():
    specs = parse_sources(
        ["a b,c.gpkg"],
        ["pipes=管线.shp", "housing=d.gpkg|楼栋"],
        ["housing.built_year=YearBuilt", "pipes.id=编号"],
    )
    assert specs[0] == SourceSpec(
        "a b,c.gpkg", None, None, {"housing.built_year": "YearBuilt", "pipes.id": "编号"}
    )
    assert specs[1] == SourceSpec("管线.shp", None, "pipes", {"pipes.id": "编号"})
    assert specs[2].path == "d.gpkg"
    assert specs[2].layer == "楼栋"
    assert specs[2].columns_for("housing") == {"built_year": "YearBuilt"}
    assert specs[0].columns_for("pipes") == {"id": "编号"}


@pytest.mark.parametrize("text", ["pipes", "pipe=a.shp", "=a.shp", "pipes="])
def test_a_role_that_is_none_is_refused(text):
    with pytest.raises(CityGapError) as caught:
        parse_sources([], [text], [])
    assert caught.value.code == "bad_role"


@pytest.mark.parametrize(
    "text", ["housing.built_year", "built_year=X", "housing.nope=X", "nope.id=X", "housing.id="]
)
def test_a_map_that_is_none_is_refused(text):
    with pytest.raises(CityGapError) as caught:
        parse_sources(["a"], [], [text])
    assert caught.value.code == "bad_map"


def test_specs_survive_being_rows(tmp_path):
    specs = [
        SourceSpec(str(tmp_path / "a.gpkg"), "x", "pipes", {"pipes.id": "编号"}),
        SourceSpec(str(tmp_path / "b.osm.pbf"), None, None, {"housing.name": "n"}),
    ]
    assert specs_from_rows(specs_to_rows(specs)) == specs
