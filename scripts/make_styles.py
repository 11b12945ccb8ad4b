"""Draws CityGap's layer styles and saves them as `layers/styles/*.qml`.

Run with QGIS's Python after changing a colour or a width here, or the pipe classes' table:
``QT_QPA_PLATFORM=offscreen .venv-qgis/bin/python scripts/make_styles.py``. Legend texts and letters are saved
as keys of `standards/labels.csv`; the plugin turns them into words when it loads a style.
"""

from __future__ import annotations

import csv
import re
import sys
from pathlib import Path

from qgis.core import (
    QgsApplication,
    QgsGeometryGeneratorSymbolLayer,
    QgsInvertedPolygonRenderer,
    QgsMapLayer,
    QgsPalLayerSettings,
    QgsProperty,
    QgsSingleSymbolRenderer,
    QgsSymbol,
    QgsSymbolLayer,
    QgsVectorLayer,
    QgsVectorLayerSimpleLabeling,
)
from qgis.PyQt.QtCore import QPointF, Qt
from style_symbols import (
    along_line,
    at_centre,
    at_middle,
    categorised,
    dots,
    enable,
    fill,
    ground_stroke,
    hatch,
    label_rules,
    letter,
    mark,
    rules,
    shrink,
    stroke,
    symbol,
    text_settings,
)

ROOT = Path(__file__).resolve().parent.parent
STYLES = ROOT / "layers" / "styles"

LAND, WATER, WATER_EDGE, BUILDING, BUILDING_EDGE = "#F3EFE7", "#C4DBE7", "#96BACD", "#E2DBCF", "#C9C0B1"
INK, WHITE, GREY = "#3B3A38", "#FFFFFF", "#8C8C8C"

SEVERITIES = {
    # key: shape, fill, ink of the letter, size mm, shift of the letter mm, line dash
    "info": ("square", "#6B7280", WHITE, 3.4, 0.0, "dot"),
    "low": ("circle", "#0072B2", WHITE, 4.2, 0.0, "short"),
    "medium": ("triangle", "#F5A300", INK, 6.0, 0.55, "dash"),
    "high": ("diamond", "#C2132B", WHITE, 6.2, 0.0, "solid"),
}
CLOSED = "\"status\" IN ('verified', 'false_alarm')"

# Dark is old; lightness falls in even steps, so that the order survives a grey print.
DECADES = {
    1900: "#54284B", 1950: "#75365A", 1960: "#964A64", 1970: "#B3636B",
    1980: "#CB8077", 1990: "#DEA08A", 2000: "#EABF9F", 2010: "#F1DCC0",
}  # fmt: skip
GRADES = {"A": "#D5E3EA", "B": "#9DC1D3", "C": "#F0A55A", "D": "#A8201A", "other": "#D8C7E3"}
NEGLECTED = {"back_alley": "#00796B", "under_viaduct": "#7B3FA0", "leftover": "#8A6D00", "other": "#555555"}
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
DECADE = (
    "CASE WHEN \"built_year\" IS NULL THEN 'unrecorded' WHEN \"built_year\" < 1949 THEN '1900'"
    " WHEN \"built_year\" < 1960 THEN '1950' WHEN \"built_year\" >= 2010 THEN '2010'"
    ' ELSE to_string(floor("built_year" / 10.0) * 10) END'
)
LEVELS = {
    # key: colour, width mm, dash
    "other": ("#B9AFBD", 0.15, "solid"),
    "cell": ("#C5BCC8", 0.1, "solid"),
    "subdistrict": ("#8E7796", 0.4, "dash"),
    "district": ("#7A5F86", 0.7, "boundary"),
    "city": ("#5E4569", 1.0, "boundary"),
}


def one_of(column, keys, rest="other", empty="unrecorded"):
    """An expression for a column's value if it is one of the keys; what else it may be gets a class too."""
    known = ", ".join(f"'{key}'" for key in keys if key not in (rest, empty))
    blank = f"WHEN coalesce(\"{column}\", '') = '' THEN '{empty}' " if empty else ""
    return f'CASE {blank}WHEN "{column}" IN ({known}) THEN "{column}" ELSE \'{rest}\' END'


