"""Puts a style on a layer and turns its keys into words of the screen's language."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from qgis.core import (
    QgsCategorizedSymbolRenderer,
    QgsFontMarkerSymbolLayer,
    QgsNullSymbolRenderer,
    QgsPalLayerSettings,
    QgsRendererCategory,
    QgsRuleBasedLabeling,
    QgsRuleBasedRenderer,
    QgsSymbol,
    QgsVectorLayer,
    QgsVectorLayerSimpleLabeling,
)
from qgis.PyQt.QtGui import QColor
from qgis.PyQt.QtWidgets import QApplication

from ..model.errors import CityGapError
from .labels import label
from .rows import Bodies

STYLES = Path(__file__).resolve().parent / "styles"


def apply_style(layer: QgsVectorLayer, style: str, language: str, bodies: Bodies) -> None:
    """Give a layer a style of ``styles/``; without one nothing of it is drawn.

    Raises
    ------
    CityGapError
        ``bad_style`` if the style can't be loaded: the installation is damaged.
    """
    if not style:
        if layer.isSpatial():
            layer.setRenderer(QgsNullSymbolRenderer())
        return
    path = STYLES / f"{style}.qml"
    message, loaded = layer.loadNamedStyle(str(path))
    if not loaded:
        raise CityGapError("bad_style", message, file=str(path), remedy="Install the plugin again.")
    _word_renderer(layer, language)
    if bodies.column:
        _paint_bodies(layer.renderer(), bodies)
    _word_labels(layer)


def _word_renderer(layer: QgsVectorLayer, language: str) -> None:
    renderer = layer.renderer()
    if isinstance(renderer, QgsCategorizedSymbolRenderer):
        for index, category in enumerate(renderer.categories()):
            renderer.updateCategoryLabel(index, label(category.label(), language))
    elif isinstance(renderer, QgsRuleBasedRenderer):
        for rule in renderer.rootRule().children():
            rule.setLabel(label(rule.label(), language))
            for mark in _letters(rule.symbol()):
                mark.setCharacter(label(mark.character(), language))
                mark.setFontFamily(QApplication.font().family())


def _letters(symbol: QgsSymbol) -> Iterator[QgsFontMarkerSymbolLayer]:
    """The characters of a symbol, wherever they are nested."""
    for index in range(symbol.symbolLayerCount()):
        part = symbol.symbolLayer(index)
        if isinstance(part, QgsFontMarkerSymbolLayer):
            yield part
        elif part.subSymbol() is not None:
            yield from _letters(part.subSymbol())


def _paint_bodies(renderer: QgsCategorizedSymbolRenderer, bodies: Bodies) -> None:
    """A class for each body in its colour, before the class of others and that of none."""
    other, unrecorded = (QgsRendererCategory(category) for category in renderer.categories())
    renderer.deleteAllCategories()
    for body, colour in bodies.colours:
        renderer.addCategory(QgsRendererCategory(body, _painted(other.symbol(), colour), _plain(body)))
    renderer.addCategory(unrecorded)
    # An empty value is QGIS's word for every value without a class.
    other.setValue("")
    renderer.addCategory(other)
    column = bodies.column
    renderer.setClassAttribute(
        f"CASE WHEN trim(coalesce(\"{column}\", '')) = '' THEN 'unrecorded' ELSE \"{column}\" END"
    )


def _painted(pattern: QgsSymbol, colour: str) -> QgsSymbol:
    """A copy in another colour, each part as opaque as it was."""
    symbol = pattern.clone()
    for part in symbol.symbolLayers():
        paint = QColor(colour)
        paint.setAlpha(part.color().alpha())
        part.setColor(paint)
    return symbol


def _plain(text: str) -> str:
    """A legend text that QGIS does not take for a template."""
    return text.replace("[%", "[ %")


def _word_labels(layer: QgsVectorLayer) -> None:
    """Write map labels in the screen's font, as the style's may not be installed."""
    labeling = layer.labeling()
    if isinstance(labeling, QgsRuleBasedLabeling):
        for rule in labeling.rootRule().children():
            rule.setSettings(_in_screen_font(rule.settings()))
    elif isinstance(labeling, QgsVectorLayerSimpleLabeling):
        layer.setLabeling(QgsVectorLayerSimpleLabeling(_in_screen_font(labeling.settings())))


def _in_screen_font(settings: QgsPalLayerSettings) -> QgsPalLayerSettings:
    changed = QgsPalLayerSettings(settings)
    style = changed.format()
    font = style.font()
    font.setFamily(QApplication.font().family())
    style.setFont(font)
    changed.setFormat(style)
    return changed
