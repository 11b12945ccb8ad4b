from datetime import date

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from citygap.engine.city import DTYPES
from citygap.model.errors import Cancelled, CityGapError
from citygap.model.identity import place_id
from citygap.model.roles import ROLES
from citygap.sources.build import build_city
from citygap.sources.spec import SourceSpec, parse_sources, specs_from_rows


def error_of(specs, **options):
    with pytest.raises(CityGapError) as caught:
        build_city(specs, **options)
    return caught.value


def write_csv(path, text, encoding="utf-8"):
    path.write_bytes(text.encode(encoding))
    return SourceSpec(str(path))


def test_every_table_has_the_fields_and_dtypes_of_its_role(shared_data):
    paths = ["china-city/shanghai_center_roads.osm", "china-city/shanghai_heritage_osm_east.geojson"]
    city = build_city([SourceSpec(str(shared_data / path)) for path in paths], as_of=date(2026, 1, 31))
    assert city.crs.to_epsg() == 4549
    assert city.as_of.isoformat() == "2026-01-31T23:59:59.999999+08:00"
    for role, table in city.tables.items():
        assert isinstance(table.index, pd.RangeIndex)
        assert table.crs == city.crs
        for field in ROLES[role].fields:
            assert str(table[field.name].dtype) == DTYPES.get(field.kind, "str"), (role, field.name)
        assert len({name.casefold() for name in table.columns}) == len(table.columns)


def test_shanghais_old_buildings_and_roads_overlap(shared_data):
    paths = ["china-city/shanghai_center_roads.osm", "china-city/shanghai_heritage_osm_east.geojson"]
    city = build_city([SourceSpec(str(shared_data / path)) for path in paths])
    housing, roads = city.tables["housing"], city.tables["roads"]
    assert len(housing) == 306
    assert set(roads["source_name"]) == {"shanghai_center_roads", "shanghai_heritage_osm_east"}
    inside = housing.geometry.intersects(shapely.box(*roads.total_bounds))
    assert inside.sum() > 100
    bund = housing.set_index("name").loc["上海市公安局"]
    assert (bund["built_year"], bund["id"]) == (1933, "relation/10556121")
    assert any("423 rows have tags of no role" in text for text in city.warnings)


def test_all_heritage_areas_and_points_if_the_role_is_given(shared_data):
    path = str(shared_data / "china-city" / "shanghai_heritage_osm_east.geojson")
    city = build_city(parse_sources([], [f"housing={path}"], []))
    assert len(city.tables["housing"]) == 374 + 352
    assert any("10 rows are lines" in text for text in city.warnings)


def test_the_gbk_office_shapefile_is_the_heritage_layer(shared_data):
    office = build_city([SourceSpec(str(shared_data / "nasty-vector" / "shanghai_old_buildings_gbk.shp"))])
    osm = build_city([SourceSpec(str(shared_data / "china-city" / "shanghai_heritage_osm_east.geojson"))])
    ours = office.tables["housing"].set_index("id")
    theirs = osm.tables["housing"].set_index("id")
    assert len(ours) == 374
    both = ours.loc[theirs.index]
    pd.testing.assert_series_equal(both["built_year"], theirs["built_year"])
    pd.testing.assert_series_equal(both["name"], theirs["name"])
    assert both["built_year"].notna().sum() > 200
    assert office.sources[0].options["encoding"] == "GB18030"


def test_surveyed_points_without_crs_need_one_and_land_on_the_buildings(shared_data):
    path = shared_data / "china-city" / "shanghai_points_cgcs2000_noheader_crs.csv"
    spec = SourceSpec(str(path), None, "housing")
    assert error_of([spec]).code == "no_crs"
    assert error_of([spec], crs=4528).code == "no_crs"
    points = build_city([spec], crs="EPSG:4549").tables["housing"]
    polygons = gpd.read_file(shared_data / "china-city" / "shanghai_heritage_osm_east.geojson")
    polygons = polygons[polygons.geom_type == "Polygon"].to_crs(4549)
    centres = gpd.GeoSeries(polygons.geometry.centroid.to_numpy(), crs=4549)
    assert points.geometry.distance(centres).max() < 0.5
    assert points["built_year"].notna().sum() == 228