def severity_marks(key):
    """A severity's shape and letter; a white rim parts it from the map."""
    shape, paint, ink, size, shift, _ = SEVERITIES[key]
    share = 0.42 if shape == "triangle" else 0.52
    return [
        shrink(mark(shape, WHITE, None, size + 0.9), "PropertySize", size + 0.9),
        shrink(mark(shape, paint, INK, size, 0.2), "PropertySize", size),
        letter(f"letter.{key}", ink, size * share, shift),
    ]


def gap_symbol(kind, key, number):
    """A severity's symbol for a geometry kind; marks are drawn over all bands and areas."""
    _, paint, _, _, _, dash = SEVERITIES[key]
    above = len(SEVERITIES) + number + 1
    if kind == "point":
        marks, under = severity_marks(key), []
    elif kind == "line":
        marks = [at_middle(severity_marks(key))]
        band = stroke(paint, 2.6, opacity=0.38, cap=Qt.PenCapStyle.FlatCap)
        under = [
            shrink(band, "PropertyStrokeWidth", 2.6),
            shrink(stroke(paint, 0.55, dash), "PropertyStrokeWidth", 0.55),
        ]
    else:
        marks = [at_centre(severity_marks(key))]
        edge = fill(None, paint, 0.6, edge_dash="solid" if dash == "solid" else "dash")
        texture = hatch(paint, 45 + 30 * number, 2.6 - 0.3 * number, 0.2)
        under = [fill(paint, opacity=0.12), texture, fill(None, WHITE, 1.1), edge]
    for layer in under:
        layer.setRenderingPass(number + 1)
    for layer in marks:
        layer.setRenderingPass(above)
        if kind != "point":
            enable(layer, "@map_scale IS NULL OR @map_scale < 15000")
    return symbol(kind, [*under, *marks])


def gaps(kind):
    """Gaps by severity, the most severe on top; closed ones have a class of their own, switched off."""
    symbols = {key: gap_symbol(kind, key, number) for number, key in enumerate(SEVERITIES)}
    rows = [
        (
            f"\"severity\" = '{key}' AND NOT ({CLOSED})",
            item,
            f"severity.{key}",
            25000 if key == "info" else 0,
            True,
        )
        for key, item in symbols.items()
    ]
    pale = {
        "point": [mark("circle", "#F2F2F2", GREY, 2.4)],
        "line": [stroke(GREY, 0.5, "dot")],
        "polygon": [fill(None, GREY, 0.3, edge_dash="dash")],
    }
    return rules([*reversed(rows), (CLOSED, symbol(kind, pale[kind]), "gaps.closed", 0, False)])


def pins(kind):
    """A pin at each gap that has notes, beside the gap's own mark."""
    pin = [mark("pentagon", WHITE, INK, 3.0, 0.25), mark("circle", "#2F6B3C", None, 1.3)]
    for layer in pin:
        layer.setOffset(QPointF(2.6, -2.6))
    around = {
        "point": lambda marks: marks,
        "line": lambda marks: [at_middle(marks)],
        "polygon": lambda marks: [at_centre(marks)],
    }
    return QgsSingleSymbolRenderer(symbol(kind, around[kind](pin)))


def painted(kind, paint, edge):
    """A symbol of a colour, for buildings given as areas or as points."""
    layers = [fill(paint, edge, 0.12)] if kind == "polygon" else [mark("circle", paint, edge, 2.2, 0.2)]
    return symbol(kind, layers)


