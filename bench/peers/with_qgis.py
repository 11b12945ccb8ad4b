"""The six questions in QGIS: its Processing algorithms, as a planner would chain them."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
sys.path.append("/usr/share/qgis/python/plugins")

import numpy as np
import processing
from answering import (
    CELL_M,
    CLASSES,
    END_M,
    GAS_M,
    OLD_UNTIL,
    PATROL_M,
    REACH_CLASSES,
    REACH_M,
    SEGMENTS,
    STREET_M,
    STREET_SHARE,
    TOUCH_M,
    Answer,
    ends,
    ids,
    lengths,
    main,
)
from processing.core.Processing import Processing
from qgis.core import Qgis, QgsApplication, QgsVectorLayer

Layers = dict[str, QgsVectorLayer]


def load(folder: Path) -> Layers:
    """The layers of a GeoPackage, which has a spatial index for each."""
    layers = {
        name: QgsVectorLayer(f"{folder / 'town.gpkg'}|layername={name}", name, "ogr")
        for name in ("buildings", "pipes", "roads", "tracks")
    }
    if not all(layer.isValid() for layer in layers.values()):
        raise SystemExit("QGIS cannot open the town's GeoPackage")
    return layers


def run(name: str, **parameters: Any) -> QgsVectorLayer:
    return processing.run(f"native:{name}", {"OUTPUT": "memory:", **parameters})["OUTPUT"]


def where(layer: QgsVectorLayer, expression: str) -> QgsVectorLayer:
    found = run("extractbyexpression", INPUT=layer, EXPRESSION=expression)
    run_index(found)
    return found


def run_index(layer: QgsVectorLayer) -> None:
    processing.run("native:createspatialindex", {"INPUT": layer})


def columns(layer: QgsVectorLayer, *names: str) -> list[list[Any]]:
    places = [layer.fields().indexOf(name) for name in names]
    rows = [feature.attributes() for feature in layer.getFeatures()]
    return [[row[place] for row in rows] for place in places]


def old_by_gas(layers: Layers) -> Answer:
    near = run(
        "extractwithindistance",
        INPUT=where(layers["buildings"], f"built_year <= {OLD_UNTIL}"),
        REFERENCE=where(layers["pipes"], "class_code = 'RQ'"),
        DISTANCE=GAS_M,
    )
    return ids(columns(near, "id")[0])


def unreached(layers: Layers) -> Answer:
    everybody = np.array(columns(layers["buildings"], "id")[0], dtype="int64")
    answer = {}
    for code in REACH_CLASSES:
        near = run(
            "extractwithindistance",
            INPUT=layers["buildings"],
            REFERENCE=where(layers["pipes"], f"class_code = '{code}'"),
            DISTANCE=REACH_M,
        )
        answer[code] = np.setdiff1d(everybody, np.array(columns(near, "id")[0], dtype="int64"))
    return answer


def unpatrolled(layers: Layers) -> Answer:
    buffers = run("buffer", INPUT=layers["tracks"], DISTANCE=PATROL_M, SEGMENTS=SEGMENTS, DISSOLVE=False)
    run_index(buffers)
    left = run("difference", INPUT=where(layers["buildings"], f"built_year <= {OLD_UNTIL}"), OVERLAY=buffers)
    return {"area": np.array(sum(feature.geometry().area() for feature in left.getFeatures()))}


def length_per_cell(layers: Layers) -> Answer:
    bounds = layers["pipes"].extent()
    west, south = (int(np.floor(low / CELL_M)) for low in (bounds.xMinimum(), bounds.yMinimum()))
    east, north = (int(np.floor(high / CELL_M)) + 1 for high in (bounds.xMaximum(), bounds.yMaximum()))
    cells = run(
        "creategrid",
        TYPE=2,
        EXTENT=f"{west * CELL_M},{east * CELL_M},{south * CELL_M},{north * CELL_M}",
        HSPACING=CELL_M,
        VSPACING=CELL_M,
        CRS=layers["pipes"].crs(),
    )
    run_index(cells)
    cut = run("intersection", INPUT=layers["pipes"], OVERLAY=cells, INPUT_FIELDS=["class_code"])
    code, left, bottom = columns(cut, "class_code", "left", "bottom")
    metres = np.array([feature.geometry().length() for feature in cut.getFeatures()])
    column = np.round(np.array(left, dtype="float64") / CELL_M).astype("int64")
    row = np.round(np.array(bottom, dtype="float64") / CELL_M).astype("int64")
    number = np.array([CLASSES.index(name) for name in code])
    keys, place = np.unique(np.column_stack([column, row, number]), axis=0, return_inverse=True)
    sums = np.bincount(place.reshape(-1), weights=metres)
    keys, sums = keys[sums > 0], sums[sums > 0]
    return lengths(keys[:, 0], keys[:, 1], keys[:, 2], sums)


def loose_ends(layers: Layers) -> Answer:
    """Nearest pipes of each end, its own among them; joined class by class."""
    pipes, which = [], []
    for code in CLASSES:
        mine = where(layers["pipes"], f"class_code = '{code}'")
        places = run("extractspecificvertices", INPUT=mine, VERTICES="0,-1")
        # The distance along the pipe has the name that the join would give to its own.
        places = run("retainfields", INPUT=places, FIELDS=["id", "vertex_pos"])
        joined = run(
            "joinbynearest",
            INPUT=places,
            INPUT_2=mine,
            FIELDS_TO_COPY=["id"],
            NEIGHBORS=2,
            MAX_DISTANCE=END_M,
        )
        own, position, other, gap = (np.array(part, dtype="float64") for part in _joined(joined))
        mine_too = own == other
        own, position, gap = own[~mine_too], position[~mine_too], gap[~mine_too]
        end = own.astype("int64") * 2 + (position < 0)
        order = np.lexsort((gap, end))
        end, first = np.unique(end[order], return_index=True)
        loose = end[gap[order][first] > TOUCH_M]
        pipes.append(loose // 2)
        which.append(loose % 2)
    return ends(np.concatenate(pipes), np.concatenate(which))


def _joined(layer: QgsVectorLayer) -> list[list[Any]]:
    rows = columns(layer, "id", "vertex_pos", "id_2", "distance")
    matched = [bool(other) or other == 0 for other in rows[2]]
    return [[value for value, keep in zip(column, matched) if keep] for column in rows]


def bare_streets(layers: Layers) -> Answer:
    strips = run(
        "buffer",
        INPUT=layers["pipes"],
        DISTANCE=STREET_M,
        SEGMENTS=SEGMENTS,
        END_CAP_STYLE=1,
        DISSOLVE=False,
    )
    run_index(strips)
    left = run("difference", INPUT=layers["roads"], OVERLAY=strips)
    whole = {feature["id"]: feature.geometry().length() for feature in layers["roads"].getFeatures()}
    bare = {feature["id"]: feature.geometry().length() for feature in left.getFeatures()}
    return ids([road for road, length in bare.items() if length >= STREET_SHARE * whole[road]])


if __name__ == "__main__":
    application = QgsApplication([], False)
    application.initQgis()
    Processing.initialize()
    main(
        load,
        (old_by_gas, unreached, unpatrolled, length_per_cell, loose_ends, bare_streets),
        lambda: f"QGIS {Qgis.QGIS_VERSION.split('-')[0]}, GEOS {Qgis.geosVersion()}",
    )
    application.exitQgis()
