"""Check and report on real cities, against what plain loops over the raw files count."""

import itertools
import json
import math
import re
import xml.etree.ElementTree as ET
from typing import Any, NamedTuple

import geopandas as gpd
import numpy as np
import pyogrio
import pyproj
import pytest
import shapely

AS_OF = "2026-06-30"
NOTE = "去过三次,敲门没人应。弄堂尽头的墙开裂"
WHY = "正在征收,暂不处理"
KINDS = {"pt": "Point", "ln": "Line String", "pg": "Polygon"}
PIPE_FIELDS = ("class_code", "kind_code", "material_code", "depth_m", "laid_year", "burial_method", "owner")
UTILITIES = ("JS", "PS", "DL", "TX")
HOMES = ("yes", "residential", "apartments", "house")
"""Values of `building` in the cities here that say dwelling, or nothing at all."""
STREETS = (
    *("trunk", "primary", "secondary", "tertiary", "unclassified", "residential", "living_street"),
    *("pedestrian", "road", "trunk_link", "primary_link", "secondary_link", "tertiary_link"),
)


class Story(NamedTuple):
    """A city checked, one gap accepted and noted, checked again, and reported."""

    first: dict[str, Any]
    gaps: list[dict[str, Any]]
    second: dict[str, Any]
    after: list[dict[str, Any]]
    touched: str
    report: dict[str, Any]
    out: Any

    def of(self, rule_id, **wanted):
        """Gaps of a rule after the first run whose columns are as wanted."""
        return [
            gap
            for gap in self.gaps
            if gap["rule_id"] == rule_id and all(gap[name] == value for name, value in wanted.items())
        ]


def berlin(data, folder):
    return [data / "osm-city" / "berlin_neukolln.osm"], 32633


def helsinki(data, folder):
    return [data / "osm-city" / "Helsinki.osm.pbf"], 32635


def shanghai(data, folder):
    """The centre's roads and old buildings, a pipe of each class far off, and one along a street."""
    china = data / "china-city"
    sources = [china / "shanghai_center_roads.osm", china / "shanghai_heritage_osm_east.geojson"]
    far = [shapely.LineString([(121.40, 31.20 + i / 1000), (121.401, 31.20 + i / 1000)]) for i in range(4)]
    street = max(plain_streets(data), key=lambda road: road.shape.length)
    along = gpd.GeoSeries([street.shape], crs=4549).to_crs(4326).iloc[0]
    pipes = {
        "id": [*(f"far-{code}" for code in UTILITIES), "along"],
        "class_code": [*UTILITIES, "JS"],
        "kind_code": ["JP", "WS", "GD", "XX", "JP"],
    }
    gpd.GeoDataFrame(pipes, geometry=[*far, along], crs=4326).to_file(folder / "pipes.geojson")
    return [*sources, folder / "pipes.geojson", "--crs", "4549"], 4549


def barcelona(data, folder):
    pipes = data / "pipes"
    points = [f"--role=pipe_points={pipes / f'ud_{kind}.gpkg'}" for kind in ("node", "gully", "connec")]
    arcs = [f"--role=pipes={pipes / 'ud_arc.gpkg'}|ud_arc", "--map", "pipes.depth_m=y1", "--crs", "25831"]
    return [*arcs, *points], 25831


def office(data, folder):
    return [data / "nasty-vector" / "shanghai_old_buildings_gbk.shp"], 4549


CITIES = {make.__name__: make for make in (helsinki, shanghai, barcelona, berlin, office)}


@pytest.fixture(scope="module")
def stories(console, shared_data, tmp_path_factory):
    """Name of a city to its story, each told once."""
    told = {}

    def story(name):
        if name not in told:
            told[name] = _tell(console, *_prepared(name, shared_data, tmp_path_factory))
        return told[name]

    return story


def _prepared(name, data, tmp_path_factory):
    folder = tmp_path_factory.mktemp(name)
    return folder, *CITIES[name](data, folder)


