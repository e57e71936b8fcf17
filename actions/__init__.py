"""Rasa's custom actions: what the assistant does between understanding and answering. No sentence stands here."""
