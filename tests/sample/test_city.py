"""The sample city is sound: determinate, valid, connected, and of the shape the roles ask for."""

import hashlib

import numpy as np
import pandas as pd
import pytest
import shapely

from citygap.engine.city import DTYPES, city_from_tables
from citygap.model.errors import CityGapError
from citygap.model.roles import ROLES
from citygap.model.vocabulary import pipe_classes
from citygap.sample.city import make_city_tables

CLASSES = {"JS", "PS", "RQ", "DL", "TX", "RL", "HY"}


@pytest.fixture(scope="module")
def tables():
    return make_city_tables()


def fingerprint(tables):
    digest = hashlib.sha256()
    for role in sorted(tables):
        frame = tables[role]
        digest.update(role.encode())
        for shape in shapely.to_wkb(frame.geometry.to_numpy()):
            digest.update(shape or b"none")
        digest.update(pd.DataFrame(frame.drop(columns="geometry")).to_csv(index=False).encode())
    return digest.hexdigest()


def carriageways(roads):
    ground = roads[(roads["highway"] != "trunk")]
    return shapely.buffer(ground.geometry.to_numpy(), ground["width_m"].to_numpy() / 2, cap_style="flat")


def test_same_seed_same_city_other_seed_another():
    first = fingerprint(make_city_tables(300, 5))
    assert first == fingerprint(make_city_tables(300, 5))
    assert first != fingerprint(make_city_tables(300, 6))


@pytest.mark.parametrize("buildings", [200, 701, 1500])
def test_exactly_so_many_buildings(buildings):
    assert len(make_city_tables(buildings, 3)["housing"]) == buildings


def test_too_few_buildings_is_one_clear_line():
    with pytest.raises(CityGapError) as caught:
        make_city_tables(199)
    assert caught.value.code == "too_small"
    assert "200" in caught.value.line()


def test_every_role_with_its_fields(tables):
    assert set(tables) == set(ROLES)
    for role, frame in tables.items():
        names = [field.name for field in ROLES[role].fields if field.name != "source_name"]
        assert [name for name in frame.columns if name != "source_name"] == [*names, "geometry"]
        assert len(frame) > 0
        assert frame.crs.to_epsg() == 4549
        for field in ROLES[role].fields:
            if field.required:
                assert frame[field.name].notna().all(), (role, field.name)
        key = "code" if role == "units" else "id"
        if key in frame and role != "components":
            assert frame[key].is_unique, role
    two = tables["components"][tables["components"]["id"].duplicated(keep=False)]
    assert 0 < two["id"].nunique() < 10


def test_city_takes_the_tables_as_they_are(tables):
    city = city_from_tables(tables)
    for role, frame in city.tables.items():
        assert not city.lacking_everywhere(role)
        assert len(frame) == len(tables[role])
        for field in ROLES[role].fields:
            if field.kind in DTYPES:
                assert str(frame[field.name].dtype) == DTYPES[field.kind]


@pytest.mark.parametrize("seed", [1, 2, 8])
def test_polygons_are_valid_and_buildings_stand_free(seed):
    tables = make_city_tables(1500, seed)
    for role, frame in tables.items():
        shapes = frame.geometry.to_numpy()
        shapes = shapes[~shapely.is_missing(shapes)]
        assert shapely.is_valid(shapes).all(), role
        assert not shapely.is_empty(shapes).any(), role
    houses = tables["housing"].geometry.to_numpy()
    tree = shapely.STRtree(houses)
    left, right = tree.query(houses, predicate="intersects")
    assert (left == right).all()
    for role, ground in (
        ("roads", carriageways(tables["roads"])),
        ("water", tables["water"].geometry[tables["water"]["source_name"] == "水务台账"].to_numpy()),
    ):
        assert len(tree.query(ground, predicate="intersects")[0]) == 0, role
    city = tables["units"].geometry[tables["units"]["level"] == "city"].iloc[0]
    assert shapely.contains(city, houses).all()


def test_units_tile_the_city_without_gap_or_overlap(tables):
    units = tables["units"]
    city = units.geometry[units["level"] == "city"].iloc[0]
    assert np.all(np.array(city.bounds) % 100 == 0)
    for level, least in (("district", 3), ("subdistrict", 6)):
        areas = units.geometry[units["level"] == level].to_numpy()
        assert len(areas) >= least
        assert shapely.area(areas).sum() == pytest.approx(city.area, rel=1e-9)
        assert shapely.union_all(areas).area == pytest.approx(city.area, rel=1e-9)
    below = units[units["level"] != "city"]
    assert below["parent_code"].isin(units["code"]).all()
    assert (units["zone_type"] == "fringe").sum() == 1
    people = units.groupby("level")["population"].sum()
    assert people["city"] == people["district"] == people["subdistrict"] > 0


