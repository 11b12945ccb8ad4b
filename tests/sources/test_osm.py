import bz2

import pandas as pd
import pytest

from citygap.sources.build import build_city
from citygap.sources.spec import SourceSpec

CORNERS = ((31.20, 121.40), (31.20, 121.41), (31.21, 121.41), (31.21, 121.40))
POINTS = (("man_made", "manhole"), ("highway", "street_lamp"), ("natural", "tree"))
NODES = "".join(
    f'<node id="{n}" lat="{lat}" lon="{lon}" timestamp="2020-01-01T00:00:00Z"/>'
    for n, (lat, lon) in enumerate(CORNERS, start=1)
) + "".join(
    f'<node id="{n}" lat="31.20{n}" lon="121.405" timestamp="2021-06-01T00:00:00Z">'
    f'<tag k="{k}" v="{v}"/></node>'
    for n, (k, v) in enumerate(POINTS, start=5)
)


def write(path, ways):
    body = []
    for number, (nodes, tags) in enumerate(ways, start=100):
        refs = "".join(f'<nd ref="{node}"/>' for node in nodes)
        words = "".join(f'<tag k="{key}" v="{value}"/>' for key, value in tags.items())
        body.append(f'<way id="{number}" timestamp="2022-03-01T00:00:00Z">{refs}{words}</way>')
    path.write_text(
        f'<?xml version="1.0" encoding="UTF-8"?>\n<osm version="0.6">{NODES}{"".join(body)}</osm>',
        encoding="utf-8",
    )
    return path


BOUNDARY = {"boundary": "administrative"}
RING, LINE = (1, 2, 3, 4, 1), (1, 2, 3)
WAYS = [
    (RING, {"building": "apartments", "start_date": "1930s", "building:levels": "6", "name": "三义坊"}),
    (RING, {"building": "yes", "start_date": "~1900", "addr:street": "南京西路", "addr:housenumber": "1"}),
    (RING, {"building": "no"}),
    (
        LINE,
        {
            "highway": "primary",
            "bridge": "viaduct",
            "layer": "2",
            "lanes": "4",
            "width": "12 m",
            "tunnel": "no",
        },
    ),
    (LINE, {"highway": "service", "service": "alley", "tunnel": "no"}),
    (LINE, {"highway": "proposed"}),
    (RING, {"highway": "pedestrian"}),
    (LINE, {"waterway": "canal", "name": "苏州河"}),
    (RING, {"natural": "water"}),
    (RING, {**BOUNDARY, "admin_level": "6", "name": "静安区", "ref": "310106"}),
    (RING, {**BOUNDARY, "admin_level": "10", "name": "某居委会"}),
]


@pytest.fixture
def city(tmp_path):
    return build_city([SourceSpec(str(write(tmp_path / "静安.osm", WAYS)))])


def rows(city):
    return {role: len(table) for role, table in city.tables.items()}


def by_id(table):
    return table.set_index("id")


def test_every_tag_has_its_role(city):
    assert rows(city) == {
        "housing": 2,
        "roads": 3,
        "neglected": 1,
        "components": 2,
        "water": 2,
        "units": 1,
    }
    assert city.crs.to_epsg() == 4549


def test_buildings(city):
    housing = by_id(city.tables["housing"])
    first, second = housing.loc["way/100"], housing.loc["way/101"]
    assert (first["use"], first["built_year"], first["floors"]) == ("residential", 1939, 6)
    assert first["start_date"] == "1930s"
    assert pd.isna(second["use"])
    assert pd.isna(second["built_year"])
    assert second["address"] == "南京西路 1"
    assert city.lacking["housing"]["静安"] >= {"danger_grade", "owner"}
    assert any("1 cells of start_date cannot be read as built_year" in text for text in city.warnings)


def test_streets_and_alleys(city):
    road = by_id(city.tables["roads"]).loc["way/103"]
    assert (road["bridge"], road["tunnel"], road["layer"], road["lanes"], road["width_m"]) == (
        True,
        False,
        2,
        4,
        12,
    )
    assert by_id(city.tables["roads"]).loc["way/106"].geometry.geom_type == "LineString"
    alley = city.tables["neglected"].iloc[0]
    assert (alley["id"], alley["kind"]) == ("way/104", "back_alley")