def _tell(console, folder, words, epsg):
    store, out = folder / "S.gpkg", folder / "缺口报告"
    first = console.json("check", *words, "--store", store, "--as-of", AS_OF)
    assert first["crs"] == f"EPSG:{epsg}"
    gaps = console.json("gaps", store)
    touched = gaps[0]["gap_id"]
    console.json("status", store, touched, "accepted", "--why", WHY, "--until", "2040-01-01")
    console.json("note", store, touched, "--text", NOTE)
    second = console.json("check", "--store", store, "--as-of", AS_OF)
    after = console.json("gaps", store)
    report = console.json("report", store, "--out", out, "--strict", "--lang", "zh")
    return Story(first, gaps, second, after, touched, report, out)


@pytest.fixture(params=CITIES)
def story(request, stories):
    return stories(request.param)


def test_second_run_finds_the_same_gaps_none_new_and_none_twice(story):
    ids = [gap["gap_id"] for gap in story.gaps]
    assert ids and len(set(ids)) == len(ids)
    assert sorted(ids) == sorted(gap["gap_id"] for gap in story.after)
    found = {rule_id: rule["found"] for rule_id, rule in story.first["rules"].items()}
    for rule_id, rule in story.second["rules"].items():
        assert (rule["new"], rule["gone"], rule["returned"]) == (0, 0, 0)
        assert rule["persisting"] == rule["found"] == found[rule_id]
    assert sum(found.values()) == len(ids)
    seen_again = {gap["run_state"] for gap in story.after}
    assert seen_again == {"persisting"}


def test_what_people_said_between_the_runs_survives(story):
    gap = next(gap for gap in story.after if gap["gap_id"] == story.touched)
    assert (gap["status"], gap["why"], gap["notes"]) == ("accepted", WHY, 1)
    rest = {gap["status"] for gap in story.after if gap["gap_id"] != story.touched}
    assert rest == {"open"}


def test_rules_without_input_say_so_and_find_nothing(story):
    idle = {rule_id: rule for rule_id, rule in story.first["rules"].items() if rule["status"] != "run"}
    assert {"I02", "R01"} <= set(idle)
    for rule in idle.values():
        assert rule["status"] == "not_run" and rule["found"] == 0
        assert rule["reason"]["code"] == "missing_input" and rule["reason"]["text"]
    assert not {gap["rule_id"] for gap in story.gaps} & set(idle)


def test_report_holds_each_gap_once_as_two_other_programs_read_it(story, ogrinfo):
    records = {gap["gap_id"]: gap for gap in story.after}
    meant = {gap_id: shapely.from_wkt(gap["geometry"]) for gap_id, gap in records.items()}
    broken = {gap_id for gap_id, shape in meant.items() if shape is not None and not shape.is_valid}
    read = []
    for ending, kind in KINDS.items():
        path = story.out / f"gap_report_{ending}.shp"
        table = pyogrio.read_dataframe(path)
        said = ogrinfo(path, "-al", "-so")
        assert re.search(r"Feature Count: (\d+)", said).group(1) == str(len(table))
        assert f"Geometry: {kind}" in said
        assert f'ID["EPSG",{story.report["epsg"]}]' in said.replace(" ", "")
        for row in table.itertuples():
            assert row.geometry.is_valid
            assert row.gap_id in broken or row.geometry.hausdorff_distance(meant[row.gap_id]) < 0.01
        read.extend(table["gap_id"])
    with open(story.out / "gap_report_none.csv", encoding="utf-8-sig") as stream:
        placeless = [line.split(",")[0] for line in stream.read().splitlines()[1:]]
    assert sorted(read + placeless) == sorted(records)
    assert sorted(placeless) == sorted(gap_id for gap_id, shape in meant.items() if shape is None)
    assert story.report["losses"]["geometries_changed"].get("made_valid", 0) == len(broken)


def test_chinese_is_whole_in_the_shapefiles(story, ogrinfo):
    titles = set()
    for ending in KINDS:
        said = ogrinfo(story.out / f"gap_report_{ending}.shp", "-al", "-geom=NO")
        titles.update(re.findall(r"title \(String\) = (.+)", said))
        assert "\ufffd" not in said
    assert any(title.startswith("属性缺失") for title in titles)
    assert all(re.search(r"[\u4e00-\u9fff]", title) for title in titles)
    notes = (story.out / "gap_notes.csv").read_text(encoding="utf-8-sig")
    assert NOTE in notes and WHY in notes


