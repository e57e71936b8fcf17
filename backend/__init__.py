"""The record: who lives where, what was said, what was reported, and what became of it."""
