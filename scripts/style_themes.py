"""The styles of what CityGap lays over the city: gaps, notes, housing, pipes, neglected places, bodies."""

from __future__ import annotations

from qgis.core import (
    QgsFeatureRequest,
    QgsPalLayerSettings,
    QgsProperty,
    QgsSingleSymbolRenderer,
    QgsSymbolLayer,
    QgsVectorLayerSimpleLabeling,
)
from qgis.PyQt.QtCore import QPointF, Qt
from style_symbols import (
    GREY,
    INK,
    LEGEND_SHARE,
    WHITE,
    at_centre,
    at_middle,
    categorised,
    dots,
    enable,
    fill,
    hatch,
    letter,
    mark,
    rules,
    shrink,
    single,
    stroke,
    symbol,
    text_settings,
)

SEVERITIES = {
    # key: shape, fill, ink of the letter, size mm, shift of the letter mm, line dash
    "info": ("square", "#6B7280", WHITE, 3.4, 0.0, "dot"),
    "low": ("circle", "#0072B2", WHITE, 4.2, 0.0, "short"),
    "medium": ("triangle", "#F5A300", INK, 6.0, 0.55, "dash"),
    "high": ("diamond", "#C2132B", WHITE, 6.2, 0.0, "solid"),
}
CLOSE = "@map_scale IS NULL OR @map_scale < 1800"
SMALLEST_SCALES = {"info": 5000, "low": 15000, "medium": 0, "high": 0}
"""From afar the lesser gaps make way for the city; 0: no limit."""
ONE_OBJECT = "\"object_role\" IS NULL OR \"object_role\" NOT IN ('units', 'cell')"
"""A gap of a whole unit or cell is only outlined: its tint would cover the city."""
CLOSED = "\"status\" IN ('verified', 'false_alarm')"

# Dark is old; lightness falls in even steps, so that the order survives a grey print.
DECADES = {
    1900: "#54284B", 1950: "#75365A", 1960: "#964A64", 1970: "#B3636B",
    1980: "#CB8077", 1990: "#DEA08A", 2000: "#EABF9F", 2010: "#F1DCC0",
}  # fmt: skip
GRADES = {"A": "#D5E3EA", "B": "#9DC1D3", "C": "#F0A55A", "D": "#A8201A", "other": "#D8C7E3"}
NEGLECTED = {"back_alley": "#00796B", "under_viaduct": "#7B3FA0", "leftover": "#8A6D00", "other": "#555555"}
DECADE = (
    "CASE WHEN \"built_year\" IS NULL THEN 'unrecorded' WHEN \"built_year\" < 1949 THEN '1900'"
    " WHEN \"built_year\" < 1960 THEN '1950' WHEN \"built_year\" >= 2010 THEN '2010'"
    ' ELSE to_string(floor("built_year" / 10.0) * 10) END'
)


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
        shrink(mark(shape, WHITE, None, (size + 0.9) * LEGEND_SHARE), "PropertySize", size + 0.9),
        shrink(mark(shape, paint, INK, size * LEGEND_SHARE, 0.2), "PropertySize", size),
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
        band = stroke(paint, 2.6, opacity=0.26, cap=Qt.PenCapStyle.FlatCap)
        core = enable(stroke(paint, 0.4, dash), CLOSE)
        under = [shrink(band, "PropertyStrokeWidth", 2.6, 0.3), core]
    else:
        marks = [at_centre(severity_marks(key))]
        edge = fill(None, paint, 0.6, edge_dash="solid" if dash == "solid" else "dash")
        rim = enable(fill(None, WHITE, 1.1), CLOSE)
        ground = enable(fill(paint, opacity=0.08), ONE_OBJECT)
        under = [ground, rim, shrink(edge, "PropertyStrokeWidth", 0.6, 0.35)]
    for layer in under:
        layer.setRenderingPass(number + 1)
    for layer in marks:
        layer.setRenderingPass(above)
        if kind != "point":
            enable(layer, CLOSE)
    return symbol(kind, [*under, *marks])


