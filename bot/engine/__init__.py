"""Rasa 3.6 as a library: one small server that turns a resident's message into replies."""
