"""D07: layers that lie beside the others."""

import dataclasses

import geopandas as gpd
import numpy as np
import pyproj
import pytest
import shapely
from random_city import AS_OF
from shapely.geometry import LineString, Point, box

from citygap.engine import gcj02
from citygap.engine.city import city_from_tables
from citygap.engine.context import Context
from citygap.engine.rules.data_position import CRS_OFFSET_SUSPECT, shift_verdicts
from citygap.engine.standards import Standards, shipped_standards

STANDARDS = Standards(shipped_standards(), AS_OF.date())
EAST, NORTH = 640_000.0, 3_456_000.0
TO_DEGREES = pyproj.Transformer.from_crs("EPSG:4549", "EPSG:4490", always_xy=True)
TO_METRES = pyproj.Transformer.from_crs("EPSG:4490", "EPSG:4549", always_xy=True)


def by_degrees(convert):
    """A move of places in metres by a conversion of degrees."""

    def move(places):
        return np.column_stack(TO_METRES.transform(*convert(*TO_DEGREES.transform(*places.T))))

    return move


def by(east, north):
    return lambda places: places + np.array([east, north])


def points(count=80, seed=1, side=4000.0):
    return np.random.default_rng(seed).uniform(0, side, (count, 2)) + np.array([EAST, NORTH])


def pipes(places, source, noise=0.0, seed=2):
    """Pipes from place to place."""
    shaken = places + np.random.default_rng(seed).normal(0, noise, places.shape)
    return gpd.GeoDataFrame(
        {
            "id": [f"{source}{i}" for i in range(len(places) - 1)],
            "class_code": "JS",
            "source_name": source,
        },
        geometry=[LineString(shaken[i : i + 2]) for i in range(len(places) - 1)],
    )


def joined(*frames):
    return gpd.GeoDataFrame(gpd.pd.concat(frames, ignore_index=True))


def verdicts(tables, trusted=()):
    city = dataclasses.replace(city_from_tables(tables, as_of=AS_OF), trusted=trusted)
    return Context(city, STANDARDS).once(shift_verdicts)


def two_books(move, noise=0.0, keep=1.0):
    here = points()
    there = here[: int(len(here) * keep)]
    return {"pipes": joined(pipes(here, "base"), pipes(move(there), "other", noise))}


@pytest.mark.parametrize(
    "cause, move",
    [
        ("gcj02", by_degrees(gcj02.gcj02)),
        ("bd09", by_degrees(gcj02.bd09)),
        ("gcj02_twice", by_degrees(gcj02.gcj02_twice)),
        ("base_gcj02", by_degrees(lambda lon, lat: gcj02.undone(gcj02.gcj02, lon, lat))),
        ("bd09_on_gcj02", by_degrees(gcj02.bd09_of_gcj02)),
    ],
)
def test_causes_are_named_and_confirmed(cause, move):
    (found,) = verdicts(two_books(move, noise=1.0, keep=0.6))
    assert (found.role, found.source_name, found.cause, found.is_confirmed) == ("pipes", "other", cause, True)
    middle = points().mean(axis=0)[None]
    assert (found.east, found.north) == pytest.approx(tuple((move(middle) - middle)[0]), abs=15)
    assert found.rms_m < 3


def test_a_whole_city_in_gcj02_is_found_although_its_vectors_vary():
    """No single vector of 10 m holds a tenth of them."""
    here = points(1500, seed=5, side=90_000.0) - (30_000, 45_000)
    table = joined(pipes(here, "base"), pipes(by_degrees(gcj02.gcj02)(here), "other"))
    assert [found.cause for found in verdicts({"pipes": table})] == ["gcj02"]


@pytest.mark.parametrize(
    "move, cause",
    [
        (by(0, 0), None),
        (by(4.9, 0), None),
        (by(5.1, 0), "constant"),
        (by(-60.0, 12.0), "constant"),
        (by(300.0, 399.0), "constant"),
        (by(300.0, 401.0), None),
    ],
)
def test_a_constant_shift_without_a_name(move, cause):
    found = verdicts(two_books(move))
    assert [verdict.cause for verdict in found] == ([cause] if cause else [])
    for verdict in found:
        shift = move(np.zeros((1, 2)))[0]
        assert (verdict.east, verdict.north) == pytest.approx(tuple(shift), abs=1e-6)
        assert not verdict.is_confirmed


