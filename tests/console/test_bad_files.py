"""What can't be used is one line that names the file and a remedy, and nothing is left behind."""

import shutil
from concurrent.futures import ThreadPoolExecutor

import geopandas as gpd
import pandas as pd
import pytest
import shapely

from citygap.model.version import VERSION

EAST, NORTH = 640000, 3456000
COMPANIONS = {".dbf", ".shx", ".prj", ".cpg", ".mid", ".dat", ".id"}
FORMATS = (
    "buildings.gpkg",
    "buildings.shp",
    "buildings.geojson",
    "city.osm",
    "city.osm.pbf",
    "buildings.csv",
)
ENDINGS = (".", "。")


def buildings(count=60):
    shapes = [shapely.box(EAST + 20 * i, NORTH, EAST + 20 * i + 10, NORTH + 10) for i in range(count)]
    columns = {"id": [f"H{i}" for i in range(count)], "built_year": 1950, "name": "弄堂里的房子"}
    return gpd.GeoDataFrame(columns, geometry=shapes, crs=4549)


def osm_text(frame):
    nodes, ways, number = [], [], 0
    for name, outline in zip(frame["id"], frame.to_crs(4326).geometry):
        refs = []
        for lon, lat in outline.exterior.coords[:-1]:
            number += 1
            nodes.append(f'<node id="{number}" lat="{lat}" lon="{lon}"/>')
            refs.append(f'<nd ref="{number}"/>')
        tags = f'<tag k="building" v="yes"/><tag k="name" v="{name}"/>'
        ways.append(f'<way id="{name[1:]}">{"".join(refs)}{refs[0]}{tags}</way>')
    return "\n".join(["<?xml version='1.0'?>", '<osm version="0.6">', *nodes, *ways, "</osm>"])


def write(path, shared_data):
    """A whole file of buildings in the format of its name."""
    frame = buildings()
    if path.name == "city.osm":
        path.write_text(osm_text(frame), encoding="utf-8")
    elif path.name == "city.osm.pbf":
        shutil.copy(shared_data / "osm-city" / "its-example.osm.pbf", path)
    elif path.suffix == ".csv":
        corners = frame.to_crs(4326).geometry.bounds
        table = pd.DataFrame(frame.drop(columns="geometry"))
        table.assign(lon=corners["minx"], lat=corners["miny"], last="x").to_csv(path, index=False)
    else:
        frame.to_file(path)
    return path


def listing(folder):
    return sorted((str(item.relative_to(folder)), item.stat().st_size) for item in folder.rglob("*"))


@pytest.fixture
def place(tmp_path):
    """A folder for the bad file, and one for the store."""
    (tmp_path / "data").mkdir()
    (tmp_path / "work").mkdir()
    return tmp_path


@pytest.fixture
def refused(console, place):
    """Check what can't be used: its one line, with both folders untouched."""

    def refused(*words):
        before = listing(place)
        done = console.run("check", *words, "--store", place / "work" / "S.gpkg", cwd=place / "work")
        assert listing(place) == before
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr.startswith("citygap: ") and done.stderr.count("\n") == 1
        assert done.stderr.rstrip().endswith(ENDINGS), "no remedy"
        return done.stderr

    return refused


@pytest.mark.parametrize("name", FORMATS)
def test_whole_files_are_read(console, place, shared_data, name):
    """The other tests cut and empty the same files, so it is the cut that is refused."""
    path = write(place / "data" / name, shared_data)
    before = listing(place / "data")
    done = console.run("check", path, "--store", place / "work" / "S.gpkg")
    assert (done.returncode, done.stderr) == (0, "")
    assert listing(place / "data") == before
    assert [item.name for item in (place / "work").iterdir()] == ["S.gpkg"]


@pytest.mark.parametrize("name", FORMATS)
def test_truncated(refused, place, shared_data, name):
    path = write(place / "data" / name, shared_data)
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])
    said = refused(path)
    assert str(path) in said
    assert any(word in said for word in ("cut short", "stops", "damaged", "of 6 cells"))
    assert any(word in said for word in ("Copy", "Download", "Export", "export"))


@pytest.mark.parametrize("name", FORMATS)
def test_empty(refused, place, name):
    (place / "data" / name).touch()
    assert f"{place / 'data' / name}: the file is empty (0 bytes). " in refused(place / "data" / name)


@pytest.mark.parametrize("name", ["missing.gpkg", "弄堂 的 房子.shp"])
def test_missing(refused, place, name):
    path = place / "data" / name
    assert f"{path}: the file does not exist. Check the path." in refused(path)
    assert str(path) in refused(f"--role=housing={path}")


@pytest.mark.filterwarnings("ignore:'crs' was not provided")
def test_no_crs(refused, place):
    path = place / "data" / "houses.shp"
    buildings().set_crs(None, allow_override=True).to_file(path)
    said = refused(path)
    assert f"{path}, layer houses" in said and "CRS" in said and "--crs" in said


