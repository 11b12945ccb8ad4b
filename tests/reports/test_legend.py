"""QGIS picks up the aliases that lie beside the shapefiles."""

import os
import subprocess
import sys
from importlib.util import find_spec

import pytest

SHOW = """
import sys
from qgis.core import QgsApplication, QgsVectorLayer
application = QgsApplication([], False)
application.initQgis()
layer = QgsVectorLayer(sys.argv[1], "gaps", "ogr")
print(layer.isValid(), layer.featureCount(), layer.renderer().type(), layer.crs().authid())
print(layer.attributeDisplayName(layer.fields().indexOf("obj_id")))
print(next(layer.getFeatures())["text"])
del layer
application.exitQgis()
"""


def test_qgis_shows_both_titles(write, out, gap):
    if find_spec("qgis") is None:
        pytest.skip("no QGIS in this Python: the other venv runs it")
    write([gap(text="背街小巷")])
    shown = subprocess.run(
        [sys.executable, "-c", SHOW, str(out / "gap_report_pt.shp")],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "QT_QPA_PLATFORM": "offscreen"},
    )
    assert shown.stdout.splitlines()[-3:] == [
        "True 1 singleSymbol EPSG:4549",
        "对象编号 Object id",
        "背街小巷",
    ]