def test_pluto_in_feet_with_a_prj_beside_it(shared_data, tmp_path):
    text = (shared_data / "building-age" / "pluto16v2_MN_sample.csv").read_bytes()
    path = tmp_path / "pluto16v2_MN_sample.csv"
    path.write_bytes(text)
    assert error_of([SourceSpec(str(path))]).code == "no_crs"
    path.with_suffix(".prj").write_text("EPSG:2263")
    city = build_city([SourceSpec(str(path))])
    housing = city.tables["housing"]
    assert city.crs.to_epsg() == 32618
    lon, lat = housing.geometry.to_crs(4326).iloc[0].coords[0]
    assert -74.03 < lon < -73.90
    assert 40.68 < lat < 40.89
    years = pd.read_csv(path, dtype=str)["YearBuilt"].astype(float)
    assert housing["built_year"].tolist() == years.tolist()
    assert (housing["built_year"] == 0).any()
    assert any("3 rows have no place" in text for text in city.warnings)


def test_giswater_opens_in_spite_of_its_metadata(shared_data):
    paths = [str(shared_data / "pipes" / f"ud_{name}.gpkg") for name in ("arc", "node", "gully")]
    city = build_city([SourceSpec(path) for path in paths])
    pipes, points = city.tables["pipes"], city.tables["pipe_points"]
    assert (len(pipes), len(points)) == (119, 119 + 128)
    assert set(pipes["class_code"]) == {"PS"}
    assert pipes.set_index("id").loc["146", "diameter_mm"] == 1500
    assert set(pipes["material_code"].dropna()) >= {"PVC"}
    assert "laid_year" in city.lacking_everywhere("pipes")
    assert "class_code" not in city.lacking_everywhere("pipes")
    nodes = points[points["source_name"] == "ud_node"].set_index("id")
    ends = pipes[["from_node"]].join(nodes[["geometry"]], on="from_node")["geometry"]
    starts = shapely.get_point(pipes.geometry.to_numpy(), 0)
    assert np.nanmedian(shapely.distance(starts, ends.to_numpy())) < 0.01


def test_suzhou_has_no_ids_but_places(shared_data):
    city = build_city([SourceSpec(str(shared_data / "china-city" / "suzhou_buildings.json"))])
    housing = city.tables["housing"]
    assert (len(housing), city.crs.to_epsg()) == (3076, 32651)
    assert housing["floors"].min() >= 1
    assert housing["id"].str.match(r"^~[A-Z2-7]{12}$").all()
    first = shapely.to_wkt(shapely.normalize(housing.geometry[0]), rounding_precision=2, trim=False)
    assert housing["id"][0] == place_id("housing", first)
    again = build_city([SourceSpec(str(shared_data / "china-city" / "suzhou_buildings.json"))])
    assert again.tables["housing"]["id"].tolist() == housing["id"].tolist()


def test_the_spanish_cadastre(shared_data):
    folder = shared_data / "building-age"
    city = build_city(
        [SourceSpec(str(folder / name)) for name in ("cadastre_buildings.gml", "cadastre_parts.shp")]
    )
    housing = city.tables["housing"]
    whole = housing[housing["source_name"] == "cadastre_buildings"]
    parts = housing[housing["source_name"] == "cadastre_parts"]
    assert (len(whole), len(parts), city.crs.to_epsg()) == (16, 1196, 32628)
    assert whole["built_year"].tolist()[:4] == [2011, 1940, 1980, 1974]
    assert set(parts["use"].dropna()) >= {"residential", "industrial", "commercial", "office"}
    assert parts["floors"].max() > 2
    assert city.lacking["housing"]["cadastre_parts"] - city.lacking["housing"]["cadastre_buildings"] >= {
        "built_year"
    }
    assert not city.has("housing", "danger_grade")
    assert city.has("housing", "built_year", "floors")


def test_several_layers_of_one_role_and_one_layer_in_two_roles(tmp_path):
    path = tmp_path / "网.gpkg"
    line = shapely.LineString([(121.4, 31.2), (121.41, 31.2)])
    for layer in ("给水管线", "污水管线", "杂项"):
        frame = gpd.GeoDataFrame({"编号": ["1"], "材质": ["球墨"]}, geometry=[line], crs=4490)
        frame.to_file(path, layer=layer, engine="pyogrio")
    specs = parse_sources([str(path)], [f"roads={path}|杂项", f"water={path}|杂项"], [])
    city = build_city(specs)
    assert {role: len(table) for role, table in city.tables.items()} == {"pipes": 2, "roads": 1, "water": 1}
    pipes = city.tables["pipes"]
    assert pipes["class_code"].tolist() == ["JS", "PS"]
    assert pipes["material_code"].tolist() == ["QM", "QM"]
    assert pipes["source_name"].tolist() == ["网|给水管线", "网|污水管线"]
    assert city.tables["roads"]["source_name"].tolist() == ["网"]


