"""The gap report as files other programs open, each read back after writing."""
