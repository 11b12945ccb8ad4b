"""R01 against a brute-force oracle and hand-drawn cases."""

import geopandas as gpd
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import LineString, Point, box

from citygap.engine.city import city_from_tables
from citygap.engine.context import Context
from citygap.engine.grid import square_code
from citygap.engine.rules.responsibility import NO_OWNER
from citygap.engine.standards import Standards, shipped_standards

AS_OF = pd.Timestamp("2026-07-01T23:59:59.999999+08:00").to_pydatetime()
AREAS = {None: None, "west": box(0, 0, 100, 200), "east": box(100, 0, 200, 200)}
CLASSES = {
    "housing": [None],
    "pipes": ["JS", "RQ"],
    "components": ["0103", "0114", "street_lamp"],
    "roads": [None],
}
DUTIES = ("own", "maintain", "fallback")

objects = st.lists(
    st.fixed_dictionaries(
        {
            "role": st.sampled_from(list(CLASSES)),
            "class": st.integers(0, 2),
            "owner": st.sampled_from([None, "甲", "无", " "]),
            "maintainer": st.sampled_from([None, "乙"]),
            "x": st.sampled_from([50, 100, 150, 250]),
        }
    ),
    max_size=5,
)
duty_rows = st.lists(
    st.fixed_dictionaries(
        {
            "duty": st.sampled_from([*DUTIES, "supervise"]),
            "object_class": st.sampled_from(
                ["*", "housing", "pipes:JS", "components:manhole_cover", "components:street_lamp", None]
            ),
            "trade": st.sampled_from([None, "sanitation", "RQ", "street_lamp", "*"]),
            "area": st.sampled_from(list(AREAS)),
            "by_code": st.booleans(),
            "from": st.sampled_from([None, "2020-01-01", "2026-07-01", "2026-07-02"]),
            "to": st.sampled_from([None, "2026-06-30", "2026-07-01"]),
        }
    ),
    max_size=4,
)


def day(text):
    return None if text is None else pd.Timestamp(f"{text}T23:59:59.999999+08:00")


def class_of(item):
    words = CLASSES[item["role"]]
    return words[item["class"] % len(words)]


def city_of(items, rows, columns=("owner", "maintainer"), units=True):
    tables = {}
    for role in {item["role"] for item in items}:
        mine = [(i, item) for i, item in enumerate(items) if item["role"] == role]
        data = {"id": [f"O{i}" for i, _ in mine]}
        if class_of(mine[0][1]):
            data["class_code"] = [class_of(item) for _, item in mine]
        for name in columns:
            if role != "roads":
                data[name] = [item[name] for _, item in mine]
        shapes = [
            Point(item["x"], 50) if role == "components" else LineString([(item["x"], 40), (item["x"], 60)])
            for _, item in mine
        ]
        tables[role] = gpd.GeoDataFrame(data, geometry=shapes)
    if units:
        tables["units"] = gpd.GeoDataFrame(
            {"code": ["c", "west", "east"], "level": ["city", "district", "district"]},
            geometry=[box(0, 0, 200, 200), AREAS["west"], AREAS["east"]],
        )
    if rows:
        tables["duties"] = gpd.GeoDataFrame(
            {
                "id": [f"d{i}" for i in range(len(rows))],
                "body": ["局"] * len(rows),
                **{name: [row[name] for row in rows] for name in ("duty", "object_class", "trade")},
                "area_code": [row["area"] if row["by_code"] else None for row in rows],
                "valid_from": [day(row["from"]) for row in rows],
                "valid_to": [day(row["to"]) for row in rows],
            },
            geometry=[None if row["by_code"] else AREAS[row["area"]] for row in rows],
        )
    return city_from_tables(tables, as_of=AS_OF)


def run(city):
    return NO_OWNER.find(city, Context(city, Standards(shipped_standards(), AS_OF.date()))).findings


def covered_class(row):
    if row["object_class"] is not None:
        return row["object_class"]
    return {
        None: "*",
        "sanitation": None,
        "RQ": "pipes:RQ",
        "street_lamp": "components:street_lamp",
        "*": "*",
    }[row["trade"]]


def belongs(item, wanted):
    if wanted is None:
        return False
    if wanted == "*" or wanted == item["role"]:
        return True
    word = {"0103": "manhole_cover", "0114": "manhole_cover"}.get(class_of(item), class_of(item))
    return wanted in (f"{item['role']}:{class_of(item)}", f"{item['role']}:{word}")


def is_valid(row):
    return (row["from"] or "") <= "2026-07-01" <= (row["to"] or "9999")


def oracle(items, rows):
    valid = [row for row in rows if is_valid(row)]
    named = {row["duty"] for row in valid}
    found = {}
    for index, item in enumerate(items):
        if item["role"] == "roads":
            continue
        lacking = []
        for duty in DUTIES:
            field = {"own": "owner", "maintain": "maintainer"}.get(duty)
            if field is None and duty not in named:
                continue
            filled = field is not None and item[field] not in (None, "无", " ")
            for row in valid:
                inside = row["area"] is None or AREAS[row["area"]].intersects(Point(item["x"], 50))
                filled |= row["duty"] == duty and belongs(item, covered_class(row)) and inside
            if duty == "own" and class_of(item) == "0114":
                filled = False
            if not filled:
                lacking.append(duty)
        if lacking:
            found[f"O{index}"] = ("high" if "fallback" in lacking else "medium", tuple(lacking))
    if "fallback" in named:
        general = [row for row in valid if row["duty"] == "fallback" and covered_class(row) == "*"]
        for east in (0, 1):
            for north in (0, 1):
                centre = Point(100 * east + 50, 100 * north + 50)
                if not any(row["area"] is None or AREAS[row["area"]].intersects(centre) for row in general):
                    found[square_code(east, north)] = ("high", ("fallback",))
    return found


@settings(max_examples=100, deadline=None)
@given(objects, duty_rows)
def test_agrees_with_the_oracle_on_random_cities(items, rows):
    findings = run(city_of(items, rows))
    got = {
        object_id: (severity, tuple(params["lacking"]))
        for object_id, severity, params in zip(
            *(findings[name] for name in ("object_id", "severity", "params"))
        )
    }
    assert got == oracle(items, rows)


LAMP = {"role": "components", "class": 2, "owner": None, "maintainer": "乙", "x": 50}


def test_a_lamp_without_owner():
    findings = run(city_of([LAMP], []))
    assert list(findings["severity"]) == ["medium"]
    assert findings["params"].iat[0] == {"lacking": ["own"]}
    assert findings["measured"].iat[0] == 1


def test_a_duty_row_fills_what_the_record_leaves_empty():
    row = {
        "duty": "own",
        "object_class": "components",
        "trade": None,
        "area": "west",
        "by_code": True,
        "from": None,
        "to": None,
    }
    assert len(run(city_of([LAMP], [row]))) == 0
    assert len(run(city_of([{**LAMP, "x": 150}], [row]))) == 1


def test_a_layer_without_columns_and_without_duties_is_not_tested():
    city = city_of([LAMP], [], columns=(), units=False)
    assert NO_OWNER.missing(city) == "no owner or maintainer column and no duties given"
