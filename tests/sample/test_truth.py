"""The truth table is true: plain-Python readings of eight of the rules agree with every row of theirs.

The readings follow the catalogue row by row and object by object; they share no code with the engine.
Rows without a day of their own must hold on the sample's last day and years later.
"""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest
import shapely

from citygap.sample.town import build_sample

TZ = ZoneInfo("Asia/Shanghai")
FILLERS = {"0", "9999", "不详", "无", "/"}
PIPE_FIELDS = ("class_code", "kind_code", "material_code", "depth_m", "laid_year", "burial_method", "owner")
HOUSE_FIELDS = ("built_year", "floors", "use", "structure", "danger_grade")
MINOR = {"kind_code", "burial_method", "use", "structure"}
MAJOR = {"built_year", "laid_year", "material_code", "owner"}


def end_of(day):
    return pd.Timestamp(
        datetime.fromisoformat(day).replace(hour=23, minute=59, second=59, tzinfo=TZ)
    ) + pd.Timedelta(seconds=1)


@pytest.fixture(scope="module", params=[(800, 1), (300, 2)], ids=str)
def sample(request):
    return build_sample(*request.param)


def rows(sample, rule, role=None):
    """Truth rows of a rule with the days they must hold on, and their object."""
    for row in sample.truth[sample.truth["rule_id"] == rule].itertuples():
        if role in (None, row.object_role):
            for day in (row.as_of,) if row.as_of else ("2026-06-30", "2026-07-01", "2029-02-03"):
                yield row, end_of(day)


def thing(sample, row):
    frame = sample.tables[row.object_role]
    return frame[frame["id"] == row.object_id].iloc[0]


def empty(value):
    return pd.isna(value) or (f"{value:g}" if isinstance(value, float) else str(value)) in FILLERS


def known(value):
    return None if empty(value) else value


def test_each_row_stands_once_and_each_rule_has_gaps_and_decoys(sample):
    counts = sample.truth.groupby("rule_id")["expected"].agg(set)
    assert {"D01", "A02", "I02", "I05", "S01", "N02", "N05", "R01"} < set(counts.index)
    assert all(found == {"yes", "no"} for found in counts)
    keys = sample.truth[["rule_id", "object_role", "object_id", "discriminator"]]
    assert not keys.duplicated().any()
    assert (sample.truth["severity"].ne("") == sample.truth["expected"].eq("yes")).all()


def missing_fields(house_or_pipe, role, day):
    if role == "pipes":
        lacks = {name for name in PIPE_FIELDS if empty(house_or_pipe[name])}
        if empty(house_or_pipe["diameter_mm"]) and empty(house_or_pipe["section_mm"]):
            lacks.add("diameter_mm/section_mm")
        return lacks
    lacks = {name for name in HOUSE_FIELDS if empty(house_or_pipe[name])}
    year = known(house_or_pipe["built_year"])
    if (
        year is not None
        and (day - pd.Timedelta(seconds=1)).year - year >= 5
        and pd.isna(house_or_pipe["last_repair_date"])
    ):
        lacks.add("last_repair_date")
    return lacks


def test_missing_attributes(sample):
    for row, day in rows(sample, "D01"):
        lacks = missing_fields(thing(sample, row), row.object_role, day)
        assert bool(lacks) == (row.expected == "yes"), row
        if lacks:
            expected = "high" if lacks & MAJOR else "low" if len(lacks) == 1 and lacks & MINOR else "medium"
            assert row.severity == expected, row


def visits_of(sample, object_id, day):
    visits = sample.tables["visits"]
    return visits[(visits["object_id"] == object_id) & (visits["at"] < day)]


def test_aged_buildings(sample):
    for row, day in rows(sample, "A02"):
        house = thing(sample, row)
        year, use = known(house["built_year"]), known(house["use"])
        if year is not None and not 1843 <= year <= (day - pd.Timedelta(seconds=1)).year:
            year = None
        checked = (visits_of(sample, row.object_id, day)["activity"] == "structural_check").any()
        found = ""
        if house["danger_grade"] in ("C", "D"):
            found = "high"
        elif year is None:
            found = "info"
        elif use in ("residential", None) and year <= 2000:
            found = "medium" if year <= 1980 and not checked else "low"
        assert found == row.severity, row
        assert bool(found) == (row.expected == "yes"), row


