"""The gap engine: rules over the tables of a city. Knows no Qt, no files, no database."""
