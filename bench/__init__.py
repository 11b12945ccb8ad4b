"""Measures the engine beside other tools, and its own cost as cities grow."""