@pytest.mark.parametrize("off, cause", [(20.0, "gcj02"), (-49.0, "gcj02"), (-100.0, "constant")])
def test_near_gcj02_but_not_by_the_formula_is_suspected_at_most(off, cause):
    here = points(side=1000.0)
    middle = here.mean(axis=0)[None]
    shift = (by_degrees(gcj02.gcj02)(middle) - middle)[0] + (off, 0.0)
    (found,) = verdicts({"pipes": joined(pipes(here, "base"), pipes(here + shift, "other"))})
    assert (found.cause, found.is_confirmed) == (cause, False)
    assert (found.east, found.north) == pytest.approx(tuple(shift), abs=0.01)


def test_two_layers_of_other_things_agree_on_nothing():
    table = joined(pipes(points(seed=1), "base"), pipes(points(seed=9), "other"))
    assert verdicts({"pipes": table}) == ()


def test_other_classes_do_not_vote():
    other = pipes(by(60, 0)(points()), "other").assign(class_code="PS")
    assert verdicts({"pipes": joined(pipes(points(), "base"), other)}) == ()


def test_a_regular_row_of_lamps_has_no_single_vector():
    row = [Point(EAST + 30 * i, NORTH) for i in range(100)]
    moved = [Point(EAST + 30 * i + 210, NORTH) for i in range(100)]
    lamps = gpd.GeoDataFrame(
        {
            "id": range(200),
            "class_code": "street_lamp",
            "source_name": ["base"] * 100 + ["other"] * 100,
        },
        geometry=row + moved,
    )
    assert verdicts({"components": lamps.assign(id=lamps["id"].astype(str))}) == ()


def test_a_handful_of_places_proves_nothing():
    few = points(5)
    assert verdicts({"pipes": joined(pipes(few, "base"), pipes(by(200, 90)(few), "other"))}) == ()


def test_wrong_zone():
    """Numbers of 4550 read as 4549 land three degrees west."""
    here = points()
    there = np.column_stack(
        pyproj.Transformer.from_crs("EPSG:4549", "EPSG:4550", always_xy=True).transform(*here.T)
    )
    (found,) = verdicts({"pipes": joined(pipes(here, "base"), pipes(there, "other"))})
    assert (found.cause, found.is_confirmed) == ("wrong_zone", True)
    assert found.east == pytest.approx(-286_000, abs=2000)
    elsewhere = by(0, 300_000)(here)
    assert verdicts({"pipes": joined(pipes(here, "base"), pipes(elsewhere, "other"))}) == ()


def test_who_is_trusted_is_not_the_suspect():
    tables = two_books(by(60, 0))
    assert [found.source_name for found in verdicts(tables)] == ["other"]
    assert [found.source_name for found in verdicts(tables, ("other",))] == ["base"]
    assert verdicts(tables, ("pipes",)) == ()


def wells_and_covers(move):
    here = points()
    places = {"pipe_points": here, "components": move(here)}
    kinds = {
        "pipe_points": {"class_code": "PS", "feature": "manhole"},
        "components": {"class_code": ["0102", "manhole_cover"] * 40},
    }
    return {
        role: gpd.GeoDataFrame(
            {"id": [f"{role}{i}" for i in range(80)], "source_name": role, **kinds[role]},
            geometry=[Point(at) for at in at_places],
        )
        for role, at_places in places.items()
    }


def test_manholes_against_covers():
    (found,) = verdicts(wells_and_covers(by(80, 30)))
    assert (found.role, found.base, found.cause) == ("components", "pipe_points:pipe_points", "constant")
    (found,) = verdicts(wells_and_covers(by(80, 30)), ("components",))
    assert (found.role, found.east) == ("pipe_points", pytest.approx(-80))
    assert verdicts(wells_and_covers(by(0, 0))) == ()


