"""Map layers from the store and the city: groups, styles, map tips, forms."""
