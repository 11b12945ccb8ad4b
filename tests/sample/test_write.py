"""The sample as files: read back by another program, written whole or not at all."""

import csv
import json
import shutil
import subprocess

import pytest

from citygap.model.errors import CityGapError
from citygap.model.roles import ROLES
from citygap.sample import city
from citygap.sample.truth import TRUTH_COLUMNS


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    path = tmp_path_factory.mktemp("sample") / "样例 city.gpkg"
    return path, city.write_sample(path, 300, 4)


def ogrinfo(path, *more):
    if not shutil.which("ogrinfo"):
        pytest.skip("ogrinfo is not installed")
    run = subprocess.run(
        ["ogrinfo", "-ro", "-so", *more, str(path)], capture_output=True, text=True, check=True
    )
    assert "Warning" not in run.stderr, run.stderr
    return run.stdout


def test_ogrinfo_reads_every_layer(written):
    path, summary = written
    text = ogrinfo(path, "-al")
    for role, rows in summary["roles"].items():
        part = text.split(f"Layer name: {role}\n")[1].split("Layer name:")[0]
        assert f"Feature Count: {rows}\n" in part, role
        for field in ROLES[role].fields:
            if field.name != "source_name":
                assert f"\n{field.name}: " in part, (role, field.name)
    assert 'ID["EPSG",4549]' in text


def test_kinds_of_fields_survive(written):
    text = ogrinfo(written[0], "-al")
    housing = text.split("Layer name: housing\n")[1].split("Layer name:")[0]
    assert "Geometry: Polygon" in housing
    assert "built_year: Integer64" in housing
    assert "last_repair_date: Date" in housing
    visits = text.split("Layer name: visits\n")[1].split("Layer name:")[0]
    assert "at: DateTime" in visits
    roads = text.split("Layer name: roads\n")[1].split("Layer name:")[0]
    assert "bridge: Integer(Boolean)" in roads


def test_dates_keep_their_day(written):
    run = ogrinfo(written[0], "-al")
    assert run
    sql = "SELECT reported_on FROM repairs WHERE kind = 'defect' AND closed_on IS NULL"
    found = subprocess.run(
        ["ogrinfo", "-ro", "-q", "-sql", sql, str(written[0])], capture_output=True, text=True
    ).stdout
    assert "2026/05/30" in found
    assert "2026/06/01" in found


def test_truth_table_beside_it_agrees_with_the_summary(written):
    path, summary = written
    with open(path.with_name(f"{path.stem}_truth.csv"), encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert tuple(rows[0]) == TRUTH_COLUMNS
    for rule, counts in summary["rules"].items():
        mine = [row["expected"] for row in rows if row["rule_id"] == rule]
        assert (mine.count("yes"), mine.count("no")) == (counts["planted"], counts["decoys"])
    json.dumps(summary)


def test_nothing_is_overwritten(written):
    path, _ = written
    before = path.read_bytes()
    with pytest.raises(CityGapError) as caught:
        city.write_sample(path, 300, 5)
    assert caught.value.code == "exists"
    assert caught.value.remedy
    assert path.read_bytes() == before
    assert sorted(file.name for file in path.parent.iterdir()) == ["样例 city.gpkg", "样例 city_truth.csv"]


@pytest.mark.parametrize(
    ("name", "code"), [("no/such/folder/a.gpkg", "missing_folder"), ("a.shp", "not_a_geopackage")]
)
def test_a_place_that_cannot_be_is_refused_at_once(tmp_path, name, code):
    with pytest.raises(CityGapError) as caught:
        city.write_sample(tmp_path / name)
    assert caught.value.code == code
    assert list(tmp_path.iterdir()) == []


def test_a_failure_leaves_nothing_half_written(tmp_path, monkeypatch):
    write = city._write_layer

    def full_disk(path, role, table):
        if role == "visits":
            raise OSError(28, "No space left on device")
        write(path, role, table)

    monkeypatch.setattr(city, "_write_layer", full_disk)
    with pytest.raises(CityGapError) as caught:
        city.write_sample(tmp_path / "a.gpkg", 200)
    assert caught.value.code == "cannot_write"
    assert list(tmp_path.iterdir()) == []
