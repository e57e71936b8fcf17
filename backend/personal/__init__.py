"""A resident's own data: given out, or deleted, when they ask."""
