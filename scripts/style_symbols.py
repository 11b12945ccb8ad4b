"""The drawing primitives that `make_styles.py` puts together: fills, strokes, marks and labels."""

from __future__ import annotations

from qgis.core import (
    QgsCategorizedSymbolRenderer,
    QgsCentroidFillSymbolLayer,
    QgsFillSymbol,
    QgsFontMarkerSymbolLayer,
    QgsLinePatternFillSymbolLayer,
    QgsLineSymbol,
    QgsMapUnitScale,
    QgsMarkerLineSymbolLayer,
    QgsMarkerSymbol,
    QgsPalLayerSettings,
    QgsPointPatternFillSymbolLayer,
    QgsProperty,
    QgsRendererCategory,
    QgsRuleBasedLabeling,
    QgsRuleBasedRenderer,
    QgsSimpleFillSymbolLayer,
    QgsSimpleLineSymbolLayer,
    QgsSimpleMarkerSymbolLayer,
    QgsSingleSymbolRenderer,
    QgsSymbolLayer,
    QgsTextFormat,
    QgsUnitTypes,
)
from qgis.PyQt.QtCore import QPointF, Qt
from qgis.PyQt.QtGui import QColor, QFont

INK, WHITE, GREY = "#3B3A38", "#FFFFFF", "#8C8C8C"

LEGEND_SHARE = 0.62
"""How large marks are in a legend, where there is less room than on the map."""

DASHES = {"solid": [], "dash": [4, 2], "short": [2, 1.2], "dot": [0.4, 1.6], "boundary": [6, 2, 0.6, 2]}


def colour(text, opacity=1.0):
    """`#rrggbb` with an opacity."""
    result = QColor(text)
    result.setAlphaF(opacity)
    return result


def fill(fill_colour, edge_colour=None, edge_mm=0.15, opacity=1.0, edge_dash="solid"):
    """A plain area; `fill_colour` None: outline only."""
    layer = QgsSimpleFillSymbolLayer()
    layer.setFillColor(colour(fill_colour, opacity) if fill_colour else colour("#000000", 0))
    if fill_colour is None:
        layer.setBrushStyle(Qt.BrushStyle.NoBrush)
    if edge_colour is None:
        layer.setStrokeStyle(Qt.PenStyle.NoPen)
    else:
        layer.setStrokeColor(colour(edge_colour))
        layer.setStrokeWidth(edge_mm)
        layer.setStrokeStyle(Qt.PenStyle.DashLine if edge_dash == "dash" else Qt.PenStyle.SolidLine)
        layer.setPenJoinStyle(Qt.PenJoinStyle.MiterJoin)
    return layer


def hatch(line_colour, angle=45, distance_mm=1.6, width_mm=0.25):
    """Parallel lines over an area."""
    layer = QgsLinePatternFillSymbolLayer()
    layer.setLineAngle(angle)
    layer.setDistance(distance_mm)
    layer.setSubSymbol(symbol("line", [stroke(line_colour, width_mm)]))
    return layer


def dots(dot_colour, distance_mm=1.8, size_mm=0.7):
    """A grid of dots over an area."""
    layer = QgsPointPatternFillSymbolLayer()
    for setter in (layer.setDistanceX, layer.setDistanceY):
        setter(distance_mm)
    layer.setDisplacementX(distance_mm / 2)
    layer.setSubSymbol(symbol("point", [mark("circle", dot_colour, None, size_mm)]))
    return layer


def stroke(line_colour, width_mm, dash="solid", opacity=1.0, cap=Qt.PenCapStyle.RoundCap):
    """A line of a width on paper; the dash lengths are in line widths."""
    layer = QgsSimpleLineSymbolLayer(colour(line_colour, opacity), width_mm)
    layer.setPenCapStyle(cap)
    layer.setPenJoinStyle(Qt.PenJoinStyle.RoundJoin)
    if DASHES[dash]:
        layer.setPenCapStyle(Qt.PenCapStyle.FlatCap)
        layer.setUseCustomDashPattern(True)
        layer.setCustomDashVector([length * max(width_mm, 0.3) for length in DASHES[dash]])
    return layer


def ground_stroke(line_colour, width_m, least_mm, most_mm, drawing_pass=0):
    """A line as wide as on the ground, within limits on paper."""
    layer = stroke(line_colour, width_m)
    layer.setOutputUnit(QgsUnitTypes.RenderUnit.RenderMetersInMapUnits)
    limits = QgsMapUnitScale()
    limits.minSizeMMEnabled = limits.maxSizeMMEnabled = True
    limits.minSizeMM, limits.maxSizeMM = least_mm, most_mm
    layer.setMapUnitScale(limits)
    layer.setRenderingPass(drawing_pass)
    return layer


SHAPES = {
    "circle": QgsSimpleMarkerSymbolLayer.Shape.Circle,
    "square": QgsSimpleMarkerSymbolLayer.Shape.Square,
    "diamond": QgsSimpleMarkerSymbolLayer.Shape.Diamond,
    "triangle": QgsSimpleMarkerSymbolLayer.Shape.EquilateralTriangle,
    "pentagon": QgsSimpleMarkerSymbolLayer.Shape.Pentagon,
}