def plain_year(text):
    """The last year that a start_date bounds, None if it bounds none."""
    words = str(text or "")
    if plain := re.fullmatch(r"(\d{4})(-\d\d){0,2}", words):
        return int(plain.group(1))
    if decade := re.fullmatch(r"(\d{3})0s", words):
        return int(decade.group(1)) * 10 + 9
    if until := re.fullmatch(r"(?:before |\d{4}(?:-|\.\.))(\d{4})", words):
        return int(until.group(1))
    return None


def assert_aged(story, buildings):
    """A02 of a city without grades is: homes up to 2000, and whatever has no year.

    `buildings` is id to (word for the use, what it says of its year).
    """
    years = {name: plain_year(year) for name, (_, year) in buildings.items()}
    # before the first year of ageing.csv (AG045) a year is not plausible, and counts as none
    years = {name: year if year is None or year >= 1843 else None for name, year in years.items()}
    old = {
        name
        for name, year in years.items()
        if year is not None and year <= 2000 and buildings[name][0] in HOMES
    }
    undated = {name for name, year in years.items() if year is None}
    assert len(buildings) > 100 and undated
    known = {gap["object_id"]: gap for gap in story.of("A02", data_state="known")}
    assert set(known) == old
    for name, gap in known.items():
        severity = "medium" if years[name] <= 1980 else "low"
        assert (gap["measured"], gap["severity"]) == (2026 - years[name], severity)
    info = story.of("A02", data_state="unrecorded")
    assert {gap["object_id"] for gap in info} == undated
    assert {gap["severity"] for gap in info} == {"info"}
    assert {gap["class_code"] for gap in story.of("A02")} == {"housing"}


def test_old_housing_of_helsinki(stories, shared_data):
    """GDAL's own reading of the tags, none of the program's."""
    path = shared_data / "osm-city" / "Helsinki.osm.pbf"
    with pytest.warns(RuntimeWarning, match="ring"):
        table = pyogrio.read_dataframe(path, layer="multipolygons", read_geometry=False)
    buildings = {}
    for row in table.itertuples():
        if isinstance(row.building, str) and row.building != "no":
            dated = re.search(r'"start_date"=>"([^"]*)"', str(row.other_tags))
            name = f"relation/{row.osm_id}" if isinstance(row.osm_id, str) else f"way/{row.osm_way_id}"
            buildings[name] = (row.building, dated.group(1) if dated else None)
    assert_aged(stories("helsinki"), buildings)


def test_old_housing_of_berlin(stories, shared_data):
    root = ET.parse(shared_data / "osm-city" / "berlin_neukolln.osm").getroot()  # noqa: S314  our own data
    ways = {way.get("id") for way in root.iter("way")}
    buildings = {}
    for thing in (*root.iter("way"), *root.iter("relation")):
        tags = {tag.get("k"): tag.get("v") for tag in thing.iter("tag")}
        is_whole = all(member.get("ref") in ways for member in thing.iter("member"))
        if tags.get("building", "no") != "no" and is_whole:
            buildings[f"{thing.tag}/{thing.get('id')}"] = (tags["building"], tags.get("start_date"))
    assert_aged(stories("berlin"), buildings)


def plain_heritage(data):
    text = (data / "china-city" / "shanghai_heritage_osm_east.geojson").read_text(encoding="utf-8")
    return json.loads(text)["features"]


def test_old_housing_of_shanghais_centre(stories, shared_data):
    buildings = {}
    for feature in plain_heritage(shared_data):
        tags = feature["properties"]
        if feature["geometry"]["type"].endswith("Polygon") and tags.get("building", "no") != "no":
            buildings[tags["@id"]] = (tags["building"], tags.get("start_date"))
    assert_aged(stories("shanghai"), buildings)


def test_old_housing_of_the_office_shapefile(stories, shared_data):
    path = shared_data / "nasty-vector" / "shanghai_old_buildings_gbk.shp"
    table = pyogrio.read_dataframe(path, encoding="GBK", read_geometry=False)
    words = table["建筑类型"].fillna("yes")
    years = table["建成年代"].astype("str").where(table["建成年代"].notna(), None)
    assert_aged(stories("office"), dict(zip(table["编号"], zip(words, years))))


