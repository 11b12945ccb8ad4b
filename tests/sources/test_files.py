"""A file that can't be used gives one clear line, never part of a city."""

import shutil
import sqlite3
import zipfile

import geopandas as gpd
import pytest
import shapely

from citygap.model.errors import CityGapError
from citygap.sources.build import build_city
from citygap.sources.spec import SourceSpec


def refused(path, **spec):
    with pytest.raises(CityGapError) as caught:
        build_city([SourceSpec(str(path), **spec)])
    error = caught.value
    assert error.file == str(path)
    assert error.remedy
    assert "\n" not in error.line()
    return error


@pytest.fixture
def buildings():
    shapes = [shapely.box(121.4 + i * 1e-4, 31.2, 121.40005 + i * 1e-4, 31.2001) for i in range(300)]
    names = [f"房屋{i}" for i in range(300)]
    return gpd.GeoDataFrame({"id": names, "built_year": 1980}, geometry=shapes, crs=4326)


@pytest.mark.parametrize("suffix", [".gpkg", ".shp", ".geojson", ".fgb", ".csv", ".gml", ".kml"])
def test_a_written_file_reads_and_two_thirds_of_it_are_refused(tmp_path, buildings, suffix):
    path = tmp_path / f"buildings{suffix}"
    if suffix == ".csv":
        frame = buildings.assign(wkt=buildings.geometry.to_wkt(), note="x").drop(columns="geometry")
        frame.to_csv(path, index=False)
        (tmp_path / "buildings.prj").write_text("EPSG:4326")
    else:
        buildings.to_file(path, engine="pyogrio", driver="LIBKML" if suffix == ".kml" else None)
    assert len(build_city([SourceSpec(str(path))]).tables["housing"]) == 300
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) * 2 // 3])
    assert refused(path).code in ("truncated", "unreadable")


