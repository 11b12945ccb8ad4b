"""Draws CityGap's layer styles and saves them as `layers/styles/*.qml`.

Run with QGIS's Python after a change to `style_themes.py`, `style_base.py` or the pipe classes' table; the
seed keeps the order of attributes, so that a diff shows what changed::

    QT_HASH_SEED=0 QT_QPA_PLATFORM=offscreen .venv-qgis/bin/python scripts/make_styles.py

Legend texts and letters are saved as keys of `standards/labels.csv`; the plugin turns them into words when it
loads a style.
"""

from __future__ import annotations

import csv
import re
import sys
from pathlib import Path

from qgis.core import QgsApplication, QgsMapLayer, QgsVectorLayer
from style_base import base_styles
from style_themes import theme_styles

ROOT = Path(__file__).resolve().parent.parent
STYLES = ROOT / "layers" / "styles"


def pipe_colours():
    """Class code to its standard colour, from the table that ships."""
    with open(ROOT / "standards" / "pipe_classes.csv", encoding="utf-8-sig", newline="") as file:
        return {row["class_code"]: row["rgb_hex"] for row in csv.DictReader(file)}


def save(name, kind, renderer, labels, smallest_scale):
    """Save one style; what a QGIS writes of its own (layer ids, random rule keys) is left out."""
    layer = QgsVectorLayer(f"{kind.capitalize()}?crs=EPSG:3857", name, "memory")
    layer.setRenderer(renderer)
    if name == "bodies_polygon":
        layer.setOpacity(0.42)
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
    made = {**theme_styles(pipe_colours()), **base_styles()}
    for path in STYLES.glob("*.qml"):
        if path.stem not in made:
            path.unlink()
    for name, style in made.items():
        save(name, *style)
    print(f"{len(made)} styles in {STYLES.relative_to(ROOT)}")
    app.exitQgis()


if __name__ == "__main__":
    main()
