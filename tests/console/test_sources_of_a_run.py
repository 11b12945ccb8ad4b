"""Which files a run reads and remembers, and what a run may therefore call gone."""

import geopandas as gpd
import pytest
import shapely


def write(path, ids, east=640000):
    path.parent.mkdir(parents=True, exist_ok=True)
    shapes = [shapely.box(east + 20 * i, 3456000, east + 20 * i + 10, 3456010) for i in range(len(ids))]
    frame = gpd.GeoDataFrame({"id": ids, "built_year": 1950}, geometry=shapes, crs=4549)
    frame.to_file(path, layer="housing")
    return path


@pytest.fixture
def a02(console):
    """Check, and give of rule A02 what the run counted, and the state of each object's gap."""

    def a02(store, *words, cwd=None):
        counts = console.json("check", *words, "--store", store, cwd=cwd)["rules"]["A02"]
        gaps = console.json("gaps", store, "--where", "rule_id = 'A02'", cwd=cwd)
        return counts, {gap["object_id"]: gap["run_state"] for gap in gaps}

    return a02


def test_two_files_of_one_name_are_two_sources(a02, tmp_path):
    """A building of one file is not gone because a run reads the other one alone."""
    first = write(tmp_path / "east" / "houses.gpkg", ["H1", "H2"])
    second = write(tmp_path / "west" / "houses.gpkg", ["H3"], 641000)
    store = tmp_path / "S.gpkg"
    for alone in (first, second):
        a02(store, first, second)
        counts, states = a02(store, alone)
        assert counts["gone"] == 0 and set(states) == {"H1", "H2", "H3"} and "gone" not in states.values()
    write(second, ["H4"], 641000)
    assert a02(store, first, second)[1] == {
        "H1": "persisting",
        "H2": "persisting",
        "H3": "gone",
        "H4": "new",
    }


def test_relative_paths_are_remembered_from_wherever_they_were_named(a02, tmp_path):
    write(tmp_path / "数 据" / "房屋 #1 100%.gpkg", ["H1", "H2"])
    (tmp_path / "工作").mkdir()
    counts, _ = a02("库.gpkg", "../数 据/房屋 #1 100%.gpkg", cwd=tmp_path / "工作")
    assert counts["new"] == 2
    counts, _ = a02("工作/库.gpkg", cwd=tmp_path)
    assert (counts["persisting"], counts["new"]) == (2, 0)


def test_a_remembered_file_that_is_gone_stops_the_check(console, a02, tmp_path):
    source, store = write(tmp_path / "houses.gpkg", ["H1"]), tmp_path / "S.gpkg"
    a02(store, source)
    source.rename(tmp_path / "moved.gpkg")
    done = console.run("check", "--store", store)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"citygap: {source}: the file does not exist. Check the path.\n"
    assert console.json("gaps", store, "--where", "rule_id = 'A02'")[0]["run_state"] == "new"


def test_an_earlier_day_and_a_window_elsewhere_close_nothing(a02, tmp_path):
    source, store = write(tmp_path / "houses.gpkg", ["H1", "H2"]), tmp_path / "S.gpkg"
    a02(store, source, "--as-of", "2026-06-30")
    write(source, ["H1"])
    assert a02(store, "--as-of", "2026-06-29")[0]["gone"] == 0
    assert a02(store, "--as-of", "2026-06-30", "--bbox", "10,50,11,51")[0]["gone"] == 0
    assert a02(store, "--as-of", "2026-06-30", "--rules", "D01")[0]["gone"] == 0
    counts, states = a02(store, "--as-of", "2026-06-30")
    assert counts["gone"] == 1 and states == {"H1": "persisting", "H2": "gone"}


def test_streets_and_buildings_stay_open_while_their_evidence_is_not_read(console, tmp_path):
    """Other buildings than before leave no street built-up, other pipes serve all: that proves nothing."""
    console.run("sample", "s.gpkg", "--buildings", "300", cwd=tmp_path)
    first = console.json("check", "s.gpkg", "--store", "a.gpkg", cwd=tmp_path)["rules"]
    assert first["N05"]["found"] and first["S01"]["found"]
    houses = gpd.read_file(tmp_path / "s.gpkg", layer="housing")
    houses.head(1).to_file(tmp_path / "few.gpkg", layer="housing")
    pipes = gpd.read_file(tmp_path / "s.gpkg", layer="pipes")
    everywhere = shapely.multilinestrings([part for house in houses.geometry for part in [house.exterior]])
    classes = ["JS", "PS", "RQ", "DL", "TX"]
    kinds = ["JP", "WS", "TR", "GD", "DH"]
    served = gpd.GeoDataFrame(
        {"id": classes, "class_code": classes, "kind_code": kinds}, geometry=[everywhere] * 5, crs=pipes.crs
    )
    served.to_file(tmp_path / "all.gpkg", layer="pipes")
    for rule, other in (("N05", "housing=few.gpkg"), ("S01", "pipes=all.gpkg")):
        roles = {role: f"{role}=s.gpkg|{role}" for role in ("housing", "pipes", "roads", "units")}
        roles[other.partition("=")[0]] = other
        words = [word for role in roles.values() for word in ("--role", role)]
        again = console.json("check", *words, "--store", "a.gpkg", cwd=tmp_path)["rules"][rule]
        assert (again["status"], again["gone"]) == ("run", 0)
        assert again["persisting"] < first[rule]["found"]