def test_kinds_give_classes_and_classes_that_are_kinds_give_kinds(tmp_path):
    line = '"LINESTRING (121.4 31.2, 121.41 31.2)"'
    rows = "".join(f"{number},{named},{line}\n" for number, named in enumerate((",WS", "污水,", "给水,")))
    spec = write_csv(tmp_path / "管线.csv", "编号,管类,小类,wkt\n" + rows)
    (tmp_path / "管线.prj").write_text("EPSG:4490")
    pipes = build_city([spec]).tables["pipes"]
    assert pipes["class_code"].tolist() == ["PS", "PS", "JS"]
    assert pipes["kind_code"].fillna("").tolist() == ["WS", "WS", ""]


def test_fillers_stay_in_text_and_zero_stays_a_year(tmp_path):
    spec = write_csv(
        tmp_path / "房屋.csv",
        "id,建成年代,产权单位,层数,lon,lat\na,0,不详,六,121.4,31.2\nb,不详,/,6,121.4,31.3\nc,,无,,121.4,31.4\n",
    )
    city = build_city([spec])
    housing = city.tables["housing"]
    assert housing["built_year"].fillna(-1).tolist() == [0, -1, -1]
    assert housing["owner"].tolist() == ["不详", "/", "无"]
    assert any("1 cells of 建成年代 cannot be read as built_year" in text for text in city.warnings)
    assert any("1 cells of 层数 cannot be read as floors" in text for text in city.warnings)


def test_survey_order_is_known_by_its_words_and_by_its_numbers(tmp_path):
    rows = "1,3458309.1,641511.5\n2,3458152.8,641228.8\n"
    named = write_csv(tmp_path / "a.csv", "编号,X北坐标,Y东坐标\n" + rows, "gbk")
    plain = write_csv(tmp_path / "b.csv", "id,X,Y\n" + rows)
    for spec in (named, plain):
        table = build_city([SourceSpec(spec.path, None, "components")], crs=4549).tables["components"]
        assert table.geometry.x.tolist() == [641511.5, 641228.8]
        assert table.geometry.y.tolist() == [3458309.1, 3458152.8]


def test_duplicate_ids_stay_and_ids_are_text(tmp_path):
    spec = write_csv(tmp_path / "components.csv", "id,lon,lat\n007,121.4,31.2\n007,121.4,31.2\n,121.5,31.2\n")
    ids = build_city([spec]).tables["components"]["id"].tolist()
    assert ids[:2] == ["007", "007"]
    assert ids[2].startswith("~")


def test_a_table_without_geometry_serves_roles_that_need_none(tmp_path, shared_data):
    spec = write_csv(
        tmp_path / "repairs.csv", "object_id,reported_on,closed_on\nH1,2020-01-01,\nH1,2020-01-02,\n"
    )
    city = build_city([spec])
    assert city.tables["repairs"]["id"].is_unique
    assert city.tables["repairs"].geometry.isna().all()
    orders = shared_data / "complaints-patrols" / "dob_vacate_orders.csv"
    assert error_of([SourceSpec(str(orders))]).code == "no_role"
    error = error_of([SourceSpec(str(orders), None, "hotline")])
    assert error.code == "no_geometry"
    assert "lon" in error.remedy


@pytest.mark.parametrize(
    ("lon", "lat", "epsg"),
    [(121.47, 31.23, 4549), (120.6, 31.3, 32651), (-43.2, -22.9, 32723), (13.4, 52.5, 32633)],
)
def test_the_city_crs_comes_from_the_place(tmp_path, lon, lat, epsg):
    far = "".join(f"{i},{lon},{lat}\n" for i in range(9)) + "x,0,0\n"
    assert build_city([write_csv(tmp_path / "components.csv", "id,lon,lat\n" + far)]).crs.to_epsg() == epsg


def test_a_given_crs_must_be_metric(tmp_path):
    spec = write_csv(tmp_path / "components.csv", "id,lon,lat\n1,121.4,31.2\n")
    assert build_city([spec], crs=4528).crs.to_epsg() == 4528
    assert error_of([spec], crs="EPSG:4326").code == "bad_crs"
    assert error_of([spec], crs="EPSG:2263").code == "bad_crs"
    assert error_of([spec], crs="nonsense").code == "bad_crs"
    assert error_of([spec], tz="Asia/Nowhere").code == "bad_tz"
    assert error_of([]).code == "no_source"


