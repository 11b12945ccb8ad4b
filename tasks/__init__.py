"""What runs long, as QGIS's task manager shows it: requests to the worker and snapshots of layers."""