@pytest.mark.parametrize(
    "name",
    [
        "osm-city/Helsinki.osm.pbf",
        "osm-city/berlin_neukolln.osm",
        "osm-city/West-Oakland.osm.bz2",
        "building-age/cadastre_buildings.gml",
        "building-age/nybb_25a.zip",
        "building-age/pluto16v2_BX_sample.csv",
        "china-city/suzhou_buildings.json",
        "pipes/ud_arc.gpkg",
        "nasty-vector/shanghai_old_buildings.tab",
        "nasty-vector/EXTRACT_POLYGON.mif",
        "nasty-vector/Albania.kmz",
    ],
)
def test_real_files_cut_at_two_thirds_are_refused(shared_data, tmp_path, name):
    source = shared_data / name
    for beside in source.parent.glob(f"{source.stem}.*"):
        shutil.copyfile(beside, tmp_path / beside.name)
    path = tmp_path / source.name
    whole = source.read_bytes()
    path.write_bytes(whole[: len(whole) * 2 // 3])
    assert refused(path, role="housing").code in ("truncated", "unreadable")


def test_an_extract_that_stops_in_the_length_of_a_block_is_refused(shared_data, tmp_path):
    # GDAL takes the two bytes left of the last block's length for the end of the file
    whole = (shared_data / "osm-city" / "Helsinki.osm.pbf").read_bytes()
    (tmp_path / "a.osm.pbf").write_bytes(whole[:265_259])
    assert refused(tmp_path / "a.osm.pbf").code == "truncated"


def test_the_map_of_a_mapinfo_table_may_not_be_cut(shared_data, tmp_path):
    for suffix in (".tab", ".dat", ".id", ".map"):
        shutil.copyfile(shared_data / f"nasty-vector/shanghai_old_buildings{suffix}", tmp_path / f"a{suffix}")
    cut = tmp_path / "a.map"
    cut.write_bytes(cut.read_bytes()[: cut.stat().st_size * 2 // 3])
    assert refused(tmp_path / "a.tab").code == "truncated"


def test_a_cut_shapefile_tells_how_much_is_lost(shared_data):
    error = refused(shared_data / "nasty-vector" / "shanghai_truncated.shp")
    assert error.code == "truncated"
    assert "148 of 374 features are lost" in error.message


def test_a_cut_table_of_a_shapefile_is_refused(tmp_path, buildings):
    buildings.to_file(tmp_path / "buildings.shp", engine="pyogrio")
    table = tmp_path / "buildings.dbf"
    table.write_bytes(table.read_bytes()[:2000])
    error = refused(tmp_path / "buildings.shp")
    assert error.code == "truncated"
    assert "of 300 rows are lost" in error.message


def test_a_damaged_page_of_a_geopackage_is_noticed(tmp_path, buildings):
    path = tmp_path / "buildings.gpkg"
    buildings.to_file(path, engine="pyogrio")
    data = bytearray(path.read_bytes())
    start = data.find("房屋150".encode())
    page = start // 4096 * 4096
    data[page : page + 4096] = bytes(4096)
    path.write_bytes(data)
    assert refused(path).code in ("truncated", "unreadable")


def test_missing_and_empty_files(tmp_path, shared_data):
    assert refused(tmp_path / "没有.shp").code == "missing_file"
    (tmp_path / "a.gpkg").write_bytes(b"")
    assert refused(tmp_path / "a.gpkg").code == "empty"
    assert refused(shared_data / "nasty-vector" / "empty.fgb").code == "empty"
    (tmp_path / "head.csv").write_text("id,lon,lat\n")
    assert refused(tmp_path / "head.csv").code == "empty"


def test_a_store_is_no_source(tmp_path):
    path = tmp_path / "store.gpkg"
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("CREATE TABLE gaps (gap_id TEXT)")
        connection.execute("CREATE TABLE run_gaps (gap_id TEXT)")
    assert refused(path).code == "is_store"
    connection.close()
    assert refused(path).code == "is_store"


def test_archives_that_hold_nothing_to_read(shared_data):
    assert refused(shared_data / "nasty-vector" / "zip-in-zip.zip").code == "nested_archive"
    assert refused(shared_data / "nasty-vector" / "empty_zipfile.zip").code == "unreadable"


class GbkInfo(zipfile.ZipInfo):
    """An entry as Windows in Chinese names it: GBK bytes and no word of it."""

    def _encodeFilenameFlags(self):
        return self.filename.encode("gbk"), self.flag_bits


def zipped(path, files, info=zipfile.ZipInfo):
    with zipfile.ZipFile(path, "w") as archive:
        for file in files:
            archive.writestr(info(f"资料/{file.name}"), file.read_bytes())
    return path


def test_a_zipped_shapefile_is_read_like_a_plain_one(shared_data, tmp_path, buildings):
    buildings.to_file(tmp_path / "buildings.shp", engine="pyogrio")
    path = zipped(tmp_path / "a b, 1.zip", tmp_path.glob("buildings.*"))
    city = build_city([SourceSpec(str(path))])
    assert set(city.tables["housing"]["source_name"]) == {"a b, 1"}
    assert city.tables["housing"]["id"][299] == "房屋299"
    office = list((shared_data / "nasty-vector").glob("shanghai_old_buildings_gbk.*"))
    city = build_city([SourceSpec(str(zipped(tmp_path / "office.zip", office)))])
    assert (city.tables["housing"]["name"] == "上海市公安局").any()
    cut = list((shared_data / "nasty-vector").glob("shanghai_truncated.*"))
    assert refused(zipped(tmp_path / "cut.zip", cut)).code == "truncated"


def test_names_in_a_zip_made_on_a_chinese_windows(tmp_path, buildings):
    buildings.to_file(tmp_path / "背街小巷.shp", engine="pyogrio")
    buildings.to_file(tmp_path / "房屋.shp", engine="pyogrio")
    path = zipped(tmp_path / "a.zip", [*tmp_path.glob("背街小巷.*"), *tmp_path.glob("房屋.*")], GbkInfo)
    city = build_city([SourceSpec(str(path))])
    assert {role: len(table) for role, table in city.tables.items()} == {"housing": 300, "neglected": 300}
    assert set(city.tables["neglected"]["kind"]) == {"back_alley"}


def test_an_entry_cannot_leave_the_folder(tmp_path, buildings):
    buildings.to_file(tmp_path / "buildings.gpkg", engine="pyogrio")
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.write(tmp_path / "buildings.gpkg", "../../../../escaped/buildings.gpkg")
    assert len(build_city([SourceSpec(str(tmp_path / "a.zip"))]).tables["housing"]) == 300


def test_an_overpass_answer_that_failed_is_no_empty_city(shared_data):
    error = refused(shared_data / "nasty-vector" / "query_timed_out.xml")
    assert error.code == "not_an_answer"
    assert "timed out" in error.message


@pytest.mark.parametrize(
    "name", ["!房屋.geojson", "a,b c.geojson", "50% & 'x'.gpkg", "建筑 (1).shp", "a!b.shp"]
)
def test_odd_file_names(tmp_path, buildings, name):
    stem, _, suffix = name.rpartition(".")
    buildings.to_file(tmp_path / f"plain.{suffix}", engine="pyogrio")
    for path in tmp_path.glob("plain.*"):
        path.rename(tmp_path / f"{stem}{path.suffix}")
    city = build_city([SourceSpec(str(tmp_path / name), role="housing")])
    assert len(city.tables["housing"]) == 300
    assert set(city.tables["housing"]["source_name"]) == {stem}


def test_a_layer_that_is_not_there(tmp_path, buildings):
    buildings.to_file(tmp_path / "a.gpkg", layer="housing", engine="pyogrio")
    error = refused(tmp_path / "a.gpkg", layer="roads")
    assert error.code == "no_layer"
    assert "housing" in error.remedy


def test_reading_leaves_nothing_beside_the_file(shared_data):
    files = ["building-age/cadastre_parcels.gpkg", "building-age/cadastre_buildings.gml"]
    folder = shared_data / "building-age"
    before = sorted(path.name for path in folder.iterdir())
    for name in files:
        build_city([SourceSpec(str(shared_data / name), role="housing")])
    assert sorted(path.name for path in folder.iterdir()) == before
