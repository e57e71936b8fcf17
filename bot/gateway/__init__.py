"""Everything a resident touches: channels, turns, deliveries and the resident page."""
