"""Rasa graph components of our own: what a message means, and whether somebody is in danger."""
