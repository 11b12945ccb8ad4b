"""Small random cities that hold every role, for properties that all rules must keep."""

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from shapely.geometry import LineString, Point, box

from citygap.engine.city import city_from_tables

AS_OF = pd.Timestamp("2026-07-01T23:59:59.999999+08:00").to_pydatetime()
SIDE_M = 1200
CLASSES = ("JS", "PS", "RQ", "DL", "TX")


class Maker:
    """Draws tables; every value may also be missing, a filler or nonsense."""

    def __init__(self, seed):
        self.rng = np.random.default_rng(seed)

    def pick(self, count, *values):
        return [values[i] for i in self.rng.integers(0, len(values), count)]

    def spots(self, count):
        return self.rng.integers(0, SIDE_M // 4, (count, 2)) * 4.0

    def ids(self, letter, count):
        names = [f"{letter}{number}" for number in range(count)]
        if count > 3 and self.rng.random() < 0.3:
            names[1] = names[0]
        return names

    def days(self, count):
        texts = self.pick(count, None, "2008-05-01", "2019-03-04", "2026-01-02", "2026-06-20", "2027-01-01")
        return [None if text is None else pd.Timestamp(f"{text}T12:00:00+08:00") for text in texts]

    def moments(self, count):
        hours = self.rng.integers(0, 24 * 200, count)
        return [pd.Timestamp("2026-07-01T20:00:00+08:00") - pd.Timedelta(hours=int(h)) for h in hours]


def housing(make, count):
    shapes = [
        box(x, y, x + w, y + w) for (x, y), w in zip(make.spots(count), make.rng.integers(2, 30, count))
    ]
    return gpd.GeoDataFrame(
        {
            "id": make.ids("H", count),
            "use": make.pick(count, "residential", "office", None, "residential"),
            "built_year": make.pick(count, 1960.0, 1990.0, 2000.0, 2010.0, None, -5.0, 3000.0),
            "floors": make.pick(count, 6.0, None, 0.0, -1.0),
            "floor_area_m2": make.pick(count, 900.0, None),
            "structure": make.pick(count, "brick", None),
            "danger_grade": make.pick(count, None, "A", "C", "D"),
            "residents": make.pick(count, 4.0, 30.0, None, 0.0),
            "households": make.pick(count, 1.0, 10.0, None),
            "last_repair_date": make.days(count),
            "updated_on": make.days(count),
            "owner": make.pick(count, "甲", None, "无"),
            "maintainer": make.pick(count, "乙", None),
            "source_name": make.pick(count, "房管", "房管", "测绘"),
        },
        geometry=shapes,
    )


def pipes(make, count, corners):
    lines, starts, nodes = [], make.spots(count), [f"n{i}" for i in range(count + 1)]
    for number in range(count):
        x, y = starts[number]
        if number and make.rng.random() < 0.5:
            x, y = lines[-1].coords[-1]
        elif make.rng.random() < 0.5:
            west, south = corners[make.rng.integers(len(corners))]
            x, y = west + make.pick(1, -1.2, 0.0, 2.0)[0], south + make.pick(1, -1.5, 0.5, 1.0)[0]
        x += make.pick(1, 0.0, 0.03, 0.05, 0.5, 1.0)[0] if make.rng.random() < 0.3 else 0.0
        dx, dy = make.pick(1, (60, 0), (0, 60), (120, 4), (35, 35), (7, 0), (300, 0), (0, -60))[0]
        lines.append(LineString([(x, y), (x + dx / 2, y + dy / 2), (x + dx, y + dy)]))
    return gpd.GeoDataFrame(
        {
            "id": make.ids("P", count),
            "class_code": make.pick(count, *CLASSES, "PS", "PS"),
            "kind_code": make.pick(count, "WS", "YS", "HS", None),
            "material_code": make.pick(count, "HT", "PE", "T", None, "QM", "DX"),
            "diameter_mm": make.pick(count, 200.0, 300.0, 600.0, None, 0.0, -3.0),
            "depth_m": make.pick(count, 1.0, 1.2, None, 25.0),
            "invert_from_m": make.pick(count, 2.0, 1.9, None),
            "invert_to_m": make.pick(count, 1.9, 2.1, None),
            "pressure_grade": make.pick(count, "low", "medium_A", None),
            "burial_method": make.pick(count, "direct", "utility_tunnel", None),
            "laid_year": make.pick(count, 1985.0, 2015.0, None, 3000.0),
            "assessed_on": make.days(count),
            "updated_on": make.days(count),
            "accuracy_grade": make.pick(count, "A", "B", None),
            "owner": make.pick(count, "甲", None),
            "maintainer": make.pick(count, "乙", None),
            "from_node": nodes[:count],
            "to_node": nodes[1:],
            "source_name": make.pick(count, "管线办", "管线办", "水务"),
        },
        geometry=lines,
    )


def others(make, lines):
    ends = [line.coords[0] for line in lines] + [line.coords[-1] for line in lines]
    count = 12
    spots = [ends[i] for i in make.rng.integers(0, len(ends), count)]
    points = gpd.GeoDataFrame(
        {
            "id": make.ids("N", count),
            "class_code": make.pick(count, "PS", "PS", "JS", None),
            "feature": make.pick(count, "manhole", "rain_inlet", "station", "cap", "tee", None),
            "captured_on": make.days(count),
        },
        geometry=[Point(spot) for spot in spots],
    )
    places = make.spots(16)
    components = gpd.GeoDataFrame(
        {
            "id": make.ids("C", 16),
            "class_code": make.pick(
                16,
                "manhole_cover",
                "0103",
                "0114",
                "street_lamp",
                "street_lamp",
                "hydrant",
                "toilet",
                "waste_point",
            ),
            "condition": make.pick(16, "intact", "broken", "lost", None),
            "owner": make.pick(16, "甲", None),
            "maintainer": make.pick(16, "乙", None),
            "updated_on": make.days(16),
        },
        geometry=[Point(place) for place in places],
    )
    roads = gpd.GeoDataFrame(
        {
            "id": make.ids("R", 10),
            "name": make.pick(10, "一路", "二路", None),
            "highway": make.pick(10, "residential", "primary", "service", "motorway"),
            "bridge": make.pick(10, False, True, None, False),
            "tunnel": make.pick(10, False, None),
        },
        geometry=[
            LineString([(x, y), (x + dx, y + dy)])
            for (x, y), (dx, dy) in zip(
                np.floor(make.spots(10) / 120) * 120, make.pick(10, (120, 0), (0, 120), (360, 0), (0, 240))
            )
        ],
    )
    neglected = gpd.GeoDataFrame(
        {
            "id": make.ids("A", 5),
            "kind": make.pick(5, "back_alley", "under_viaduct", "leftover"),
            "width_m": make.pick(5, 4.0, None),
            "updated_on": make.days(5),
        },
        geometry=[
            LineString([(x, y), (x + 150, y)]) if index % 2 else box(x, y, x + 90, y + 12)
            for index, (x, y) in enumerate(make.spots(5))
        ],
    )
    return {"pipe_points": points, "components": components, "roads": roads, "neglected": neglected}


def records(make, tables):
    names = [
        name
        for role in ("housing", "pipes", "components", "neglected")
        for name in [*tables[role]["id"], *(f"{role}:{item}" for item in tables[role]["id"])]
    ]
    count = 30
    visits = gpd.GeoDataFrame(
        {
            "id": make.ids("V", count),
            "at": make.moments(count),
            "activity": make.pick(
                count, "patrol", "line_patrol", "structural_check", "look_at_cover", None, "walk_round_patrol"
            ),
            "object_id": [
                None if make.rng.random() < 0.4 else names[make.rng.integers(len(names))]
                for _ in range(count)
            ],
            "body": make.pick(count, "甲", "乙"),
            "result": make.pick(count, "ok", "defect", "no_access", None),
        },
        geometry=[None if index % 3 == 0 else Point(spot) for index, spot in enumerate(make.spots(count))],
    )
    visits = pd.concat([visits, rounds(make)], ignore_index=True)
    repairs = pd.DataFrame(
        {
            "id": make.ids("W", 8),
            "object_id": [names[i] for i in make.rng.integers(0, len(names), 8)],
            "reported_on": make.days(8),
            "closed_on": make.days(8),
            "kind": make.pick(8, "defect", "maintenance", None),
        }
    )
    hotline = gpd.GeoDataFrame(
        {
            "id": make.ids("K", 20),
            "at": make.moments(20),
            "category": make.pick(20, "积水", "噪音", "flooding", None),
            "caller_key": make.pick(20, "a", "b", None),
            "reworks": make.pick(20, 0.0, 2.0, None),
        },
        geometry=[Point(spot) for spot in make.spots(20)],
    )
    events = gpd.GeoDataFrame(
        {
            "id": ["E1", "E2"],
            "started_at": [
                pd.Timestamp("2026-05-01T00:00:00+08:00"),
                pd.Timestamp("2026-06-10T09:00:00+08:00"),
            ],
            "ended_at": [
                pd.Timestamp("2026-05-02T00:00:00+08:00"),
                pd.Timestamp("2026-06-10T18:00:00+08:00"),
            ],
            "kind": ["rain", "crowd"],
            "level": ["red", None],
        },
        geometry=[None, box(0, 0, 500, 500)],
    )
    visits = pd.concat([visits, day_rounds(tables)], ignore_index=True)
    return {"visits": visits, "repairs": repairs, "hotline": hotline, "events": events}


def day_rounds(tables):
    """Six visits by day to one alley, and six to a pipe, a lamp and one place."""
    alley, pipe, lamp = (tables[role]["id"].iloc[0] for role in ("neglected", "pipes", "components"))
    names = [f"neglected:{alley}"] * 6 + [pipe, lamp] + [None] * 4
    track = LineString([(590, 450), (720, 450)])
    spots = [None] * 8 + [Point(610, 410), Point(690, 410), track, track]
    at = [pd.Timestamp("2026-06-20T10:00:00+08:00") - pd.Timedelta(days=5 * i) for i in range(12)]
    return gpd.GeoDataFrame(
        {
            "id": [f"Y{i}" for i in range(12)],
            "at": at,
            "activity": ["patrol_day", "patrol"] * 6,
            "object_id": names,
            "body": "甲",
            "result": "ok",
        },
        geometry=spots,
    )


def rounds(make):
    """Visits to one place, most of them by day."""
    x, y = make.spots(1)[0]
    days = pd.Timestamp("2026-06-01T10:00:00+08:00") + pd.to_timedelta(range(6), unit="D")
    night = pd.Timedelta(hours=make.pick(1, 0, 0, 11)[0])
    return gpd.GeoDataFrame(
        {"id": [f"U{i}" for i in range(6)], "at": [*days[:5], days[5] + night], "activity": "patrol"},
        geometry=[Point(x + 7 * i, y) for i in range(6)],
    )


def offices(make):
    half = SIDE_M / 2
    units = gpd.GeoDataFrame(
        {
            "code": ["310000", "310101", "310102"],
            "level": ["city", "district", "district"],
            "zone_type": [None, "core", "fringe"],
            "grade": [None, "I", "II"],
            "population": [None, 900.0, 500.0],
        },
        geometry=[
            box(-60, -60, SIDE_M + 460, SIDE_M + 460),
            box(-60, -60, half, SIDE_M + 460),
            box(half, -60, SIDE_M + 460, SIDE_M + 460),
        ],
    )
    duties = gpd.GeoDataFrame(
        {
            "id": [f"D{i}" for i in range(6)],
            "body": make.pick(6, "甲", "乙", "丙"),
            "object_class": make.pick(6, "*", "housing", "pipes:JS", "components:manhole_cover"),
            "duty": make.pick(6, "own", "maintain", "fallback", "patrol"),
            "level": make.pick(6, "city", "district"),
            "area_code": [None, None, None, "310101", "310102", None],
        },
        geometry=[
            box(x, y, x + 500, y + 500) if index < 3 else None for index, (x, y) in enumerate(make.spots(6))
        ],
    )
    surveys = gpd.GeoDataFrame(
        {
            "id": ["S1", "S2", "S3"],
            "class_code": make.pick(3, "PS", "JS", "housing"),
            "captured_on": [pd.Timestamp("2026-03-01T12:00:00+08:00")] * 3,
            "looked_for": make.pick(3, True, False),
        },
        geometry=[box(x, y, x + 420, y + 380) for x, y in make.spots(3)],
    )
    return {"units": units, "duties": duties, "surveys": surveys}


def random_tables(seed):
    """Tables of every object role, its records and offices; the same seed gives the same tables."""
    make = Maker(seed)
    tables = {"housing": housing(make, 24)}
    corners = shapely.bounds(tables["housing"].geometry.to_numpy())[:, :2]
    tables["pipes"] = pipes(make, 26, corners)
    tables |= others(make, tables["pipes"].geometry)
    tables |= records(make, tables)
    tables |= offices(make)
    if make.rng.random() < 0.3:
        spoil(make, tables)
    return tables


def spoil(make, tables):
    """Shapes that no rule may stumble over."""
    bad = [
        None,
        shapely.from_wkt("POLYGON EMPTY"),
        shapely.from_wkt("POLYGON ((0 0, 10 10, 10 0, 0 10, 0 0))"),
    ]
    shapes = tables["housing"].geometry.to_numpy().copy()
    shapes[2] = make.pick(1, *bad)[0]
    tables["housing"].geometry = shapes
    lines = tables["pipes"].geometry.to_numpy().copy()
    lines[2] = make.pick(1, None, LineString([(5, 5), (5, 5)]))[0]
    tables["pipes"].geometry = lines


def random_city(seed):
    return city_of(random_tables(seed))


def city_of(tables):
    return city_from_tables(tables, as_of=AS_OF)