def is_due(item, role):
    if role == "housing":
        old = known(item["use"]) in ("residential", None) and item["built_year"] <= 2000
        return pd.notna(item["danger_grade"]) or old
    if role == "pipes":
        return item["class_code"] in ("DL", "TX", "HY") or item["kind_code"] == "JP"
    return True


def test_never_inspected(sample):
    visits = sample.tables["visits"]
    nameless = visits[visits["object_id"].isna() & visits["activity"].isna()]
    walks = visits[visits["object_id"].isna() & visits["activity"].notna()]
    for row, day in rows(sample, "I02"):
        item = thing(sample, row)
        named = visits_of(sample, row.object_id, day)
        seen = (named["result"] != "no_access").any()
        near = nameless[shapely.dwithin(nameless.geometry.to_numpy(), item["geometry"], 10.0)]
        seen = seen or len(near) > 0
        if row.object_role == "pipes":
            seen = seen or shapely.dwithin(walks.geometry.to_numpy(), item["geometry"], 10.0).any()
        assert (is_due(item, row.object_role) and not seen) == (row.expected == "yes"), row
    assert (day - visits["at"].min()).days > 700


def open_defects(sample, row, item, day):
    repairs = sample.tables["repairs"]
    mine = repairs[repairs["object_id"] == row.object_id]
    closings = mine.loc[mine["kind"].isin(["repair", "maintenance"]), "closed_on"].dropna()
    since = list(mine.loc[(mine["kind"] == "defect") & mine["closed_on"].isna(), "reported_on"])
    since += list(visits_of(sample, row.object_id, day).loc[lambda table: table["result"] == "defect", "at"])
    if row.object_role == "components" and item["condition"] in ("broken", "lost"):
        since.append(item["updated_on"])
    return [at for at in since if not (closings >= at).any() and day - at > timedelta(days=30, seconds=1)]


def test_no_repair_record_and_open_defects(sample):
    repairs = sample.tables["repairs"]
    for row, day in rows(sample, "I05"):
        item = thing(sample, row)
        if row.discriminator == "open":
            found = bool(open_defects(sample, row, item, day))
        else:
            book = repairs[
                (repairs["object_id"] == row.object_id) & repairs["kind"].isin(["repair", "maintenance"])
            ]
            year = known(item["built_year"])
            aged = year is not None and (day - pd.Timedelta(seconds=1)).year - year > 20
            found = aged and pd.isna(item["last_repair_date"]) and book.empty
        assert found == (row.expected == "yes"), (row, day)


def test_buildings_out_of_reach_of_a_class(sample):
    pipes, units = sample.tables["pipes"], sample.tables["units"]
    west = units.geometry[units["code"] == "310107"].iloc[0]
    fringe = units.geometry[units["zone_type"] == "fringe"].iloc[0]
    for row, _ in rows(sample, "S01"):
        house = thing(sample, row)
        kinds = ("WS", "HS") if row.class_code == "PS" else tuple(pipes["kind_code"].unique())
        lines = pipes.geometry[(pipes["class_code"] == row.class_code) & pipes["kind_code"].isin(kinds)]
        far = shapely.distance(lines.to_numpy(), house["geometry"]).min() > {"DL": 100.0}.get(
            row.class_code, 50.0
        )
        assert far == (row.expected == "yes"), row
        if far:
            point = house["geometry"].point_on_surface()
            east, north = np.floor(np.array(point.coords[0]) / 100) * 100
            cell = shapely.box(east, north, east + 100, north + 100)
            recorded = shapely.length(shapely.intersection(lines.to_numpy(), cell)).sum() > 0
            looked = row.class_code in ("JS", "PS") or cell.difference(west).area >= 500
            old = known(house["use"]) in ("residential", None) and 1843 <= house["built_year"] <= 2000
            serious = "high" if old or fringe.contains(point) else "medium"
            assert row.severity == (serious if recorded or looked else "info"), row