def houses_and_street(on_road, beside, highway="residential"):
    houses = [box(x, 0, x + 10, 10) for x in range(0, 20 * on_road, 20)]
    houses += [box(x, 20, x + 10, 30) for x in range(0, 20 * beside, 20)]
    return {
        "housing": gpd.GeoDataFrame({"id": [f"H{i}" for i in range(len(houses))]}, geometry=houses),
        "roads": gpd.GeoDataFrame(
            {"id": ["R"], "highway": [highway], "width_m": [8.0]}, geometry=[LineString([(-9, 5), (2000, 5)])]
        ),
    }


@pytest.mark.parametrize("on_road, beside, suspect", [(3, 17, False), (4, 16, True), (4, 1, False)])
def test_buildings_on_roads_are_suspected_and_hold_nothing(on_road, beside, suspect):
    """Over 15 % of at least ten buildings."""
    city = city_from_tables(houses_and_street(on_road, beside), as_of=AS_OF)
    found = CRS_OFFSET_SUSPECT.find(city, Context(city, STANDARDS)).findings
    assert len(found) == suspect
    for row in found.itertuples():
        assert (row.object_role, row.object_id, row.severity) == ("roads", "roads", "medium")
        assert np.isnan(row.measured) and row.params["cause"] == "on_roads"
        assert row.params["share"] == on_road / (on_road + beside)


def test_houses_over_paths_and_tunnels_are_no_sign():
    assert verdicts(houses_and_street(20, 0, "footway")) == ()
    tables = houses_and_street(20, 0)
    tables["roads"]["tunnel"] = True
    assert verdicts(tables) == ()


def test_finding_tells_vector_extent_and_base():
    tables = two_books(by(30, 40))
    city = city_from_tables(tables, as_of=AS_OF)
    (row,) = CRS_OFFSET_SUSPECT.find(city, Context(city, STANDARDS)).findings.itertuples()
    assert row.key == '["D07",["pipes:other"],""]'
    assert (row.severity, row.measured, row.reference, row.unit) == ("high", pytest.approx(50), 5.0, "m")
    assert row.params["base"] == "pipes:base" and row.params["fit"] == "suspected"
    moved = tables["pipes"][tables["pipes"]["source_name"] == "other"]
    assert row.geometry.bounds == tuple(moved.total_bounds)
    assert not row.steps


def test_row_order_decides_nothing():
    here = points(1200, side=2500.0)
    table = joined(pipes(here, "base"), pipes(by(77, 5)(here), "other", 2.0))
    mixed = table.sample(frac=1, random_state=4).sort_values("source_name", kind="stable")
    assert str(verdicts({"pipes": table})) == str(verdicts({"pipes": mixed}))


def test_broken_geometries_do_not_stop_it():
    tables = two_books(by(60, 0))
    broken = [None, LineString(), LineString([(0, 0), (0, 0)]), LineString([(np.nan, 0), (1, 1)])]
    more = gpd.GeoDataFrame({"id": list("abcd"), "class_code": "JS", "source_name": "other"}, geometry=broken)
    tables["pipes"] = joined(tables["pipes"], more)
    tables["housing"] = gpd.GeoDataFrame(
        {"id": ["x", "y"]},
        geometry=[shapely.Polygon([(0, 0), (9, 9), (9, 0), (0, 9)]), Point(1, 1)],
    )
    tables["roads"] = gpd.GeoDataFrame({"id": ["r"]}, geometry=[LineString([(0, 0), (9, 9)])])
    assert [found.source_name for found in verdicts(tables)] == ["other"]


def test_asks_for_two_layers():
    assert CRS_OFFSET_SUSPECT.missing(city_from_tables(two_books(by(0, 0)))) is None
    alone = city_from_tables({"pipes": pipes(points(), "base")})
    assert CRS_OFFSET_SUSPECT.missing(alone) == "no two layers that can be compared"
