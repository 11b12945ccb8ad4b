import subprocess

import numpy as np
import pandas as pd
import pyogrio
import pytest
import shapely

from citygap.model.errors import CityGapError
from citygap.model.roles import ROLES
from citygap.sources.build import build_city
from citygap.sources.snapshot import write_city
from citygap.sources.spec import SourceSpec


def sources(shared_data, *names):
    return [SourceSpec(str(shared_data / name)) for name in names]


CITIES = {
    "shanghai": ("china-city/shanghai_center_roads.osm", "china-city/shanghai_heritage_osm_east.geojson"),
    "berlin": ("osm-city/berlin_neukolln.osm",),
    "pipes": ("pipes/ud_arc.gpkg", "pipes/ud_node.gpkg", "pipes/ud_connec.gpkg"),
    "cadastre": ("building-age/cadastre_buildings.gml", "building-age/cadastre_parts.shp"),
    "tracks": ("complaints-patrols/cerknicko-jezero.gpx",),
}


@pytest.mark.parametrize("name", CITIES)
def test_it_reads_back_as_the_same_city(shared_data, tmp_path, name):
    city = build_city(sources(shared_data, *CITIES[name]))
    path = tmp_path / "城市.gpkg"
    assert write_city(city, path) == {role: len(table) for role, table in city.tables.items()}
    again = build_city([SourceSpec(str(path))], crs=city.crs.to_string(), as_of=city.as_of.date())
    assert again.lacking == city.lacking
    assert again.warnings == ()
    assert again.crs == city.crs
    assert set(again.tables) == set(city.tables)
    for role, table in city.tables.items():
        other = again.tables[role]
        fields = list(ROLES[role].field_names)
        pd.testing.assert_frame_equal(other[fields], table[fields], check_column_type=False)
        missing = table.geometry.isna().to_numpy()
        same = shapely.equals(other.geometry.to_numpy(), table.geometry.to_numpy())
        assert np.array_equal(same, ~missing)
        assert set(table.columns) <= set(other.columns) | city.lacking_everywhere(role)


def test_a_role_without_places_is_a_table(tmp_path):
    source = tmp_path / "repairs.csv"
    source.write_text("id,object_id,reported_on,closed_on\nR1,H1,2020-01-01,2020-02-03 08:00\n")
    city = build_city([SourceSpec(str(source))])
    write_city(city, tmp_path / "a.gpkg")
    layers = dict(pyogrio.list_layers(tmp_path / "a.gpkg"))
    assert layers["repairs"] is None
    again = build_city([SourceSpec(str(tmp_path / "a.gpkg"))]).tables["repairs"]
    pd.testing.assert_frame_equal(
        pd.DataFrame(again.drop(columns="geometry")),
        pd.DataFrame(city.tables["repairs"].drop(columns="geometry")),
        check_like=True,
    )


def test_another_program_reads_it(shared_data, tmp_path):
    city = build_city(sources(shared_data, *CITIES["berlin"]))
    write_city(city, tmp_path / "a.gpkg")
    said = subprocess.run(
        ["ogrinfo", "-so", str(tmp_path / "a.gpkg"), "housing"], capture_output=True, text=True, check=True
    ).stdout
    assert "Feature Count: 126" in said
    assert "built_year: Real" in said


def test_a_failed_write_leaves_the_earlier_file(shared_data, tmp_path, monkeypatch):
    city = build_city(sources(shared_data, *CITIES["berlin"]))
    path = tmp_path / "a.gpkg"
    write_city(city, path)
    before = path.read_bytes()

    def broken(*args, **kwargs):
        raise OSError("disk full")

    monkeypatch.setattr(pyogrio, "write_dataframe", broken)
    with pytest.raises(CityGapError) as caught:
        write_city(city, path)
    assert caught.value.code == "cannot_write"
    assert path.read_bytes() == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.gpkg"]
