"""Reads what a city has: which layer is which role, which column is which field, in one metric CRS."""