def test_near_misses(sample):
    pipes = sample.tables["pipes"]
    for row, _ in rows(sample, "N02"):
        first, second = (pipes[pipes["id"] == name].iloc[0] for name in row.object_id.split("|"))
        assert first["id"] < second["id"]
        assert first["class_code"] == second["class_code"] == row.class_code
        end, start = shapely.get_point(first["geometry"], -1), shapely.get_point(second["geometry"], 0)
        gap = shapely.distance(end, start)
        assert row.discriminator == "e-s"
        others = pipes[
            (pipes["class_code"] == row.class_code) & ~pipes["id"].isin([first["id"], second["id"]])
        ]
        assert shapely.distance(others.geometry.to_numpy(), end).min() > 0.05
        points = sample.tables["pipe_points"]
        endings = points.geometry[(points["class_code"] == row.class_code)].to_numpy()
        assert shapely.distance(endings, end).min() > 0.05 or row.expected == "no"
        assert (0.05 < gap <= 1.0) == (row.expected == "yes"), (row, gap)


def covered_share(line, pipes):
    """Share of the street, 25 m off at each end, that has a pipe point straight beside it within 20 m."""
    bins = np.zeros(int(line.length - 50.0), dtype=bool)
    for pipe in pipes:
        points = shapely.line_interpolate_point(pipe, np.arange(0.0, pipe.length, 0.25))
        along = shapely.line_locate_point(line, points) - 25.0
        beside = (shapely.distance(points, line) <= 20.0) & (along >= 0) & (along < len(bins))
        bins[along[beside].astype(int)] = True
    return bins.mean()


def test_street_without_pipe_records(sample):
    pipes, roads = sample.tables["pipes"], sample.tables["roads"]
    houses = sample.tables["housing"].geometry.to_numpy()
    for row, _ in rows(sample, "N05"):
        road = roads[roads["id"] == row.object_id].iloc[0]
        line = road["geometry"]
        if road["bridge"] or road["highway"] == "service":
            assert row.expected == "no"
            continue
        assert line.length > 50
        assert (shapely.distance(houses, line) <= 50).sum() >= 3
        missing = []
        for code in ("JS", "PS", "DL", "TX"):
            near = pipes.geometry[pipes["class_code"] == code].to_numpy()
            covered = covered_share(line, near[shapely.distance(near, line) < 25])
            assert abs(covered - 0.5) > 0.04
            if covered < 0.5:
                missing.append(code)
        if row.expected == "yes":
            assert "|".join(missing) == row.class_code
            assert {1: "low", 2: "medium", 3: "high"}[len(missing)] == row.severity
        else:
            assert not missing


def holders(sample, role, class_code, point, duty, day):
    units = sample.tables["units"].set_index("code")
    for row in sample.tables["duties"].itertuples():
        fits = row.object_class in ("*", role, f"{role}:{class_code}") and row.duty == duty
        if (
            not fits
            or row.valid_from >= day
            or (pd.notna(row.valid_to) and row.valid_to < day - pd.Timedelta(seconds=1))
        ):
            continue
        area = row.geometry if row.geometry is not None else units.geometry[row.area_code]
        if area.intersects(point):
            yield row.body


def test_owners_and_other_duties(sample):
    for row, day in rows(sample, "R01"):
        lacks = set()
        if row.object_role == "cell":
            east, north = int(row.object_id[2:8]) * 100 + 50, int(row.object_id[8:]) * 100 + 50
            point, item = shapely.Point(east, north), {}
        else:
            item = thing(sample, row)
            point = item["geometry"].point_on_surface()
            for duty, field in (("own", "owner"), ("maintain", "maintainer")):
                filled = pd.notna(item[field]) or any(
                    holders(sample, row.object_role, row.class_code, point, duty, day)
                )
                if not filled or (duty == "own" and row.class_code == "0114"):
                    lacks.add(duty)
        if not any(holders(sample, row.object_role, row.class_code, point, "fallback", day)):
            lacks.add("fallback")
        assert bool(lacks) == (row.expected == "yes"), row
        if lacks:
            assert ("high" if "fallback" in lacks else "medium") == row.severity, row


def test_class_code_is_the_class_of_the_object(sample):
    columns = {"pipes": "class_code", "components": "class_code", "neglected": "kind"}
    for rule in ("D01", "A02", "I02", "I05", "R01"):
        for row, _ in rows(sample, rule):
            if row.object_role == "cell":
                assert row.class_code == ""
                continue
            column = columns.get(row.object_role)
            assert row.class_code == (thing(sample, row)[column] if column else row.object_role), row