def grey_hatched(kind, edge=GREY):
    """What is unrecorded: grey hatching, never blank."""
    if kind == "polygon":
        return symbol(kind, [fill("#F1F1F1"), hatch("#6E6E6E", 45, 1.1, 0.22), fill(None, edge, 0.2)])
    if kind == "line":
        return symbol(kind, [stroke(WHITE, 1.2), stroke(edge, 0.6, "dot")])
    return symbol(
        kind, [mark("circle", "#F1F1F1", "#6E6E6E", 2.2, 0.3), mark("circle", "#6E6E6E", None, 0.7)]
    )


def housing_decade(kind):
    rows = [(str(key), painted(kind, paint, "#8A7068"), f"decade.{key}") for key, paint in DECADES.items()]
    return categorised(DECADE, [*rows, ("unrecorded", grey_hatched(kind), "unrecorded")])


def housing_condition(kind):
    rows = [(key, painted(kind, paint, "#6F7F86"), f"grade.{key}") for key, paint in reversed(GRADES.items())]
    rows = [*rows[1:], rows[0], ("unrecorded", grey_hatched(kind), "unrecorded")]
    return categorised(one_of("danger_grade", GRADES), rows)


def pipes(paint):
    """A class's pipes in its standard colour; as wide as the pipe on large scales, dashed without a year."""
    width = 'coalesce(scale_linear(coalesce("diameter_mm", 200), 50, 1500, 0.4, 1.5), 0.45)'
    near = f"coalesce(if(@map_scale < 3000, {width}, scale_linear(@map_scale, 3000, 20000, 0.42, 0.22)), 0.6)"

    def drawn(dash):
        line = stroke(paint, 0.6, dash)
        rim = enable(stroke("#3C3C3C", 0.8, opacity=0.5), "@map_scale IS NULL OR @map_scale < 10000")
        size = QgsSymbolLayer.Property.PropertyStrokeWidth
        line.setDataDefinedProperty(size, QgsProperty.fromExpression(near))
        rim.setDataDefinedProperty(size, QgsProperty.fromExpression(f"{near} + 0.18"))
        return symbol("line", [rim, line] if dash == "solid" else [stroke(WHITE, 0.7, opacity=0.7), line])

    undated = '"laid_year" IS NULL'
    return rules(
        [
            (f"NOT ({undated})", drawn("solid"), "pipes.recorded", 0, True),
            (undated, drawn("dash"), "pipes.undated", 0, True),
        ]
    )


def neglected(kind):
    textures = {
        "back_alley": lambda paint: hatch(paint, 45, 1.8, 0.3),
        "under_viaduct": lambda paint: hatch(paint, 135, 1.8, 0.3),
        "leftover": dots,
        "other": lambda paint: hatch(paint, 0, 1.8, 0.3),
    }
    dashes = {"back_alley": "solid", "under_viaduct": "dash", "leftover": "dot", "other": "short"}
    rows = []
    for key, paint in NEGLECTED.items():
        if kind == "polygon":
            layers = [fill(paint, opacity=0.14), textures[key](paint), fill(None, paint, 0.35)]
        else:
            layers = [stroke(WHITE, 1.9, opacity=0.8), stroke(paint, 1.2, dashes[key])]
        rows.append((key, symbol(kind, layers), f"neglected.{key}"))
    return categorised(one_of("kind", NEGLECTED, empty=None), rows)


def bodies(kind):
    """What a body answers for: a symbol to be painted in each body's colour, and the class without any."""
    layers = {
        "polygon": [fill(GREY, opacity=0.24), stroke(GREY, 0.9)],
        "line": [stroke(GREY, 0.9)],
        "point": [mark("circle", GREY, WHITE, 2.6, 0.3)],
    }
    rows = [("other", symbol(kind, layers[kind]), "body.other")]
    return categorised("''", [*rows, ("unrecorded", grey_hatched(kind, "#B00020"), "unrecorded")])


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
            (f"NOT coalesce({main}, false)", along_line(text_settings(name, 7.5, "#6A645A", WHITE)), 0, 9000),
        ]
    )


def single(kind, *layers):
    return QgsSingleSymbolRenderer(symbol(kind, list(layers)))


