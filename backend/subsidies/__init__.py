"""Subsidies: which ones a person may have, the application, its review and the money."""
