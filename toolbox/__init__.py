"""The Processing provider: CityGap's commands as algorithms, also for `qgis_process` and models."""