def pipe_colours():
    """Class code to its standard colour, from the table that ships."""
    with open(ROOT / "standards" / "pipe_classes.csv", encoding="utf-8-sig", newline="") as file:
        return {row["class_code"]: row["rgb_hex"] for row in csv.DictReader(file)}


def styles():
    """Style name to (geometry kind, renderer, labels or None, smallest scale or 0)."""
    made = {}
    # Layers of owners have no such column: their many objects stay without names.
    body = text_settings("attribute($currentfeature, 'body')", 9, INK, WHITE, bold=True)
    body.placement = QgsPalLayerSettings.Placement.Horizontal
    body.priority = 8
    body_name = QgsVectorLayerSimpleLabeling(body)
    for kind in ("point", "line", "polygon"):
        made[f"gaps_{kind}"] = (kind, gaps(kind), None, 0)
        made[f"notes_{kind}"] = (kind, pins(kind), None, 100000)
        made[f"bodies_{kind}"] = (kind, bodies(kind), body_name if kind == "polygon" else None, 0)
    for kind in ("point", "polygon"):
        made[f"housing_decade_{kind}"] = (kind, housing_decade(kind), None, 0)
        made[f"housing_condition_{kind}"] = (kind, housing_condition(kind), None, 0)
    for kind in ("line", "polygon"):
        made[f"neglected_{kind}"] = (kind, neglected(kind), None, 0)
    for code, paint in pipe_colours().items():
        made[f"pipes_{code}"] = ("line", pipes(paint), None, 0)
    water_name = QgsVectorLayerSimpleLabeling(text_settings('"name"', 8.5, "#4A7F99", WATER, italic=True))
    creek_name = QgsVectorLayerSimpleLabeling(
        along_line(text_settings('"name"', 8, "#4A7F99", WHITE, italic=True))
    )
    made["water_polygon"] = ("polygon", single("polygon", fill(WATER, WATER_EDGE, 0.2)), water_name, 0)
    made["water_line"] = ("line", single("line", ground_stroke(WATER, 6, 0.4, 3)), creek_name, 0)
    made["roads"] = ("line", roads(), road_labels(), 0)
    made["buildings"] = ("polygon", single("polygon", fill(BUILDING, BUILDING_EDGE, 0.12)), None, 60000)
    made["units"] = ("polygon", units(), unit_labels(), 0)
    background = QgsInvertedPolygonRenderer(single("polygon", fill(LAND)))
    made["background"] = ("polygon", background, None, 0)
    return made


def save(name, kind, renderer, labels, smallest_scale):
    """Save one style; what a QGIS writes of its own (layer ids, random rule keys) is left out."""
    layer = QgsVectorLayer(f"{kind.capitalize()}?crs=EPSG:3857", name, "memory")
    layer.setRenderer(renderer)
    if labels:
        layer.setLabeling(labels)
        layer.setLabelsEnabled(True)
    if smallest_scale:
        layer.setScaleBasedVisibility(True)
        layer.setMinimumScale(smallest_scale)
    part = QgsMapLayer.StyleCategory
    wanted = part.Symbology | part.Labeling | part.Rendering
    path = STYLES / f"{name}.qml"
    message, saved = layer.saveNamedStyle(str(path), wanted)
    if not saved:
        sys.exit(f"{path}: {message}")
    text = path.read_text(encoding="utf-8")
    text = re.sub(r'(<rules key=)"[^"]*"', r'\1"root"', text)
    path.write_text(text, encoding="utf-8")


def main():
    """Write every style anew."""
    app = QgsApplication([], True)
    app.initQgis()
    STYLES.mkdir(exist_ok=True)
    made = styles()
    for path in STYLES.glob("*.qml"):
        if path.stem not in made:
            path.unlink()
    for name, style in made.items():
        save(name, *style)
    print(f"{len(made)} styles in {STYLES.relative_to(ROOT)}")
    app.exitQgis()


if __name__ == "__main__":
    main()