class Road(NamedTuple):
    name: str
    highway: str
    shape: Any
    carried: bool


def plain_streets(data):
    """Every way with a highway in either file, its shape in EPSG:4549."""
    root = ET.parse(data / "china-city" / "shanghai_center_roads.osm").getroot()  # noqa: S314  our own data
    change = pyproj.Transformer.from_crs(4326, 4549, always_xy=True)
    nodes = {
        node.get("id"): change.transform(float(node.get("lon")), float(node.get("lat")))
        for node in root.iter("node")
    }
    for way in root.iter("way"):
        tags = {tag.get("k"): tag.get("v") for tag in way.iter("tag")}
        if "highway" in tags:
            shape = shapely.LineString([nodes[ref.get("ref")] for ref in way.iter("nd")])
            carried = tags.get("bridge", "no") != "no" or tags.get("tunnel", "no") != "no"
            yield Road(f"way/{way.get('id')}", tags["highway"], shape, carried)
    for feature in plain_heritage(data):
        tags, place = feature["properties"], feature["geometry"]
        if "highway" in tags and place["type"] == "LineString":
            shape = shapely.LineString([change.transform(*point[:2]) for point in place["coordinates"]])
            yield Road(tags["@id"], tags["highway"], shape, tags.get("bridge", "no") != "no")


def plain_buildings(data):
    """Outlines of the buildings in EPSG:4549."""
    shapes = [
        shapely.from_geojson(json.dumps(feature["geometry"]))
        for feature in plain_heritage(data)
        if feature["geometry"]["type"].endswith("Polygon") and feature["properties"].get("building")
    ]
    return gpd.GeoSeries(shapes, crs=4326).to_crs(4549).to_numpy()


def test_streets_without_pipes_of_shanghais_centre(stories, shared_data):
    """Long enough, on the ground, of a kind that carries pipes, with three buildings beside."""
    streets, buildings = list(plain_streets(shared_data)), plain_buildings(shared_data)
    tested = {
        road.name: road
        for road in streets
        if road.highway in STREETS
        and not road.carried
        and road.shape.length > 50
        and (shapely.distance(buildings, road.shape) <= 50).sum() >= 3
    }
    assert len(streets) > 796 and sum(road.carried for road in streets) > 80 and len(tested) > 30
    found = {gap["object_id"]: gap for gap in stories("shanghai").of("N05")}
    pipe = max(streets, key=lambda road: road.shape.length)
    clear = {name for name, road in tested.items() if road.shape.distance(pipe.shape) > 25}
    assert len(clear) > 20 and set(found) == set(tested)
    assert {found[name]["class_code"] for name in clear} == {"|".join(UTILITIES)}
    assert {found[name]["severity"] for name in clear} == {"high"}
    for name, gap in found.items():
        assert shapely.from_wkt(gap["geometry"]).hausdorff_distance(tested[name].shape) < 0.01
    rule = stories("shanghai").first["rules"]["N05"]
    assert rule["status"] == "run" and rule["found"] == len(tested)


def test_buildings_of_shanghais_centre_without_pipes(stories, shared_data):
    """All lie far from the far pipes; some lie within 50 m of the water main along the street."""
    buildings = plain_buildings(shared_data)
    pipe = max((road.shape for road in plain_streets(shared_data)), key=lambda shape: shape.length)
    served = int((shapely.distance(buildings, pipe) <= 50).sum())
    story = stories("shanghai")
    count = {code: len(story.of("S01", class_code=code)) for code in (*UTILITIES, "RQ")}
    assert count == {"JS": len(buildings) - served, "PS": 306, "DL": 306, "TX": 306, "RQ": 0}
    assert served > 0
    assert "RQ" in story.first["rules"]["S01"]["reason"]["text"]


def plain_ends(table):
    """Pipe, end and place of both ends of each line."""
    for name, line in zip(table["arc_id"].astype(str), table.geometry):
        yield name, "s", line.coords[0]
        yield name, "e", line.coords[-1]


