"""Proposals: what a person puts together for a resident out of their talk; only the resident's own word files it."""
