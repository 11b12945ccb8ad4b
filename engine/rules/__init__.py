"""The rules, one file a family; `engine.registry` lists them."""