def plain_near_misses(table, stops):
    """Pairs of ends that lie over 0.05 m and up to 1 m apart, one of them at no other pipe and no point."""

    def dangles(name, place):
        spot = shapely.Point(place)
        others = table.geometry[table["arc_id"].astype(str) != name].to_numpy()
        return shapely.distance(others, spot).min() > 0.05 and all(
            math.dist(place, stop) > 0.05 for stop in stops
        )

    pairs = set()
    for (one, end, here), (other, at, there) in itertools.combinations(plain_ends(table), 2):
        near = one != other and 0.05 < math.dist(here, there) <= 1.0
        if near and (dangles(one, here) or dangles(other, there)):
            pairs.add(frozenset([f"{one}:{end}", f"{other}:{at}"]))
    return pairs


def test_sewers_of_barcelona_record_no_near_miss_and_six_pipes_without_size(stories, shared_data):
    story, pipes = stories("barcelona"), shared_data / "pipes"
    arcs = pyogrio.read_dataframe(pipes / "ud_arc.gpkg")
    nodes = pyogrio.read_dataframe(pipes / "ud_node.gpkg")
    stops = [point.coords[0] for point in nodes.geometry]
    assert plain_near_misses(arcs, stops) == set()
    assert story.first["rules"]["N02"]["status"] == "run" and not story.of("N02")
    sizeless = {str(name) for name, size in zip(arcs["arc_id"], arcs["geom1"]) if not size > 0}
    pipes_found = story.of("D01", object_role="pipes")
    assert {gap["object_id"] for gap in pipes_found} == sizeless and len(sizeless) == 6
    assert {(gap["class_code"], gap["severity"]) for gap in pipes_found} == {("PS", "medium")}
    lacking = story.of("D01", object_role="units")
    names = {json.loads(gap["params_json"])["lacking_column"] for gap in lacking}
    assert names == {f"pipes.{name}" for name in ("kind_code", "laid_year", "burial_method", "owner")}
    assert {gap["measured"] for gap in lacking} == {len(arcs)}


def test_torn_sewers_of_barcelona_are_near_misses(console, shared_data, tmp_path):
    """Every third line's last point moved by up to 1.5 m: what a plain loop over all pairs of ends finds."""
    arcs = pyogrio.read_dataframe(shared_data / "pipes" / "ud_arc.gpkg")
    shifts = np.where(np.arange(len(arcs)) % 3 == 0, np.linspace(0.02, 1.5, len(arcs)), 0)
    for place, shift in enumerate(shifts):
        points = shapely.get_coordinates(arcs.geometry.iloc[place])
        points[-1, 0] += shift
        arcs.loc[place, "geometry"] = shapely.LineString(points)
    arcs.to_file(tmp_path / "sewers.gpkg", layer="sewers")
    store = tmp_path / "S.gpkg"
    words = ["check", tmp_path / "sewers.gpkg", "--crs", "25831", "--store", store, "--rules", "near_miss"]
    result = console.json(*words)
    expected = plain_near_misses(arcs, [])
    found = set()
    for gap in console.json("gaps", store):
        line = shapely.from_wkt(gap["geometry"])
        assert gap["class_code"] == "PS" and gap["severity"] == "medium"
        assert gap["measured"] == pytest.approx(line.length, abs=1e-6)
        ends = {
            f"{name}:{end}" for name, end, place in plain_ends(arcs) if line.touches(shapely.Point(place))
        }
        found.update(pair for pair in expected if pair <= ends)
    assert len(expected) > 20
    assert found == expected and result["rules"]["N02"]["found"] == len(expected)


def test_gbk_report_of_the_office_shapefile(stories, console, ogrinfo, tmp_path):
    story = stories("office")
    out = tmp_path / "gbk"
    words = ("report", story.out.parent / "S.gpkg", "--out", out, "--encoding", "GBK", "--lang", "zh")
    report = console.json(*words, "--strict", "--where", "rule_id = 'A02' AND severity <> 'info'")
    known = story.of("A02", data_state="known")
    assert report["encoding"] == "GBK" and report["gaps"] == len(known) > 100
    assert "住房老化".encode("gbk") in (out / "gap_report_pg.dbf").read_bytes()
    said = ogrinfo(out / "gap_report_pg.shp", "-al", "-geom=NO")
    assert said.count("title (String) = 住房老化") == len(known)
