"""The base map's styles: roads, water, buildings and units, as on a printed city plan."""

from __future__ import annotations

from qgis.core import (
    QgsGeometryGeneratorSymbolLayer,
    QgsInvertedPolygonRenderer,
    QgsSymbol,
    QgsVectorLayerSimpleLabeling,
)
from style_symbols import (
    WHITE,
    along_line,
    categorised,
    fill,
    ground_stroke,
    label_rules,
    rules,
    single,
    stroke,
    symbol,
    text_settings,
)

LAND, WATER, WATER_EDGE, BUILDING, BUILDING_EDGE = "#F3EFE7", "#C4DBE7", "#96BACD", "#E2DBCF", "#C9C0B1"
ROADS = {
    # key: fill, casing, width m, least and most mm
    "path": ("#B9AD9B", None, 1.5, 0.2, 0.6),
    "service": (WHITE, "#C9C0B2", 4, 0.25, 2.0),
    "other": (WHITE, "#C9C0B2", 6, 0.3, 2.5),
    "local": (WHITE, "#BEB5A6", 8, 0.4, 3.5),
    "tertiary": (WHITE, "#B3A998", 12, 0.6, 5),
    "secondary": ("#FFF6D6", "#BFA96F", 16, 0.8, 6),
    "primary": ("#FBEBC2", "#C6A55C", 20, 1.0, 7),
    "motorway": ("#F6D79C", "#BF9149", 26, 1.3, 8),
}
ROAD_CLASS = (
    "CASE WHEN \"highway\" LIKE 'motorway%' THEN 'motorway'"
    " WHEN \"highway\" LIKE 'trunk%' OR \"highway\" LIKE 'primary%' THEN 'primary'"
    " WHEN \"highway\" LIKE 'secondary%' THEN 'secondary'"
    " WHEN \"highway\" LIKE 'tertiary%' THEN 'tertiary'"
    " WHEN \"highway\" IN ('residential', 'unclassified', 'living_street', 'road') THEN 'local'"
    " WHEN \"highway\" IN ('service', 'track') THEN 'service'"
    " WHEN \"highway\" IN ('pedestrian', 'footway', 'path', 'steps', 'cycleway') THEN 'path'"
    " ELSE 'other' END"
)
LEVELS = {
    # key: colour, width mm, dash
    "other": ("#B9AFBD", 0.15, "solid"),
    "cell": ("#C5BCC8", 0.1, "solid"),
    "subdistrict": ("#8E7796", 0.4, "dash"),
    "district": ("#7A5F86", 0.7, "boundary"),
    "city": ("#5E4569", 1.0, "boundary"),
}


def units():
    rows = []
    for number, (key, (paint, width, dash)) in enumerate(LEVELS.items()):
        line = stroke(paint, width, dash)
        under = stroke(paint, width + 1.4, opacity=0.16)
        layers = [line] if key in ("cell", "other") else [under, line]
        for layer in layers:
            layer.setRenderingPass(number)
        outline = symbol("line", layers)
        area = symbol("polygon", [outlined(outline)])
        rows.append((one_level(key), area, f"level.{key}", 20000 if key == "cell" else 0, True))
    return rules(list(reversed(rows)))


def outlined(line):
    layer = QgsGeometryGeneratorSymbolLayer.create({"geometryModifier": "boundary($geometry)"})
    layer.setSymbolType(QgsSymbol.SymbolType.Line)
    layer.setSubSymbol(line)
    return layer


def one_level(key):
    if key == "other":
        return "coalesce(\"level\", '') NOT IN ('city', 'district', 'subdistrict', 'cell')"
    return f"\"level\" = '{key}'"


def unit_labels():
    name = 'coalesce("name", "code")'
    ink = "#5E4569"
    return label_rules(
        [
            (
                one_level("district"),
                text_settings(name, 12, ink, LAND, bold=True, spacing=1.5),
                20000,
                250000,
            ),
            (
                one_level("subdistrict"),
                text_settings(name, 9.5, ink, LAND, bold=True, spacing=1.0),
                4000,
                40000,
            ),
            (one_level("cell"), text_settings(name, 6.5, "#A597AC", LAND), 0, 3000),
        ]
    )


def roads():
    rows = []
    for number, (key, (paint, casing, width, least, most)) in enumerate(ROADS.items(), start=1):
        if casing is None:
            layers = [stroke(paint, 0.35, "short")]
        else:
            layers = [
                ground_stroke(casing, width + 1.4, least + 0.35, most + 0.5),
                ground_stroke(paint, width, least, most, number),
            ]
        rows.append((key, symbol("line", layers), f"road.{key}"))
    return categorised(ROAD_CLASS, list(reversed(rows)), drawing_passes=True)


def road_labels():
    name, main = '"name"', "\"highway\" IN ('motorway', 'trunk', 'primary', 'secondary')"
    return label_rules(
        [
            (main, along_line(text_settings(name, 8.5, "#5A4B2E", WHITE)), 0, 16000),
            (f"NOT coalesce({main}, false)", along_line(text_settings(name, 7.5, "#6A645A", WHITE)), 0, 4000),
        ]
    )


def base_styles():
    """Style name to (geometry kind, renderer, labels or None, smallest scale or 0)."""
    blue = "#4A7F99"
    water_name = QgsVectorLayerSimpleLabeling(text_settings('"name"', 8.5, blue, WATER, italic=True))
    creek_name = QgsVectorLayerSimpleLabeling(
        along_line(text_settings('"name"', 8, blue, WHITE, italic=True))
    )
    return {
        "water_polygon": ("polygon", single("polygon", fill(WATER, WATER_EDGE, 0.2)), water_name, 0),
        "water_line": ("line", single("line", ground_stroke(WATER, 6, 0.4, 3)), creek_name, 0),
        "roads": ("line", roads(), road_labels(), 0),
        "buildings": ("polygon", single("polygon", fill(BUILDING, BUILDING_EDGE, 0.12)), None, 60000),
        "units": ("polygon", units(), unit_labels(), 0),
        "background": ("polygon", QgsInvertedPolygonRenderer(single("polygon", fill(LAND))), None, 0),
    }