def mark(shape, fill_colour, edge_colour, size_mm, edge_mm=0.3):
    """A filled shape at a point."""
    layer = QgsSimpleMarkerSymbolLayer(SHAPES[shape], size_mm)
    layer.setColor(colour(fill_colour))
    if edge_colour is None:
        layer.setStrokeStyle(Qt.PenStyle.NoPen)
    else:
        layer.setStrokeColor(colour(edge_colour))
        layer.setStrokeWidth(edge_mm)
    return layer


def letter(key, text_colour, size_mm, shift_mm=0.0):
    """A character at a point, drawn on large scales; `key` is replaced by the language's letter."""
    layer = QgsFontMarkerSymbolLayer("Sans", key, size_mm * LEGEND_SHARE, colour(text_colour))
    layer.setFontStyle("Bold")
    layer.setOffset(QPointF(0, shift_mm))
    shrink(layer, "PropertySize", size_mm, 1.0)
    enable(layer, "@map_scale IS NULL OR @map_scale < 1800")
    return layer


def enable(layer, expression):
    """Draw a symbol layer only where an expression is true."""
    layer.setDataDefinedProperty(
        QgsSymbolLayer.Property.PropertyLayerEnabled, QgsProperty.fromExpression(expression)
    )
    return layer


def shrink(layer, what, full_mm, share=0.35, scales=(1500, 6000)):
    """Let a size or width on the map fall with the scale, down to a share of it.

    Legends don't ask: they show the layer's fixed size.
    """
    least_mm = round(full_mm * share, 2)
    text = f"scale_linear(@map_scale, {scales[0]}, {scales[1]}, {full_mm:.2f}, {least_mm})"
    layer.setDataDefinedProperty(getattr(QgsSymbolLayer.Property, what), QgsProperty.fromExpression(text))
    return layer


def at_middle(marks):
    """Marks in the middle of a line."""
    layer = QgsMarkerLineSymbolLayer()
    layer.setPlacement(QgsMarkerLineSymbolLayer.Placement.CentralPoint)
    layer.setRotateMarker(False)
    layer.setSubSymbol(symbol("point", marks))
    return layer


def at_centre(marks):
    """Marks on a point inside an area."""
    layer = QgsCentroidFillSymbolLayer()
    layer.setPointOnSurface(True)
    layer.setPointOnAllParts(False)
    layer.setSubSymbol(symbol("point", marks))
    return layer


SYMBOLS = {"point": QgsMarkerSymbol, "line": QgsLineSymbol, "polygon": QgsFillSymbol}


def symbol(kind, layers):
    """A symbol of a geometry kind (point, line, polygon) from its layers, lowest first."""
    # Layers given to the constructor stay Python's and die under the symbol: append them one by one.
    made = SYMBOLS[kind]()
    for layer in layers:
        made.appendSymbolLayer(layer)
    made.deleteSymbolLayer(0)
    return made


def single(kind, *layers):
    """A renderer that draws everything alike."""
    return QgsSingleSymbolRenderer(symbol(kind, layers))


def categorised(expression, categories, drawing_passes=False):
    """A renderer from (value, symbol, label key) rows; the keys become words when the style is loaded."""
    renderer = QgsCategorizedSymbolRenderer(
        expression, [QgsRendererCategory(value, item, key) for value, item, key in categories]
    )
    renderer.setUsingSymbolLevels(drawing_passes)
    return renderer


def rules(rows):
    """A rule renderer from (filter, symbol, label key, smallest scale or 0, active) rows."""
    root = QgsRuleBasedRenderer.Rule(None)
    for condition, item, key, smallest_scale, active in rows:
        rule = QgsRuleBasedRenderer.Rule(item, 0, int(smallest_scale), condition, key)
        rule.setActive(active)
        rule.setRuleKey(key)
        root.appendChild(rule)
    renderer = QgsRuleBasedRenderer(root)
    renderer.setUsingSymbolLevels(True)
    return renderer


def text_settings(expression, size_pt, text_colour, halo_colour, bold=False, italic=False, spacing=0.0):
    """Label settings with a halo. The font family is set when the style is loaded."""
    font = QFont("Sans")
    font.setBold(bold)
    font.setItalic(italic)
    font.setLetterSpacing(QFont.SpacingType.AbsoluteSpacing, spacing)
    style = QgsTextFormat()
    style.setFont(font)
    style.setSize(size_pt)
    style.setColor(colour(text_colour))
    halo = style.buffer()
    halo.setEnabled(True)
    halo.setSize(0.7)
    halo.setColor(colour(halo_colour, 0.85))
    style.setBuffer(halo)
    settings = QgsPalLayerSettings()
    settings.setFormat(style)
    settings.fieldName = expression
    settings.isExpression = True
    return settings


def along_line(settings):
    """Labels that follow a line, once for touching lines of one name."""
    settings.placement = QgsPalLayerSettings.Placement.Curved
    settings.lineSettings().setMergeLines(True)
    settings.repeatDistance = 90
    settings.repeatDistanceUnit = QgsUnitTypes.RenderUnit.RenderMillimeters
    return settings


def label_rules(rows):
    """Rule labelling from (filter, settings, largest, smallest scale) rows; 0: no limit."""
    root = QgsRuleBasedLabeling.Rule(None)
    for number, (condition, settings, largest, smallest) in enumerate(rows):
        rule = QgsRuleBasedLabeling.Rule(settings, int(largest), int(smallest), condition)
        rule.setRuleKey(f"label.{number}")
        root.appendChild(rule)
    return QgsRuleBasedLabeling(root)
