"""The sample city: a generator, one city for demo, docs and tests."""