def test_points_and_boundaries(city):
    parts = by_id(city.tables["components"])
    assert parts["class_code"].to_dict() == {"node/5": "manhole_cover", "node/6": "street_lamp"}
    assert parts["updated_on"].iloc[0] == pd.Timestamp("2021-06-01", tz="UTC")
    unit = city.tables["units"].iloc[0]
    assert (unit["code"], unit["level"], unit["name"]) == ("310106", "district", "静安区")


def test_a_source_is_as_old_as_its_newest_edit(city):
    assert {row.dated for row in city.sources} == {"2022-03-01T00:00:00+00:00"}
    assert {row.source_name for row in city.sources} == {"静安"}


def test_elsewhere_the_levels_are_others(tmp_path):
    path = write(
        tmp_path / "a.osm", [(RING, {"boundary": "administrative", "admin_level": "9", "name": "Mitte"})]
    )
    path.write_text(path.read_text().replace('lat="31', 'lat="52').replace('lon="121', 'lon="13'))
    city = build_city([SourceSpec(str(path))])
    assert city.tables["units"]["level"].tolist() == ["district"]
    assert city.crs.to_epsg() == 32633


def test_compressed_xml(tmp_path, city):
    plain = write(tmp_path / "b.osm", WAYS)
    packed = tmp_path / "静安.osm.bz2"
    packed.write_bytes(bz2.compress(plain.read_bytes()))
    again = build_city([SourceSpec(str(packed))])
    assert {role: len(t) for role, t in again.tables.items()} == {
        role: len(t) for role, t in city.tables.items()
    }
    assert set(again.tables["roads"]["source_name"]) == {"静安"}


@pytest.mark.parametrize(
    ("name", "counts", "epsg"),
    [
        ("osm-city/Helsinki.osm.pbf", {"components": 586, "roads": 2461, "water": 20, "housing": 494}, 32635),
        ("osm-city/berlin_neukolln.osm", {"components": 86, "roads": 211, "housing": 126, "water": 1}, 32633),
        ("china-city/shanghai_center_roads.osm", {"roads": 796}, 4549),
        ("nasty-vector/current.osm", {"roads": 2, "housing": 4}, 32630),
    ],
)
def test_real_extracts(shared_data, name, counts, epsg):
    city = build_city([SourceSpec(str(shared_data / name))])
    assert rows(city) == counts
    assert city.crs.to_epsg() == epsg
    for table in city.tables.values():
        assert table["id"].is_unique
        # five outlines of Helsinki are cut down to two points
        assert table.geometry.isna().sum() == (5 if len(table) == 494 else 0)


def test_shanghais_elevated_roads(shared_data):
    roads = build_city([SourceSpec(str(shared_data / "china-city/shanghai_center_roads.osm"))]).tables[
        "roads"
    ]
    assert roads["bridge"].sum() == 76
    assert roads["tunnel"].sum() == 15
    assert (roads["name"] == "延安高架路").any()


def test_berlins_openings(shared_data):
    parts = build_city([SourceSpec(str(shared_data / "osm-city/berlin_neukolln.osm"))]).tables["components"]
    assert parts["class_code"].value_counts().to_dict() == {"street_lamp": 52, "manhole_cover": 34}


def test_one_role_of_an_extract(shared_data):
    city = build_city([SourceSpec(str(shared_data / "osm-city/berlin_neukolln.osm"), None, "housing")])
    assert list(city.tables) == ["housing"]


def test_building_whose_outline_cannot_be_read_is_kept_without_a_place(tmp_path):
    """Its nodes are not in the file, as at the edge of an extract: a ring of two points is left."""
    edge = write(
        tmp_path / "edge.osm", [(RING, {"building": "yes"}), ((1, 99, 98, 1), {"building": "house"})]
    )
    city = build_city([SourceSpec(str(edge))])
    places = dict(zip(city.table("housing")["id"], city.table("housing").geometry))
    assert places["way/101"] is None and places["way/100"].area > 0
    assert any("no place" in said for said in city.warnings)
