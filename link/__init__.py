"""QGIS's end of the pipe: finds a Python for the worker, starts it, asks it, and outlives its crashes."""