def gaps(kind):
    """Gaps by severity, the most severe on top; closed ones have a class of their own, switched off."""
    symbols = {key: gap_symbol(kind, key, number) for number, key in enumerate(SEVERITIES)}
    rows = [
        (
            f"\"severity\" = '{key}' AND NOT ({CLOSED})",
            item,
            f"severity.{key}",
            SMALLEST_SCALES[key],
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


UNDATED = '"laid_year" IS NULL'


def pipes(paint):
    """A class's pipes in its standard colour; as wide as the pipe on large scales, dashed without a year.

    One symbol, so that the legend is one line a class; `undated_pipes` says what the dashes mean.
    """
    width = 'coalesce(scale_linear(coalesce("diameter_mm", 200), 50, 1500, 0.4, 1.5), 0.45)'
    near = f"coalesce(if(@map_scale < 1500, {width}, scale_linear(@map_scale, 1500, 6000, 0.4, 0.15)), 0.6)"
    line = stroke(paint, 0.8)
    rim = enable(stroke("#3C3C3C", 0.8, opacity=0.5), f"({CLOSE}) AND NOT ({UNDATED})")
    ground = enable(stroke(WHITE, 0.7, opacity=0.7), f"@map_scale < 1800 AND {UNDATED}")
    properties = QgsSymbolLayer.Property
    line.setDataDefinedProperty(properties.PropertyStrokeWidth, QgsProperty.fromExpression(near))
    dashes = f"if({UNDATED}, 'dash', 'solid')"
    line.setDataDefinedProperty(properties.PropertyStrokeStyle, QgsProperty.fromExpression(dashes))
    rim.setDataDefinedProperty(properties.PropertyStrokeWidth, QgsProperty.fromExpression(f"{near} + 0.18"))
    return single("line", rim, ground, line)


def undated_pipes():
    """What dashed pipes are: for the legend only."""
    return single("line", stroke(INK, 0.5, "dash"))


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
            layers = [
                shrink(stroke(WHITE, 1.9, opacity=0.8), "PropertyStrokeWidth", 1.9),
                shrink(stroke(paint, 1.2, dashes[key]), "PropertyStrokeWidth", 1.2),
            ]
        rows.append((key, symbol(kind, layers), f"neglected.{key}"))
    return categorised(one_of("kind", NEGLECTED, empty=None), rows)


def bodies(kind):
    """What a body answers for: a symbol to be painted in each body's colour, and the class without any."""
    layers = {
        "polygon": [fill(GREY, WHITE, 0.5)],
        "line": [stroke(GREY, 0.9)],
        "point": [mark("circle", GREY, WHITE, 2.6, 0.3)],
    }
    rows = [("other", symbol(kind, layers[kind]), "body.other")]
    renderer = categorised("''", [*rows, ("unrecorded", grey_hatched(kind, "#B00020"), "unrecorded")])
    if kind == "polygon":
        # Where areas overlap the smallest shows: who is nearest answers first.
        largest_first = QgsFeatureRequest.OrderByClause("$area", False)
        renderer.setOrderBy(QgsFeatureRequest.OrderBy([largest_first]))
        renderer.setOrderByEnabled(True)
    return renderer


def theme_styles(pipe_colours):
    """Style name to (geometry kind, renderer, labels or None, smallest scale or 0).

    `pipe_colours` maps a class of pipes to its standard colour.
    """
    made = {}
    # Layers of owners have no such column: their many objects stay without names.
    body = text_settings("attribute($currentfeature, 'body')", 9, INK, WHITE, bold=True)
    body.placement = QgsPalLayerSettings.Placement.Horizontal
    body.priority = 8
    for kind in ("point", "line", "polygon"):
        body_name = QgsVectorLayerSimpleLabeling(body) if kind == "polygon" else None
        made[f"gaps_{kind}"] = (kind, gaps(kind), None, 0)
        made[f"notes_{kind}"] = (kind, pins(kind), None, 100000)
        made[f"bodies_{kind}"] = (kind, bodies(kind), body_name, 0)
    for kind in ("point", "polygon"):
        made[f"housing_decade_{kind}"] = (kind, housing_decade(kind), None, 0)
        made[f"housing_condition_{kind}"] = (kind, housing_condition(kind), None, 0)
    for kind in ("line", "polygon"):
        made[f"neglected_{kind}"] = (kind, neglected(kind), None, 0)
    for code, paint in pipe_colours.items():
        made[f"pipes_{code}"] = ("line", pipes(paint), None, 0)
    made["pipes_undated"] = ("line", undated_pipes(), None, 0)
    return made