def test_no_geometry(refused, place):
    path = place / "data" / "houses.gpkg"
    pd.DataFrame({"id": ["H1"], "built_year": [1950]}).to_csv(place / "data" / "houses.csv", index=False)
    said = refused(f"--role=housing={place / 'data' / 'houses.csv'}")
    assert "houses.csv" in said and "no geometry" in said and "lon and lat" in said
    frame = buildings(2)
    frame.geometry = [None, None]
    frame.to_file(path, layer="houses")
    said = refused(path)
    assert f"{path}, layer houses" in said and "no row has a place" in said


def test_store_as_a_source(refused, console, place, shared_data):
    path = write(place / "data" / "buildings.gpkg", shared_data)
    store = place / "data" / "kept.gpkg"
    assert console.run("check", path, "--store", store).returncode == 0
    for words in ([store], [path, store], [f"--role=housing={store}|gaps"]):
        said = refused(*words)
        assert str(store) in said and "this is a CityGap store" in said and "--store" in said


def test_source_as_the_store_is_left_alone(console, place, shared_data):
    path = write(place / "data" / "buildings.gpkg", shared_data)
    before = path.read_bytes()
    done = console.run("check", path, "--store", path)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert str(path) in done.stderr and path.read_bytes() == before


def test_unknown_layer(refused, place, shared_data):
    path = write(place / "data" / "buildings.gpkg", shared_data)
    said = refused(f"--role=housing={path}|hauses")
    assert str(path) in said and "hauses" in said and "buildings" in said


def test_role_misspelt(refused, place, shared_data):
    path = write(place / "data" / "buildings.gpkg", shared_data)
    said = refused(f"--role=houses={path}")
    assert str(path) in said and "houses" in said and "housing" in said
    said = refused(path, "--map", "housing.year=built")
    assert "housing.year" in said and "ROLE.FIELD=COLUMN" in said
    said = refused(path, "--map", "housing.built_year=no_such_column")
    assert str(path) in said and "no_such_column" in said


def test_one_bad_source_among_good_ones_stops_the_check(refused, place, shared_data):
    good = write(place / "data" / "buildings.gpkg", shared_data)
    assert "gone.shp" in refused(good, place / "data" / "gone.shp")


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("check",),
        ("check", "x.gpkg"),
        ("check", "x.gpkg", "--store"),
        ("check", "x.gpkg", "--store", "S.gpkg", "--bogus"),
        ("check", "x.gpkg", "--store", "S.gpkg", "--as-of", "yesterday"),
        ("check", "x.gpkg", "--store", "S.gpkg", "--bbox", "1,2,3"),
        ("chekc", "x.gpkg"),
        ("flag", "S.gpkg", "--severity", "high", "--text", "x"),
        ("gaps",),
        ("report", "S.gpkg"),
        ("status", "S.gpkg", "G", "done"),
        ("undo", "S.gpkg", "last"),
    ],
)
def test_wrong_usage_exits_2_and_says_how(console, tmp_path, words):
    done = console.run(*words, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("usage: citygap") and "Traceback" not in done.stderr
    assert not list(tmp_path.iterdir())


@pytest.fixture(scope="module")
def nasty(console, shared_data, tmp_path_factory):
    """Every nasty file checked as it is, and as housing: a name to source, finished process and folder."""
    folder = tmp_path_factory.mktemp("nasty")
    files = sorted(item for item in (shared_data / "nasty-vector").iterdir() if item.is_file())
    asked = [(file.name, [file]) for file in files]
    asked += [
        (f"{file.name} as housing", [f"--role=housing={file}"])
        for file in files
        if file.suffix not in COMPANIONS
    ]

    def check(number, words):
        place = folder / str(number)
        place.mkdir()
        return console.run("check", *words, "--store", place / "S.gpkg", cwd=place), place

    with ThreadPoolExecutor(2) as pool:
        done = pool.map(check, range(len(asked)), (words for _, words in asked))
    return {name: (words[0], *result) for (name, words), result in zip(asked, done)}


def test_nasty_files_never_give_a_traceback(nasty, shared_data):
    assert len(nasty) > 100
    before = {item.name for item in (shared_data / "nasty-vector").iterdir()}
    for name, (source, done, place) in nasty.items():
        assert "Traceback" not in done.stderr + done.stdout, name
        assert done.returncode in (0, 1), name
        assert done.stderr.count("\n") == done.returncode, (name, done.stderr)
        left = [item.name for item in place.iterdir()]
        assert left == ([] if done.returncode else ["S.gpkg"]), name
        if done.returncode:
            assert done.stderr.startswith("citygap: ") and done.stderr.rstrip().endswith(ENDINGS), name
            assert str(source).partition("housing=")[2] or str(source) in done.stderr, name
            assert "This is a bug" not in done.stderr, (name, done.stderr)
    assert {item.name for item in (shared_data / "nasty-vector").iterdir()} == before


def test_nasty_files_that_can_be_read_are(nasty):
    """Odd names, another encoding, mixed kinds, broken rings, no place in some rows: no reason to refuse."""
    readable = {name for name, (_, done, _) in nasty.items() if done.returncode == 0}
    assert {"current.osm", "shanghai_old_buildings.tab", "shanghai_old_buildings_gbk.shp"} <= readable
    assert {f"{name} as housing" for name in ("!test.geojson", "makeValid.json", "trio.geojson")} <= readable


def test_version(console):
    assert console.run("--version").stdout == f"citygap {VERSION}\n"
