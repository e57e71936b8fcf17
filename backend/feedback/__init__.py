"""Messages that staff saw misunderstood, with the intent they meant, to learn from."""