def test_pipes_of_all_seven_classes_meet_exactly_at_junctions(tables):
    pipes = tables["pipes"]
    assert set(pipes["class_code"]) == CLASSES <= set(pipe_classes())
    ends = [shapely.get_coordinates(shapely.get_point(pipes.geometry.to_numpy(), side)) for side in (0, -1)]
    nodes = pd.concat(
        [
            pd.DataFrame({"node": pipes[column], "x": end[:, 0], "y": end[:, 1]})
            for column, end in zip(("from_node", "to_node"), ends)
        ]
    ).dropna(subset="node")
    assert len(nodes) > 1000
    assert (nodes.groupby("node")[["x", "y"]].nunique() == 1).all(axis=None)
    shared = nodes.groupby("node").size()
    assert (shared > 1).mean() > 0.9


def test_connections_end_inside_their_house_and_start_on_a_pipe(tables):
    pipes = tables["pipes"]
    exits = tables["pipe_points"][tables["pipe_points"]["feature"] == "exit"]
    assert len(exits) > 800
    houses = shapely.STRtree(tables["housing"].geometry.to_numpy())
    inside, _ = houses.query(exits.geometry.to_numpy(), predicate="within")
    assert set(inside) == set(range(len(exits)))
    lines = pipes.geometry.to_numpy()
    ends = shapely.get_coordinates(shapely.get_point(lines, -1))
    known = {tuple(xy) for xy in shapely.get_coordinates(exits.geometry.to_numpy())}
    service = np.array([tuple(xy) in known for xy in ends])
    for code in CLASSES - {"RL", "HY"}:
        mine = (pipes["class_code"] == code).to_numpy()
        start = shapely.get_point(lines[mine & service], 0)
        feeds = shapely.STRtree(lines[mine & ~service])
        assert len(start) > 20
        assert feeds.query_nearest(start, return_distance=True, all_matches=False)[1].max() < 1e-6


def test_streets_bridges_and_what_is_under_the_elevated_road(tables):
    roads, neglected = tables["roads"], tables["neglected"]
    kinds = {
        "primary",
        "secondary",
        "tertiary",
        "residential",
        "living_street",
        "service",
        "trunk",
        "footway",
    }
    assert set(roads["highway"]) == kinds
    elevated = roads[roads["name"] == "延安高架路"]
    assert (elevated["layer"] == 1).all() and elevated["bridge"].all()
    under = neglected[neglected["kind"] == "under_viaduct"]
    deck = shapely.union_all(shapely.buffer(elevated.geometry.to_numpy(), 13))
    assert len(under) >= 4
    assert shapely.within(under.geometry.to_numpy(), deck).all()
    creek = tables["water"].geometry[tables["water"]["name"] == "苏州河"].iloc[0]
    crossing = roads[shapely.intersects(roads.geometry.to_numpy(), creek)]
    assert len(crossing) >= 4
    assert crossing["bridge"].all()
    assert {"淮海中路", "西藏中路"} & set(roads["name"].dropna())


def test_back_alleys_run_between_houses(tables):
    alleys = tables["neglected"][tables["neglected"]["kind"] == "back_alley"]
    assert len(alleys) > 100
    houses = shapely.STRtree(tables["housing"].geometry.to_numpy())
    crossed, _ = houses.query(alleys.geometry.to_numpy(), predicate="intersects")
    assert len(set(crossed)) == 0


def test_records_speak_of_objects_that_exist(tables):
    objects = ("housing", "pipes", "components", "neglected", "roads", "water", "pipe_points")
    ids = pd.concat([tables[role]["id"].drop_duplicates() for role in objects])
    assert ids.is_unique
    assert tables["visits"]["object_id"].dropna().isin(ids).all()
    assert tables["repairs"]["object_id"].isin(ids).all()
    assert tables["duties"]["area_code"].dropna().isin(tables["units"]["code"]).all()
    strangers = tables["resources"]["unit_code"][
        ~tables["resources"]["unit_code"].isin(tables["units"]["code"])
    ]
    assert strangers.tolist() == ["310108"]


def test_visits_cover_two_years_day_and_night(tables):
    local = tables["visits"]["at"].dt.tz_convert("Asia/Shanghai")
    assert local.min().date().isoformat() == "2024-06-01"
    assert local.max().date().isoformat() <= "2026-06-30"
    assert (local.max() - local.min()).days > 700
    night = (local.dt.hour >= 19) | (local.dt.hour < 6)
    assert 0.05 < night.mean() < 0.5
    later = pd.Timestamp("2026-07-01", tz="Asia/Shanghai")
    for role in ("repairs", "hotline", "events"):
        for column in tables[role].select_dtypes("datetimetz"):
            if column != "due_at":
                assert not (tables[role][column] >= later).any(), (role, column)


def test_attributes_are_mostly_filled_and_some_are_not(tables):
    housing, pipes = tables["housing"], tables["pipes"]
    for column in ("built_year", "danger_grade", "last_repair_date", "owner"):
        assert 0.005 < housing[column].isna().mean() < 0.45, column
    for column in ("material_code", "laid_year", "depth_m", "maintainer"):
        assert 0.002 < pipes[column].isna().mean() < 0.12, column
    old = housing["built_year"] <= 2000
    assert 0.4 < old.mean() < 0.9
    dated = housing[housing["last_repair_date"].notna() & (housing["built_year"] != 9999)]
    assert not (dated["last_repair_date"].dt.year < dated["built_year"]).any()
