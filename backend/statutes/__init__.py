"""Statutes: articles with their versions, the search that finds those near a question, and references to them."""
