"""Every file of the folder of nasty ones reads, or gives one CityGapError; nothing else ever comes out."""

import pytest

from citygap.engine.city import City
from citygap.model.errors import CityGapError
from citygap.sources.build import build_city
from citygap.sources.card import card
from citygap.sources.spec import SourceSpec

# name: outcome with no role given; "reads" or the code of the error
OUTCOMES = {
    "!test.geojson": "no_role",
    "Albania.kmz": "no_role",
    "EXTRACT_POLYGON.mif": "no_role",
    "big5.shp": "no_role",
    "blockgroups_multishapefile.zip": "no_role",
    "c_utm.shp": "no_role",
    "chinese.shp": "no_role",
    "corrupt_too_long.shp": "no_role",
    "crs_32631_fc_and_feat.json": "no_role",
    "current.osm": "reads",
    "curve.gpkg": "no_role",
    "curves_line.csv": "no_role",
    "data_corruption_error.shp": "no_role",
    "data_only_tables.gpkg": "no_role",
    "duplicate_fields.dbf": "no_role",
    "empty.csv": "empty",
    "empty.fgb": "empty",
    "empty.zip": "empty",
    "empty_zipfile.zip": "unreadable",
    "error_decode_utf8.xml": "empty",
    "ex11_ogc.geojson": "no_role",
    "gauss_kruger.shp": "no_shx",
    "gbk.dbf": "no_role",
    "gre.shp": "no_role",
    "invalid_coordinates.shp": "no_role",
    "issue627.geojson": "no_role",
    "latin1.shp": "no_shx",
    "makeValid.json": "no_role",
    "mixed_crs.gpkg": "no_role",
    "multicurve.gml": "no_role",
    "null_crs_gdal.gpkg": "no_role",
    "null_geom.geojson": "no_role",
    "query_timed_out.xml": "not_an_answer",
    "sample_null.shp": "no_role",
    "shanghai_old_buildings.tab": "reads",
    "shanghai_old_buildings_gbk.shp": "reads",
    "shanghai_truncated.shp": "truncated",
    "test_gpkg_nulls.gpkg": "no_role",
    "testopenfilegdb.gdb.zip": "no_role",
    "trio.geojson": "no_role",
    "utf8-property.shp": "no_role",
    "utf8_bom.csv": "no_role",
    "wkt.csv": "no_role",
    "zip-in-zip.zip": "nested_archive",
}
SIDE_FILES = {".shx", ".prj", ".cpg", ".dat", ".id", ".map", ".mid"}


def outcome(path, **spec):
    try:
        city = build_city([SourceSpec(str(path), **spec)])
    except CityGapError as error:
        assert error.file == str(path)
        assert "\n" not in error.line()
        return error.code
    assert isinstance(city, City)
    assert sum(map(len, city.tables.values())) > 0
    return "reads"


def test_the_list_is_the_folder(shared_data):
    folder = shared_data / "nasty-vector"
    names = {path.name for path in folder.iterdir() if path.suffix not in SIDE_FILES}
    tables = {name for name in names if name.endswith(".dbf") and (folder / f"{name[:-4]}.shp").exists()}
    assert names - tables == set(OUTCOMES)


@pytest.mark.parametrize("name", sorted(OUTCOMES))
def test_without_a_role(shared_data, name):
    assert outcome(shared_data / "nasty-vector" / name) == OUTCOMES[name]


@pytest.mark.parametrize("role", ["housing", "pipes", "visits", "repairs"])
@pytest.mark.parametrize("name", sorted(OUTCOMES))
def test_with_a_role_forced_on_it(shared_data, name, role):
    code = outcome(shared_data / "nasty-vector" / name, role=role)
    broken = OUTCOMES[name] not in ("reads", "no_role")
    assert (
        code == OUTCOMES[name]
        if broken
        else code in ("reads", "no_geometry", "no_crs", "which_layer", "empty")
    )


@pytest.mark.parametrize("name", sorted(OUTCOMES))
def test_its_card(shared_data, name):
    path = str(shared_data / "nasty-vector" / name)
    try:
        entries = card([SourceSpec(path)])
    except CityGapError as error:
        assert error.code == OUTCOMES[name]
        return
    assert entries
    assert {entry["role"] is not None for entry in entries} >= {OUTCOMES[name] == "reads"}


@pytest.mark.parametrize(
    ("name", "layer", "role", "rows"),
    [
        ("!test.geojson", None, "housing", 1),
        ("curve.gpkg", None, "pipes", 1),
        ("data_corruption_error.shp", None, "pipes", 8),
        ("EXTRACT_POLYGON.mif", None, "housing", 1),
        ("ex11_ogc.geojson", None, "housing", 1),
        ("gre.shp", None, "units", 1),
        ("issue627.geojson", None, "housing", 3),
        ("null_geom.geojson", None, "pipes", 2),
        ("test_gpkg_nulls.gpkg", None, "components", 4),
        ("trio.geojson", None, "components", 3),
        ("trio.geojson", None, "housing", 2),
        ("mixed_crs.gpkg", "oregon_2269", "units", 1),
        ("testopenfilegdb.gdb.zip", "multilinestring25D", "pipes", 5),
        ("shanghai_old_buildings.tab", None, "housing", 374),
    ],
)
def test_what_can_be_read_is_read(shared_data, name, layer, role, rows):
    city = build_city([SourceSpec(str(shared_data / "nasty-vector" / name), layer, role)])
    assert len(city.tables[role]) == rows
    assert not city.tables[role].geometry.has_z.any()


def test_rows_of_another_kind_are_left_out_and_counted(shared_data):
    city = build_city([SourceSpec(str(shared_data / "nasty-vector" / "trio.geojson"), None, "housing")])
    assert any("1 rows are lines, which housing does not take: left out" in text for text in city.warnings)


def test_absurd_coordinates_are_no_place(shared_data):
    path = str(shared_data / "nasty-vector" / "invalid_coordinates.shp")
    entry = card([SourceSpec(path, None, "components")])[0]
    assert any("absurd coordinates" in text for text in entry["warnings"])
    city = build_city([SourceSpec(path, None, "visits")])
    assert city.tables["visits"].geometry.isna().all()


def test_layers_in_two_systems_meet(shared_data):
    path = str(shared_data / "nasty-vector" / "mixed_crs.gpkg")
    city = build_city([SourceSpec(path, "oregon_2269", "units"), SourceSpec(path, "oregon_4326", "water")])
    feet, degrees = city.tables["units"].geometry[0], city.tables["water"].geometry[0]
    assert feet.intersection(degrees).area / degrees.area > 0.999
    assert city.tables["units"]["source_name"][0] == "mixed_crs"