def test_axis_order_is_east_first_in_systems_that_say_north_first(tmp_path):
    frame = gpd.GeoDataFrame({"id": ["1"]}, geometry=[shapely.Point(121.47, 31.23)], crs=4490)
    frame.to_file(tmp_path / "components.gpkg", engine="pyogrio")
    point = build_city([SourceSpec(str(tmp_path / "components.gpkg"))]).tables["components"].geometry[0]
    assert 580_000 < point.x < 692_000
    assert 3_394_000 < point.y < 3_531_000


def test_collections_are_opened_for_what_the_role_takes(tmp_path):
    box = shapely.box(121.4, 31.2, 121.401, 31.201)
    both = shapely.GeometryCollection(
        [shapely.Point(121.4, 31.2), box, shapely.box(121.5, 31.2, 121.501, 31.201)]
    )
    lines = shapely.GeometryCollection([shapely.LineString([(121.4, 31.2), (121.41, 31.2)])])
    frame = gpd.GeoDataFrame({"id": ["a", "b", "c", "d"]}, geometry=[both, lines, box, None], crs=4326)
    frame.to_file(tmp_path / "buildings.gpkg", engine="pyogrio")
    city = build_city([SourceSpec(str(tmp_path / "buildings.gpkg"))])
    housing = city.tables["housing"].set_index("id")
    assert housing.index.tolist() == ["a", "c", "d"]
    assert len(housing.geometry["a"].geoms) == 2
    assert housing.geometry["d"] is None
    assert any("1 rows are collections" in text for text in city.warnings)
    assert any("1 rows have no place" in text for text in city.warnings)


def test_given_maps_win(tmp_path):
    spec = write_csv(tmp_path / "楼.csv", "id,建成年代,翻建,lon,lat\n1,1980,1999,121.4,31.2\n")
    city = build_city(parse_sources([], [f"housing={spec.path}"], ["housing.built_year=翻建"]))
    assert city.tables["housing"]["built_year"].tolist() == [1999]
    assert (
        error_of(parse_sources([], [f"housing={spec.path}"], ["housing.built_year=没有"])).code == "no_column"
    )


def test_remembered_sources_give_the_same_city(shared_data):
    path = str(shared_data / "china-city" / "shanghai_heritage_osm_east.geojson")
    city = build_city([SourceSpec(path)])
    again = build_city(specs_from_rows(city.sources))
    assert again.sources == city.sources
    assert {role: len(t) for role, t in again.tables.items()} == {
        role: len(t) for role, t in city.tables.items()
    }


def test_the_date_of_a_source(tmp_path):
    spec = write_csv(
        tmp_path / "components.csv", "id,更新日期,lon,lat\n1,2020-01-01,121.4,31.2\n2,2023/5/1,121.4,31.2\n"
    )
    assert build_city([spec]).sources[0].dated.startswith("2023-05-01")
    plain = write_csv(tmp_path / "lamps.csv", "id,lon,lat\n1,121.4,31.2\n")
    assert build_city([plain]).sources[0].dated[:4] >= "2024"


def test_cancel_and_progress(tmp_path):
    spec = write_csv(tmp_path / "components.csv", "id,lon,lat\n1,121.4,31.2\n")
    shares = []
    build_city([spec, spec], on_progress=lambda share, text: shares.append(share))
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    with pytest.raises(Cancelled):
        build_city([spec], is_cancelled=lambda: True)


def test_a_layer_named_twice_is_taken_once(shared_data, tmp_path):
    arcs = shared_data / "pipes" / "ud_arc.gpkg"
    link = tmp_path / "link.gpkg"
    link.symlink_to(arcs)
    ways = [[arcs, arcs], [arcs, f"{arcs.parent}/../pipes/ud_arc.gpkg"], [arcs, link]]
    for paths in ways:
        city = build_city([SourceSpec(str(path)) for path in paths])
        assert len(city.tables["pipes"]) == 119 and len(city.sources) == 1
    named = parse_sources([str(arcs)], [f"pipes={arcs}|ud_arc", f"pipes={arcs}"], [])
    assert len(build_city(named).tables["pipes"]) == 119
    both_roles = parse_sources([], [f"pipes={arcs}", f"roads={arcs}"], [])
    assert {role: len(table) for role, table in build_city(both_roles).tables.items()} == {
        "pipes": 119,
        "roads": 119,
    }
