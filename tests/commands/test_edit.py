"""A committed edit in an open city: its surroundings are right again, and the rest is left alone."""

import base64
import json

import geopandas as gpd
import pytest
import shapely
from shapely.geometry import LineString, box

from citygap.commands import run_command
from citygap.commands.call import Call
from citygap.commands.edit import edit
from citygap.commands.held import HeldCities
from citygap.model.errors import CityGapError
from citygap.store.database import open_store
from citygap.store.gaps import read_gaps

WEST, SOUTH = 638000.0, 3456000.0


@pytest.fixture
def city_file(tmp_path):
    path = tmp_path / "city.gpkg"
    houses = gpd.GeoDataFrame(
        {
            "id": ["H1", "H2", "far"],
            "built_year": [2010, 2012, 1990],
            "danger_grade": ["A", "A", "D"],
            "use": "residential",
        },
        geometry=[box(WEST + x, SOUTH, WEST + x + 10, SOUTH + 10) for x in (0, 30, 5000)],
        crs="EPSG:4549",
    )
    pipes = gpd.GeoDataFrame(
        {"id": ["P1"], "class_code": ["JS"], "laid_year": [2015], "material_code": ["PE"]},
        geometry=[LineString([(WEST, SOUTH + 20), (WEST + 80, SOUTH + 20)])],
        crs="EPSG:4549",
    )
    houses.to_file(path, layer="housing")
    pipes.to_file(path, layer="pipes")
    return path


@pytest.fixture
def opened(city_file, tmp_path):
    """An open city, its store after a first check, and what asks for edits."""
    cities = HeldCities()
    name = cities.open({"sources": [str(city_file)]}, lambda *_: None, lambda: False)["city"]
    store = tmp_path / "S.gpkg"
    run_command("check", {"city": name, "store": str(store), "as_of": None}, cities=cities)

    def ask(**args):
        call = Call({"city": name, "store": str(store), **args}, lambda *_: None, lambda: False, cities)
        return edit(call, cities)

    return cities, name, store, ask


def gaps(store, where="run_state <> 'gone'"):
    with open_store(store) as opened_store:
        return {(gap["rule_id"], gap["object_id"]): gap for gap in read_gaps(opened_store, where)}


def wkb64(shape):
    return base64.b64encode(shapely.to_wkb(shape)).decode()


def test_a_changed_field_brings_and_takes_gaps(opened):
    _, _, store, ask = opened
    before = gaps(store)
    assert ("A02", "H1") not in before
    result = ask(role="housing", upserts=[{"id": "H1", "fields": {"danger_grade": "D"}}])
    assert result["rules"]["A02"]["new"] == 1 and result["rules"]["A02"]["gone"] == 0
    assert gaps(store)["A02", "H1"]["severity"] == "high"
    result = ask(role="housing", upserts=[{"id": "H1", "fields": {"danger_grade": "B"}}])
    assert result["rules"]["A02"]["gone"] == 1
    after = gaps(store)
    assert ("A02", "H1") not in after and after["A02", "far"]["status"] == "open"


def test_what_is_far_away_is_not_looked_at(opened):
    _, _, store, ask = opened
    seen = gaps(store)["A02", "far"]["seen_at"]
    ask(role="housing", upserts=[{"id": "H1", "fields": {"danger_grade": "D"}}])
    assert gaps(store)["A02", "far"]["seen_at"] == seen


def test_a_moved_pipe_leaves_a_house_unserved_and_a_deleted_one_takes_its_gaps_along(opened):
    _, _, store, ask = opened
    assert ("S01", "H1") not in gaps(store)
    away = LineString([(WEST, SOUTH + 900), (WEST + 80, SOUTH + 900)])
    ask(role="pipes", upserts=[{"id": "P1", "wkb64": wkb64(away), "fields": {}}])
    assert {("S01", "H1"), ("S01", "H2")} <= set(gaps(store))
    assert [key for key in gaps(store) if key[1].startswith("P1")]
    ask(role="pipes", deletes=["P1"])
    assert not [key for key in gaps(store) if key[1].startswith("P1")]


def test_a_new_object_is_tested_and_a_whole_check_agrees(opened):
    cities, name, store, ask = opened
    shape = box(WEST + 60, SOUTH, WEST + 70, SOUTH + 10)
    fields = {"built_year": 1970, "danger_grade": "C", "use": "residential"}
    ask(role="housing", upserts=[{"id": "new", "wkb64": wkb64(shape), "fields": fields}])
    around = {key: gap["severity"] for key, gap in gaps(store).items()}
    assert around["A02", "new"] == "high"
    run_command("check", {"city": name, "store": str(store)}, cities=cities)
    whole = {key: gap["severity"] for key, gap in gaps(store).items()}
    assert {key: word for key, word in around.items() if key[0] in {"A02", "S01"}} == {
        key: word for key, word in whole.items() if key[0] in {"A02", "S01"}
    }


def test_rules_over_the_whole_city_are_named_as_stale(opened):
    result = opened[3](role="housing", upserts=[{"id": "H1", "fields": {"floors": 3}}])
    assert "D07" in result["stale"] and "A02" not in result["stale"]
    assert result["rules"]["D07"]["reason"]["code"] == "stale"


def test_many_edits_come_by_path(opened, tmp_path):
    path = tmp_path / "edits.json"
    path.write_text(json.dumps({"upserts": [{"id": "H2", "fields": {"danger_grade": "D"}}]}), "utf-8")
    opened[3](role="housing", path=str(path))
    assert ("A02", "H2") in gaps(opened[2])


@pytest.mark.parametrize(
    ("args", "code"),
    [
        ({"role": "totals"}, "bad_request"),
        ({"role": "housing", "upserts": [{"fields": {}}]}, "bad_request"),
        ({"role": "housing", "upserts": [{"id": "H1", "wkb64": "!"}]}, "bad_request"),
        ({"role": "housing", "path": "nowhere.json"}, "bad_request"),
    ],
)
def test_what_can_not_be_read_is_refused_and_changes_nothing(opened, args, code):
    before = gaps(opened[2])
    with pytest.raises(CityGapError) as refused:
        opened[3](**args)
    assert refused.value.code == code and gaps(opened[2]) == before


def test_another_file_that_changed_makes_the_city_stale(opened, city_file):
    cities, name, _, _ = opened
    city_file.touch()
    with pytest.raises(CityGapError) as refused:
        cities.city(name)
    assert refused.value.code == "city_stale"


def test_a_gap_dismissed_between_two_edits_loses_neither(opened):
    cities, name, store, ask = opened
    ask(role="housing", upserts=[{"id": "H1", "fields": {"built_year": 3000}}])
    doubt = gaps(store)["D02", "H1"]
    args = {"store": str(store), "gap_id": doubt["gap_id"], "status": "false_alarm", "why": "as recorded"}
    run_command("status", args)
    ask(role="housing", upserts=[{"id": "H2", "fields": {"danger_grade": "D"}}])
    table = cities.city(name).table("housing").set_index("id")
    assert table.loc["H1", "built_year"] == 3000 and table.loc["H2", "danger_grade"] == "D"
    assert gaps(store)["D02", "H1"]["status"] == "false_alarm" and ("A02", "H2") in gaps(store)
