"""GCJ-02 and BD-09 against published test vectors."""

import numpy as np
import pytest

from citygap.engine.gcj02 import bd09, bd09_of_gcj02, gcj02, gcj02_twice, undone

VECTORS = np.array(
    [
        (121.473700, 31.230400, 121.47822306, 31.22845774, 121.48478147, 31.23431059),
        (121.499800, 31.239700, 121.50423275, 31.23768600, 121.51084200, 31.24333499),
        (121.320000, 31.195000, 121.32452162, 31.19304047, 121.33092375, 31.19939251),
        (121.805000, 31.150000, 121.80929095, 31.14789386, 121.81570057, 31.15421491),
        (121.250000, 31.375000, 121.25443803, 31.37303356, 121.26103510, 31.37868690),
        (121.397500, 31.623000, 121.40218538, 31.62125880, 121.40872185, 31.62711357),
        (121.342000, 30.727000, 121.34653118, 30.72481951, 121.35301937, 30.73088649),
        (121.458000, 30.918000, 121.46254371, 30.91592438, 121.46899406, 30.92205940),
        (121.113000, 31.151000, 121.11760697, 31.14911641, 121.12413432, 31.15497320),
        (121.930000, 30.900000, 121.93408971, 30.89763602, 121.94052351, 30.90390732),
    ]
)
WGS, GCJ, BD = VECTORS.T[:2], VECTORS.T[2:4], VECTORS.T[4:]


@pytest.mark.parametrize(
    "convert, start, end", [(gcj02, WGS, GCJ), (bd09_of_gcj02, GCJ, BD), (bd09, WGS, BD)]
)
def test_forward(convert, start, end):
    assert np.abs(np.array(convert(*start)) - end).max() < 1e-7


@pytest.mark.parametrize("convert", [gcj02, bd09_of_gcj02, bd09, gcj02_twice])
def test_round_trip(convert):
    assert np.abs(np.array(undone(convert, *convert(*WGS))) - WGS).max() < 1e-8


def test_nothing_is_shifted_abroad():
    paris = np.array([2.35]), np.array([48.86])
    assert np.array_equal(gcj02(*paris), paris)
    assert np.array_equal(undone(gcj02, *paris), paris)
